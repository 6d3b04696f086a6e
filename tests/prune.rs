//! What is old goes, by itself and when it is asked to, and what isn't old or isn't ours stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, succeeds};
use support::daemon::Daemon;
use support::eventually::until;
use support::http::post;
use support::receiver::Receiver;
use support::taskfile::Task;

const DAY: Duration = Duration::from_hours(24);

/// A place with a past: a session that completed long ago, one that was stopped just now, one that has been open for long.
struct Past {
    daemon: Daemon,
    _receiver: Receiver,
    completed: String,
    stopped: String,
    open: String,
}

impl Past {
    fn new() -> Self {
        let receiver = Receiver::start();
        let mut daemon =
            Daemon::with(Claude::stand_in()).set("webhooks", "n8n_notify_url", receiver.url()).start();
        let task = || Task::new("Asked", &succeeds(0.25));
        let session = |status: &Value| status["session"].as_str().unwrap().to_owned();

        daemon.start(&[task()]);
        daemon.ask(post("/approve", &json!({"request_id": 1}))).succeeds();
        let completed = session(&daemon.await_status("completed"));
        daemon.start(&[task(), task()]);
        daemon.ok("/approve", json!({}));
        daemon.await_gate("before", 2);
        daemon.ok("/stop", json!({}));
        let stopped = session(&daemon.await_status("stopped"));
        daemon.start(&[task(), task()]);
        daemon.ok("/approve", json!({}));
        let open = daemon.await_gate("before", 2);
        assert_eq!(open["task"], 2);
        let open = session(&daemon.status());
        daemon
            .await_that(SOON, "everything to be delivered", |status| status["notifications"]["pending"] == 0);
        daemon.sigterm();

        let past = Self { daemon, _receiver: receiver, completed, stopped, open };
        past.grow_old();
        past
    }

    fn grow_old(&self) {
        let old = "2024-01-01T09:30:15Z";
        let of_those = format!("IN ('{}', '{}')", self.completed, self.open);
        self.daemon.database().execute(&format!(
            "UPDATE sessions SET last_activity = '{old}' WHERE id {of_those};
             UPDATE notifications SET settled_at = '{old}' WHERE session_id {of_those};
             UPDATE requests SET at = 1"
        ));
        self.of_no_session(old);
        let logs = self.logs();
        fs::write(logs.join("2024-01-01.log"), "[09:30:15] Long ago\n").unwrap();
        fs::write(logs.join("webhook-access.log.20240101-093015"), "long ago\n").unwrap();
        fs::create_dir(logs.join("20240101-093015")).unwrap();
        fs::write(logs.join("20240101-093015/task-1-run-1.log"), "of a database that is gone\n").unwrap();
        for name in
            ["webhook-access.log.20240101-093015", "20240101-093015/task-1-run-1.log", "20240101-093015"]
        {
            let then = SystemTime::now() - 100 * DAY;
            File::open(logs.join(name)).unwrap().set_modified(then).unwrap();
        }
        fs::write(logs.join(&self.completed).join("notes.md"), "mine").unwrap();
        fs::create_dir(logs.join("mine")).unwrap();
        fs::write(logs.join("2024-01-01.log.bak"), "mine").unwrap();
    }

    /// Three events of no session, of which one is not old and one was never delivered, and two holds that are over, of which
    /// one may come back.
    fn of_no_session(&self, old: &str) {
        let event = |at: &str, message: &str| {
            let told = json!({"kind": "database_restored", "made_at": null});
            format!(
                "INSERT INTO events (kind, at, message, event) VALUES ('database_restored', '{at}', '{message}', '{told}');"
            )
        };
        let notification = |state: &str| {
            format!(
                "INSERT INTO notifications (id, event_id, kind, event, message, telegram, at, state, settled_at)
                 SELECT '{state}', max(id), 'warning', 'database_restored', '', '{{}}', '{old}', '{state}', '{old}'
                 FROM events;"
            )
        };
        let hold = |overcome: &str| {
            let hold = json!({"kind": "api", "until": old, "reason": "overloaded"});
            format!(
                "INSERT INTO holds (hold, began_at, ended_at, overcome_at) VALUES ('{hold}', '{old}', '{old}', {overcome});"
            )
        };
        let statements = [
            event(old, "gone"),
            notification("delivered"),
            event(old, "undelivered"),
            notification("dead"),
            event("2124-01-01T09:30:15Z", "recent"),
            hold(&format!("'{old}'")),
            hold("NULL"),
        ];
        self.daemon.database().execute(statements.concat().trim_end_matches(';'));
    }

    fn logs(&self) -> PathBuf {
        self.daemon.folder().join("logs")
    }

    fn has(&self, name: &str) -> bool {
        self.logs().join(name).exists()
    }

    #[track_caller]
    fn prune(&self, arguments: &[&str]) -> String {
        let said = self.daemon.call(&[&["prune"], arguments].concat());
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
        said.out
    }

    fn is_swept(&self) {
        for gone in ["2024-01-01.log", "webhook-access.log.20240101-093015", "20240101-093015"] {
            assert!(!self.has(gone), "{gone}");
        }
        let (completed, stopped, open) = (&self.completed, &self.stopped, &self.open);
        assert!(!self.has(&format!("{completed}/task-1-run-1.log")));
        assert!(self.has(&format!("{completed}/notes.md")), "it isn't ours");
        assert!(self.has("mine") && self.has("2024-01-01.log.bak") && self.has("webhook-access.log"));
        assert!(self.has(&format!("{stopped}/task-1-run-1.ndjson")), "it isn't old");
        assert!(self.has(&format!("{open}/task-1-run-1.ndjson")), "it is open");
        let database = self.daemon.database();
        assert_eq!(database.numbers("SELECT count(*) FROM requests"), [0]);
        assert_eq!(
            database
                .numbers("SELECT count(*) FROM notifications WHERE settled_at < '2025' AND state <> 'dead'"),
            [0]
        );
        assert!(
            database.numbers("SELECT count(*) FROM notifications")[0] > 0,
            "what was just delivered stays"
        );
        assert_eq!(database.numbers("SELECT count(*) FROM sessions"), [3], "the record stays");
        let loose = database.texts("SELECT message FROM events WHERE session_id IS NULL ORDER BY id");
        assert_eq!(loose[..2], ["undelivered", "recent"]);
        assert_eq!(database.numbers("SELECT count(*) FROM holds WHERE overcome_at IS NOT NULL"), [0]);
        assert_eq!(database.numbers("SELECT count(*) FROM holds"), [1], "what may come back stays");
    }
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            if entry.file_type().unwrap().is_dir() {
                size(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}

#[test]
fn a_daemon_sweeps_by_itself() {
    let mut past = Past::new();
    past.daemon.restart();
    until(SOON, "the sweep", || past.daemon.said().contains("swept out what is older than logging.keep: "));
    past.is_swept();
    assert_eq!(past.daemon.status()["gate"]["task"], 2);
    past.daemon.ok("/approve", json!({}));
    past.daemon.await_status("completed");
}

#[test]
fn it_is_said_what_would_go_and_what_went() {
    let past = Past::new();
    let rows = || past.daemon.database().numbers("SELECT count(*) FROM notifications");
    let before = (size(&past.logs()), rows());
    let would = past.prune(&["--dry-run"]);
    assert!(
        would.starts_with(
            "Would delete what is older than 90 days: the run files of 2 sessions, the stories of 1 day, 1 access log ("
        ),
        "{would}"
    );
    assert!(would.contains("1 request key, ") && would.contains(" notifications, "), "{would}");
    assert!(would.ends_with(", 1 event of no session, 1 past hold\n"), "{would}");
    assert_eq!((size(&past.logs()), rows()), before, "nothing was touched");
    assert_eq!(past.prune(&[]), would.replace("Would delete", "Deleted"), "it did what it had said");
    past.is_swept();
    assert_eq!(past.prune(&[]), "Deleted what is older than 90 days: nothing\n");
    assert_eq!(past.daemon.call(&["prune", "--older-than", "a while"]).code, Some(2));
}

#[test]
fn the_record_goes_only_when_it_is_asked_for() {
    let mut past = Past::new();
    let gate = past
        .daemon
        .database()
        .texts(&format!("SELECT id FROM gates WHERE session_id = '{}'", past.completed));
    past.daemon.restart();
    // Beside the daemon.
    let said = past.prune(&["--sessions", "--older-than", "30d"]);
    assert!(said.contains("the record of 1 session"), "{said}");
    let listed = past.daemon.ok("/sessions", json!({}));
    let listed: Vec<_> = listed["sessions"].as_array().unwrap().iter().map(|one| &one["session"]).collect();
    assert_eq!(listed, [&json!(past.open), &json!(past.stopped)]);
    let database = past.daemon.database();
    for table in ["tasks", "runs", "gates", "events", "notifications"] {
        let left = format!("SELECT count(*) FROM {table} WHERE session_id = '{}'", past.completed);
        assert_eq!(database.numbers(&left), [0], "{table}");
    }
    assert_eq!(database.texts("SELECT id FROM retired_gates"), gate, "its id is never given again");
    let (_, metrics) = past.daemon.get("/metrics").unwrap();
    assert!(metrics.contains("orchestrator_sessions{status=\"completed\"} 0"), "{metrics}");
    assert!(
        metrics.contains("orchestrator_tasks_total{outcome=\"completed\"} 3"),
        "what was counted stays: {metrics}"
    );

    past.daemon.ok("/approve", json!({}));
    past.daemon.await_status("completed");
    let doctor = past.daemon.call(&["doctor", "--check-database"]).out;
    assert!(doctor.contains("ok    integrity: "), "{doctor}");
}

/// Whatever is asked for: neither an open session, nor the last run's, whose number the next one counts on from.
#[test]
fn nothing_that_is_needed_goes() {
    let past = Past::new();
    past.prune(&["--sessions", "--older-than", "0s"]);
    let left = past.daemon.database().texts("SELECT id FROM sessions");
    assert_eq!(left, std::slice::from_ref(&past.open));
    assert!(past.has(&format!("{}/task-1-run-1.ndjson", past.open)));
    let story = fs::read_dir(past.logs()).unwrap().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name.len() == "2024-01-01.log".len() && name.starts_with("20")).then_some(name)
    });
    assert_eq!(story.count(), 1, "today's");
}
