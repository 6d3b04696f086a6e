//! What can be said over HTTP: every endpoint under both of its names, every spelling of a command, every way to fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::claude::{Claude, succeeds};
use support::daemon::Daemon;
use support::database::Other;
use support::http::{ask, post, stranger};
use support::taskfile::Task;

const COMMANDS: [&str; 9] =
    ["start", "approve", "reject", "pause", "resume", "skip", "retry", "stop", "command"];
const READS: [&str; 5] = ["status", "tasks", "sessions", "gates", "logs"];

#[test]
fn every_endpoint_has_two_names_and_answers_json_under_both() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    for endpoint in COMMANDS.into_iter().chain(READS) {
        let bodies = [json!({}), json!({"command": "help"}), json!({"command": "status", "lines": 0})];
        for body in bodies {
            let short = daemon.ask(post(&format!("/{endpoint}"), &body));
            let long = daemon.ask(post(&format!("/webhook/{endpoint}"), &body));
            assert_eq!((short.status, short.body()), (long.status, long.body()), "{endpoint} {body}");
            assert!(short.body()["message"].is_string(), "{endpoint}");
            let word = if short.status == 200 { Value::Null } else { json!("error") };
            assert!(word.is_null() || short.body()["status"] == word, "{endpoint}");
        }
        daemon.ask(ask("GET", &format!("/{endpoint}"))).fails(405, "method_not_allowed");
        daemon.ask(ask("PUT", &format!("/webhook/{endpoint}"))).fails(405, "method_not_allowed");
    }
    for nowhere in ["/", "/webhook", "/webhook/", "/status/", "/webhook/webhook/status", "/webhook/health"] {
        daemon.ask(post(nowhere, &json!({}))).fails(404, "not_found");
    }
}

#[test]
fn a_key_given_under_one_name_is_known_under_the_other() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let first = daemon.ask(post("/pause", &json!({})).key("k"));
    let again = daemon.ask(post("/webhook/pause", &json!({})).key("k"));
    assert_eq!((first.succeeds(), again.is_replayed()), (again.succeeds(), true));
}

#[test]
fn a_gate_is_answered_in_every_spelling() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    for spelling in [
        "reject",
        "/reject",
        "reject GATE",
        "/reject_GATE",
        "reject:GATE",
        "/REJECT_GATE",
        "/Reject@MyBot GATE please be careful",
        "/reject_GATE@MyBot please\nbe careful",
        "  reject   GATE  ",
        "reject it as a whole",
    ] {
        let gate = daemon.await_gate("before", 1)["id"].as_str().unwrap().to_owned();
        let typed = if spelling.starts_with("/R") { gate.to_uppercase() } else { gate.clone() };
        let command = json!({"command": spelling.replace("GATE", &typed)});
        let answer = daemon.ask(post("/command", &command)).succeeds();
        assert_ne!(answer["gate"]["id"], gate.as_str(), "{command}");
        let closed = daemon.ask(post("/reject", &json!({"gate": gate}))).fails(409, "refused");
        assert!(closed.contains("already rejected by the API at "), "{closed}");
    }
    let gate = daemon.status()["gate"].clone();
    assert!(gate["reasons"].to_string().contains("it as a whole"), "{gate}");
}

/// Whoever types an id wrongly means that gate, not the open one.
#[test]
fn a_misspelt_gate_is_unknown_and_no_note_to_the_open_one() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let gate = daemon.await_gate("before", 1);
    let misspelt = &gate["id"].as_str().unwrap()[..6];
    for command in ["approve", "reject", "skip", "retry", "stop"] {
        for text in [format!("{command} {misspelt}"), format!("/{command}_{misspelt}@MyBot and some words")] {
            let answer = daemon.ask(post("/command", &json!({"command": text})));
            assert!(matches!(answer.status, 400 | 404), "{text}: {}", answer.text);
        }
        for name in [misspelt, "g7_0189", "g8_aaaa", "", "-", &"x".repeat(5000)] {
            let unknown = daemon.ask(post(&format!("/{command}"), &json!({"gate": name})));
            assert!(unknown.fails(404, "not_found").contains("there is no gate"));
        }
    }
    assert_eq!(daemon.status()["gate"], gate);
}

#[test]
fn every_command_can_be_said_to_one_endpoint() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.write_tasks("Plan.md", &[Task::new("One", &succeeds(0.5)), Task::new("Two", &succeeds(0.5))]);
    let say = |text: &str| daemon.ask(post("/command", &json!({"command": text}))).succeeds();

    assert!(say("/help")["message"].as_str().unwrap().contains("/approve [gate] [note]"));
    assert!(say("START Plan")["gate"]["id"].is_string());
    assert_eq!(say("/STATUS@MyBot")["status"], "waiting_approval");
    assert_eq!(say("tasks")["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(daemon.ok("/tasks", json!({"limit": 1}))["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(say("sessions")["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(say("/logs@MyBot 20")["logs"].as_str().unwrap().lines().count(), 2);
    assert_eq!(say("logs 1")["logs"].as_str().unwrap().lines().count(), 1);
    assert_eq!(say("/logs #2 5")["logs"], "");
    say("pause now");
    assert_eq!(say("status")["status"], "paused");
    say("/resume_");
    say("skip:#1");
    assert_eq!(say("status")["current"]["id"], 2);
    say("skip 2");
    assert_eq!(daemon.await_status("completed")["skipped"], 2);
    say("start:Plan.md again");
    say("/start_Plan --replace AGAIN");
    say("stop");
    assert_eq!(say("status")["status"], "stopped");
}

#[test]
fn an_unknown_word_is_answered_with_the_nearest() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    for (word, nearest) in [("/aprove", "/approve"), ("Statsu", "/status"), ("/skipp@MyBot 2", "/skip")] {
        let message = daemon.ask(post("/command", &json!({"command": word}))).fails(400, "bad_request");
        assert!(message.ends_with(&format!("did you mean {nearest}?")), "{message}");
    }
    for word in ["", "/", "   ", "make me a sandwich", "💥", &"approve".repeat(9000)] {
        let message = daemon.ask(post("/command", &json!({"command": word}))).fails(400, "bad_request");
        assert!(message.contains("/help"), "{message}");
        assert!(message.len() < 200, "{message}");
    }
}

/// Every code of the contract is reached, and always in the same shape.
#[test]
fn whatever_goes_wrong_has_one_shape() {
    let daemon = Daemon::with(Claude::stand_in()).set("telegram", "chat_id", 42).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    std::fs::write(daemon.folder().join("tasks/bad.md"), "## Task 1: No instruction\n").unwrap();
    let with_key = |body: &Value| post("/pause", body).key("taken");
    daemon.ask(with_key(&json!({}))).succeeds();

    daemon.ask(post("/command", &json!({"command": "dance"}))).fails(400, "bad_request");
    daemon.ask(stranger("/status", &json!({}))).fails(401, "unauthorized");
    daemon.ask(post("/status", &json!({"chat_id": 1}))).fails(403, "forbidden");
    daemon.ask(post("/status", &json!({"session": "20200101-000000"}))).fails(404, "not_found");
    daemon.ask(ask("DELETE", "/status")).fails(405, "method_not_allowed");
    daemon.ask(post("/retry", &json!({}))).fails(409, "refused");
    daemon.ask(post("/status", &json!({"x": "x".repeat(65_536)}))).fails(413, "too_large");
    let form = ask("POST", "/status").header("x-webhook-secret", support::daemon::SECRET).raw("a=b");
    daemon.ask(form).fails(415, "unsupported_media_type");
    let invalid = json!({"task_file": "bad.md", "replace": true});
    daemon.ask(post("/start", &invalid)).fails(422, "invalid");
    daemon.ask(with_key(&json!({"now": true}))).fails(422, "key_reused");

    let refused = daemon.ask(post("/start", &json!({"task_file": "2025-11-20-tasks.md"})));
    let message = refused.fails(409, "refused");
    assert!(message.contains("still open") && message.contains("--replace"), "{message}");
    let body = refused.body();
    assert_eq!((&body["session"], &body["gate"]), (&daemon.status()["session"], &daemon.status()["gate"]));
}

/// A backup or a person with a shell holds the database: nothing is done, nothing is recorded, nothing is told of it.
#[test]
fn a_database_that_is_busy_is_a_503_and_changes_nothing() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let mut other = Other::open(&daemon);
    other.execute("BEGIN IMMEDIATE");
    let message = daemon.ask(post("/pause", &json!({})).key("k")).fails(503, "unavailable");
    assert!(message.contains("nothing was changed") && !message.contains("SQL"), "{message}");
    assert_eq!(daemon.status()["status"], "waiting_approval", "reading goes on");
    daemon.ask(ask("GET", "/health")).succeeds();
    other.execute("ROLLBACK");

    let done = daemon.ask(post("/pause", &json!({})).key("k"));
    assert!(!done.is_replayed());
    done.succeeds();
    assert_eq!(daemon.status()["status"], "paused");
}

/// A row that nobody of ours can have written is an error for those who ask for it, and for nobody else.
#[test]
fn a_row_that_cannot_be_read_is_a_500_that_keeps_its_reasons_to_the_log() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    Other::open(&daemon).execute("UPDATE gates SET gate = '{\"id\": nonsense'");
    let message = daemon.ask(post("/gates", &json!({}))).fails(500, "internal");
    assert!(!message.contains("nonsense") && !message.contains("column"), "{message}");
    assert!(daemon.said().contains("a row of the table gates can't be read"), "{}", daemon.said());
    daemon.ask(post("/status", &json!({}))).succeeds();
    daemon.ask(ask("GET", "/health")).succeeds();
}
