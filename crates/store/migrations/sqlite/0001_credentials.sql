-- Users, API keys, and the feed that tells memory of their changes. Times are milliseconds since the Unix epoch (UTC).

-- "KWRD": so that Keyward knows its own files, and `file` can too.
PRAGMA application_id = 1264013892;

-- What a store keeps once. Tags made with another key or in another way will carry another id or version.
CREATE TABLE meta (
  one             INTEGER PRIMARY KEY CHECK (one = 1),
  created_at      INTEGER NOT NULL,
  tag_key_id      INTEGER NOT NULL DEFAULT 1,
  tag_key_version INTEGER NOT NULL DEFAULT 1,
  tag_key         BLOB    NOT NULL CHECK (length(tag_key) = 32)
) STRICT;

CREATE TABLE users (
  id          TEXT    NOT NULL PRIMARY KEY,
  username    TEXT    NOT NULL UNIQUE,
  roles       TEXT    NOT NULL DEFAULT '[]', -- JSON list of names
  created_at  INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT;

CREATE TABLE api_keys (
  id              TEXT    NOT NULL PRIMARY KEY,
  owner           TEXT    NOT NULL REFERENCES users (id),
  account         TEXT,
  name            TEXT    NOT NULL,
  prefix          TEXT    NOT NULL,
  digest          BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
  digest_version  INTEGER NOT NULL DEFAULT 1, -- 1: SHA-256 of the whole key
  mode            TEXT    NOT NULL,
  scopes          TEXT,                       -- JSON list; NULL: its owner's
  allowed_ips     TEXT    NOT NULL,           -- JSON list of CIDRs; []: anywhere
  external_id     TEXT,
  created_at      INTEGER NOT NULL,
  expires_at      INTEGER,
  last_used_at    INTEGER,
  disabled_at     INTEGER,
  revoked_at      INTEGER,
  revoked_reason  TEXT,
  replaces        TEXT,
  overlap_ends_at INTEGER
) STRICT;

CREATE INDEX api_keys_of_owner ON api_keys (owner, created_at, id);
CREATE INDEX api_keys_by_age ON api_keys (created_at, id);

-- Positions are whole numbers without gaps, so that a reader sees when one was pruned before it came by.
CREATE TABLE feed (
  position INTEGER PRIMARY KEY,
  kind     TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  at       INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)) -- for people; no rule reads it
) STRICT;

-- Written last in each transaction, so that positions are in commit order.
CREATE TABLE feed_head (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  epoch    INTEGER NOT NULL, -- 64 random bits
  position INTEGER NOT NULL
) STRICT;
