-- Limits: by what they count keys, and what quotas that outlive a crash may have admitted.

ALTER TABLE api_keys ADD COLUMN line TEXT; -- the first key in its line of rotations; NULL: itself

UPDATE api_keys SET line = (
  WITH RECURSIVE older (id, replaces, steps) AS (
    SELECT one.id, one.replaces, 0 FROM api_keys one WHERE one.id = api_keys.id
    UNION ALL
    SELECT k.id, k.replaces, older.steps + 1 FROM older JOIN api_keys k ON k.id = older.replaces
  )
  SELECT id FROM older ORDER BY steps DESC LIMIT 1
) WHERE replaces IS NOT NULL;

-- Written before it is admitted: after a crash, all of it counts as used.
CREATE TABLE reserves (
  limit_id INTEGER NOT NULL, -- 64 bits of the limit's name, kind and window
  subject  TEXT    NOT NULL, -- whom it counts
  ends_at  INTEGER NOT NULL, -- of the window
  upto     INTEGER NOT NULL, -- how much it may have admitted
  PRIMARY KEY (limit_id, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX reserves_by_end ON reserves (ends_at);
