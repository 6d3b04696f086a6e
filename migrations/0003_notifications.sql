-- What is on its way to chats: written by the transaction that makes it true, one row an event and chat, and read in the
-- order of its session and chat.

CREATE TABLE notifications (
    ordinal    INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    event_id   INTEGER NOT NULL REFERENCES events (id),
    session_id TEXT,
    chat       TEXT,
    lane       TEXT NOT NULL GENERATED ALWAYS AS (ifnull(session_id, '') || '/' || ifnull(chat, '')) VIRTUAL,
    task       INTEGER,
    gate       TEXT,
    run        INTEGER,
    kind       TEXT NOT NULL,
    event      TEXT NOT NULL,
    message    TEXT NOT NULL,
    telegram   TEXT NOT NULL,
    at         TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead', 'dropped')),
    -- How often it was posted in vain, and how often of those it was refused.
    attempts   INTEGER NOT NULL DEFAULT 0,
    refusals   INTEGER NOT NULL DEFAULT 0,
    -- Milliseconds since 1970: since when it, or one before it in its lane, is tried in vain, and when it is tried next.
    since      INTEGER,
    next_at    INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    settled_at TEXT,
    -- Telegram's own number of the message.
    message_id INTEGER,
    UNIQUE (event_id, chat)
) STRICT;
CREATE INDEX pending_notifications ON notifications (lane, ordinal) WHERE state = 'pending';
CREATE INDEX undelivered_notifications ON notifications (ordinal) WHERE state IN ('pending', 'dead');
CREATE INDEX notifications_by_run ON notifications (run) WHERE run IS NOT NULL;

-- How often an unanswered gate was asked again.
ALTER TABLE gates ADD COLUMN reminders INTEGER NOT NULL DEFAULT 0;

INSERT INTO tallies VALUES
    ('notifications', 'delivered', 0), ('notifications', 'dead', 0), ('notifications', 'dropped', 0);
CREATE TRIGGER count_notifications AFTER UPDATE OF state ON notifications
WHEN OLD.state <> NEW.state AND NEW.state <> 'pending' BEGIN
    UPDATE tallies SET count = count + 1 WHERE what = 'notifications' AND kind = NEW.state;
END;
