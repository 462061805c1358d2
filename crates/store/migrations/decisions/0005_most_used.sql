-- Of each hour that is over, the credentials that most requests came with: who may be among the first of many hours.
CREATE TABLE IF NOT EXISTS most_used (
    hour INTEGER NOT NULL,
    place INTEGER NOT NULL,
    principal TEXT NOT NULL,
    credential TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, place)
) STRICT, WITHOUT ROWID;
