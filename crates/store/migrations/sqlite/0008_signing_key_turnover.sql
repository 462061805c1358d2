-- From when on a signing key signs: it is announced before, so that whoever keeps the public keys has it by then.

ALTER TABLE signing_keys ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;

UPDATE signing_keys SET active_at = created_at;
