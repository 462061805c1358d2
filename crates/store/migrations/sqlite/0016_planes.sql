-- Sessions know where they count, and where their user signed in from.

ALTER TABLE sessions ADD COLUMN plane TEXT NOT NULL DEFAULT 'data' CHECK (plane IN ('data', 'control'));
ALTER TABLE sessions ADD COLUMN client_address TEXT; -- NULL: not known
