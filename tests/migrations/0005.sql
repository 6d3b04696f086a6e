BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'sessions','2026-11-20 08:40:07',1,X'E62C3AE7CD91426218F9FE5B71BFD61CC75487C22A31DB9AC4CC4B6E7CEABEF444BDEE10D8D35FA8AA69A1BB317DE84A',12418232);
INSERT INTO "_sqlx_migrations" VALUES(2,'tallies','2026-11-20 08:40:07',1,X'3D2ECC63B716FAB96CAB9431B56E693F13667190C10A4C6767AE0B6E127584EC573618ED06978179E85FEBA99BF28276',13322770);
INSERT INTO "_sqlx_migrations" VALUES(3,'notifications','2026-11-20 08:40:07',1,X'2C3CB71FF0218A532C933039D621053EC57A6B695DCC7E7769A32A24B7EA9CE4DD9F450CEA5ACE32A772D150CAF3B848',7901369);
INSERT INTO "_sqlx_migrations" VALUES(4,'keeping','2026-11-20 09:29:00',1,X'8D2361A49B8DD10008936BE81DEE8EC53389A4652C8A358B037A2D2152E1C0DC7A9F57698539C9EDEE5426D08DEF3D4D',7901369);
INSERT INTO "_sqlx_migrations" VALUES(5,'spending','2026-11-20 10:30:00',1,X'14E268525A609F5B5B96A73CB348B1D8381D059E3A2777C848B3144C711AF25EBB1148E4D7D7CD987FBA9932DDBAA379',7901369);
CREATE TABLE durations (
    what         TEXT NOT NULL,
    up_to        INTEGER NOT NULL,
    above        INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    PRIMARY KEY (what, up_to)
) STRICT, WITHOUT ROWID;
INSERT INTO "durations" VALUES('gates',10000,-1,7,13664);
INSERT INTO "durations" VALUES('gates',30000,10000,0,0);
INSERT INTO "durations" VALUES('gates',60000,30000,0,0);
INSERT INTO "durations" VALUES('gates',300000,60000,0,0);
INSERT INTO "durations" VALUES('gates',900000,300000,0,0);
INSERT INTO "durations" VALUES('gates',3600000,900000,0,0);
INSERT INTO "durations" VALUES('gates',10800000,3600000,0,0);
INSERT INTO "durations" VALUES('gates',28800000,10800000,0,0);
INSERT INTO "durations" VALUES('gates',86400000,28800000,0,0);
INSERT INTO "durations" VALUES('gates',259200000,86400000,0,0);
INSERT INTO "durations" VALUES('gates',604800000,259200000,0,0);
INSERT INTO "durations" VALUES('gates',9223372036854775807,604800000,0,0);
INSERT INTO "durations" VALUES('runs',1000,-1,5,450);
INSERT INTO "durations" VALUES('runs',5000,1000,0,0);
INSERT INTO "durations" VALUES('runs',15000,5000,0,0);
INSERT INTO "durations" VALUES('runs',30000,15000,0,0);
INSERT INTO "durations" VALUES('runs',60000,30000,0,0);
INSERT INTO "durations" VALUES('runs',120000,60000,0,0);
INSERT INTO "durations" VALUES('runs',300000,120000,0,0);
INSERT INTO "durations" VALUES('runs',600000,300000,0,0);
INSERT INTO "durations" VALUES('runs',1200000,600000,0,0);
INSERT INTO "durations" VALUES('runs',1800000,1200000,0,0);
INSERT INTO "durations" VALUES('runs',3600000,1800000,0,0);
INSERT INTO "durations" VALUES('runs',7200000,3600000,0,0);
INSERT INTO "durations" VALUES('runs',14400000,7200000,0,0);
INSERT INTO "durations" VALUES('runs',9223372036854775807,14400000,0,0);
CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT REFERENCES sessions (id),
    kind       TEXT NOT NULL,
    task       INTEGER,
    at         TEXT NOT NULL,
    message    TEXT NOT NULL,
    event      TEXT NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,'20261120-094007','session_started',NULL,'2026-11-20T08:40:07.683Z','Session started by Ana: 3 tasks from 2025-11-19-tasks.md','{"kind":"session_started","task_file":"2025-11-19-tasks.md","tasks":3,"rehearsal":false,"by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(2,'20261120-094007','gate_opened',1,'2026-11-20T08:40:07.683Z','Task 1/3, Migrate: waiting for approval (start, required); gate g7_o7gc: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_o7gc","about":{"kind":"before","next":{"task":1},"reasons":[{"why":"start"},{"why":"required"}]},"opened_at":"2026-11-20T08:40:07.67Z"},"subject":{"task":1,"of_total":"1/3","title":"Migrate","rehearsal":false}}');
INSERT INTO "events" VALUES(3,'20261120-094007','gate_closed',1,'2026-11-20T08:40:09.274Z','Gate g7_o7gc approved by Ana: Task 1/3, Migrate ("Carefully")','{"kind":"gate_closed","gate":"g7_o7gc","subject":{"task":1,"of_total":"1/3","title":"Migrate","rehearsal":false},"decision":"approved","by":{"name":"Ana"},"words":"Carefully"}');
INSERT INTO "events" VALUES(4,'20261120-094007','task_started',1,'2026-11-20T08:40:09.287Z','Task 1/3 started: Migrate (run 1)','{"kind":"task_started","subject":{"task":1,"of_total":"1/3","title":"Migrate","rehearsal":false},"run":1,"attempt":1,"resumed":false}');
INSERT INTO "events" VALUES(5,'20261120-094007','task_completed',1,'2026-11-20T08:40:09.376Z','Task 1/3, Migrate: completed in 0.1s, $0.25. Done.','{"kind":"task_completed","subject":{"task":1,"of_total":"1/3","title":"Migrate","rehearsal":false},"run":1,"summary":"Done.","took":0.076,"cost":0.25,"denials":[]}');
INSERT INTO "events" VALUES(6,'20261120-094007','gate_opened',2,'2026-11-20T08:40:09.376Z','Task 2/3, Fail: waiting for approval (checkpoint after task 1, required); gate g7_6v4g: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_6v4g","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"checkpoint","after":1},{"why":"required"}]},"opened_at":"2026-11-20T08:40:09.363Z"},"subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false}}');
INSERT INTO "events" VALUES(7,'20261120-094007','gate_closed',2,'2026-11-20T08:40:12.335Z','Gate g7_6v4g rejected by Ana: Task 2/3, Fail ("Look again")','{"kind":"gate_closed","gate":"g7_6v4g","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"decision":"rejected","by":{"name":"Ana"},"words":"Look again"}');
INSERT INTO "events" VALUES(8,'20261120-094007','gate_opened',2,'2026-11-20T08:40:12.335Z','Task 2/3, Fail: waiting for approval (checkpoint after task 1, required, rejected: Look again); gate g7_aqdk: /approve, /reject, /retry, /skip or /stop (/retry runs task 1 again)','{"kind":"gate_opened","gate":{"id":"g7_aqdk","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"checkpoint","after":1},{"why":"required"},{"why":"rejected","task":1,"feedback":"Look again"}]},"opened_at":"2026-11-20T08:40:12.326Z"},"subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false}}');
INSERT INTO "events" VALUES(9,'20261120-094007','gate_closed',2,'2026-11-20T08:40:12.383Z','Gate g7_aqdk approved by Ana: Task 2/3, Fail','{"kind":"gate_closed","gate":"g7_aqdk","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"decision":"approved","by":{"name":"Ana"},"words":null}');
INSERT INTO "events" VALUES(10,'20261120-094007','task_started',2,'2026-11-20T08:40:12.393Z','Task 2/3 started: Fail (run 2)','{"kind":"task_started","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"run":2,"attempt":1,"resumed":false}');
INSERT INTO "events" VALUES(11,'20261120-094007','task_failed',2,'2026-11-20T08:40:12.48Z','Task 2/3, Fail: failed after 0.1s, $0.50: Claude stopped at a limit: Reached the limit of turns','{"kind":"task_failed","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"run":2,"failure":"Claude stopped at a limit: Reached the limit of turns","took":0.09,"cost":0.5}');
INSERT INTO "events" VALUES(12,'20261120-094007','gate_opened',2,'2026-11-20T08:40:12.48Z','Task 2/3, Fail: failed, what now? Gate g7_xyez: /retry, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_xyez","about":{"kind":"failed","task":2},"opened_at":"2026-11-20T08:40:12.479Z"},"subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false}}');
INSERT INTO "events" VALUES(13,'20261120-094007','gate_closed',2,'2026-11-20T08:40:15.466Z','Gate g7_xyez answered with retry by Ana: Task 2/3, Fail ("Once more")','{"kind":"gate_closed","gate":"g7_xyez","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"decision":"retried","by":{"name":"Ana"},"words":"Once more"}');
INSERT INTO "events" VALUES(14,'20261120-094007','task_retried',2,'2026-11-20T08:40:15.467Z','Task 2/3, Fail: to run again, asked by Ana ("Once more")','{"kind":"task_retried","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"by":{"name":"Ana"},"feedback":"Once more"}');
INSERT INTO "events" VALUES(15,'20261120-094007','task_started',2,'2026-11-20T08:40:15.487Z','Task 2/3 started: Fail (run 3, attempt 2)','{"kind":"task_started","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"run":3,"attempt":2,"resumed":false}');
INSERT INTO "events" VALUES(16,'20261120-094007','task_failed',2,'2026-11-20T08:40:15.623Z','Task 2/3, Fail: failed after 0.1s, $0.50: Claude stopped at a limit: Reached the limit of turns','{"kind":"task_failed","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"run":3,"failure":"Claude stopped at a limit: Reached the limit of turns","took":0.117,"cost":0.5}');
INSERT INTO "events" VALUES(17,'20261120-094007','gate_opened',2,'2026-11-20T08:40:15.627Z','Task 2/3, Fail: failed, what now? Gate g7_kv4o: /retry, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_kv4o","about":{"kind":"failed","task":2},"opened_at":"2026-11-20T08:40:15.607Z"},"subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false}}');
INSERT INTO "events" VALUES(18,'20261120-094007','gate_closed',2,'2026-11-20T08:40:18.513Z','Gate g7_kv4o answered with skip by Ana: Task 2/3, Fail','{"kind":"gate_closed","gate":"g7_kv4o","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"decision":"skipped","by":{"name":"Ana"},"words":null}');
INSERT INTO "events" VALUES(19,'20261120-094007','task_skipped',2,'2026-11-20T08:40:18.514Z','Task 2/3, Fail: skipped by Ana','{"kind":"task_skipped","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(20,'20261120-094007','gate_opened',3,'2026-11-20T08:40:18.515Z','Task 3/3, Document: waiting for approval (required); gate g7_qm44: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_qm44","about":{"kind":"before","next":{"task":3},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:40:18.506Z"},"subject":{"task":3,"of_total":"3/3","title":"Document","rehearsal":false}}');
INSERT INTO "events" VALUES(21,'20261120-094007','gate_closed',3,'2026-11-20T08:40:20.575Z','Gate g7_qm44 approved by Ana: Task 3/3, Document','{"kind":"gate_closed","gate":"g7_qm44","subject":{"task":3,"of_total":"3/3","title":"Document","rehearsal":false},"decision":"approved","by":{"name":"Ana"},"words":null}');
INSERT INTO "events" VALUES(22,'20261120-094007','task_started',3,'2026-11-20T08:40:20.601Z','Task 3/3 started: Document (run 4)','{"kind":"task_started","subject":{"task":3,"of_total":"3/3","title":"Document","rehearsal":false},"run":4,"attempt":1,"resumed":false}');
INSERT INTO "events" VALUES(23,'20261120-094007','task_completed',3,'2026-11-20T08:40:20.691Z','Task 3/3, Document: completed in 0.1s, $0.12. Done.','{"kind":"task_completed","subject":{"task":3,"of_total":"3/3","title":"Document","rehearsal":false},"run":4,"summary":"Done.","took":0.07,"cost":0.125,"denials":[]}');
INSERT INTO "events" VALUES(24,'20261120-094007','session_completed',NULL,'2026-11-20T08:40:20.693Z','Session completed: 2 of 3 tasks done, 1 skipped, 13s, $1.38','{"kind":"session_completed","rehearsal":false,"completed":2,"skipped":1,"total":3,"took":13.008,"cost":1.375}');
INSERT INTO "events" VALUES(25,'20261120-094023','session_started',NULL,'2026-11-20T08:40:23.68Z','Session started by Ana: 2 tasks from 2025-11-20-tasks.md','{"kind":"session_started","task_file":"2025-11-20-tasks.md","tasks":2,"rehearsal":false,"by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(26,'20261120-094023','gate_opened',1,'2026-11-20T08:40:23.683Z','Task 1/2, Begin: waiting for approval (start, required); gate g7_zps2: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_zps2","about":{"kind":"before","next":{"task":1},"reasons":[{"why":"start"},{"why":"required"}]},"opened_at":"2026-11-20T08:40:23.667Z"},"subject":{"task":1,"of_total":"1/2","title":"Begin","rehearsal":false}}');
INSERT INTO "events" VALUES(27,'20261120-094023','paused',NULL,'2026-11-20T08:40:24.731Z','Paused by Ana','{"kind":"paused","by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(28,'20261120-094023','resumed',NULL,'2026-11-20T08:40:24.758Z','Resumed by Ana','{"kind":"resumed","by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(29,'20261120-094023','gate_closed',1,'2026-11-20T08:40:24.788Z','Gate g7_zps2 approved by Ana: Task 1/2, Begin','{"kind":"gate_closed","gate":"g7_zps2","subject":{"task":1,"of_total":"1/2","title":"Begin","rehearsal":false},"decision":"approved","by":{"name":"Ana"},"words":null}');
INSERT INTO "events" VALUES(30,'20261120-094023','task_started',1,'2026-11-20T08:40:24.808Z','Task 1/2 started: Begin (run 5)','{"kind":"task_started","subject":{"task":1,"of_total":"1/2","title":"Begin","rehearsal":false},"run":5,"attempt":1,"resumed":false}');
INSERT INTO "events" VALUES(31,'20261120-094023','task_completed',1,'2026-11-20T08:40:24.868Z','Task 1/2, Begin: completed in 0.1s, $0.25. Done.','{"kind":"task_completed","subject":{"task":1,"of_total":"1/2","title":"Begin","rehearsal":false},"run":5,"summary":"Done.","took":0.059,"cost":0.25,"denials":[]}');
INSERT INTO "events" VALUES(32,'20261120-094023','gate_opened',2,'2026-11-20T08:40:24.868Z','Task 2/2, Go on: waiting for approval (required); gate g7_dkdh: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_dkdh","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:40:24.867Z"},"subject":{"task":2,"of_total":"2/2","title":"Go on","rehearsal":false}}');
CREATE TABLE gates (
    ordinal    INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    gate       TEXT NOT NULL,
    opened_at  TEXT NOT NULL,
    closing    TEXT
, decision TEXT
    GENERATED ALWAYS AS (json_extract(closing, '$.decision')) VIRTUAL, milliseconds INTEGER
    GENERATED ALWAYS AS (
        CAST(round((julianday(json_extract(closing, '$.at')) - julianday(opened_at)) * 86400000) AS INTEGER)
    ) VIRTUAL, reminders INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "gates" VALUES(1,'g7_o7gc','20261120-094007','{"id":"g7_o7gc","about":{"kind":"before","next":{"task":1},"reasons":[{"why":"start"},{"why":"required"}]},"opened_at":"2026-11-20T08:40:07.67Z"}','2026-11-20T08:40:07.67Z','{"decision":"approved","by":{"name":"Ana"},"at":"2026-11-20T08:40:09.261Z"}',0);
INSERT INTO "gates" VALUES(2,'g7_6v4g','20261120-094007','{"id":"g7_6v4g","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"checkpoint","after":1},{"why":"required"}]},"opened_at":"2026-11-20T08:40:09.363Z"}','2026-11-20T08:40:09.363Z','{"decision":"rejected","by":{"name":"Ana"},"at":"2026-11-20T08:40:12.326Z"}',0);
INSERT INTO "gates" VALUES(3,'g7_aqdk','20261120-094007','{"id":"g7_aqdk","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"checkpoint","after":1},{"why":"required"},{"why":"rejected","task":1,"feedback":"Look again"}]},"opened_at":"2026-11-20T08:40:12.326Z"}','2026-11-20T08:40:12.326Z','{"decision":"approved","by":{"name":"Ana"},"at":"2026-11-20T08:40:12.374Z"}',0);
INSERT INTO "gates" VALUES(4,'g7_xyez','20261120-094007','{"id":"g7_xyez","about":{"kind":"failed","task":2},"opened_at":"2026-11-20T08:40:12.479Z"}','2026-11-20T08:40:12.479Z','{"decision":"retried","by":{"name":"Ana"},"at":"2026-11-20T08:40:15.459Z"}',0);
INSERT INTO "gates" VALUES(5,'g7_kv4o','20261120-094007','{"id":"g7_kv4o","about":{"kind":"failed","task":2},"opened_at":"2026-11-20T08:40:15.607Z"}','2026-11-20T08:40:15.607Z','{"decision":"skipped","by":{"name":"Ana"},"at":"2026-11-20T08:40:18.506Z"}',0);
INSERT INTO "gates" VALUES(6,'g7_qm44','20261120-094007','{"id":"g7_qm44","about":{"kind":"before","next":{"task":3},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:40:18.506Z"}','2026-11-20T08:40:18.506Z','{"decision":"approved","by":{"name":"Ana"},"at":"2026-11-20T08:40:20.57Z"}',0);
INSERT INTO "gates" VALUES(7,'g7_zps2','20261120-094023','{"id":"g7_zps2","about":{"kind":"before","next":{"task":1},"reasons":[{"why":"start"},{"why":"required"}]},"opened_at":"2026-11-20T08:40:23.667Z"}','2026-11-20T08:40:23.667Z','{"decision":"approved","by":{"name":"Ana"},"at":"2026-11-20T08:40:24.786Z"}',0);
INSERT INTO "gates" VALUES(8,'g7_dkdh','20261120-094023','{"id":"g7_dkdh","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:40:24.867Z"}','2026-11-20T08:40:24.867Z',NULL,0);
CREATE TABLE holds (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    hold     TEXT NOT NULL,
    began_at TEXT NOT NULL,
    ended_at TEXT
, overcome_at TEXT) STRICT;
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('epoch','bbfa574a2b0e43b2ae29ca3538d13c57');
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
INSERT INTO "notifications" VALUES(1,'01a1f81c-ed03-769e-870a-bbebb5a51aec',2,'20261120-094007',NULL,NULL,'g7_o7gc',NULL,'info','session_started','Session started by Ana: 3 tasks from 2025-11-19-tasks.md
Task 1/3, Migrate: waiting for approval (start, required); gate g7_o7gc: /approve, /reject, /skip or /stop','{"text":"Session started by Ana: 3 tasks from 2025-11-19-tasks.md\nTask 1/3, Migrate: waiting for approval (start, required); gate g7_o7gc: /approve, /reject, /skip or /stop","parse_mode":"HTML"}','2026-11-20T08:40:07.683Z','pending',5,0,1795164007733,1795164039374,'n8n can''t be reached: Connection refused (os error 111)',NULL,NULL);
INSERT INTO "notifications" VALUES(2,'01a1f81c-f347-74c8-ac71-d4cb0475cdfa',4,'20261120-094007',NULL,1,NULL,1,'info','task_started','Task 1/3 started: Migrate (run 1)','{"text":"Task 1/3 started: Migrate (run 1)","parse_mode":"HTML"}','2026-11-20T08:40:09.287Z','pending',0,0,1795164010795,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(3,'01a1f81c-f3a0-70b9-acfe-982c8562ba29',6,'20261120-094007',NULL,1,'g7_6v4g',NULL,'success','task_completed','Task 1/3, Migrate: completed in 0.1s, $0.25. Done.
Task 2/3, Fail: waiting for approval (checkpoint after task 1, required); gate g7_6v4g: /approve, /reject, /skip or /stop','{"text":"Task 1/3, Migrate: completed in 0.1s, $0.25. Done.\nTask 2/3, Fail: waiting for approval (checkpoint after task 1, required); gate g7_6v4g: /approve, /reject, /skip or /stop","parse_mode":"HTML"}','2026-11-20T08:40:09.376Z','pending',0,0,1795164010795,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(4,'01a1f81c-ff33-737f-a559-8a272e98519e',8,'20261120-094007',NULL,2,'g7_aqdk',NULL,'approval','gate_opened','Gate g7_6v4g rejected by Ana: Task 2/3, Fail ("Look again")
Task 2/3, Fail: waiting for approval (checkpoint after task 1, required, rejected: Look again); gate g7_aqdk: /approve, /reject, /retry, /skip or /stop (/retry runs task 1 again)','{"text":"Gate g7_6v4g rejected by Ana: Task 2/3, Fail (\"Look again\")\nTask 2/3, Fail: waiting for approval (checkpoint after task 1, required, rejected: Look again); gate g7_aqdk: /approve, /reject, /retry, /skip or /stop (/retry runs task 1 again)","parse_mode":"HTML"}','2026-11-20T08:40:12.339Z','pending',0,0,1795164014318,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(5,'01a1f81c-ff69-7258-9d5b-09f2feb25ce9',10,'20261120-094007',NULL,2,NULL,2,'info','task_started','Task 2/3 started: Fail (run 2)','{"text":"Task 2/3 started: Fail (run 2)","parse_mode":"HTML"}','2026-11-20T08:40:12.393Z','pending',0,0,1795164014318,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(6,'01a1f81c-ffc0-7465-93a2-7a9149571173',12,'20261120-094007',NULL,2,'g7_xyez',NULL,'error','task_failed','Task 2/3, Fail: failed after 0.1s, $0.50: Claude stopped at a limit: Reached the limit of turns
Task 2/3, Fail: failed, what now? Gate g7_xyez: /retry, /skip or /stop','{"text":"Task 2/3, Fail: failed after 0.1s, $0.50: Claude stopped at a limit: Reached the limit of turns\nTask 2/3, Fail: failed, what now? Gate g7_xyez: /retry, /skip or /stop","parse_mode":"HTML"}','2026-11-20T08:40:12.48Z','pending',0,0,1795164014318,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(7,'01a1f81d-0b81-771a-927f-3acf89e12031',15,'20261120-094007',NULL,2,NULL,3,'info','task_started','Task 2/3 started: Fail (run 3, attempt 2)','{"text":"Task 2/3 started: Fail (run 3, attempt 2)","parse_mode":"HTML"}','2026-11-20T08:40:15.489Z','pending',0,0,1795164023492,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(8,'01a1f81d-0c0c-75c6-ab90-063048c1cf63',17,'20261120-094007',NULL,2,'g7_kv4o',NULL,'error','task_failed','Task 2/3, Fail: failed after 0.1s, $0.50: Claude stopped at a limit: Reached the limit of turns
Task 2/3, Fail: failed, what now? Gate g7_kv4o: /retry, /skip or /stop','{"text":"Task 2/3, Fail: failed after 0.1s, $0.50: Claude stopped at a limit: Reached the limit of turns\nTask 2/3, Fail: failed, what now? Gate g7_kv4o: /retry, /skip or /stop","parse_mode":"HTML"}','2026-11-20T08:40:15.628Z','pending',0,0,1795164023492,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(9,'01a1f81d-1753-71ab-9aeb-806ff2175af2',20,'20261120-094007',NULL,3,'g7_qm44',NULL,'approval','gate_opened','Gate g7_kv4o answered with skip by Ana: Task 2/3, Fail
Task 2/3, Fail: skipped by Ana
Task 3/3, Document: waiting for approval (required); gate g7_qm44: /approve, /reject, /skip or /stop','{"text":"Gate g7_kv4o answered with skip by Ana: Task 2/3, Fail\nTask 2/3, Fail: skipped by Ana\nTask 3/3, Document: waiting for approval (required); gate g7_qm44: /approve, /reject, /skip or /stop","parse_mode":"HTML"}','2026-11-20T08:40:18.515Z','pending',0,0,1795164023492,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(10,'01a1f81d-1f7a-723b-bae2-6645057e32a2',22,'20261120-094007',NULL,3,NULL,4,'info','task_started','Task 3/3 started: Document (run 4)','{"text":"Task 3/3 started: Document (run 4)","parse_mode":"HTML"}','2026-11-20T08:40:20.602Z','pending',0,0,1795164023492,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(11,'01a1f81d-1fd6-706f-af3a-76524231f541',24,'20261120-094007',NULL,3,NULL,NULL,'success','task_completed','Task 3/3, Document: completed in 0.1s, $0.12. Done.
Session completed: 2 of 3 tasks done, 1 skipped, 13s, $1.38','{"text":"Task 3/3, Document: completed in 0.1s, $0.12. Done.\nSession completed: 2 of 3 tasks done, 1 skipped, 13s, $1.38","parse_mode":"HTML"}','2026-11-20T08:40:20.694Z','pending',0,0,1795164023492,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(12,'01a1f81d-2b83-7134-921e-42ad9babfba2',26,'20261120-094023',NULL,NULL,'g7_zps2',NULL,'info','session_started','Session started by Ana: 2 tasks from 2025-11-20-tasks.md
Task 1/2, Begin: waiting for approval (start, required); gate g7_zps2: /approve, /reject, /skip or /stop','{"text":"Session started by Ana: 2 tasks from 2025-11-20-tasks.md\nTask 1/2, Begin: waiting for approval (start, required); gate g7_zps2: /approve, /reject, /skip or /stop","parse_mode":"HTML"}','2026-11-20T08:40:23.683Z','pending',3,0,1795164023701,1795164031105,'n8n can''t be reached: Connection refused (os error 111)',NULL,NULL);
INSERT INTO "notifications" VALUES(13,'01a1f81d-2f9b-72de-9299-2ec6749f7571',27,'20261120-094023',NULL,NULL,NULL,NULL,'info','paused','Paused by Ana','{"text":"Paused by Ana","parse_mode":"HTML"}','2026-11-20T08:40:24.731Z','pending',0,0,1795164026479,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(14,'01a1f81d-2fb6-73f2-b3c4-0474e912d65c',28,'20261120-094023',NULL,NULL,NULL,NULL,'info','resumed','Resumed by Ana','{"text":"Resumed by Ana","parse_mode":"HTML"}','2026-11-20T08:40:24.758Z','pending',0,0,1795164026479,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(15,'01a1f81d-2feb-777a-85ca-170f07ea7221',30,'20261120-094023',NULL,1,NULL,5,'info','task_started','Task 1/2 started: Begin (run 5)','{"text":"Task 1/2 started: Begin (run 5)","parse_mode":"HTML"}','2026-11-20T08:40:24.811Z','pending',0,0,1795164026479,0,NULL,NULL,NULL);
INSERT INTO "notifications" VALUES(16,'01a1f81d-3024-709e-82b1-fbb668324c6a',32,'20261120-094023',NULL,1,'g7_dkdh',NULL,'success','task_completed','Task 1/2, Begin: completed in 0.1s, $0.25. Done.
Task 2/2, Go on: waiting for approval (required); gate g7_dkdh: /approve, /reject, /skip or /stop','{"text":"Task 1/2, Begin: completed in 0.1s, $0.25. Done.\nTask 2/2, Go on: waiting for approval (required); gate g7_dkdh: /approve, /reject, /skip or /stop","parse_mode":"HTML"}','2026-11-20T08:40:24.868Z','pending',0,0,1795164026479,0,NULL,NULL,NULL);
CREATE TABLE requests (
    key         TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status      INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "requests" VALUES('1','70d459b28dbc99279a6b48b00c0cb073a957618512b11a63992aec2ddfeb907d',200,'{"gate":{"choices":["approve","reject","skip","stop"],"id":"g7_o7gc","kind":"before","opened_at":"2026-11-20T09:40:07.670+01:00","reasons":["start","required"],"task":1},"message":"Session started by Ana: 3 tasks from 2025-11-19-tasks.md\nTask 1/3, Migrate: waiting for approval (start, required); gate g7_o7gc: /approve, /reject, /skip or /stop","session":"20261120-094007","status":"ok","task":1}',1795164007);
INSERT INTO "requests" VALUES('2','87fcdeb5cfe24e5ccaf545bb11e09199c11161dcad2cb378ea555fc41ffc806f',200,'{"gate":null,"message":"Gate g7_o7gc approved by Ana: Task 1/3, Migrate (\"Carefully\")","session":"20261120-094007","status":"ok","task":1}',1795164009);
INSERT INTO "requests" VALUES('3','2c82c247bee3d89ec103854fe1c5b1fdd8875a383a9629e8d682f9bc7df9e4df',200,'{"gate":{"choices":["approve","reject","skip","stop"],"id":"g7_zps2","kind":"before","opened_at":"2026-11-20T09:40:23.667+01:00","reasons":["start","required"],"task":1},"message":"Session started by Ana: 2 tasks from 2025-11-20-tasks.md\nTask 1/2, Begin: waiting for approval (start, required); gate g7_zps2: /approve, /reject, /skip or /stop","session":"20261120-094023","status":"ok","task":1}',1795164023);
CREATE TABLE retired_gates (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
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
, verdict TEXT
    GENERATED ALWAYS AS (json_extract(outcome, '$.verdict.kind')) VIRTUAL, micro_usd INTEGER
    GENERATED ALWAYS AS (CAST(round(json_extract(outcome, '$.usage.cost') * 1000000) AS INTEGER)) VIRTUAL, milliseconds INTEGER
    GENERATED ALWAYS AS (
        CAST(round((julianday(ended_at) - julianday(claimed_at)) * 86400000) AS INTEGER)
    ) VIRTUAL) STRICT;
INSERT INTO "runs" VALUES(1,'20261120-094007',1,1,'70a6c48c-0457-4a93-8e59-e786582e4b50','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-094007','b098d3b3-2ec9-4f4b-aaba-9209453d3014',0,'2026-11-20T08:40:09.287Z','2026-11-20T08:40:09.374Z','{"verdict":{"kind":"completed","summary":"Done."},"usage":{"cost":0.25,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"b098d3b3-2ec9-4f4b-aaba-9209453d3014"}}');
INSERT INTO "runs" VALUES(2,'20261120-094007',2,1,'d679caf4-b79f-4202-ba0c-6023a607b690','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-094007','2a9b4d9a-8f18-4a97-bd74-f38c5d699eaa',0,'2026-11-20T08:40:12.389Z','2026-11-20T08:40:12.48Z','{"verdict":{"kind":"failed","failure":{"kind":"limit_reached","message":"Reached the limit of turns"}},"usage":{"cost":0.5,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"2a9b4d9a-8f18-4a97-bd74-f38c5d699eaa"}}');
INSERT INTO "runs" VALUES(3,'20261120-094007',2,2,'a05ab143-a23f-4f35-a7a1-f7a338631a88','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-094007','bcf33d1f-de8e-436c-9f21-0008709b2eb7',0,'2026-11-20T08:40:15.486Z','2026-11-20T08:40:15.613Z','{"verdict":{"kind":"failed","failure":{"kind":"limit_reached","message":"Reached the limit of turns"}},"usage":{"cost":0.5,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"bcf33d1f-de8e-436c-9f21-0008709b2eb7"}}');
INSERT INTO "runs" VALUES(4,'20261120-094007',3,1,'f4133fb9-3a9f-4288-a0e3-dc941bdb2c39','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-094007','c88b9e6b-c948-4834-ba54-28d95cc55a6e',0,'2026-11-20T08:40:20.601Z','2026-11-20T08:40:20.686Z','{"verdict":{"kind":"completed","summary":"Done."},"usage":{"cost":0.125,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"c88b9e6b-c948-4834-ba54-28d95cc55a6e"}}');
INSERT INTO "runs" VALUES(5,'20261120-094023',1,1,'5c4b522b-a1a7-46d5-8630-d79e0d3d4b56','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-094023','dee5f673-636d-4fac-b24b-91a73059bed0',0,'2026-11-20T08:40:24.808Z','2026-11-20T08:40:24.868Z','{"verdict":{"kind":"completed","summary":"Done."},"usage":{"cost":0.25,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"dee5f673-636d-4fac-b24b-91a73059bed0"}}');
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
INSERT INTO "sessions" VALUES(1,'20261120-094007','2025-11-19-tasks.md','86ce287e66271d837be882516eea709ab7e71d9f0f33142bbdc9ef4ff869e65d','{"approval_mode":"required","checkpoint_after":["database"],"approve_before":[],"auto_approve":[],"on_failure":"ask","on_interrupted":"ask","max_attempts":3}',NULL,0,'2026-11-20T08:40:07.67Z','2026-11-20T08:40:20.678Z','{"status":"completed","at":"2026-11-20T08:40:20.678Z"}');
INSERT INTO "sessions" VALUES(2,'20261120-094023','2025-11-20-tasks.md','293202f7059e3c4978c67045fb62408ba65e249d8aaf478ae3ea027ef02220c9','{"approval_mode":"required","checkpoint_after":["database"],"approve_before":[],"auto_approve":[],"on_failure":"ask","on_interrupted":"ask","max_attempts":3}',NULL,0,'2026-11-20T08:40:23.667Z','2026-11-20T08:40:24.867Z','{"status":"open","work":{"at":"waiting","gate":{"id":"g7_dkdh","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:40:24.867Z"}},"allowances":[{"budget":"cost_per_session","up_to":{"usd":10.0}},{"budget":"cost_per_day","day":"2026-11-20","up_to":{"usd":9.98}},{"budget":"tokens_per_day","day":"2026-11-20","up_to":{"tokens":2010}}]}');
CREATE TABLE spending (
    day       TEXT NOT NULL PRIMARY KEY,
    micro_usd INTEGER NOT NULL,
    tokens    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "spending" VALUES('2026-11-20',1625000,10);
CREATE TABLE tallies (
    what  TEXT NOT NULL,
    kind  TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (what, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO "tallies" VALUES('events','gate_closed',7);
INSERT INTO "tallies" VALUES('events','gate_opened',8);
INSERT INTO "tallies" VALUES('events','paused',1);
INSERT INTO "tallies" VALUES('events','resumed',1);
INSERT INTO "tallies" VALUES('events','session_completed',1);
INSERT INTO "tallies" VALUES('events','session_started',2);
INSERT INTO "tallies" VALUES('events','task_completed',3);
INSERT INTO "tallies" VALUES('events','task_failed',2);
INSERT INTO "tallies" VALUES('events','task_interrupted',0);
INSERT INTO "tallies" VALUES('events','task_retried',1);
INSERT INTO "tallies" VALUES('events','task_skipped',1);
INSERT INTO "tallies" VALUES('events','task_started',5);
INSERT INTO "tallies" VALUES('micro_usd','spent',1625000);
INSERT INTO "tallies" VALUES('notifications','dead',0);
INSERT INTO "tallies" VALUES('notifications','delivered',0);
INSERT INTO "tallies" VALUES('notifications','dropped',0);
INSERT INTO "tallies" VALUES('runs','completed',3);
INSERT INTO "tallies" VALUES('runs','failed',2);
INSERT INTO "tallies" VALUES('runs','lost',0);
INSERT INTO "tallies" VALUES('runs','never_ran',0);
INSERT INTO "tallies" VALUES('runs','not_resumed',0);
INSERT INTO "tallies" VALUES('runs','unavailable',0);
INSERT INTO "tallies" VALUES('sessions','completed',1);
INSERT INTO "tallies" VALUES('sessions','open',1);
INSERT INTO "tallies" VALUES('sessions','stopped',0);
CREATE TABLE tasks (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    position   INTEGER NOT NULL,
    spec       TEXT NOT NULL,
    progress   TEXT NOT NULL,
    state      TEXT NOT NULL GENERATED ALWAYS AS (json_extract(progress, '$.state')) VIRTUAL,
    PRIMARY KEY (session_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "tasks" VALUES('20261120-094007',0,'{"number":1,"title":"Migrate","type":"database","instruction":"stand-in succeeds 0.25"}','{"state":"completed","notes":["Carefully"],"feedback":["Look again"],"runs":1,"attempts":1,"summary":"Done.","cost":0.25,"duration":0.076,"started_at":"2026-11-20T08:40:09.284Z"}');
INSERT INTO "tasks" VALUES('20261120-094007',1,'{"number":2,"title":"Fail","type":"general","instruction":"stand-in fails 0.5"}','{"state":"skipped","feedback":["Once more"],"runs":2,"attempts":2,"summary":"Claude stopped at a limit: Reached the limit of turns","cost":1.0,"duration":0.207,"started_at":"2026-11-20T08:40:15.474Z"}');
INSERT INTO "tasks" VALUES('20261120-094007',2,'{"number":3,"title":"Document","type":"documentation","instruction":"stand-in uses Write notes.md\nstand-in succeeds 0.125"}','{"state":"completed","runs":1,"attempts":1,"summary":"Done.","cost":0.125,"duration":0.07,"started_at":"2026-11-20T08:40:20.589Z"}');
INSERT INTO "tasks" VALUES('20261120-094023',0,'{"number":1,"title":"Begin","type":"general","instruction":"stand-in succeeds 0.25"}','{"state":"completed","runs":1,"attempts":1,"summary":"Done.","cost":0.25,"duration":0.059,"started_at":"2026-11-20T08:40:24.796Z"}');
INSERT INTO "tasks" VALUES('20261120-094023',1,'{"number":2,"title":"Go on","type":"general","instruction":"stand-in succeeds 0.5","depends_on":[1]}','{"state":"pending","runs":0,"attempts":0,"cost":0.0,"duration":0.0}');
CREATE INDEX sessions_by_status ON sessions (status, ordinal);
CREATE INDEX sessions_by_digest ON sessions (digest, status);
CREATE UNIQUE INDEX one_active_run ON runs ((1)) WHERE ended_at IS NULL;
CREATE INDEX runs_by_task ON runs (session_id, task, number);
CREATE INDEX gates_by_session ON gates (session_id, ordinal);
CREATE INDEX events_by_session ON events (session_id, id);
CREATE INDEX open_holds ON holds (id) WHERE ended_at IS NULL;
CREATE INDEX requests_by_age ON requests (at);
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
CREATE TRIGGER count_gates AFTER UPDATE OF closing ON gates
WHEN OLD.closing IS NULL AND NEW.decision <> 'withdrawn' BEGIN
    UPDATE durations SET count = count + 1, milliseconds = milliseconds + max(0, NEW.milliseconds)
        WHERE what = 'gates' AND above < max(0, NEW.milliseconds) AND max(0, NEW.milliseconds) <= up_to;
END;
CREATE INDEX pending_notifications ON notifications (lane, ordinal) WHERE state = 'pending';
CREATE INDEX undelivered_notifications ON notifications (ordinal) WHERE state IN ('pending', 'dead');
CREATE INDEX notifications_by_run ON notifications (run) WHERE run IS NOT NULL;
CREATE TRIGGER count_notifications AFTER UPDATE OF state ON notifications
WHEN OLD.state <> NEW.state AND NEW.state <> 'pending' BEGIN
    UPDATE tallies SET count = count + 1 WHERE what = 'notifications' AND kind = NEW.state;
END;
CREATE INDEX settled_notifications ON notifications (settled_at) WHERE state IN ('delivered', 'dropped');
CREATE TRIGGER retire_gates AFTER DELETE ON gates BEGIN
    INSERT INTO retired_gates VALUES (OLD.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER count_gone_sessions AFTER DELETE ON sessions BEGIN
    UPDATE tallies SET count = count - 1 WHERE what = 'sessions' AND kind = OLD.status;
END;
CREATE INDEX unovercome_holds ON holds (id) WHERE overcome_at IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sessions',2);
INSERT INTO "sqlite_sequence" VALUES('gates',8);
INSERT INTO "sqlite_sequence" VALUES('events',32);
INSERT INTO "sqlite_sequence" VALUES('notifications',16);
COMMIT;
