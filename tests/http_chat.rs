//! What a chat is answered: the message beside every answer, and buttons that mean what they meant when they were sent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::claude::{Claude, succeeds, waits};
use support::daemon::Daemon;
use support::eventually::until;
use support::http::{ask, post, stranger};
use support::taskfile::Task;

const CHAT: &str = "42";

fn say(daemon: &Daemon, command: &str) -> Value {
    daemon.ask(post("/command", &json!({"command": command, "chat_id": CHAT, "user": "Ana"}))).body()
}

/// What the buttons of a message say.
fn buttons(answer: &Value) -> Vec<String> {
    let rows = answer["telegram"]["reply_markup"]["inline_keyboard"].as_array().cloned().unwrap_or_default();
    let buttons = rows.iter().flat_map(|row| row.as_array().unwrap().clone());
    buttons.map(|button| button["callback_data"].as_str().unwrap().to_owned()).collect()
}

fn text(answer: &Value) -> &str {
    answer["telegram"]["text"].as_str().unwrap()
}

fn task(title: &str) -> Task {
    Task::new(title, &succeeds(0.25))
}

#[test]
fn a_session_is_worked_through_by_its_buttons_alone() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.write_tasks("plan.md", &[task("First <b> & _it_"), task("Second"), task("Third")]);

    let started = say(&daemon, "start plan.md");
    assert!(text(&started).contains("1. First &lt;b&gt; &amp; _it_ (general)"), "{started:#}");
    let gate = started["gate"]["id"].as_str().unwrap();
    assert_eq!(buttons(&started), ["approve", "reject", "skip", "stop"].map(|word| format!("{word}:{gate}")));
    assert!(text(&started).contains(&format!("/approve_{gate} ")), "{started:#}");

    say(&daemon, &buttons(&started)[0]);
    daemon.await_gate("before", 2);
    let status = say(&daemon, "status");
    assert!(text(&status).contains("Last decision: approved by Ana at "), "{status:#}");
    assert_eq!(buttons(&status).last().unwrap(), "pause");
    let paused = say(&daemon, "pause");
    assert_eq!(buttons(&paused), ["resume"]);
    let resumed = say(&daemon, "resume");
    assert_eq!(buttons(&resumed), buttons(&status)[..4]);

    let skipped = say(&daemon, &buttons(&resumed)[2]);
    assert!(text(&skipped).contains("<b>⏭ Task 2/3 skipped</b>"), "{skipped:#}");
    say(&daemon, &buttons(&skipped)[0]);
    daemon.await_status("completed");
    let over = say(&daemon, "status");
    assert_eq!(buttons(&over), ["tasks", "logs", "start"]);
    for read in ["tasks", "logs", "logs 20 #1", "sessions", "help"] {
        let answer = say(&daemon, read);
        assert_eq!(answer["status"], "ok", "{answer:#}");
    }
    assert!(text(&say(&daemon, "logs 20 #1")).contains("/task-1-run-1.log</code>"));
}

/// Of the session that is told of, and of no other, also by a daemon that has only read of it.
#[test]
fn the_last_decision_is_the_sessions_own() {
    let mut daemon = Daemon::with(Claude::stand_in()).start();
    daemon.write_tasks("plan.md", &[task("First"), task("Second")]);
    let decision = |status: &Value| {
        let line = text(status).lines().find(|line| line.starts_with("Last decision: "));
        line.map(|line| line.split(" at ").next().unwrap().to_owned())
    };
    say(&daemon, "start plan.md");
    let first = say(&daemon, "status")["session"].as_str().unwrap().to_owned();
    assert_eq!(decision(&say(&daemon, "status")), None);
    say(&daemon, "reject not yet");
    assert_eq!(decision(&say(&daemon, "status")).unwrap(), "Last decision: rejected by Ana");
    say(&daemon, "approve");
    daemon.await_gate("before", 2);
    let approved = "Last decision: approved by Ana";
    assert_eq!(decision(&say(&daemon, "status")).unwrap(), approved);
    daemon.sigterm();
    daemon.restart();
    assert_eq!(decision(&say(&daemon, "status")).unwrap(), approved);

    say(&daemon, "start plan.md --replace");
    assert_eq!(decision(&say(&daemon, "status")), None);
    let of_the_first = |daemon: &Daemon| decision(&daemon.ok("/status", json!({"session": first}))).unwrap();
    assert_eq!(of_the_first(&daemon), "Last decision: stopped by Ana");
    daemon.sigterm();
    daemon.restart();
    assert_eq!(decision(&say(&daemon, "status")), None);
    assert_eq!(of_the_first(&daemon), "Last decision: stopped by Ana");
}

#[test]
fn a_button_of_yesterday_is_answered_with_what_became_of_its_gate_and_with_what_is_asked_now() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let started = daemon.start(&[task("First"), task("Second")]);
    let press = &buttons(&started)[0];
    say(&daemon, press);
    daemon.await_gate("before", 2);

    let stale = say(&daemon, press);
    assert_eq!(stale["error"]["code"], "refused");
    assert!(text(&stale).contains("was already approved by Ana at "), "{stale:#}");
    let now = daemon.status();
    assert_eq!(buttons(&stale)[0], format!("approve:{}", now["gate"]["id"].as_str().unwrap()));
}

#[test]
fn two_taps_on_skip_skip_one_task() {
    let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    let folder = tempfile::tempdir().unwrap();
    let never_ends = |name: &str| waits(&folder.path().join(name), &folder.path().join("never"));
    daemon.start(&[Task::new("First", &never_ends("first")), Task::new("Second", &never_ends("second"))]);
    until(support::SOON, "the first task to run", || folder.path().join("first").exists());
    let running = say(&daemon, "status");
    assert!(buttons(&running).contains(&"skip:#1".to_owned()), "{running:#}");

    say(&daemon, "skip:#1");
    daemon.await_that(support::SOON, "the second task to run", |status| {
        status["tasks"][1]["state"] == "running"
    });
    let again = say(&daemon, "skip:#1");

    assert_eq!(again["error"]["code"], "refused", "{again:#}");
    assert_eq!(daemon.status()["tasks"][1]["state"], "running");
    say(&daemon, "stop");
    daemon.await_status("stopped");
}

#[test]
fn a_session_is_replaced_by_the_button_that_names_it_and_not_by_a_second_tap() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.write_tasks("old.md", &[task("Old")]);
    daemon.write_tasks("new.md", &[task("New")]);
    let old = say(&daemon, "start old.md");
    let session = old["session"].as_str().unwrap();

    let refused = say(&daemon, "start new.md");
    let press = format!("start:new.md replace={session}");
    assert_eq!(buttons(&refused).last(), Some(&press), "{refused:#}");
    let new = say(&daemon, &press);
    assert_eq!(new["status"], "ok", "{new:#}");

    let twice = say(&daemon, &press);
    assert_eq!(twice["error"]["code"], "refused", "{twice:#}");
    assert!(!buttons(&twice).contains(&press));
    assert_eq!(daemon.status()["session"], new["session"]);
    say(&daemon, "stop");
    let late = say(&daemon, &press);
    assert_eq!(
        (&late["error"]["code"], buttons(&late)),
        (&json!("refused"), vec!["start:new.md".to_owned()])
    );
}

#[test]
fn a_file_that_is_done_or_not_there_is_answered_with_buttons_that_would_work() {
    let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    daemon.write_tasks("2020-01-01-tasks.md", &[task("Only")]);
    let none = say(&daemon, "start");
    assert_eq!(none["error"]["code"], "not_found");
    assert_eq!(buttons(&none), ["start:2020-01-01-tasks.md"]);

    say(&daemon, &buttons(&none)[0]);
    daemon.await_status("completed");
    let done = say(&daemon, &buttons(&none)[0]);
    assert_eq!(buttons(&done), ["start:2020-01-01-tasks.md again"], "{done:#}");
    assert_eq!(say(&daemon, &buttons(&done)[0])["status"], "ok");
}

#[test]
fn errors_have_a_message_for_the_chat_too() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.write_tasks("wrong.md", &[]);
    let long = "x".repeat(10_000);
    for (asked, code) in [
        (stranger("/command", &json!({"command": "status"})), "unauthorized"),
        (ask("GET", "/command"), "method_not_allowed"),
        (post("/nothing", &json!({})), "not_found"),
        (post("/command", &json!({"command": &long})), "bad_request"),
        (post("/command", &json!({"command": "/aprove"})), "bad_request"),
        (post("/command", &json!({"command": "x".repeat(70_000)})), "too_large"),
        (post("/command", &json!({"command": "approve"})), "refused"),
        (post("/command", &json!({"command": "start wrong.md"})), "invalid"),
    ] {
        let answer = daemon.ask(asked).body();
        assert_eq!(answer["error"]["code"], code, "{answer:#}");
        assert!(!text(&answer).is_empty());
    }
    let near = say(&daemon, "/aprove");
    assert_eq!(text(&near), "⚠️ Unknown command \"aprove\": did you mean /approve?");
}

#[test]
fn what_is_switched_off_is_offered_nowhere() {
    let commands = json!(["start", "approve", "status", "help"]);
    let daemon = Daemon::with(Claude::stand_in()).set("telegram", "commands", commands).start();
    let started = daemon.start(&[task("Only")]);
    let gate = started["gate"]["id"].as_str().unwrap();
    assert_eq!(buttons(&started), [format!("approve:{gate}")]);
    for answer in [&started, &say(&daemon, "status"), &say(&daemon, "help")] {
        for word in ["skip", "reject", "pause", "stop", "logs"] {
            assert!(!text(answer).contains(&format!("/{word}")), "{answer:#}");
        }
    }
}
