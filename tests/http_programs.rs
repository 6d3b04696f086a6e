//! Programs that are no Claude, or not there, or print what nobody can read: a clear word and a state to go on from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, babbles, drones, fails, succeeds, waits};
use support::daemon::{A_RUN, Daemon};
use support::eventually::until;
use support::http::post;
use support::taskfile::Task;

#[test]
fn a_program_that_is_not_there_holds_the_work_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("claude");
    let mut daemon = Daemon::with(Claude::program(&program)).approval_mode("auto").start();
    begin(&daemon, &succeeds(0.5));
    assert_held(&daemon, "no such file");

    fs::write(&program, fs::read(Claude::stand_in().program).unwrap()).unwrap();
    daemon.ok("/resume", json!({}));
    assert_held(&daemon, "not executable");

    daemon.kill9();
    daemon.restart();
    assert_held(&daemon, "not executable");
    fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
    daemon.ok("/resume", json!({}));
    let done = daemon.await_status("completed");
    assert_eq!(done["hold"], Value::Null);
}

#[test]
fn a_project_that_vanished_holds_the_work_and_says_so() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    fs::remove_dir(daemon.project()).unwrap();
    daemon.ok("/approve", json!({}));
    assert_held(&daemon, "project");
    fs::create_dir(daemon.project()).unwrap();
    daemon.ok("/resume", json!({}));
    daemon.await_status("completed");
}

#[test]
fn a_program_that_is_no_claude_fails_its_task() {
    let daemon = Daemon::with(Claude::program("/bin/true")).approval_mode("auto").start();
    begin(&daemon, &succeeds(0.5));
    let gate = await_trouble(&daemon);
    assert_eq!(gate["choices"], json!(["retry", "skip", "stop"]));
    assert!(!daemon.logs().is_empty());
}

#[test]
fn whatever_a_run_prints_its_task_ends_and_can_be_told() {
    for (what, prints) in [("binary", babbles(3_000_000)), ("a line of 64 MiB", drones(64 << 20))] {
        let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
        begin(&daemon, &(prints + &fails(0.5)));
        await_trouble(&daemon);
        let told = daemon.ask(post("/logs", &json!({"task": 1, "lines": 1000})));
        assert!(told.succeeds()["logs"].is_string(), "{what}");
        assert!(told.text.len() < 8 << 20, "{what}: {} bytes", told.text.len());
        daemon.assert_no_run_alive();
    }
}

#[test]
fn a_run_that_never_ends_is_ended_by_its_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, never) = (folder.path().join("ready"), folder.path().join("never"));
    let daemon = Daemon::with(Claude::stand_in())
        .approval_mode("auto")
        .set("claude", "timeout", 2)
        .set("claude", "grace", 1)
        .start();
    begin(&daemon, &waits(&ready, &never));
    until(SOON, "the run to be at work", || ready.exists());
    assert_eq!(daemon.status()["status"], "running");
    let gate = daemon.await_gate("failed", 1);
    assert!(daemon.logs().contains("timed out") || daemon.logs().contains("time"), "{}", daemon.logs());
    daemon.assert_no_run_alive();
    daemon.ok("/skip", json!({"gate": gate["id"]}));
}

fn begin(daemon: &Daemon, instruction: &str) {
    daemon.start(&[Task::new("Only", instruction)]);
    daemon.ok("/status", json!({}));
}

/// Waits for the gate after a run that failed or left nothing behind.
#[track_caller]
fn await_trouble(daemon: &Daemon) -> Value {
    let status = daemon.await_that(A_RUN, "a gate after the run", |status| {
        ["failed", "interrupted"].iter().any(|kind| status["gate"]["kind"] == *kind)
    });
    status["gate"].clone()
}

#[track_caller]
fn assert_held(daemon: &Daemon, reason: &str) {
    let held = daemon.await_that(SOON, reason, |status| {
        status["status"] == "held" && status["hold"]["reason"].as_str().unwrap().contains(reason)
    });
    assert_eq!(held["current"]["state"], "pending", "{held:#}");
    assert_eq!(held["hold"]["until"], Value::Null, "{held:#}");
    assert!(held["message"].as_str().unwrap().contains(reason), "{held:#}");
    daemon.assert_no_run_alive();
}
