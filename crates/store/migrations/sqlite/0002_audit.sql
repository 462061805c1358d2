-- What happened, in the order of its commits.
CREATE TABLE audit (
  seq      INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  action   TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  client   TEXT,
  decision TEXT,
  detail   TEXT    NOT NULL -- JSON object
) STRICT;
