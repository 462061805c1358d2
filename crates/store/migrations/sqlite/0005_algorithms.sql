-- Signing keys of further algorithms: public halves of any length, and symmetric keys, which have none.

-- SQLite alters no CHECK: the table is made anew (https://www.sqlite.org/lang_altertable.html#otheralter). Nothing refers to it.
CREATE TABLE new_signing_keys (
  id         TEXT    NOT NULL PRIMARY KEY,
  algorithm  TEXT    NOT NULL,
  public     BLOB    CHECK ((public IS NULL) = (algorithm = 'HS256')),
  sealed     BLOB    NOT NULL, -- the private half, encrypted with the master key
  created_at INTEGER NOT NULL,
  retired_at INTEGER
) STRICT;

INSERT INTO new_signing_keys (id, algorithm, public, sealed, created_at, retired_at)
SELECT id, algorithm, public, sealed, created_at, retired_at FROM signing_keys;

DROP TABLE signing_keys;

ALTER TABLE new_signing_keys RENAME TO signing_keys;
