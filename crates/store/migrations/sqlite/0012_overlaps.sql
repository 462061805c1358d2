-- Rotation that ends on evidence: which overlaps end once a key is quiet, and who still uses a key that was replaced.

CREATE TABLE key_overlaps (
  api_key TEXT    NOT NULL PRIMARY KEY REFERENCES api_keys (id),
  since   INTEGER NOT NULL,
  quiet   INTEGER NOT NULL -- milliseconds without a use that end it
) STRICT, WITHOUT ROWID;

CREATE TABLE key_sightings (
  api_key TEXT    NOT NULL,
  client  TEXT    NOT NULL,
  agent   TEXT    NOT NULL,
  route   TEXT    NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (api_key, client, agent, route)
) STRICT, WITHOUT ROWID;
