//! `orchestrator report` against a database as it is: beside a daemon, without one, and where there is none to read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;

use serde_json::json;
use support::claude::{Claude, fails, succeeds};
use support::daemon::Daemon;
use support::database::Database;
use support::taskfile::Task;
use support::terminal::Place;

#[test]
fn a_session_is_told_beside_its_daemon_and_after_it() {
    let mut daemon = Daemon::with(Claude::stand_in()).start();
    let session =
        daemon.start(&[Task::new("Lay | the ground", &fails(0.25)), Task::new("Build", &succeeds(0.5))]);
    let session = session["session"].as_str().unwrap().to_owned();
    daemon.ok("/approve", json!({"note": "mind the gap", "user": "ann"}));
    daemon.await_gate("failed", 1);

    let beside = report(&daemon, &[]);
    for told in [
        "**Still open: waits for an answer.**",
        "| 1 | Lay \\| the ground | general | failed | 1 |",
        "**failed**: Claude stopped at a limit: Reached the limit of turns",
        "**approved** by ann",
        "“mind the gap”",
        &format!("`logs/{session}/task-1-run-1.log`"),
        "(task 1 failed): **open**",
    ] {
        assert!(beside.contains(told), "{told}\n{beside}");
    }

    daemon.ok("/skip", json!({}));
    daemon.await_gate("before", 2);
    daemon.ok("/approve", json!({}));
    daemon.await_status("completed");
    daemon.kill9();

    let after = report(&daemon, &[&session]);
    for told in ["**Completed.**", "- Tasks: 1 of 2 completed, 1 skipped", "- Cost: $0.75", "> Done."] {
        assert!(after.contains(told), "{told}\n{after}");
    }
    daemon.restart();
    let again = report(&daemon, &[]);
    assert_eq!(again, after, "to look changes nothing");
}

#[track_caller]
fn report(daemon: &Daemon, arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_orchestrator"))
        .arg("report")
        .args(arguments)
        .current_dir(daemon.folder())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_cannot_be_told_is_a_sentence() {
    let place = Place::with(&[Task::new("One", &succeeds(0.0))]);
    let database = place.path("orchestrator.db");
    let refused = |arguments: &[&str]| {
        let said = place.call(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        said.err
    };
    let missing = refused(&["report"]);
    assert!(missing.contains("there is no database") && missing.contains("orchestrator serve"), "{missing}");
    assert!(!database.exists(), "to look makes nothing");

    fs::write(&database, "").unwrap();
    assert!(refused(&["report"]).contains("was not written by this program"));
    fs::write(&database, "not a database at all, however long it may be: ".repeat(40)).unwrap();
    assert!(refused(&["report"]).contains("file is not a database"));
    fs::remove_file(&database).unwrap();

    place.call(&["run", "tasks.md", "--rehearse"]);
    let unknown = refused(&["report", "20010101-000000"]);
    assert!(unknown.contains("there is no session 20010101-000000: the newest are 20"), "{unknown}");

    let versions = Database::at(&database);
    versions.execute(
        "INSERT INTO _sqlx_migrations
         SELECT 9999, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations LIMIT 1",
    );
    assert!(refused(&["report"]).contains("was written by a newer version of this program"));
    versions.execute("DELETE FROM _sqlx_migrations WHERE version = 9999");
    versions.execute("UPDATE _sqlx_migrations SET version = version - 1");
    assert!(refused(&["report"]).contains("was written by an older version of this program"));
}
