//! A command is carried out once, however often it is sent, by however many, and whatever dies meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, succeeds, waits};
use support::daemon::{Daemon, SECRET};
use support::eventually::until;
use support::http::{Answer, Ask, ask, post, stranger};
use support::taskfile::Task;

const ROUNDS: usize = 20;

#[test]
fn a_key_gets_the_first_answer_for_good() {
    let mut daemon = asked();
    let gate = daemon.status()["gate"]["id"].clone();
    let bad = daemon.folder().join("tasks/bad.md");
    fs::write(&bad, "## Task 1: No instruction\n").unwrap();
    let asks = [
        (200, post("/reject", &json!({"gate": gate, "feedback": "no"})).key("ok")),
        (404, post("/approve", &json!({"gate": "g7_aaaa"})).key("unknown gate")),
        (404, post("/approve", &json!({"gate": "no gate at all"})).key("no gate's id")),
        (404, post("/start", &json!({"task_file": "later.md"})).key("unknown file")),
        (404, post("/command", &json!({"command": "/skip #7"})).key("unknown task")),
        (409, post("/retry", &json!({})).key("refused")),
        (409, post("/start", &json!({"task_file": "2025-11-20-tasks.md"})).key("open")),
        (422, post("/start", &json!({"task_file": "bad.md", "replace": true})).key("invalid")),
    ];
    let ask_all = |daemon: &Daemon| asks.iter().map(|(_, ask)| daemon.ask(ask.clone())).collect::<Vec<_>>();
    let first = ask_all(&daemon);
    for ((status, _), answer) in asks.iter().zip(&first) {
        assert_eq!((answer.status, answer.is_replayed()), (*status, false), "{}", answer.text);
    }
    let after = daemon.status();

    // What was wrong is right by now; the answer to the key stays what it was.
    fs::write(&bad, "## Task 1: Now\n\n**Claude Instruction:**\nDo it.\n").unwrap();
    fs::copy(&bad, bad.with_file_name("later.md")).unwrap();
    assert_replays(&first, &ask_all(&daemon));
    daemon.kill9();
    daemon.restart();
    assert_replays(&first, &ask_all(&daemon));
    assert_eq!((&daemon.status()["gate"], &daemon.status()["session"]), (&after["gate"], &after["session"]));
}

#[test]
fn what_was_never_understood_or_allowed_is_not_remembered() {
    let daemon = Daemon::with(Claude::stand_in()).set("telegram", "chat_id", 42).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    daemon.ask(post("/pause", &json!({"now": "soon"})).key("k")).fails(400, "bad_request");
    daemon.ask(post("/command", &json!({"command": "pausse"})).key("k")).fails(400, "bad_request");
    daemon.ask(post("/start", &json!({"task_file": "../x"})).key("k")).fails(400, "bad_request");
    daemon.ask(stranger("/pause", &json!({})).key("k")).fails(401, "unauthorized");
    daemon.ask(post("/pause", &json!({"chat_id": 1})).key("k")).fails(403, "forbidden");
    daemon.ask(post("/pause", &json!({"x": "x".repeat(65_536)})).key("k")).fails(413, "too_large");
    let paused = daemon.ask(post("/pause", &json!({})).key("k"));
    assert!(!paused.is_replayed());
    paused.succeeds();
}

#[test]
fn a_key_belongs_to_one_endpoint_and_one_body() {
    let daemon = asked();
    let body = json!({"now": false, "user": "Ana", "secret": SECRET, "sent_at": 1_700_000_000});
    let first = daemon.ask(stranger("/pause", &body).key("k"));
    first.succeeds();
    for same in [
        post("/pause", &json!({"now": false, "user": "Ana"})),
        post("/pause", &json!({"now": false, "user": "Ana", "sent_at": "2025-11-20T09:30:15Z"})),
        post("/pause", &json!(null)).raw(r#" {"user" : "Ana", "now":false, "secret":"another"}"#),
    ] {
        assert_replays(std::slice::from_ref(&first), &[daemon.ask(same.key("k"))]);
    }
    for other in [
        post("/pause", &json!({"now": false, "user": "Bob"})),
        post("/pause", &json!({})),
        post("/resume", &json!({"now": false, "user": "Ana"})),
        post("/command", &json!({"command": "pause", "user": "Ana"})),
    ] {
        let reused = daemon.ask(other.key("k"));
        assert!(reused.fails(422, "key_reused").contains("the key k was already used"));
        assert!(!reused.is_replayed());
    }
    assert_eq!(daemon.status()["status"], "paused");
}

#[test]
fn a_key_has_three_places_and_the_first_that_holds_one_counts() {
    let daemon = asked();
    let body = json!({"request_id": "body"});
    let ask = || post("/pause", &body);
    let replayed = |ask: Ask| {
        let answer = daemon.ask(ask);
        answer.succeeds();
        answer.is_replayed()
    };
    assert!(!replayed(ask().key("header").header("webhook-id", "webhook")));
    assert!(replayed(ask().key("header")));
    assert!(!replayed(ask().header("webhook-id", "webhook")), "it was only the second choice");
    assert!(replayed(ask().header("webhook-id", "webhook")));
    assert!(!replayed(ask()), "it was only the third choice");
    assert!(replayed(ask()));
    assert!(replayed(ask().key("").header("webhook-id", "")), "an empty one is none");

    assert!(!replayed(post("/pause", &json!({"request_id": 7}))));
    assert!(replayed(post("/pause", &json!({"request_id": 7}))));
    assert!(!replayed(post("/pause", &json!({"request_id": ""}))));
    assert!(!replayed(post("/pause", &json!({"request_id": ""}))));
}

#[test]
fn reading_takes_no_key() {
    let daemon = asked();
    for _ in 0..2 {
        for path in ["/status", "/tasks", "/sessions", "/gates", "/logs"] {
            assert!(!daemon.ask(post(path, &json!({})).key("k")).is_replayed());
        }
        assert!(!daemon.ask(post("/command", &json!({"command": "status"})).key("k")).is_replayed());
    }
    daemon.ask(post("/pause", &json!({})).key("k")).succeeds();
    assert_eq!(daemon.ask(post("/status", &json!({})).key("k")).succeeds()["status"], "paused");
}

#[test]
fn who_hangs_up_right_after_sending_has_still_given_the_command() {
    let daemon = asked();
    for round in 0..ROUNDS {
        let gate = daemon.status()["gate"]["id"].clone();
        let body = json!({"gate": gate, "request_id": round}).to_string();
        let mut connection = daemon.connect();
        connection.send_head("/reject", body.len());
        connection.send(&body);
        drop(connection);

        until(SOON, "the command to be carried out", || daemon.status()["gate"]["id"] != gate);
        let repeated = daemon.ask(post("/reject", &serde_json::from_str(&body).unwrap()));
        assert_eq!((repeated.status, repeated.is_replayed()), (200, true), "{}", repeated.text);
    }
    let gates = daemon.ok("/gates", json!({"limit": 1000}));
    assert_eq!(gates["gates"].as_array().unwrap().len(), ROUNDS + 1);
}

/// Nobody knows how far the first attempt came; the key does.
#[test]
fn a_command_that_meets_a_crash_is_done_once_when_it_is_repeated() {
    let mut daemon = asked();
    let mut came_through = 0;
    for round in 0..ROUNDS {
        let gate = daemon.status()["gate"]["id"].clone();
        let body = json!({"gate": gate, "request_id": round}).to_string();
        let mut connection = daemon.connect();
        connection.send_head("/reject", body.len());
        connection.send(&body);
        if round % 2 == 0 {
            until(SOON, "the command to be under way", || daemon.ask(ask("GET", "/health")).status == 200);
        }
        daemon.kill9();
        daemon.restart();
        let repeated = daemon.ask(post("/reject", &serde_json::from_str(&body).unwrap()));
        repeated.succeeds();
        came_through += usize::from(repeated.is_replayed());
    }
    let gates = daemon.ok("/gates", json!({"limit": 1000}));
    assert_eq!(gates["gates"].as_array().unwrap().len(), ROUNDS + 1, "{came_through} came through before");
}

#[test]
fn two_hundred_approvals_start_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, go) = (folder.path().join("ready"), folder.path().join("go"));
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Once", &(waits(&ready, &go) + &succeeds(0.5)))]);
    let gate = daemon.await_gate("before", 1)["id"].clone();

    let body = |number| json!({"gate": gate, "user": format!("user {number}"), "request_id": number});
    let answers = daemon.ask_at_once((0..200).map(|number| post("/approve", &body(number))));
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((done.len(), refused.len()), (1, 199));
    for answer in refused {
        let message = answer.fails(409, "refused");
        assert!(
            message.starts_with(&format!("gate {} was already approved by user ", gate.as_str().unwrap())),
            "{message}"
        );
    }
    until(SOON, "the run to be at work", || ready.exists());
    fs::write(&go, "").unwrap();
    let ended = daemon.await_status("completed");
    assert_eq!(ended["tasks"][0]["runs"], 1);
    assert_eq!(fs::read_to_string(&ready).unwrap().lines().count(), 1);
}

#[test]
fn two_hundred_repetitions_of_one_approval_get_one_answer() {
    let daemon = asked();
    let gate = daemon.status()["gate"]["id"].clone();
    let answers = daemon
        .ask_at_once(std::iter::repeat_n(post("/approve", &json!({"gate": gate})).key("tapped twice"), 200));
    assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.text == answers[0].text));
    assert_eq!(daemon.await_status("completed")["tasks"][0]["runs"], 1);
}

#[test]
fn of_two_answers_at_the_same_instant_one_counts() {
    let daemon = asked();
    for round in 0..ROUNDS {
        let gate = daemon.status()["gate"]["id"].clone();
        let ask =
            |who: &str| post("/reject", &json!({"gate": gate, "user": who})).key(&format!("{who} {round}"));
        let asks = [ask("Ana"), ask("Bob")];
        let answers = daemon.ask_at_once(asks.clone());
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);

        let again = asks.map(|ask| daemon.ask(ask));
        assert!(again.iter().all(Answer::is_replayed));
        let texts = |answers: &[Answer]| {
            let mut texts: Vec<String> = answers.iter().map(|answer| answer.text.clone()).collect();
            texts.sort_unstable();
            texts
        };
        assert_eq!(texts(&again), texts(&answers), "each keeps its own answer");
    }
}

/// A session whose only task waits for approval.
fn asked() -> Daemon {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    daemon.await_gate("before", 1);
    daemon
}

#[track_caller]
fn assert_replays(first: &[Answer], again: &[Answer]) {
    for (first, again) in first.iter().zip(again) {
        assert!(again.is_replayed(), "{}", again.text);
        let of = |answer: &Answer| -> (u16, Value) { (answer.status, answer.body()) };
        assert_eq!(of(first), of(again));
    }
}
