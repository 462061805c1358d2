-- Keys of others. Once one was shown, its digest in api_keys is HMAC-SHA-256 with this store's tag key; until then it stands
-- for nothing, and what the others kept of the key is here.
CREATE TABLE imported_keys (
  api_key TEXT NOT NULL PRIMARY KEY REFERENCES api_keys (id),
  mark    BLOB NOT NULL UNIQUE CHECK (length(mark) = 32), -- a keyed digest of what was taken in, so that it is taken once
  begins  TEXT NOT NULL,                    -- what it begins with, as far as that is known
  lookup  BLOB CHECK (length(lookup) = 32), -- SHA-256 of it, or HMAC-SHA-256 with one of the peppers
  hash    TEXT,                             -- a hash that says itself how it is checked: bcrypt or argon2
  CHECK (lookup IS NULL OR hash IS NULL)    -- both are NULL once it was shown, or where it came in plain text
) STRICT;

CREATE INDEX imported_keys_by_lookup ON imported_keys (lookup) WHERE lookup IS NOT NULL;
CREATE INDEX imported_keys_with_hash ON imported_keys (api_key) WHERE hash IS NOT NULL;

-- What others mixed into their hashes; sealed with the master key.
CREATE TABLE imported_peppers (
  id     INTEGER PRIMARY KEY,
  sealed BLOB    NOT NULL
) STRICT;
