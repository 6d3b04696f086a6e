-- What all runs of a day used up, by the transaction that ends each: whoever asks what today has left reads one row. The
-- days are those of the configured zone.

CREATE TABLE spending (
    day       TEXT NOT NULL PRIMARY KEY,
    micro_usd INTEGER NOT NULL,
    tokens    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
