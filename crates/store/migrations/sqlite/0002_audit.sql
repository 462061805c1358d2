-- The audit log: one row for each change and security event, written in its transaction, sealed soon after.

-- AUTOINCREMENT never gives a number twice, and a rolled-back transaction takes its number back: numbers have no gaps, are
-- in commit order, and a row that was deleted leaves a hole for good.
CREATE TABLE audit (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  action   TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  client   TEXT,
  decision TEXT,
  detail   TEXT    NOT NULL, -- JSON object
  key_id   TEXT,             -- with which key it was sealed; NULL: not yet
  previous BLOB,             -- the seal before
  seal     BLOB              -- HMAC-SHA-256 over all of the above
) STRICT;

CREATE INDEX audit_unsealed ON audit (seq) WHERE seal IS NULL;
CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_subject ON audit (subject, seq);
