-- Links by which users set their passwords: one of a user at most, gone once it was used.

CREATE TABLE invitations (
  user       TEXT    NOT NULL PRIMARY KEY REFERENCES users (id),
  digest     BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32), -- SHA-256 of its token
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
