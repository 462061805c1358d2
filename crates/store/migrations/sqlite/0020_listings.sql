-- Listings: what is looked for stands in one text for each record, and one narrow index has all that a listing filters and sorts by,
-- so that a page that few records fit reads no record besides them. See docs/decisions/0040-lists-read-what-may-fit.md.

-- No name, id or reference holds a line break: what is looked for lies within one of them.
ALTER TABLE api_keys ADD COLUMN search TEXT
  GENERATED ALWAYS AS (name || char(10) || id || char(10) || prefix || char(10) || coalesce(external_id, '')) VIRTUAL;
ALTER TABLE users ADD COLUMN search TEXT
  GENERATED ALWAYS AS (username || char(10) || id || char(10) || coalesce(external_id, '')) VIRTUAL;
ALTER TABLE accounts ADD COLUMN search TEXT
  GENERATED ALWAYS AS (name || char(10) || id || char(10) || coalesce(external_id, '')) VIRTUAL;

DROP INDEX api_keys_by_age;
CREATE INDEX api_keys_listing ON api_keys (
  created_at, id, search, name, owner, account, mode, expires_at, last_used_at, disabled_at, revoked_at, overlap_ends_at
);
CREATE INDEX api_keys_of_account ON api_keys (account, created_at, id) WHERE account IS NOT NULL;

DROP INDEX users_by_age;
CREATE INDEX users_listing ON users (created_at, id, search, account, disabled_at, roles);
CREATE INDEX users_paused ON users (id) WHERE disabled_at IS NOT NULL;

CREATE INDEX accounts_listing ON accounts (created_at, id, search, external_id, plan, disabled_at);
CREATE INDEX accounts_paused ON accounts (id) WHERE disabled_at IS NOT NULL;

CREATE INDEX audit_by_action ON audit (action, seq);
