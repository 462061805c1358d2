-- Keys that other programs made. Until one is shown for the first time only a hash of it may be known, by which it cannot be found.

CREATE TABLE imported_keys (
  api_key TEXT NOT NULL PRIMARY KEY REFERENCES api_keys (id),
  hash    TEXT -- of bcrypt or argon2; NULL: its digest stands in api_keys
) STRICT, WITHOUT ROWID;
