-- The state rows are the truth, the events are the journal. JSON columns are an API: change them only by a migration.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    ordinal       INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    task_file     TEXT NOT NULL,
    digest        TEXT NOT NULL,
    policy        TEXT NOT NULL,
    day           TEXT,
    rehearsal     INTEGER NOT NULL,
    started_at    TEXT NOT NULL,
    last_activity TEXT NOT NULL,
    state         TEXT NOT NULL,
    status        TEXT NOT NULL GENERATED ALWAYS AS (json_extract(state, '$.status')) VIRTUAL
) STRICT;
CREATE INDEX sessions_by_status ON sessions (status, ordinal);
CREATE INDEX sessions_by_digest ON sessions (digest, status);

CREATE TABLE tasks (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    position   INTEGER NOT NULL,
    spec       TEXT NOT NULL,
    progress   TEXT NOT NULL,
    state      TEXT NOT NULL GENERATED ALWAYS AS (json_extract(progress, '$.state')) VIRTUAL,
    PRIMARY KEY (session_id, position)
) STRICT, WITHOUT ROWID;

-- The marker, the boot, the namespace and the folder are written ahead of the process that they will identify.
CREATE TABLE runs (
    id            INTEGER PRIMARY KEY,
    session_id    TEXT NOT NULL REFERENCES sessions (id),
    task          INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    marker        TEXT NOT NULL UNIQUE,
    boot_id       TEXT NOT NULL,
    pid_namespace TEXT NOT NULL,
    folder        TEXT NOT NULL,
    conversation  TEXT NOT NULL,
    resumed       INTEGER NOT NULL,
    claimed_at    TEXT NOT NULL,
    ended_at      TEXT,
    outcome       TEXT
) STRICT;
CREATE UNIQUE INDEX one_active_run ON runs ((1)) WHERE ended_at IS NULL;
CREATE INDEX runs_by_task ON runs (session_id, task, number);

CREATE TABLE gates (
    ordinal    INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    gate       TEXT NOT NULL,
    opened_at  TEXT NOT NULL,
    closing    TEXT
) STRICT;
CREATE INDEX gates_by_session ON gates (session_id, ordinal);

CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT REFERENCES sessions (id),
    kind       TEXT NOT NULL,
    task       INTEGER,
    at         TEXT NOT NULL,
    message    TEXT NOT NULL,
    event      TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_session ON events (session_id, id);

CREATE TABLE holds (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    hold     TEXT NOT NULL,
    began_at TEXT NOT NULL,
    ended_at TEXT
) STRICT;
CREATE INDEX open_holds ON holds (id) WHERE ended_at IS NULL;

-- The first answer to each keyed request, for those who ask again.
CREATE TABLE requests (
    key         TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status      INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (at);
