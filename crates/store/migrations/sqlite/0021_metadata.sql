-- What operators keep beside a key, and sessions of browsers among many by tokens.

ALTER TABLE api_keys ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}'; -- JSON object of texts; no decision reads it

-- Few are by cookie where programs sign in by tokens, so that a page of them would read very many others.
CREATE INDEX sessions_of_browsers ON sessions (id) WHERE seen_at IS NOT NULL;
