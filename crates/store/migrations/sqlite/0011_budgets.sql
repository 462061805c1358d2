-- What an account may use beside its plan or in place of it, and what a key may use; what was used stands in reserves.

ALTER TABLE accounts ADD COLUMN limits TEXT NOT NULL DEFAULT '[]'; -- JSON list of REQUESTS/WINDOW; []: those of its plan
ALTER TABLE accounts ADD COLUMN budget TEXT;                       -- AMOUNT or AMOUNT/WINDOW; NULL: without bound

-- Of a key and all others in its line of rotations, by the first of them.
CREATE TABLE key_budgets (
  line   TEXT NOT NULL PRIMARY KEY REFERENCES api_keys (id),
  budget TEXT NOT NULL -- AMOUNT or AMOUNT/WINDOW
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_of_line ON api_keys (line) WHERE line IS NOT NULL;
