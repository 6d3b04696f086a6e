//! The database over months: damaged, put aside, backed up, restored, and looked through after an end that wasn't one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use support::SOON;
use support::claude::{Claude, succeeds, waits};
use support::daemon::{A_RUN, Daemon, SECRET, assert_usd};
use support::database::{Database, Other};
use support::eventually::until;
use support::http::{ask, post};
use support::receiver::Receiver;
use support::taskfile::Task;

const FILE: &str = "orchestrator.db";

fn task(title: &str) -> Task {
    Task::new(title, &succeeds(0.25))
}

/// A daemon with a session that waits for the approval of its first of two tasks.
fn waiting() -> Daemon {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[task("First"), task("Second")]);
    daemon
}

fn database(daemon: &Daemon) -> PathBuf {
    daemon.folder().join(FILE)
}

/// Everything beside the daemon's configuration that has this beginning.
fn named(daemon: &Daemon, beginning: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(daemon.folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(beginning)).collect();
    found.sort();
    found
}

fn why_unwell(daemon: &Daemon) -> String {
    let health = daemon.ask(ask("GET", "/health").header("x-webhook-secret", SECRET));
    assert_eq!(health.status, 503, "{health:#?}");
    health.body()["reasons"].to_string()
}

/// Writes over the first page of a table or an index, so that only those notice who look there.
fn damage(database: &Path, name: &str) {
    let at = Database::at(database);
    at.numbers("PRAGMA wal_checkpoint(TRUNCATE)");
    let page = at.numbers(&format!("SELECT rootpage FROM sqlite_schema WHERE name = '{name}'"))[0];
    let file = File::options().write(true).open(database).unwrap();
    file.write_all_at(&[0xa5; 4096], u64::try_from(page - 1).unwrap() * 4096).unwrap();
}

mod after_an_end_that_was_none {
    use super::*;

    #[test]
    fn the_database_is_looked_through_and_otherwise_not() {
        let mut daemon = waiting();
        daemon.sigterm();
        daemon.restart();
        assert!(!daemon.said().contains("looking through it"), "{}", daemon.said());
        daemon.kill9();
        let doctor = daemon.call(&["doctor"]).out;
        assert!(doctor.contains("was not left properly: the next `serve` looks through it"), "{doctor}");

        // Whoever only asks in between doesn't make it as if nothing had been.
        assert_eq!(daemon.call(&["status"]).code, Some(0));
        daemon.restart();
        until(SOON, "the database to be sound", || daemon.said().contains("the database is sound"));
        assert_eq!(daemon.status()["status"], "waiting_approval");
        daemon.sigterm();
        daemon.restart();
        assert_eq!(daemon.said().matches("looking through it").count(), 1, "{}", daemon.said());
    }

    #[test]
    fn damage_is_told_by_health_and_doctor_until_it_is_gone() {
        let mut daemon = waiting();
        let backup = daemon.folder().join("backup.db");
        assert_eq!(daemon.call(&["backup", backup.to_str().unwrap()]).code, Some(0));
        daemon.kill9();
        damage(&database(&daemon), "gates_by_session");

        daemon.restart_unwell();
        assert!(why_unwell(&daemon).contains("the database is damaged: "), "{}", why_unwell(&daemon));
        assert_eq!(daemon.ask(ask("GET", "/health")).body().get("reasons"), None);
        assert!(daemon.said().contains("THE DATABASE IS DAMAGED"), "{}", daemon.said());
        assert_eq!(daemon.status()["status"], "waiting_approval", "it answers all the same");
        let doctor = daemon.call(&["doctor"]);
        assert_eq!(doctor.code, Some(1));
        assert!(doctor.out.contains("fail  database: orchestrator.db is damaged"), "{}", doctor.out);

        daemon.sigterm();
        assert!(daemon.call(&["doctor"]).out.contains("orchestrator.db is damaged"), "also when it is down");
        daemon.restart_unwell();
        daemon.sigterm();
        let full = daemon.call(&["doctor", "--check-database"]);
        assert!(full.out.contains("fail  integrity: orchestrator.db is damaged"), "{}", full.out);

        for ending in ["", "-wal", "-shm"] {
            fs::remove_file(daemon.folder().join(format!("{FILE}{ending}"))).ok();
        }
        fs::copy(&backup, database(&daemon)).unwrap();
        daemon.restart();
        until(SOON, "the database to be sound", || daemon.said().contains("the database is sound"));
        let full = daemon.call(&["doctor", "--check-database"]).out;
        assert!(full.contains("ok    integrity: every page, index and reference"), "{full}");
        assert!(full.contains("ok    database: "), "{full}");
    }

    /// The disk's trouble is mostly met by a reader.
    #[test]
    fn a_read_that_meets_damage_ends_the_daemon() {
        let mut daemon = waiting();
        daemon.sigterm();
        damage(&database(&daemon), "runs_by_task");
        daemon.restart();
        assert_eq!(daemon.status()["status"], "waiting_approval");
        let failed = daemon.ask(post("/tasks", &json!({}))).fails(503, "unavailable");
        assert!(failed.contains("the database failed"), "{failed}");
        assert_eq!(daemon.await_end().code(), Some(74), "{}", daemon.said());
        daemon.restart_unwell();
        assert!(why_unwell(&daemon).contains("damaged"), "the next one looks through it");
    }

    #[test]
    fn a_sweep_that_meets_damage_ends_the_daemon_once() {
        let mut daemon = waiting();
        daemon.sigterm();
        damage(&database(&daemon), "events_by_session");
        let met = daemon.call(&["serve"]);
        assert_eq!(met.code, Some(74), "{}{}", met.out, met.err);
        daemon.restart_unwell();
        assert!(why_unwell(&daemon).contains("damaged"), "the next one looks through it, and lives");
    }
}

mod what_cannot_be_read {
    use super::*;

    /// Damages a database in a way, and sees it put aside, whole, for a new one that works.
    #[track_caller]
    fn is_put_aside(damage: impl FnOnce(&Path)) {
        let receiver = Receiver::start();
        let mut daemon = Daemon::with(Claude::stand_in())
            .set("webhooks", "n8n_notify_url", receiver.url())
            .set("telegram", "chat_id", json!(["42"]))
            .start();
        daemon.start(&[task("First")]);
        daemon.kill9();
        damage(&database(&daemon));
        let before = fs::read(database(&daemon)).unwrap();

        daemon.restart();
        let aside = named(&daemon, "orchestrator.db.corrupt-");
        assert_eq!(fs::read(&aside[0]).unwrap(), before, "nothing is lost of it");
        let name = aside[0].file_name().unwrap().to_str().unwrap().to_owned();
        for beside in &aside[1..] {
            let beside = beside.file_name().unwrap().to_str().unwrap();
            assert!([format!("{name}-wal"), format!("{name}-shm")].contains(&beside.to_owned()), "{beside}");
        }
        let said = daemon.said();
        assert!(said.contains("THE DATABASE COULD NOT BE READ") && said.contains(&name), "{said}");
        let status = daemon.status();
        assert_eq!(status["status"], "idle");
        let message = status["message"].as_str().unwrap();
        assert!(
            message.contains("could not be read and was put aside as") && message.contains(&name),
            "{message}"
        );
        until(SOON, "the chat to hear of it", || {
            receiver.ledger().iter().any(|delivery| {
                delivery.event() == "database_replaced"
                    && delivery.letter["type"] == "error"
                    && delivery.letter["message"].as_str().unwrap().contains(&name)
            })
        });

        daemon.start(&[task("First")]);
        daemon.ok("/approve", json!({}));
        assert_usd(&daemon.await_status("completed")["cost_usd"], 0.25);
        assert!(!daemon.status()["message"].as_str().unwrap().contains("put aside"));
        daemon.sigterm();
        daemon.restart();
        let told = receiver.ledger().iter().filter(|told| told.event() == "database_replaced").count();
        assert_eq!(told, 1, "once");
        assert_eq!(named(&daemon, "orchestrator.db.corrupt-"), aside, "and that is that");
    }

    #[test]
    fn no_database_at_all() {
        is_put_aside(|database| {
            Database::at(database).numbers("PRAGMA wal_checkpoint(TRUNCATE)");
            fs::write(database, "This is not a database, but long enough to be looked at as one.").unwrap();
        });
    }

    #[test]
    fn a_header_that_is_gone() {
        is_put_aside(|database| {
            for ending in ["", "-wal"] {
                let path = format!("{}{ending}", database.display());
                let Ok(file) = File::options().write(true).open(path) else { continue };
                file.write_all_at(&[0; 100], 0).unwrap();
            }
        });
    }

    #[test]
    fn a_schema_that_means_nothing() {
        is_put_aside(|database| {
            Database::at(database).numbers("PRAGMA wal_checkpoint(TRUNCATE)");
            let mut bytes = fs::read(database).unwrap();
            let is_it = |part: &[u8]| part == b"CREATE TABLE sessions";
            let places: Vec<_> =
                bytes.windows(21).enumerate().filter(|(_, part)| is_it(part)).map(|(at, _)| at).collect();
            for place in places {
                bytes[place..place + 12].copy_from_slice(b"CREATE GHOST");
            }
            fs::write(database, bytes).unwrap();
        });
    }

    #[test]
    fn a_file_that_is_cut_short() {
        is_put_aside(|database| {
            Database::at(database).numbers("PRAGMA wal_checkpoint(TRUNCATE)");
            File::options().write(true).open(database).unwrap().set_len(3 * 4096).unwrap();
        });
    }

    /// A name that was mistaken for the database's is no damage.
    #[test]
    fn what_was_never_a_database_stays_where_it_is() {
        let daemon = Daemon::with(Claude::stand_in()).set("paths", "database", "config.toml").prepare();
        let (code, said) = daemon.serve_in_vain();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("file is not a database; choose another paths.database"), "{said}");
        assert!(named(&daemon, "config.toml.corrupt-").is_empty());
    }

    /// The note in the lock file outlives whoever is cut off between putting a database aside and telling it.
    #[test]
    fn what_one_process_put_aside_the_next_one_tells() {
        let mut daemon = Daemon::with(Claude::stand_in()).prepare();
        let lock = daemon.folder().join("orchestrator.db.lock");
        fs::write(&lock, r#"{"in_use":true,"set_aside":"/srv/orchestrator.db.corrupt-20251120-093015"}"#)
            .unwrap();
        daemon.restart();
        let message = daemon.status()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("put aside as /srv/orchestrator.db.corrupt-20251120-093015"), "{message}");
        daemon.sigterm();
        daemon.restart();
        let told = "SELECT count(*) FROM events WHERE kind = 'database_replaced'";
        assert_eq!(daemon.database().numbers(told), [1], "once");

        daemon.sigterm();
        fs::write(&lock, "neither a note nor").unwrap();
        daemon.restart();
        until(SOON, "the database to be looked through", || daemon.said().contains("the database is sound"));
    }

    #[test]
    fn what_is_only_busy_stays_where_it_is() {
        let mut daemon = waiting();
        daemon.sigterm();
        let mut other = Other::open(&daemon);
        other.execute("PRAGMA locking_mode = EXCLUSIVE");
        other.execute("BEGIN EXCLUSIVE");
        let (code, said) = daemon.serve_in_vain();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("database is locked"), "{said}");
        assert_eq!(named(&daemon, "orchestrator.db.corrupt-"), Vec::<PathBuf>::new());
        drop(other);
        daemon.restart();
        assert_eq!(daemon.status()["status"], "waiting_approval");
    }
}

mod a_backup {
    use super::*;

    #[track_caller]
    fn back_up(daemon: &Daemon, name: &str) -> PathBuf {
        let made = daemon.call(&["backup", name]);
        assert_eq!((made.code, made.err.as_str()), (Some(0), ""), "{}", made.out);
        assert!(made.out.contains(&format!("orchestrator.db is backed up in {name}: ")), "{}", made.out);
        assert!(made.out.contains("1 session, and nothing wrong with it"), "{}", made.out);
        daemon.folder().join(name)
    }

    /// Stops the daemon, if it runs, and puts a backup in the place of its database, as a person would.
    fn put_in_place(daemon: &Daemon, backup: &Path, with_logs: bool) {
        for ending in ["-wal", "-shm"] {
            let log = daemon.folder().join(format!("{FILE}{ending}"));
            if with_logs && log.exists() {
                fs::remove_file(log).unwrap();
            }
        }
        fs::copy(backup, database(daemon)).unwrap();
    }

    fn epoch(daemon: &Daemon) -> String {
        daemon.database().texts("SELECT value FROM meta WHERE key = 'epoch'").remove(0)
    }

    #[test]
    fn is_private_and_takes_nothing_s_place() {
        let mut daemon = waiting();
        let backup = back_up(&daemon, "first.db");
        assert_eq!(fs::metadata(&backup).unwrap().mode() & 0o777, 0o600);
        let again = daemon.call(&["backup", "first.db"]);
        assert_eq!(again.code, Some(1));
        assert!(
            again.err.contains("first.db is there already, and no backup takes the place"),
            "{}",
            again.err
        );
        let nowhere = daemon.call(&["backup", "nowhere/first.db"]);
        assert_eq!(nowhere.code, Some(1));
        assert!(nowhere.err.contains("can't write nowhere/first.db: no such file"), "{}", nowhere.err);
        assert_eq!(daemon.call(&["backup", "-"]).code, Some(2));
        daemon.sigterm();
        back_up(&daemon, "second.db");
        assert_eq!(named(&daemon, ".orchestrator-"), Vec::<PathBuf>::new(), "no drafts are left");
    }

    #[test]
    fn of_what_is_damaged_is_none() {
        let mut daemon = waiting();
        daemon.kill9();
        damage(&database(&daemon), "events");
        let failed = daemon.call(&["backup", "bad.db"]);
        assert_eq!(failed.code, Some(1), "{}", failed.out);
        assert!(failed.err.contains("malformed"), "{}", failed.err);
        assert!(named(&daemon, "bad.db").is_empty() && named(&daemon, ".orchestrator-").is_empty());
    }

    /// While a session runs through a hundred tasks, each copy is whole, and what is acknowledged goes on.
    #[test]
    fn holds_nobody_up() {
        let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
        daemon.start(&(1..=40).map(|number| task(&format!("Task {number}"))).collect::<Vec<_>>());
        let mut copies: Vec<i64> = Vec::new();
        while daemon.status()["status"] != "completed" {
            let name = format!("copy-{}.db", copies.len());
            back_up(&daemon, &name);
            let done = Database::at(&daemon.folder().join(name))
                .numbers("SELECT count(*) FROM tasks WHERE state = 'completed'")[0];
            copies.push(done);
        }
        assert!(copies.len() > 2 && copies.is_sorted(), "{copies:?}");
        assert_usd(&daemon.status()["cost_usd"], 10.0);
    }

    #[test]
    fn that_is_restored_comes_up_paused_and_its_gate_can_be_answered() {
        let mut daemon = waiting();
        let gate = daemon.status()["gate"]["id"].clone();
        let (events, before) = (daemon.database().numbers("SELECT max(id) FROM events")[0], epoch(&daemon));
        let backup = back_up(&daemon, "backup.db");
        daemon.ok("/approve", json!({"gate": gate}));
        let lost = daemon.await_gate("before", 2)["id"].clone();
        daemon.sigterm();
        put_in_place(&daemon, &backup, true);
        assert!(daemon.call(&["doctor"]).out.contains("is a backup that was put here"));

        daemon.restart();
        let status = daemon.status();
        assert_eq!((&status["status"], &status["paused"]), (&json!("paused"), &json!(true)), "{status:#}");
        assert_eq!(status["gate"]["id"], gate, "the question of then");
        assert_ne!(epoch(&daemon), before, "ids of events mean other events now");
        let logs = daemon.logs();
        assert!(logs.contains("The database was restored from a backup of 20"), "{logs}");
        assert!(logs.trim_end().ends_with("Paused by restore"), "{logs}");
        daemon.ask(post("/approve", &json!({"gate": lost}))).fails(404, "not_found");

        daemon.ok("/approve", json!({"gate": gate}));
        assert_eq!(daemon.status()["status"], "paused", "approved, and waits for /resume");
        daemon.ok("/resume", json!({}));
        daemon.await_gate("before", 2);
        let runs = daemon.folder().join("logs").join(status["session"].as_str().unwrap());
        for place in [runs.join("task-1-run-1.log"), runs.join("before-restore/task-1-run-1.log")] {
            assert!(place.exists(), "the run of now and the one that nobody remembers: {}", place.display());
        }
        assert!(daemon.database().numbers("SELECT max(id) FROM events")[0] > events);
        daemon.sigterm();
        daemon.restart();
        assert_eq!(daemon.status()["status"], "waiting_approval", "it is restored once");
    }

    /// Whoever calls `run`, at a terminal or by cron, has not looked yet.
    #[test]
    fn that_is_restored_is_not_gone_on_with_by_run_before_somebody_says_so() {
        let mut daemon = waiting();
        let backup = back_up(&daemon, "backup.db");
        let file = format!("tasks/{}", daemon.status()["task_file"].as_str().unwrap());
        let session = daemon.status()["session"].as_str().unwrap().to_owned();
        daemon.sigterm();
        put_in_place(&daemon, &backup, true);

        for _ in 0..2 {
            let refused = daemon.call(&["run", &file, "--yes"]);
            assert_eq!(refused.code, Some(3), "{}{}", refused.out, refused.err);
            let told = "error: the database was restored from a backup of 20";
            assert!(refused.err.to_lowercase().contains(told), "{}", refused.err);
            let ways = format!(
                "Session {session} waits as it was then: see that it fits your project as it is now, and go on with"
            );
            assert!(refused.err.contains(&ways), "{}", refused.err);
            assert!(refused.err.contains(" resume\n  orchestrator"), "{}", refused.err);
            assert_eq!(daemon.database().numbers("SELECT count(*) FROM runs"), [0]);
        }
        assert_eq!(daemon.call(&["resume"]).code, Some(0));
        let ran = daemon.call(&["run", &file, "--yes"]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    }

    /// What would happen without a look at the header: SQLite plays the log of the old database over the backup.
    #[test]
    fn is_kept_apart_from_the_log_of_the_database_before() {
        let mut daemon = waiting();
        let backup = back_up(&daemon, "backup.db");
        daemon.ok("/approve", json!({}));
        daemon.await_gate("before", 2);
        daemon.kill9();
        let log = daemon.folder().join("orchestrator.db-wal");
        let stray = fs::read(&log).unwrap();
        assert!(!stray.is_empty());
        put_in_place(&daemon, &backup, false);

        let report = daemon.call(&["report"]);
        assert_eq!(report.code, Some(1));
        assert!(report.err.contains("belongs to the database that was there before"), "{}", report.err);
        let doctor = daemon.call(&["doctor"]).out;
        assert!(
            doctor.contains("warn  database: orchestrator.db is a backup, and orchestrator.db-wal beside it"),
            "{doctor}"
        );

        daemon.restart();
        assert_eq!(daemon.status()["gate"]["task"], 1, "the backup's state, and only that");
        assert_eq!(fs::read(daemon.folder().join("orchestrator.db-wal.stray")).unwrap(), stray);
        until(SOON, "the database to be sound", || daemon.said().contains("the database is sound"));
    }

    #[test]
    fn of_a_live_run_is_interrupted_where_it_stood() {
        let folder = tempfile::tempdir().unwrap();
        let (ready, go) = (folder.path().join("ready"), folder.path().join("go"));
        let mut daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
        daemon.start(&[Task::new("Long", &(waits(&ready, &go) + &succeeds(0.5)))]);
        until(SOON, "the run to be at work", || ready.exists());
        let backup = back_up(&daemon, "backup.db");
        daemon.ok("/stop", json!({}));
        daemon.await_status("stopped");
        daemon.sigterm();
        put_in_place(&daemon, &backup, true);

        daemon.restart();
        daemon.await_that(A_RUN, "the run to be seen to", |status| {
            status["gate"]["kind"] == "interrupted" && status["paused"] == true
        });
        daemon.assert_no_run_alive();
        daemon.ok("/retry", json!({}));
        fs::write(&go, "").unwrap();
        daemon.ok("/resume", json!({}));
        assert_eq!(daemon.await_status("completed")["tasks"][0]["runs"], 2);
    }

    /// Whatever it was made with: a copy that lacks what this folder's daemon is known to have written isn't its database.
    #[test]
    fn of_any_kind_is_noticed() {
        let mut daemon = waiting();
        daemon.sigterm();
        let copy = daemon.folder().join("copy.db");
        fs::copy(database(&daemon), &copy).unwrap();
        daemon.restart();
        daemon.ok("/approve", json!({}));
        daemon.await_gate("before", 2);
        daemon.sigterm();
        put_in_place(&daemon, &copy, true);
        daemon.restart();
        let status = daemon.status();
        assert_eq!((&status["status"], &status["gate"]["task"]), (&json!("paused"), &json!(1)), "{status:#}");
        assert!(daemon.logs().contains("The database was restored from a copy"), "{}", daemon.logs());
    }

    #[test]
    fn is_no_backup_of_another_program_s_file() {
        let daemon = Daemon::with(Claude::stand_in()).prepare();
        let missing = daemon.call(&["backup", "backup.db"]);
        assert!(missing.err.contains("there is no database"), "{}", missing.err);
        fs::write(database(&daemon), "notes").unwrap();
        let foreign = daemon.call(&["backup", "backup.db"]);
        assert_eq!(foreign.code, Some(1), "{}", foreign.out);
        assert_eq!(fs::read_to_string(database(&daemon)).unwrap(), "notes");
    }
}
