-- The customer portal: whom of an account it is for, links that let its people in once, and sessions that came by one.

ALTER TABLE accounts ADD COLUMN portal_user TEXT REFERENCES users (id); -- made with the account's first link

ALTER TABLE sessions ADD COLUMN portal INTEGER NOT NULL DEFAULT 0 CHECK (portal IN (0, 1)); -- 1: no more than self:*

CREATE TABLE portal_links (
  digest     BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of its token
  user       TEXT    NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
