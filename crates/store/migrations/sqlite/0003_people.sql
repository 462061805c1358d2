-- Accounts, what users sign in with, their sessions, and the keys that sign tokens.

CREATE TABLE accounts (
  id          TEXT    NOT NULL PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  external_id TEXT    UNIQUE,
  created_at  INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT;

ALTER TABLE users ADD COLUMN account TEXT REFERENCES accounts (id);
ALTER TABLE users ADD COLUMN external_id TEXT;
ALTER TABLE users ADD COLUMN password TEXT; -- argon2id as a PHC string; NULL: nobody can sign in as this user

CREATE INDEX users_by_age ON users (created_at, id);
CREATE INDEX users_of_account ON users (account) WHERE account IS NOT NULL;
CREATE UNIQUE INDEX users_by_external_id ON users (external_id) WHERE external_id IS NOT NULL;

-- One row for each sign-in: the family of its refresh tokens.
CREATE TABLE sessions (
  id           TEXT    NOT NULL PRIMARY KEY,
  user         TEXT    NOT NULL REFERENCES users (id),
  created_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  ended_reason TEXT
) STRICT;

CREATE INDEX sessions_of_user ON sessions (user) WHERE ended_at IS NULL;

CREATE TABLE refresh_tokens (
  digest     BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  session    TEXT    NOT NULL REFERENCES sessions (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  spent_at   INTEGER -- each is good for one use
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session);

CREATE TABLE signing_keys (
  id         TEXT    NOT NULL PRIMARY KEY,
  algorithm  TEXT    NOT NULL,
  public     BLOB    NOT NULL CHECK (length(public) = 32),
  sealed     BLOB    NOT NULL, -- the private half, encrypted with the master key
  created_at INTEGER NOT NULL,
  retired_at INTEGER
) STRICT;
