-- Sums of usage of many callers at once, written as they came and added to usage some seconds later, all together.
CREATE TABLE IF NOT EXISTS usage_waiting (
    seq INTEGER PRIMARY KEY,
    counts TEXT NOT NULL -- JSON: [[hour, principal, credential, route, outcome, count], …]
) STRICT;
