-- Requests that are to be carried out once, by a digest of who asks, for what, and of the caller's own key for it; and what was
-- answered, sealed with a key that comes of the same and is kept nowhere.
CREATE TABLE once (
    name    BLOB    NOT NULL PRIMARY KEY,
    request BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    answer  BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX once_at ON once (at);
