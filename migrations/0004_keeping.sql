-- What is swept out when it is old, found without looking at the rest.

CREATE INDEX settled_notifications ON notifications (settled_at) WHERE state IN ('delivered', 'dropped');

-- A gate's row may go, its id is never given again.
CREATE TABLE retired_gates (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER retire_gates AFTER DELETE ON gates BEGIN
    INSERT INTO retired_gates VALUES (OLD.id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER count_gone_sessions AFTER DELETE ON sessions BEGIN
    UPDATE tallies SET count = count - 1 WHERE what = 'sessions' AND kind = OLD.status;
END;
