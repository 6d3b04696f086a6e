//! Databases of every earlier version, with what happened in them: the next start brings them up to date, and a session goes
//! on where it was.
//!
//! `tests/migrations/NNNN.sql` is the dump of a database whose newest migration is that one. A migration that follows comes
//! with the dump of the one before it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use support::claude::Claude;
use support::daemon::{Daemon, assert_usd};

/// The names of a folder's SQL files by the version they begin with.
fn versions(folder: &str) -> Vec<(u32, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let version = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap()[..4].parse().unwrap();
    let mut versions: Vec<_> = entries.map(|path| (version(&path), path)).collect();
    versions.sort();
    versions
}

#[test]
fn every_earlier_version_is_kept() {
    let mut known: Vec<u32> = versions("migrations").into_iter().map(|(version, _)| version).collect();
    let newest = known.pop().unwrap();
    let kept: Vec<u32> = versions("tests/migrations").into_iter().map(|(version, _)| version).collect();
    assert_eq!(kept, known, "a dump for each version before {newest}");
}

#[test]
fn a_session_of_every_earlier_version_goes_on() {
    let fresh = Daemon::with(Claude::stand_in()).start();
    let schema = "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY name";
    let newest = fresh.database().texts(schema);
    for (version, dump) in versions("tests/migrations") {
        let mut daemon = Daemon::with(Claude::stand_in()).prepare();
        daemon.database().load(&dump);
        daemon.restart();
        if version == 5 {
            what_was_granted_for_a_day_is_every_sessions(&daemon);
        }
        goes_on(&daemon, version);
        assert_eq!(daemon.database().texts(schema), newest, "version {version}");
        let doctor = daemon.call(&["doctor", "--check-database"]).out;
        assert!(doctor.contains("ok    integrity: "), "version {version}: {doctor}");
    }
}

/// It stood in the session in which it was granted, beside what was granted to that session alone.
#[track_caller]
fn what_was_granted_for_a_day_is_every_sessions(daemon: &Daemon) {
    let account =
        "SELECT day || ' ' || micro_usd_up_to || ' ' || tokens_up_to || ' ' || micro_usd FROM spending";
    assert_eq!(daemon.database().texts(account), ["2026-11-20 9980000 2010 1625000"]);
    let granted = "SELECT state -> '$.allowances' FROM sessions WHERE status = 'open'";
    let kept = r#"[{"budget":"cost_per_session","up_to":{"usd":10.0}}]"#;
    assert_eq!(daemon.database().texts(granted), [kept]);
}

/// What all of them hold: a session that has completed, and one that waits before the second of its two tasks.
#[track_caller]
fn goes_on(daemon: &Daemon, version: u32) {
    let status = daemon.status();
    assert_eq!((&status["status"], &status["task"]), (&json!("waiting_approval"), &json!(2)), "{status:#}");
    let sessions = daemon.ok("/sessions", json!({}))["sessions"].take();
    assert_eq!(sessions.as_array().unwrap().len(), 2, "version {version}: {sessions:#}");
    let first = sessions[1]["session"].as_str().unwrap();
    let told = daemon.ok("/tasks", json!({"session": first}));
    assert_eq!(told["runs"].as_array().unwrap().len(), 4, "version {version}: {told:#}");
    assert!(daemon.call(&["report", first]).out.contains("Look again"), "version {version}");
    let gates = daemon.ok("/gates", json!({"session": first}))["gates"].take();
    assert_eq!(gates.as_array().unwrap().len(), 6, "version {version}: {gates:#}");
    let (_, metrics) = daemon.get("/metrics").unwrap();
    for figure in [
        "orchestrator_tasks_total{outcome=\"completed\"} 3",
        "orchestrator_tasks_total{outcome=\"failed\"} 2",
        "orchestrator_runs_total{verdict=\"failed\"} 2",
        "orchestrator_sessions{status=\"open\"} 1",
        "orchestrator_cost_usd_total 1.625",
    ] {
        assert!(metrics.contains(figure), "version {version}: {figure}\n{metrics}");
    }

    let gate = status["gate"]["id"].clone();
    daemon.ok("/approve", json!({"gate": gate}));
    let completed = daemon.await_status("completed");
    assert_usd(&completed["cost_usd"], 0.75);
}
