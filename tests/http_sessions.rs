//! A session as an operator sees it over HTTP, from its start to its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;

use jiff::Timestamp;
use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, fails, resists, succeeds, waits};
use support::daemon::{Daemon, assert_usd};
use support::eventually::until;
use support::http::post;
use support::processes::Watcher;
use support::taskfile::Task;

/// The dialogue of the design, with `curl` in the place of a chat.
#[test]
fn three_tasks_from_start_to_end() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    assert_status_is_complete(&daemon.status());
    assert_eq!(daemon.status()["status"], "idle");

    let started = daemon.start(&[
        Task::new("Create baptisms migration", &succeeds(0.25)).with("Type", "database"),
        Task::new("Create baptisms server actions", &succeeds(0.5)).with("Type", "backend"),
        Task::new("Create baptisms UI", &succeeds(1.0)).with("Type", "frontend"),
    ]);
    assert_eq!((&started["status"], &started["gate"]["task"]), (&json!("ok"), &json!(1)));
    let waiting = daemon.status();
    assert_status_is_complete(&waiting);
    assert_eq!((&waiting["status"], &waiting["total"]), (&json!("waiting_approval"), &json!(3)));
    assert_eq!(waiting["gate"]["reasons"], json!(["start", "required"]));
    assert_eq!(waiting["current"]["type"], "database");

    let approved = daemon.ok("/approve", json!({"user": "Ana"}));
    assert!(approved["message"].as_str().unwrap().contains("approved by Ana"), "{approved}");
    daemon.await_gate("before", 2);
    let second = daemon.status();
    assert_eq!(
        (&second["completed"], &second["progress"], &second["task"]),
        (&json!(1), &json!(33), &json!(2))
    );
    assert_usd(&second["cost_usd"], 0.25);
    assert_eq!(second["tasks"][0]["summary"], "Done.");
    let logs = daemon.logs();
    assert!(logs.contains("] Task 1/3 started: Create baptisms migration"), "{logs}");

    daemon.ok("/pause", json!({}));
    assert_eq!(daemon.status()["status"], "paused");
    assert!(daemon.ok("/pause", json!({}))["message"].as_str().unwrap().starts_with("Already paused"));
    let kept = daemon.ok("/approve", json!({}));
    assert!(kept["message"].as_str().unwrap().contains("starts after /resume"), "{kept}");
    assert_eq!((&daemon.status()["status"], &daemon.status()["gate"]), (&json!("paused"), &Value::Null));
    daemon.ok("/resume", json!({}));
    assert_eq!(daemon.await_gate("before", 3)["reasons"], json!(["required"]));

    daemon.ok("/skip", json!({}));
    let ended = daemon.await_status("completed");
    assert_status_is_complete(&ended);
    assert_eq!(
        (&ended["completed"], &ended["skipped"], &ended["progress"]),
        (&json!(2), &json!(1), &json!(100))
    );
    assert_eq!(
        (&ended["task"], &ended["current"], &ended["gate"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_usd(&ended["cost_usd"], 0.75);
    for command in ["approve", "reject", "pause", "resume", "skip", "retry", "stop"] {
        let message = daemon.ask(post(&format!("/{command}"), &json!({}))).fails(409, "refused");
        assert!(message.contains("/start begins one"), "{command}: {message}");
    }
    let earlier = daemon.ok("/status", json!({"session": ended["session"]}));
    assert_eq!(earlier["tasks"], ended["tasks"]);
    let listed = daemon.ok("/sessions", json!({}));
    assert_eq!(listed["sessions"][0]["session"], ended["session"]);
    assert_eq!(listed["sessions"][0]["status"], "completed");
}

/// Of several that hold, the first of the contract's list is told.
#[test]
fn the_status_is_the_most_important_word() {
    let run = Waiting::new();
    let daemon = Daemon::with(Claude::stand_in()).start();
    let asked = |instruction: &str| Task::new("Task", instruction);
    daemon.start(&[asked(&run.instruction()), asked(&fails(0.5))]);
    assert_eq!(daemon.status()["status"], "waiting_approval");
    daemon.ok("/approve", json!({}));
    run.await_work();
    assert_eq!(daemon.status()["status"], "running");
    assert_eq!(daemon.status()["current"]["state"], "running");
    daemon.ok("/pause", json!({}));
    let both = daemon.status();
    assert_eq!(
        (&both["status"], &both["paused"]),
        (&json!("running"), &json!(true)),
        "a live run comes first"
    );
    run.let_go();
    assert_eq!(daemon.await_status("paused")["gate"]["task"], 2, "a pause comes before a gate");
    daemon.ok("/resume", json!({}));
    daemon.ok("/approve", json!({}));
    let gate = daemon.await_gate("failed", 2);
    assert_eq!(gate["choices"], json!(["retry", "skip", "stop"]));
    let counted = daemon.status();
    assert_eq!((&counted["failed"], &counted["progress"]), (&json!(1), &json!(50)));
    let refused = daemon.ask(post("/approve", &json!({"gate": gate["id"]}))).fails(409, "refused");
    assert!(refused.contains("/retry, /skip or /stop"), "{refused}");
    daemon.ok("/stop", json!({}));
    assert_eq!(daemon.status()["status"], "stopped");
}

/// The old run resists its end, so that there is time for the new session to begin too early.
#[test]
fn a_session_that_takes_anothers_place_waits_for_its_run_to_be_gone() {
    takes_anothers_place(|_| {});
}

#[test]
fn a_crash_does_not_change_that() {
    takes_anothers_place(|daemon| {
        daemon.kill9();
        daemon.restart();
    });
}

fn takes_anothers_place(meanwhile: impl FnOnce(&mut Daemon)) {
    let (old, new) = (Waiting::new(), Waiting::new());
    let mut daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").set("claude", "grace", 1).start();
    let watcher = Watcher::start(daemon.claude(), &daemon.marker());
    let first = daemon.start(&[Task::new("Old", &(resists() + &old.instruction()))]);
    old.await_work();
    let resisting = daemon.await_claude();
    let tree = daemon.run_tree();

    daemon.write_tasks("new.md", &[Task::new("New", &new.instruction())]);
    let replaced = daemon.ok("/start", json!({"task_file": "new.md", "replace": true}));
    assert!(resisting.identity.is_alive(), "it takes its second to end");
    assert_ne!(replaced["session"], first["session"]);
    meanwhile(&mut daemon);
    let status = daemon.status();
    assert_eq!((&status["session"], &status["task_file"]), (&replaced["session"], &json!("new.md")));

    new.await_work();
    assert!(tree.iter().all(|process| !process.identity.is_alive()), "{tree:#?}");
    new.let_go();
    daemon.await_status("completed");
    let before = daemon.ok("/status", json!({"session": first["session"]}));
    assert_eq!((&before["status"], &before["tasks"][0]["state"]), (&json!("stopped"), &json!("interrupted")));
    assert_eq!(watcher.seen().at_once, 1);
}

#[test]
fn what_cannot_be_started_takes_nobodys_place() {
    let run = Waiting::new();
    let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    daemon.write_tasks("done.md", &[Task::new("Done", &succeeds(0.5))]);
    daemon.ok("/start", json!({"task_file": "done.md"}));
    daemon.await_status("completed");
    fs::write(daemon.folder().join("tasks/bad.md"), "## Task 1: No instruction\n").unwrap();
    daemon.start(&[Task::new("Live", &run.instruction())]);
    run.await_work();
    let live = daemon.await_claude();
    let (before, story) = (daemon.status(), daemon.logs());

    for (status, code, file) in [
        (422, "invalid", "bad.md"),
        (404, "not_found", "nowhere.md"),
        (400, "bad_request", "../outside.md"),
        (409, "refused", "done.md"),
    ] {
        let body = json!({"task_file": file, "replace": true});
        daemon.ask(post("/start", &body).key(file)).fails(status, code);
        let after = daemon.status();
        assert_eq!(
            (&after["session"], &after["current"]),
            (&before["session"], &before["current"]),
            "{file}"
        );
    }
    daemon.ask(post("/start", &json!({"task_file": "done.md", "again": true}))).fails(409, "refused");
    assert_eq!(daemon.logs(), story, "nothing is told that did not happen");
    assert_eq!(daemon.await_claude().identity, live.identity);
    run.let_go();
    daemon.await_status("completed");
}

#[test]
fn times_and_ids_are_those_of_the_configured_zone() {
    for (zone, offset) in [("Asia/Kathmandu", "+05:45"), ("America/St_Johns", "-0")] {
        let daemon = Daemon::with(Claude::stand_in()).set("orchestrator", "timezone", zone).start();
        daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
        let status = daemon.status();
        for time in [&status["started_at"], &status["last_activity"], &status["gate"]["opened_at"]] {
            let time = time.as_str().unwrap();
            assert!(time[19..].contains(offset), "{time}");
            let age = Timestamp::now().duration_since(time.parse().unwrap());
            assert!(age.as_secs() < 60 && !age.is_negative(), "{time}");
        }
        let started: Timestamp = status["started_at"].as_str().unwrap().parse().unwrap();
        let there = started.in_tz(zone).unwrap();
        assert_eq!(status["session"], there.strftime("%Y%m%d-%H%M%S").to_string());
        assert!(daemon.logs().starts_with(&there.strftime("[%H:%M:%S] ").to_string()));
        let file = daemon.folder().join("logs").join(there.strftime("%Y-%m-%d.log").to_string());
        until(SOON, "the story of the day", || file.exists());
    }
}

#[test]
fn ids_that_are_taken_get_a_suffix() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.write_tasks("a.md", &[Task::new("Asked", &succeeds(0.5))]);
    let body = json!({"task_file": "a.md", "replace": true});
    let ids: Vec<String> =
        (0..5).map(|_| daemon.ok("/start", body.clone())["session"].as_str().unwrap().to_owned()).collect();
    let mut different = ids.clone();
    different.dedup();
    assert_eq!(different, ids);
    assert!(ids.iter().any(|id| id.ends_with("-2")), "{ids:?}");
    let listed = daemon.ok("/sessions", json!({}));
    let listed: Vec<&Value> =
        listed["sessions"].as_array().unwrap().iter().map(|one| &one["session"]).collect();
    assert_eq!(listed, ids.iter().rev().collect::<Vec<_>>(), "the newest first");
}

#[test]
fn logs_are_those_of_the_story_or_of_a_task() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.ask(post("/logs", &json!({}))).fails(404, "not_found");
    let first = daemon.start(&[Task::new("One", &succeeds(0.5)), Task::new("Two", &succeeds(0.5))]);
    daemon.ok("/approve", json!({}));
    daemon.await_gate("before", 2);
    let story = daemon.logs();
    assert!(story.lines().all(|line| line.starts_with('[') && &line[9..11] == "] "), "{story}");
    let newest = daemon.ok("/logs", json!({"lines": 2}))["logs"].as_str().unwrap().to_owned();
    assert!(story.ends_with(&newest) && newest.lines().count() == 2, "{newest}");

    let output = daemon.ok("/logs", json!({"task": "#1", "lines": 1000}));
    assert!(output["logs"].as_str().unwrap().contains("■ Done"), "{output}");
    assert_eq!(daemon.ok("/logs", json!({"task": 2}))["logs"], "");
    daemon.ok("/start", json!({"task_file": "2025-11-20-tasks.md", "replace": true}));
    let old = daemon.ok("/logs", json!({"session": first["session"], "lines": 1000}));
    assert!(old["logs"].as_str().unwrap().starts_with(&story));
    daemon.ask(post("/logs", &json!({"session": "../../etc/passwd"}))).fails(404, "not_found");
}

/// A run that works until it is told to end well.
struct Waiting(tempfile::TempDir);

impl Waiting {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn instruction(&self) -> String {
        waits(&self.0.path().join("ready"), &self.0.path().join("go")) + &succeeds(0.5)
    }

    #[track_caller]
    fn await_work(&self) {
        until(SOON, "the run to be at work", || self.0.path().join("ready").exists());
    }

    fn let_go(&self) {
        fs::write(self.0.path().join("go"), "").unwrap();
    }
}

/// Everything that the contract lists is there, and of the right type.
#[track_caller]
fn assert_status_is_complete(status: &Value) {
    let words = ["idle", "completed", "stopped", "running", "paused", "waiting_approval", "held"];
    assert!(words.iter().any(|word| status["status"] == *word), "{status:#}");
    for key in ["total", "completed", "failed", "skipped", "progress", "runtime_seconds"] {
        assert!(status[key].is_u64(), "{key}: {status:#}");
    }
    for key in ["task_file_changed", "paused"] {
        assert!(status[key].is_boolean(), "{key}: {status:#}");
    }
    for key in ["session", "task_file", "started_at", "last_activity"] {
        let is_there = if status["status"] == "idle" { Value::is_null } else { Value::is_string };
        assert!(status.get(key).is_some_and(is_there), "{key}: {status:#}");
    }
    for key in ["task", "current", "gate", "hold"] {
        assert!(status.get(key).is_some(), "{key}: {status:#}");
    }
    assert!(status["cost_usd"].is_number() && status["message"].is_string(), "{status:#}");
    assert!(status["notifications"]["pending"].is_u64() && status["notifications"]["dead"].is_u64());
    for task in status["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .chain(status["current"].as_object().map(|_| &status["current"]))
    {
        assert!(task["id"].is_u64() && task["title"].is_string() && task["type"].is_string(), "{task:#}");
        let known = ["pending", "running", "completed", "failed", "interrupted", "skipped"];
        assert!(known.iter().any(|state| task["state"] == *state), "{task:#}");
    }
    for task in status["tasks"].as_array().unwrap() {
        assert!(task["runs"].is_u64() && task["cost_usd"].is_number(), "{task:#}");
        assert!(task["duration_seconds"].is_u64() && task.get("summary").is_some(), "{task:#}");
    }
    let Some(gate) = status["gate"].as_object() else { return };
    assert!(gate["id"].as_str().unwrap().starts_with("g7_") && gate["kind"].is_string());
    assert!(gate["reasons"].is_array() && gate["choices"].is_array());
    gate["opened_at"].as_str().unwrap().parse::<Timestamp>().unwrap();
}

/// Every run with what came of it, and every gate with who decided, also of a session that is over.
#[test]
fn what_was_can_be_asked_for() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let session = daemon.start(&[Task::new("Fails", &fails(0.25))])["session"].clone();
    daemon.ok("/approve", json!({"user": "Ana"}));
    daemon.await_gate("failed", 1);
    daemon.ok("/retry", json!({"user": "Bo", "feedback": "Try harder."}));
    until(SOON, "the second run to fail", || daemon.status()["tasks"][0]["runs"] == 2);
    daemon.await_gate("failed", 1);
    daemon.ok("/stop", json!({"user": "Ana"}));
    daemon.start(&[Task::new("Another", &succeeds(0.5))]);

    let runs = daemon.ok("/tasks", json!({"session": session}))["runs"].clone();
    let told: Vec<_> = runs.as_array().unwrap().iter().map(|run| (&run["number"], &run["verdict"])).collect();
    assert_eq!(told, [(&json!(1), &json!("failed")), (&json!(2), &json!("failed"))]);
    assert_usd(&runs[0]["cost_usd"], 0.25);
    let gates = daemon.ok("/gates", json!({"session": session}))["gates"].clone();
    let decided: Vec<_> =
        gates.as_array().unwrap().iter().map(|gate| (&gate["decision"], &gate["decided_by"])).collect();
    assert_eq!(
        decided,
        [
            (&json!("approved"), &json!("Ana")),
            (&json!("retried"), &json!("Bo")),
            (&json!("stopped"), &json!("Ana")),
        ]
    );
    assert_eq!(daemon.ok("/tasks", json!({}))["runs"], json!([]));
    assert_eq!(daemon.post("/gates", json!({"session": "20000101-000000"})).0, 404);
}
