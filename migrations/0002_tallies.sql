-- What there was, counted by the transaction that makes it so: whoever asks how much of it there is reads a few rows,
-- however long the history, and finds the same after any restart.

ALTER TABLE runs ADD COLUMN verdict TEXT
    GENERATED ALWAYS AS (json_extract(outcome, '$.verdict.kind')) VIRTUAL;
ALTER TABLE runs ADD COLUMN micro_usd INTEGER
    GENERATED ALWAYS AS (CAST(round(json_extract(outcome, '$.usage.cost') * 1000000) AS INTEGER)) VIRTUAL;
ALTER TABLE runs ADD COLUMN milliseconds INTEGER
    GENERATED ALWAYS AS (
        CAST(round((julianday(ended_at) - julianday(claimed_at)) * 86400000) AS INTEGER)
    ) VIRTUAL;
ALTER TABLE gates ADD COLUMN decision TEXT
    GENERATED ALWAYS AS (json_extract(closing, '$.decision')) VIRTUAL;
ALTER TABLE gates ADD COLUMN milliseconds INTEGER
    GENERATED ALWAYS AS (
        CAST(round((julianday(json_extract(closing, '$.at')) - julianday(opened_at)) * 86400000) AS INTEGER)
    ) VIRTUAL;

CREATE TABLE tallies (
    what  TEXT NOT NULL,
    kind  TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (what, kind)
) STRICT, WITHOUT ROWID;

-- How many took longer than `above` and at most `up_to` milliseconds, and how long those took together.
CREATE TABLE durations (
    what         TEXT NOT NULL,
    up_to        INTEGER NOT NULL,
    above        INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    PRIMARY KEY (what, up_to)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER count_events AFTER INSERT ON events BEGIN
    INSERT INTO tallies VALUES ('events', NEW.kind, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER count_new_sessions AFTER INSERT ON sessions BEGIN
    INSERT INTO tallies VALUES ('sessions', NEW.status, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER count_sessions AFTER UPDATE OF state ON sessions WHEN OLD.status <> NEW.status BEGIN
    UPDATE tallies SET count = count - 1 WHERE what = 'sessions' AND kind = OLD.status;
    INSERT INTO tallies VALUES ('sessions', NEW.status, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER count_runs AFTER UPDATE OF ended_at ON runs
WHEN OLD.ended_at IS NULL AND NEW.verdict IS NOT NULL BEGIN
    INSERT INTO tallies VALUES ('runs', NEW.verdict, 1), ('micro_usd', 'spent', ifnull(NEW.micro_usd, 0))
        ON CONFLICT DO UPDATE SET count = count + excluded.count;
    UPDATE durations SET count = count + 1, milliseconds = milliseconds + max(0, NEW.milliseconds)
        WHERE what = 'runs' AND NEW.verdict <> 'never_ran'
            AND above < max(0, NEW.milliseconds) AND max(0, NEW.milliseconds) <= up_to;
END;

-- A gate that was withdrawn was answered by nobody.
CREATE TRIGGER count_gates AFTER UPDATE OF closing ON gates
WHEN OLD.closing IS NULL AND NEW.decision <> 'withdrawn' BEGIN
    UPDATE durations SET count = count + 1, milliseconds = milliseconds + max(0, NEW.milliseconds)
        WHERE what = 'gates' AND above < max(0, NEW.milliseconds) AND max(0, NEW.milliseconds) <= up_to;
END;

INSERT INTO tallies SELECT 'events', kind, count(*) FROM events GROUP BY kind;
INSERT INTO tallies SELECT 'sessions', status, count(*) FROM sessions GROUP BY status;
INSERT INTO tallies SELECT 'runs', verdict, count(*) FROM runs WHERE verdict IS NOT NULL GROUP BY verdict;
INSERT INTO tallies SELECT 'micro_usd', 'spent', ifnull(sum(micro_usd), 0) FROM runs;

-- What hasn't happened yet is known to have happened zero times.
INSERT INTO tallies VALUES
    ('events', 'task_completed', 0), ('events', 'task_failed', 0),
    ('events', 'task_interrupted', 0), ('events', 'task_skipped', 0),
    ('sessions', 'open', 0), ('sessions', 'completed', 0), ('sessions', 'stopped', 0),
    ('runs', 'completed', 0), ('runs', 'failed', 0), ('runs', 'lost', 0),
    ('runs', 'unavailable', 0), ('runs', 'never_ran', 0)
    ON CONFLICT DO NOTHING;

-- Runs: a second to four hours. Gates: ten seconds to a week. The last of each has no end.
INSERT INTO durations SELECT 'runs', value, lag(value, 1, -1) OVER (ORDER BY value), 0, 0
    FROM json_each('[1000, 5000, 15000, 30000, 60000, 120000, 300000, 600000, 1200000, 1800000, 3600000, 7200000, 14400000,
                     9223372036854775807]');
INSERT INTO durations SELECT 'gates', value, lag(value, 1, -1) OVER (ORDER BY value), 0, 0
    FROM json_each('[10000, 30000, 60000, 300000, 900000, 3600000, 10800000, 28800000, 86400000, 259200000, 604800000,
                     9223372036854775807]');

UPDATE durations SET (count, milliseconds) = (
    SELECT count(*), ifnull(sum(max(0, milliseconds)), 0) FROM runs
    WHERE verdict <> 'never_ran' AND above < max(0, runs.milliseconds) AND max(0, runs.milliseconds) <= up_to
) WHERE what = 'runs';
UPDATE durations SET (count, milliseconds) = (
    SELECT count(*), ifnull(sum(max(0, milliseconds)), 0) FROM gates
    WHERE decision <> 'withdrawn' AND above < max(0, gates.milliseconds) AND max(0, gates.milliseconds) <= up_to
) WHERE what = 'gates';
