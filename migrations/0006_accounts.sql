-- A day's account also says what was granted beyond the limits, for every session of that day, and how many of its runs
-- ended without saying what they had used up.
ALTER TABLE spending ADD COLUMN micro_usd_up_to INTEGER;
ALTER TABLE spending ADD COLUMN tokens_up_to INTEGER;
ALTER TABLE spending ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;

-- What was granted for a day stood in the session in which it was granted.
INSERT INTO spending (day, micro_usd, tokens, micro_usd_up_to, tokens_up_to)
    SELECT json_extract(value, '$.day'), 0, 0,
        CAST(round(max(json_extract(value, '$.up_to.usd')) * 1000000) AS INTEGER), max(json_extract(value, '$.up_to.tokens'))
    FROM sessions, json_each(sessions.state, '$.allowances')
    WHERE json_extract(value, '$.day') IS NOT NULL
    GROUP BY json_extract(value, '$.day')
    ON CONFLICT DO UPDATE SET
        micro_usd_up_to = excluded.micro_usd_up_to, tokens_up_to = excluded.tokens_up_to;
UPDATE sessions SET state = json_set(state, '$.allowances', (
    SELECT json_group_array(json(value)) FROM json_each(state, '$.allowances') WHERE json_extract(value, '$.day') IS NULL
)) WHERE EXISTS (
    SELECT 1 FROM json_each(state, '$.allowances') WHERE json_extract(value, '$.day') IS NOT NULL
);

-- Runs of which nobody was told what they cost.
INSERT INTO tallies SELECT 'untold', 'runs', count(*) FROM runs WHERE json_extract(outcome, '$.usage.at_least');
CREATE TRIGGER count_untold_runs AFTER UPDATE OF ended_at ON runs
WHEN OLD.ended_at IS NULL AND json_extract(NEW.outcome, '$.usage.at_least') BEGIN
    UPDATE tallies SET count = count + 1 WHERE what = 'untold' AND kind = 'runs';
END;

-- Holds that are over, found by their age.
CREATE INDEX ended_holds ON holds (ended_at) WHERE ended_at IS NOT NULL;
