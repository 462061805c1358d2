-- Requests by the minute and by the hour (span: how many milliseconds), and how long those took that were let pass.
-- See docs/decisions/0039-figures-for-charts.md.
CREATE TABLE IF NOT EXISTS figures (
    span INTEGER NOT NULL,
    at INTEGER NOT NULL,
    route TEXT NOT NULL, -- '' stands for none, so that the key holds
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (span, at, route, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS spans (
    span INTEGER NOT NULL,
    at INTEGER NOT NULL,
    class INTEGER NOT NULL, -- crates/engine/src/figures.rs says where each begins
    count INTEGER NOT NULL,
    PRIMARY KEY (span, at, class)
) STRICT, WITHOUT ROWID;
