BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'sessions','2026-11-20 08:39:37',1,X'E62C3AE7CD91426218F9FE5B71BFD61CC75487C22A31DB9AC4CC4B6E7CEABEF444BDEE10D8D35FA8AA69A1BB317DE84A',5203717);
CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT REFERENCES sessions (id),
    kind       TEXT NOT NULL,
    task       INTEGER,
    at         TEXT NOT NULL,
    message    TEXT NOT NULL,
    event      TEXT NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,'20261120-093937','session_started',NULL,'2026-11-20T08:39:37.931Z','Session started by Ana: 3 tasks from 2025-11-19-tasks.md','{"kind":"session_started","task_file":"2025-11-19-tasks.md","tasks":3,"rehearsal":false,"by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(2,'20261120-093937','gate_opened',1,'2026-11-20T08:39:37.931Z','Task 1/3, Migrate: waiting for approval (start, required); gate g7_y756: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_y756","about":{"kind":"before","next":{"task":1},"reasons":[{"why":"start"},{"why":"required"}]},"opened_at":"2026-11-20T08:39:37.922Z"},"subject":{"task":1,"of_total":"1/3","title":"Migrate","rehearsal":false}}');
INSERT INTO "events" VALUES(3,'20261120-093937','gate_closed',1,'2026-11-20T08:39:39.526Z','Gate g7_y756 approved by Ana: Task 1/3, Migrate ("Carefully")','{"kind":"gate_closed","gate":"g7_y756","subject":{"task":1,"of_total":"1/3","title":"Migrate","rehearsal":false},"decision":"approved","by":{"name":"Ana"},"words":"Carefully"}');
INSERT INTO "events" VALUES(4,'20261120-093937','task_started',1,'2026-11-20T08:39:39.537Z','Task 1/3 started: Migrate (run 1)','{"kind":"task_started","subject":{"task":1,"of_total":"1/3","title":"Migrate","rehearsal":false},"run":1,"attempt":1,"resumed":false}');
INSERT INTO "events" VALUES(5,'20261120-093937','task_completed',1,'2026-11-20T08:39:39.657Z','Task 1/3, Migrate: completed in 0.1s, $0.25. Done.','{"kind":"task_completed","subject":{"task":1,"of_total":"1/3","title":"Migrate","rehearsal":false},"run":1,"summary":"Done.","took":0.12,"cost":0.25,"denials":[]}');
INSERT INTO "events" VALUES(6,'20261120-093937','gate_opened',2,'2026-11-20T08:39:39.657Z','Task 2/3, Fail: waiting for approval (checkpoint after task 1, required); gate g7_6rwq: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_6rwq","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"checkpoint","after":1},{"why":"required"}]},"opened_at":"2026-11-20T08:39:39.656Z"},"subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false}}');
INSERT INTO "events" VALUES(7,'20261120-093937','gate_closed',2,'2026-11-20T08:39:42.577Z','Gate g7_6rwq rejected by Ana: Task 2/3, Fail ("Look again")','{"kind":"gate_closed","gate":"g7_6rwq","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"decision":"rejected","by":{"name":"Ana"},"words":"Look again"}');
INSERT INTO "events" VALUES(8,'20261120-093937','gate_opened',2,'2026-11-20T08:39:42.577Z','Task 2/3, Fail: waiting for approval (checkpoint after task 1, required, rejected: Look again); gate g7_xo3m: /approve, /reject, /retry, /skip or /stop (/retry runs task 1 again)','{"kind":"gate_opened","gate":{"id":"g7_xo3m","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"checkpoint","after":1},{"why":"required"},{"why":"rejected","task":1,"feedback":"Look again"}]},"opened_at":"2026-11-20T08:39:42.574Z"},"subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false}}');
INSERT INTO "events" VALUES(9,'20261120-093937','gate_closed',2,'2026-11-20T08:39:42.638Z','Gate g7_xo3m approved by Ana: Task 2/3, Fail','{"kind":"gate_closed","gate":"g7_xo3m","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"decision":"approved","by":{"name":"Ana"},"words":null}');
INSERT INTO "events" VALUES(10,'20261120-093937','task_started',2,'2026-11-20T08:39:42.652Z','Task 2/3 started: Fail (run 2)','{"kind":"task_started","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"run":2,"attempt":1,"resumed":false}');
INSERT INTO "events" VALUES(11,'20261120-093937','task_failed',2,'2026-11-20T08:39:42.789Z','Task 2/3, Fail: failed after 0.1s, $0.50: Claude stopped at a limit: Reached the limit of turns','{"kind":"task_failed","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"run":2,"failure":"Claude stopped at a limit: Reached the limit of turns","took":0.103,"cost":0.5}');
INSERT INTO "events" VALUES(12,'20261120-093937','gate_opened',2,'2026-11-20T08:39:42.791Z','Task 2/3, Fail: failed, what now? Gate g7_yccu: /retry, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_yccu","about":{"kind":"failed","task":2},"opened_at":"2026-11-20T08:39:42.763Z"},"subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false}}');
INSERT INTO "events" VALUES(13,'20261120-093937','gate_closed',2,'2026-11-20T08:39:45.703Z','Gate g7_yccu answered with retry by Ana: Task 2/3, Fail ("Once more")','{"kind":"gate_closed","gate":"g7_yccu","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"decision":"retried","by":{"name":"Ana"},"words":"Once more"}');
INSERT INTO "events" VALUES(14,'20261120-093937','task_retried',2,'2026-11-20T08:39:45.703Z','Task 2/3, Fail: to run again, asked by Ana ("Once more")','{"kind":"task_retried","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"by":{"name":"Ana"},"feedback":"Once more"}');
INSERT INTO "events" VALUES(15,'20261120-093937','task_started',2,'2026-11-20T08:39:45.719Z','Task 2/3 started: Fail (run 3, attempt 2)','{"kind":"task_started","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"run":3,"attempt":2,"resumed":false}');
INSERT INTO "events" VALUES(16,'20261120-093937','task_failed',2,'2026-11-20T08:39:45.826Z','Task 2/3, Fail: failed after 0.1s, $0.50: Claude stopped at a limit: Reached the limit of turns','{"kind":"task_failed","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"run":3,"failure":"Claude stopped at a limit: Reached the limit of turns","took":0.103,"cost":0.5}');
INSERT INTO "events" VALUES(17,'20261120-093937','gate_opened',2,'2026-11-20T08:39:45.826Z','Task 2/3, Fail: failed, what now? Gate g7_eu53: /retry, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_eu53","about":{"kind":"failed","task":2},"opened_at":"2026-11-20T08:39:45.824Z"},"subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false}}');
INSERT INTO "events" VALUES(18,'20261120-093937','gate_closed',2,'2026-11-20T08:39:48.796Z','Gate g7_eu53 answered with skip by Ana: Task 2/3, Fail','{"kind":"gate_closed","gate":"g7_eu53","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"decision":"skipped","by":{"name":"Ana"},"words":null}');
INSERT INTO "events" VALUES(19,'20261120-093937','task_skipped',2,'2026-11-20T08:39:48.799Z','Task 2/3, Fail: skipped by Ana','{"kind":"task_skipped","subject":{"task":2,"of_total":"2/3","title":"Fail","rehearsal":false},"by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(20,'20261120-093937','gate_opened',3,'2026-11-20T08:39:48.803Z','Task 3/3, Document: waiting for approval (required); gate g7_tc6l: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_tc6l","about":{"kind":"before","next":{"task":3},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:39:48.779Z"},"subject":{"task":3,"of_total":"3/3","title":"Document","rehearsal":false}}');
INSERT INTO "events" VALUES(21,'20261120-093937','gate_closed',3,'2026-11-20T08:39:50.874Z','Gate g7_tc6l approved by Ana: Task 3/3, Document','{"kind":"gate_closed","gate":"g7_tc6l","subject":{"task":3,"of_total":"3/3","title":"Document","rehearsal":false},"decision":"approved","by":{"name":"Ana"},"words":null}');
INSERT INTO "events" VALUES(22,'20261120-093937','task_started',3,'2026-11-20T08:39:50.878Z','Task 3/3 started: Document (run 4)','{"kind":"task_started","subject":{"task":3,"of_total":"3/3","title":"Document","rehearsal":false},"run":4,"attempt":1,"resumed":false}');
INSERT INTO "events" VALUES(23,'20261120-093937','task_completed',3,'2026-11-20T08:39:50.96Z','Task 3/3, Document: completed in 0.1s, $0.12. Done.','{"kind":"task_completed","subject":{"task":3,"of_total":"3/3","title":"Document","rehearsal":false},"run":4,"summary":"Done.","took":0.081,"cost":0.125,"denials":[]}');
INSERT INTO "events" VALUES(24,'20261120-093937','session_completed',NULL,'2026-11-20T08:39:50.96Z','Session completed: 2 of 3 tasks done, 1 skipped, 13s, $1.38','{"kind":"session_completed","rehearsal":false,"completed":2,"skipped":1,"total":3,"took":13.037,"cost":1.375}');
INSERT INTO "events" VALUES(25,'20261120-093954','session_started',NULL,'2026-11-20T08:39:54.051Z','Session started by Ana: 2 tasks from 2025-11-20-tasks.md','{"kind":"session_started","task_file":"2025-11-20-tasks.md","tasks":2,"rehearsal":false,"by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(26,'20261120-093954','gate_opened',1,'2026-11-20T08:39:54.052Z','Task 1/2, Begin: waiting for approval (start, required); gate g7_f237: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_f237","about":{"kind":"before","next":{"task":1},"reasons":[{"why":"start"},{"why":"required"}]},"opened_at":"2026-11-20T08:39:54.044Z"},"subject":{"task":1,"of_total":"1/2","title":"Begin","rehearsal":false}}');
INSERT INTO "events" VALUES(27,'20261120-093954','paused',NULL,'2026-11-20T08:39:55.101Z','Paused by Ana','{"kind":"paused","by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(28,'20261120-093954','resumed',NULL,'2026-11-20T08:39:55.155Z','Resumed by Ana','{"kind":"resumed","by":{"name":"Ana"}}');
INSERT INTO "events" VALUES(29,'20261120-093954','gate_closed',1,'2026-11-20T08:39:55.192Z','Gate g7_f237 approved by Ana: Task 1/2, Begin','{"kind":"gate_closed","gate":"g7_f237","subject":{"task":1,"of_total":"1/2","title":"Begin","rehearsal":false},"decision":"approved","by":{"name":"Ana"},"words":null}');
INSERT INTO "events" VALUES(30,'20261120-093954','task_started',1,'2026-11-20T08:39:55.199Z','Task 1/2 started: Begin (run 5)','{"kind":"task_started","subject":{"task":1,"of_total":"1/2","title":"Begin","rehearsal":false},"run":5,"attempt":1,"resumed":false}');
INSERT INTO "events" VALUES(31,'20261120-093954','task_completed',1,'2026-11-20T08:39:55.288Z','Task 1/2, Begin: completed in 0.1s, $0.25. Done.','{"kind":"task_completed","subject":{"task":1,"of_total":"1/2","title":"Begin","rehearsal":false},"run":5,"summary":"Done.","took":0.088,"cost":0.25,"denials":[]}');
INSERT INTO "events" VALUES(32,'20261120-093954','gate_opened',2,'2026-11-20T08:39:55.288Z','Task 2/2, Go on: waiting for approval (required); gate g7_y3cq: /approve, /reject, /skip or /stop','{"kind":"gate_opened","gate":{"id":"g7_y3cq","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:39:55.288Z"},"subject":{"task":2,"of_total":"2/2","title":"Go on","rehearsal":false}}');
CREATE TABLE gates (
    ordinal    INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    gate       TEXT NOT NULL,
    opened_at  TEXT NOT NULL,
    closing    TEXT
) STRICT;
INSERT INTO "gates" VALUES(1,'g7_y756','20261120-093937','{"id":"g7_y756","about":{"kind":"before","next":{"task":1},"reasons":[{"why":"start"},{"why":"required"}]},"opened_at":"2026-11-20T08:39:37.922Z"}','2026-11-20T08:39:37.922Z','{"decision":"approved","by":{"name":"Ana"},"at":"2026-11-20T08:39:39.516Z"}');
INSERT INTO "gates" VALUES(2,'g7_6rwq','20261120-093937','{"id":"g7_6rwq","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"checkpoint","after":1},{"why":"required"}]},"opened_at":"2026-11-20T08:39:39.656Z"}','2026-11-20T08:39:39.656Z','{"decision":"rejected","by":{"name":"Ana"},"at":"2026-11-20T08:39:42.574Z"}');
INSERT INTO "gates" VALUES(3,'g7_xo3m','20261120-093937','{"id":"g7_xo3m","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"checkpoint","after":1},{"why":"required"},{"why":"rejected","task":1,"feedback":"Look again"}]},"opened_at":"2026-11-20T08:39:42.574Z"}','2026-11-20T08:39:42.574Z','{"decision":"approved","by":{"name":"Ana"},"at":"2026-11-20T08:39:42.611Z"}');
INSERT INTO "gates" VALUES(4,'g7_yccu','20261120-093937','{"id":"g7_yccu","about":{"kind":"failed","task":2},"opened_at":"2026-11-20T08:39:42.763Z"}','2026-11-20T08:39:42.763Z','{"decision":"retried","by":{"name":"Ana"},"at":"2026-11-20T08:39:45.7Z"}');
INSERT INTO "gates" VALUES(5,'g7_eu53','20261120-093937','{"id":"g7_eu53","about":{"kind":"failed","task":2},"opened_at":"2026-11-20T08:39:45.824Z"}','2026-11-20T08:39:45.824Z','{"decision":"skipped","by":{"name":"Ana"},"at":"2026-11-20T08:39:48.779Z"}');
INSERT INTO "gates" VALUES(6,'g7_tc6l','20261120-093937','{"id":"g7_tc6l","about":{"kind":"before","next":{"task":3},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:39:48.779Z"}','2026-11-20T08:39:48.779Z','{"decision":"approved","by":{"name":"Ana"},"at":"2026-11-20T08:39:50.863Z"}');
INSERT INTO "gates" VALUES(7,'g7_f237','20261120-093954','{"id":"g7_f237","about":{"kind":"before","next":{"task":1},"reasons":[{"why":"start"},{"why":"required"}]},"opened_at":"2026-11-20T08:39:54.044Z"}','2026-11-20T08:39:54.044Z','{"decision":"approved","by":{"name":"Ana"},"at":"2026-11-20T08:39:55.191Z"}');
INSERT INTO "gates" VALUES(8,'g7_y3cq','20261120-093954','{"id":"g7_y3cq","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:39:55.288Z"}','2026-11-20T08:39:55.288Z',NULL);
CREATE TABLE holds (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    hold     TEXT NOT NULL,
    began_at TEXT NOT NULL,
    ended_at TEXT
) STRICT;
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('epoch','a5b827f4d1484455a810e5192c515eb1');
CREATE TABLE requests (
    key         TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status      INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "requests" VALUES('1','70d459b28dbc99279a6b48b00c0cb073a957618512b11a63992aec2ddfeb907d',200,'{"gate":{"choices":["approve","reject","skip","stop"],"id":"g7_y756","kind":"before","opened_at":"2026-11-20T09:39:37.922+01:00","reasons":["start","required"],"task":1},"message":"Session started by Ana: 3 tasks from 2025-11-19-tasks.md\nTask 1/3, Migrate: waiting for approval (start, required); gate g7_y756: /approve, /reject, /skip or /stop","session":"20261120-093937","status":"ok","task":1}',1795163977);
INSERT INTO "requests" VALUES('2','87fcdeb5cfe24e5ccaf545bb11e09199c11161dcad2cb378ea555fc41ffc806f',200,'{"gate":null,"message":"Gate g7_y756 approved by Ana: Task 1/3, Migrate (\"Carefully\")","session":"20261120-093937","status":"ok","task":1}',1795163979);
INSERT INTO "requests" VALUES('3','2c82c247bee3d89ec103854fe1c5b1fdd8875a383a9629e8d682f9bc7df9e4df',200,'{"gate":{"choices":["approve","reject","skip","stop"],"id":"g7_f237","kind":"before","opened_at":"2026-11-20T09:39:54.044+01:00","reasons":["start","required"],"task":1},"message":"Session started by Ana: 2 tasks from 2025-11-20-tasks.md\nTask 1/2, Begin: waiting for approval (start, required); gate g7_f237: /approve, /reject, /skip or /stop","session":"20261120-093954","status":"ok","task":1}',1795163994);
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
INSERT INTO "runs" VALUES(1,'20261120-093937',1,1,'1bc67feb-fb49-4428-9028-38a3b24000d6','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-093937','7a88f7af-2b40-4d3a-b335-2679a83daeca',0,'2026-11-20T08:39:39.536Z','2026-11-20T08:39:39.657Z','{"verdict":{"kind":"completed","summary":"Done."},"usage":{"cost":0.25,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"7a88f7af-2b40-4d3a-b335-2679a83daeca"}}');
INSERT INTO "runs" VALUES(2,'20261120-093937',2,1,'a98b92f0-6fe4-47b8-a99f-9d99735c25ec','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-093937','96612999-2cea-4b02-96ca-4f90b1dbf097',0,'2026-11-20T08:39:42.651Z','2026-11-20T08:39:42.779Z','{"verdict":{"kind":"failed","failure":{"kind":"limit_reached","message":"Reached the limit of turns"}},"usage":{"cost":0.5,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"96612999-2cea-4b02-96ca-4f90b1dbf097"}}');
INSERT INTO "runs" VALUES(3,'20261120-093937',2,2,'9d904c8e-1df6-4201-ae7e-8159dcaa5a5c','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-093937','99791682-2609-418d-befc-267d2ae88a70',0,'2026-11-20T08:39:45.716Z','2026-11-20T08:39:45.826Z','{"verdict":{"kind":"failed","failure":{"kind":"limit_reached","message":"Reached the limit of turns"}},"usage":{"cost":0.5,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"99791682-2609-418d-befc-267d2ae88a70"}}');
INSERT INTO "runs" VALUES(4,'20261120-093937',3,1,'3a66a361-4fac-434a-bb08-16b25ad119f7','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-093937','ef12d870-3231-4868-9a92-944a151aee90',0,'2026-11-20T08:39:50.878Z','2026-11-20T08:39:50.96Z','{"verdict":{"kind":"completed","summary":"Done."},"usage":{"cost":0.125,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"ef12d870-3231-4868-9a92-944a151aee90"}}');
INSERT INTO "runs" VALUES(5,'20261120-093954',1,1,'ba832286-c827-426d-a0f1-c30971be52b3','880cdb0f-1f6c-428e-b286-e4c5984f7904','pid:[4026531836]','/srv/orchestrator/logs/20261120-093954','5a5bb6b5-81ad-4dd4-b136-e077bc009f45',0,'2026-11-20T08:39:55.199Z','2026-11-20T08:39:55.288Z','{"verdict":{"kind":"completed","summary":"Done."},"usage":{"cost":0.25,"input_tokens":1,"output_tokens":1,"model":"stand-in","conversation":"5a5bb6b5-81ad-4dd4-b136-e077bc009f45"}}');
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
INSERT INTO "sessions" VALUES(1,'20261120-093937','2025-11-19-tasks.md','86ce287e66271d837be882516eea709ab7e71d9f0f33142bbdc9ef4ff869e65d','{"approval_mode":"required","checkpoint_after":["database"],"approve_before":[],"auto_approve":[],"on_failure":"ask","on_interrupted":"ask","max_attempts":3}',NULL,0,'2026-11-20T08:39:37.922Z','2026-11-20T08:39:50.959Z','{"status":"completed","at":"2026-11-20T08:39:50.959Z"}');
INSERT INTO "sessions" VALUES(2,'20261120-093954','2025-11-20-tasks.md','293202f7059e3c4978c67045fb62408ba65e249d8aaf478ae3ea027ef02220c9','{"approval_mode":"required","checkpoint_after":["database"],"approve_before":[],"auto_approve":[],"on_failure":"ask","on_interrupted":"ask","max_attempts":3}',NULL,0,'2026-11-20T08:39:54.044Z','2026-11-20T08:39:55.288Z','{"status":"open","work":{"at":"waiting","gate":{"id":"g7_y3cq","about":{"kind":"before","next":{"task":2},"reasons":[{"why":"required"}]},"opened_at":"2026-11-20T08:39:55.288Z"}}}');
CREATE TABLE tasks (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    position   INTEGER NOT NULL,
    spec       TEXT NOT NULL,
    progress   TEXT NOT NULL,
    state      TEXT NOT NULL GENERATED ALWAYS AS (json_extract(progress, '$.state')) VIRTUAL,
    PRIMARY KEY (session_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "tasks" VALUES('20261120-093937',0,'{"number":1,"title":"Migrate","type":"database","instruction":"stand-in succeeds 0.25"}','{"state":"completed","notes":["Carefully"],"feedback":["Look again"],"runs":1,"attempts":1,"summary":"Done.","cost":0.25,"duration":0.12,"started_at":"2026-11-20T08:39:39.531Z"}');
INSERT INTO "tasks" VALUES('20261120-093937',1,'{"number":2,"title":"Fail","type":"general","instruction":"stand-in fails 0.5"}','{"state":"skipped","feedback":["Once more"],"runs":2,"attempts":2,"summary":"Claude stopped at a limit: Reached the limit of turns","cost":1.0,"duration":0.206,"started_at":"2026-11-20T08:39:45.714Z"}');
INSERT INTO "tasks" VALUES('20261120-093937',2,'{"number":3,"title":"Document","type":"documentation","instruction":"stand-in uses Write notes.md\nstand-in succeeds 0.125"}','{"state":"completed","runs":1,"attempts":1,"summary":"Done.","cost":0.125,"duration":0.081,"started_at":"2026-11-20T08:39:50.878Z"}');
INSERT INTO "tasks" VALUES('20261120-093954',0,'{"number":1,"title":"Begin","type":"general","instruction":"stand-in succeeds 0.25"}','{"state":"completed","runs":1,"attempts":1,"summary":"Done.","cost":0.25,"duration":0.088,"started_at":"2026-11-20T08:39:55.198Z"}');
INSERT INTO "tasks" VALUES('20261120-093954',1,'{"number":2,"title":"Go on","type":"general","instruction":"stand-in succeeds 0.5","depends_on":[1]}','{"state":"pending","runs":0,"attempts":0,"cost":0.0,"duration":0.0}');
CREATE INDEX sessions_by_status ON sessions (status, ordinal);
CREATE INDEX sessions_by_digest ON sessions (digest, status);
CREATE UNIQUE INDEX one_active_run ON runs ((1)) WHERE ended_at IS NULL;
CREATE INDEX runs_by_task ON runs (session_id, task, number);
CREATE INDEX gates_by_session ON gates (session_id, ordinal);
CREATE INDEX events_by_session ON events (session_id, id);
CREATE INDEX open_holds ON holds (id) WHERE ended_at IS NULL;
CREATE INDEX requests_by_age ON requests (at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sessions',2);
INSERT INTO "sqlite_sequence" VALUES('gates',8);
INSERT INTO "sqlite_sequence" VALUES('events',32);
COMMIT;
