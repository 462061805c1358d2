-- What is kept of decisions, in a file of its own. See docs/decisions/0007-decisions-in-a-second-file.md.
PRAGMA application_id = 0x4b574443;

-- One row for each decision, or for each fold of many.
CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    second INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    within INTEGER NOT NULL,
    level INTEGER NOT NULL,
    count INTEGER NOT NULL,
    at INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    client TEXT,
    method TEXT,
    path TEXT,
    route TEXT,
    outcome TEXT NOT NULL,
    detail TEXT,
    principal TEXT,
    credential TEXT,
    results TEXT
) STRICT;

-- An id leads here by its parts; and time does.
CREATE INDEX decisions_by_id ON decisions (second, lane, within);

-- Requests by the hour; '' stands for nobody and for no route, so that the key holds.
CREATE TABLE usage (
    hour INTEGER NOT NULL,
    principal TEXT NOT NULL,
    credential TEXT NOT NULL,
    route TEXT NOT NULL,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, principal, credential, route, outcome)
) STRICT, WITHOUT ROWID;
