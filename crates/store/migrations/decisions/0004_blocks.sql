-- What stands in each 1,024 decisions, so that a list reads only those that may hold what is asked for.
-- See docs/decisions/0040-lists-read-what-may-fit.md.
CREATE TABLE IF NOT EXISTS blocks (
    block INTEGER PRIMARY KEY, -- seq / 1024
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    holds BLOB NOT NULL -- a Bloom filter of outcomes, routes, principals, credentials and clients: crates/store/src/sqlite/bloom.rs
) STRICT;
