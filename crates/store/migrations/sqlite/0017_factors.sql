-- Second factors of users, and the codes for the day they are lost.

CREATE TABLE factors (
  id           TEXT    NOT NULL PRIMARY KEY,
  user         TEXT    NOT NULL REFERENCES users (id),
  kind         TEXT    NOT NULL,
  sealed       BLOB    NOT NULL,  -- its secret, encrypted with the master key
  created_at   INTEGER NOT NULL,
  confirmed_at INTEGER,           -- NULL: it does not count yet
  last_step    INTEGER            -- of codes by time: the last step whose code was taken
) STRICT;

CREATE INDEX factors_of_user ON factors (user);
CREATE UNIQUE INDEX authenticators_of_user ON factors (user) WHERE kind = 'totp';

CREATE TABLE recovery_codes (
  user     TEXT    NOT NULL REFERENCES users (id),
  digest   BLOB    NOT NULL CHECK (length(digest) = 32), -- keyed, with the store's own key
  spent_at INTEGER,
  PRIMARY KEY (user, digest)
) STRICT, WITHOUT ROWID;
