//! Bad input of every sort: what can't be read, what names nothing, what comes too late.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use support::claude::{Claude, succeeds};
use support::daemon::{Daemon, SECRET};
use support::http::{Ask, ask, post};
use support::taskfile::Task;

#[test]
fn what_is_not_one_json_object_is_refused_in_words() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let deep = format!("{}{}", "{\"a\":".repeat(5000), "[".repeat(5000));
    for body in [
        "[]",
        "null",
        "\"status\"",
        "7",
        "{",
        "{}{}",
        "{'command':'status'}",
        "{\"lines\":20,}",
        "{\"lines\":1e999}",
        "{\"command\":\"\\ud800\"}",
        "\u{feff}{}",
        &deep,
    ] {
        let message = daemon.ask(raw("/status", body)).fails(400, "bad_request");
        assert!(message.contains("not a JSON object"), "{message}");
    }
    daemon.ask(raw("/status", [b'{', 0xff, b'}'])).fails(400, "bad_request");
    let twice = daemon.ask(raw("/approve", r#"{"gate":"g7_aaaa","gate":"g7_bbbb"}"#));
    assert!(twice.fails(400, "bad_request").contains("field \"gate\" is given twice"));

    for empty in ["", "  \n", "{}", r#"{"unknown":{"deep":[1,2,3]},"session":null}"#] {
        daemon.ask(raw("/status", empty)).succeeds();
    }
    let bare = ask("POST", "/status").header("x-webhook-secret", SECRET);
    daemon.ask(bare.clone()).succeeds();
    daemon.ask(bare.raw("{}").header("content-type", "Application/JSON; charset=utf-8")).succeeds();
}

#[test]
fn a_wrong_type_is_told_with_the_name_of_its_field() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    for (path, body, field) in [
        ("/command", json!({"command": 7}), "command"),
        ("/command", json!({}), "command"),
        ("/start", json!({"task_file": ["a.md"]}), "task_file"),
        ("/start", json!({"replace": "yes"}), "replace"),
        ("/start", json!({"again": 1}), "again"),
        ("/approve", json!({"gate": 7}), "gate"),
        ("/approve", json!({"note": {}}), "note"),
        ("/reject", json!({"feedback": true}), "feedback"),
        ("/pause", json!({"now": "now"}), "now"),
        ("/skip", json!({"task": 1.5}), "task"),
        ("/skip", json!({"task": "two"}), "task"),
        ("/retry", json!({"task": -2}), "task"),
        ("/retry", json!({"task": "99999999999999999999"}), "task"),
        ("/retry", json!({"task": [2]}), "task"),
        ("/logs", json!({"lines": "ten"}), "lines"),
        ("/logs", json!({"lines": -1}), "lines"),
        ("/logs", json!({"lines": 0}), "lines"),
        ("/logs", json!({"lines": 1001}), "lines"),
        ("/logs", json!({"lines": 1e300}), "lines"),
        ("/logs", json!({"lines": true}), "lines"),
        ("/command", json!({"command": "logs 1001"}), "lines"),
        ("/command", json!({"command": "logs -1"}), "lines"),
        ("/sessions", json!({"limit": 0}), "limit"),
        ("/gates", json!({"limit": [1]}), "limit"),
        ("/status", json!({"session": 20_251_120}), "session"),
        ("/status", json!({"chat_id": {}}), "chat_id"),
        ("/status", json!({"chat_id": 1e30}), "chat_id"),
        ("/status", json!({"user_id": false}), "user_id"),
        ("/status", json!({"user": 5}), "user"),
        ("/pause", json!({"request_id": 1.25}), "request_id"),
        ("/pause", json!({"request_id": "x".repeat(256)}), "key"),
        ("/pause", json!({"sent_at": "yesterday"}), "sent_at"),
        ("/pause", json!({"sent_at": 1_700_000_000_000_i64}), "sent_at"),
        ("/pause", json!({"sent_at": 1_700_000_000.5}), "sent_at"),
    ] {
        let message = daemon.ask(post(path, &body)).fails(400, "bad_request");
        assert!(message.contains(field), "{path} {body}: {message}");
        for jargon in ["i64", "u32", "struct", "`", "Option"] {
            assert!(!message.contains(jargon), "{path} {body}: {message}");
        }
    }
    for fine in [
        json!({"chat_id": 1, "user_id": "2", "user": "Ana", "request_id": 9_223_372_036_854_775_807_u64}),
        json!({"chat_id": null, "user_id": null, "user": null, "request_id": null, "sent_at": null}),
        json!({"session": null, "sent_at": "2025-11-20T09:30:15+01:00"}),
        json!({"chat_id": -100.0, "sent_at": 1_700_000_000.0}),
    ] {
        daemon.ok("/status", fine);
    }
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    daemon.ok("/pause", json!({"now": null}));
}

#[test]
fn a_body_may_be_64_kib_long_and_no_longer() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let body = |length: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(length - 8));
    daemon.ask(raw("/status", body(64 * 1024))).succeeds();
    daemon.ask(raw("/status", body(64 * 1024 - 1))).succeeds();
    for length in [64 * 1024 + 1, 1024 * 1024, 7 * 1024 * 1024] {
        let message = daemon.ask(raw("/status", body(length))).fails(413, "too_large");
        assert!(message.contains("64 KiB"), "{message}");
    }
}

#[test]
fn a_task_is_meant_by_its_number_however_it_is_written() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let task = || Task::new("Task", &succeeds(0.5));
    daemon.start(&[task(), task(), task(), task()]);
    for (number, written) in [json!(2), json!("3"), json!("#4")].into_iter().zip([2, 3, 4]) {
        daemon.ok("/skip", json!({"task": number}));
        assert_eq!(daemon.await_task(written, "skipped")["id"], written);
    }
    for unknown in [json!(99), json!("#99"), json!(0)] {
        let message = daemon.ask(post("/skip", &json!({"task": unknown}))).fails(404, "not_found");
        assert!(message.contains("it has tasks 1, 2, 3, 4"), "{message}");
    }
    let message = daemon.ask(post("/skip", &json!({"task": 2}))).fails(409, "refused");
    assert!(message.contains("already skipped"), "{message}");
    daemon.ask(post("/skip", &json!({"task": 1, "gate": "g7_aaaa"}))).fails(400, "bad_request");
    daemon.ask(post("/logs", &json!({"task": 99}))).fails(404, "not_found");
}

#[test]
fn a_gate_that_is_not_open_says_what_became_of_it() {
    let daemon = Daemon::with(Claude::stand_in()).set("orchestrator", "timezone", "Asia/Kathmandu").start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let old = daemon.await_gate("before", 1)["id"].clone();
    daemon.ok("/start", json!({"task_file": "2025-11-20-tasks.md", "replace": true, "user": "Ana"}));
    let message = daemon.ask(post("/approve", &json!({"gate": old}))).fails(409, "refused");
    assert!(message.contains("already stopped by Ana at "), "{message}");
    let closed = &daemon.ok("/gates", json!({}))["gates"][1];
    assert_eq!(
        (&closed["id"], &closed["decision"], &closed["decided_by"]),
        (&old, &json!("stopped"), &json!("Ana"))
    );
    let time: jiff::Zoned =
        closed["closed_at"].as_str().unwrap().parse::<Timestamp>().unwrap().in_tz("Asia/Kathmandu").unwrap();
    assert!(message.contains(&time.strftime("%H:%M:%S on %Y-%m-%d").to_string()), "{message}: {time}");
}

/// A button that was tapped before the gate opened was meant for the one before.
#[test]
fn an_answer_without_an_id_does_not_meet_a_gate_that_opened_after_it_was_sent() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let gate = daemon.await_gate("before", 1);
    let opened: Timestamp = gate["opened_at"].as_str().unwrap().parse().unwrap();
    let earlier = opened - Duration::from_secs(1);
    for sent_at in [
        json!(earlier.as_second()),
        json!(earlier.as_second().to_string()),
        json!(earlier.to_string()),
        json!((opened - Duration::from_nanos(1)).to_string()),
        json!(earlier.in_tz("America/New_York").unwrap().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()),
    ] {
        for command in ["approve", "reject", "skip", "retry"] {
            let late = daemon.ask(post(&format!("/{command}"), &json!({"sent_at": sent_at})));
            let message = late.fails(409, "refused");
            assert!(
                message.contains("sent before") && message.contains(gate["id"].as_str().unwrap()),
                "{message}"
            );
            assert_eq!(late.body()["gate"], gate);
        }
    }
    // Whoever counts whole seconds, as Telegram does, can't be earlier than the second in which it opened.
    daemon.ok("/reject", json!({"sent_at": opened.as_second()}));
    let named = daemon.await_gate("before", 1)["id"].clone();
    daemon.ok("/reject", json!({"gate": named, "sent_at": 1_000_000_000}));
}

fn raw(path: &str, body: impl Into<Vec<u8>>) -> Ask {
    let proven = ask("POST", path).header("x-webhook-secret", SECRET);
    proven.header("content-type", "application/json").raw(body)
}
