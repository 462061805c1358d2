-- Sessions by cookie beside those by tokens: known by the digest of the cookie, and over when nobody has used it for long.

ALTER TABLE sessions ADD COLUMN cookie BLOB CHECK (cookie IS NULL OR length(cookie) = 32); -- SHA-256 of the whole cookie
ALTER TABLE sessions ADD COLUMN seen_at INTEGER; -- about when it was last used; NULL: a session by tokens

CREATE UNIQUE INDEX sessions_by_cookie ON sessions (cookie) WHERE cookie IS NOT NULL;
