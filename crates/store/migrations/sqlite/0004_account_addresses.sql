-- Where the keys and tokens of an account may be used from: a JSON list of networks, empty = anywhere.

ALTER TABLE accounts ADD COLUMN allowed_ips TEXT NOT NULL DEFAULT '[]';
