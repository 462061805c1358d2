-- Key + secret pairs, and what is issued to the clients that show them.

ALTER TABLE api_keys ADD COLUMN secret BLOB CHECK (length(secret) = 32); -- of a pair: SHA-256 of its secret

ALTER TABLE sessions ADD COLUMN client TEXT REFERENCES api_keys (id); -- the key of the pair; NULL: a user signed in
ALTER TABLE sessions ADD COLUMN scopes TEXT CHECK ((scopes IS NULL) = (client IS NULL)); -- JSON list: what it was given
