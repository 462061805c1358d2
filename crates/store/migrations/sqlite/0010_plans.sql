-- The plan of an account, by its name in the configuration; NULL: the one for whoever has none.

ALTER TABLE accounts ADD COLUMN plan TEXT;
