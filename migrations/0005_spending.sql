-- What all runs of a day used up, by the transaction that ends each: whoever asks what today has left reads one row. The
-- days are those of the configured zone.

CREATE TABLE spending (
    day       TEXT NOT NULL PRIMARY KEY,
    micro_usd INTEGER NOT NULL,
    tokens    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was spent before is booked on days of UTC: the zone isn't known here.
INSERT INTO spending
    SELECT date(ended_at), sum(ifnull(micro_usd, 0)), sum(ifnull(json_extract(outcome, '$.usage.input_tokens'), 0)
        + ifnull(json_extract(outcome, '$.usage.output_tokens'), 0))
    FROM runs WHERE ended_at IS NOT NULL AND outcome IS NOT NULL GROUP BY date(ended_at);

-- Holds of one kind belong together until a run has got through.
ALTER TABLE holds ADD COLUMN overcome_at TEXT;
UPDATE holds SET overcome_at = ended_at;
CREATE INDEX unovercome_holds ON holds (id) WHERE overcome_at IS NULL;

INSERT INTO tallies VALUES ('runs', 'not_resumed', 0);
