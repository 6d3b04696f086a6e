//! What chats are told unasked: signed, in order, once a transition and chat, and never lost, whatever becomes of the daemon
//! or of the receiver.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, fails, succeeds, uses, waits};
use support::daemon::{A_RUN, Builder, Daemon};
use support::eventually::until;
use support::n8n::STARTING_UP;
use support::receiver::{Delivery, Receiver, Reply};
use support::taskfile::Task;

const ANA: &str = "42";
const BEN: &str = "-1001234";

fn notifying(receiver: &Receiver) -> Builder {
    Daemon::with(Claude::stand_in()).set("webhooks", "n8n_notify_url", receiver.url()).set(
        "telegram",
        "chat_id",
        json!([ANA, BEN]),
    )
}

fn task(title: &str) -> Task {
    Task::new(title, &succeeds(0.25))
}

fn say(daemon: &Daemon, command: &str, chat: &str) -> Value {
    daemon.ok("/command", json!({"command": command, "chat_id": chat, "user": "Ana"}))
}

fn await_delivered(daemon: &Daemon) {
    daemon.await_that(A_RUN, "everything to be delivered", |status| status["notifications"]["pending"] == 0);
}

fn events(deliveries: &[Delivery], chat: &str) -> Vec<String> {
    let to_chat = deliveries.iter().filter(|delivery| delivery.chat() == Some(chat));
    to_chat.map(|delivery| delivery.event().to_owned()).collect()
}

#[test]
fn each_chat_hears_once_of_what_it_did_not_cause() {
    let receiver = Receiver::start();
    let daemon = notifying(&receiver).start();
    daemon.write_tasks("2025-11-20-tasks.md", &[task("First <b>"), task("Second")]);

    say(&daemon, "start 2025-11-20-tasks.md", ANA);
    say(&daemon, "approve", ANA);
    daemon.await_gate("before", 2);
    say(&daemon, "pause", BEN);
    say(&daemon, "resume", BEN);
    say(&daemon, "approve", BEN);
    daemon.await_status("completed");
    await_delivered(&daemon);

    let told = receiver.accepted();
    assert_eq!(told.len(), receiver.ledger().len(), "nothing twice");
    let done = ["task_started", "task_completed", "task_started", "session_completed"];
    let with = |others: &[&str]| {
        let mut events: Vec<_> =
            done[..2].iter().chain(others).chain(&done[2..]).map(ToString::to_string).collect();
        events.sort_unstable();
        events
    };
    let sorted = |mut events: Vec<String>| {
        events.sort_unstable();
        events
    };
    assert_eq!(sorted(events(&told, ANA)), with(&["paused", "resumed"]));
    assert_eq!(sorted(events(&told, BEN)), with(&["session_started"]));

    let completed = told.iter().find(|delivery| delivery.event() == "task_completed").unwrap();
    let letter = &completed.letter;
    assert_eq!((&letter["type"], &letter["task"]), (&json!("approval"), &json!(1)), "{letter:#}");
    assert!(
        letter["gate"].as_str().unwrap().starts_with("g7_"),
        "the next gate, in the same message: {letter:#}"
    );
    assert!(letter["message"].as_str().unwrap().contains("First <b>"), "plain text: {letter:#}");
    assert!(letter["telegram"]["text"].as_str().unwrap().contains("First &lt;b&gt;"), "HTML: {letter:#}");
    assert_eq!(letter["session"], daemon.status()["session"]);
    let at = letter["occurred_at"].as_str().unwrap();
    assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
    let id = uuid::Uuid::parse_str(completed.id()).unwrap();
    assert_eq!(id.get_version_num(), 7);
}

#[test]
fn a_header_for_n8n_and_the_own_secret_go_along() {
    let receiver = Receiver::start();
    let daemon = Daemon::with(Claude::stand_in())
        .set("webhooks", "n8n_notify_url", receiver.url())
        .set("webhooks", "secret", "another-secret-0123456789")
        .set("webhooks", "notify_secret", support::daemon::SECRET)
        .set("webhooks", "notify_headers.X-Orchestrator-Key", "key-for-n8n-0123456789")
        .prepare();
    daemon.write_tasks("a.md", &[task("Only")]);
    let begun = daemon.call(&["start", "a.md"]);
    assert_eq!(begun.code, Some(0), "{begun:?}");
    let mut daemon = daemon;
    daemon.restart();

    let told = receiver.await_event(SOON, "session_started", None);
    assert_eq!(told.headers["x-orchestrator-key"], "key-for-n8n-0123456789");
    assert_eq!(told.headers["content-type"], "application/json");
    let said = daemon.said();
    for secret in ["key-for-n8n-0123456789", support::daemon::SECRET, "another-secret-0123456789"] {
        assert!(!said.contains(secret), "{said}");
        assert!(!told.letter.to_string().contains(secret));
    }
}

#[test]
fn what_could_not_be_delivered_arrives_in_order_when_n8n_is_back() {
    let mut receiver = Receiver::start();
    let mut daemon = notifying(&receiver).approval_mode("auto").start();
    receiver.close();
    daemon.start(&(1..=6).map(|number| task(&format!("Number {number}"))).collect::<Vec<_>>());
    daemon.await_status("completed");
    let waiting = daemon.status()["notifications"]["pending"].as_u64().unwrap();
    assert_eq!(waiting, 2 * 13, "a start, and a start and an end a task, for two chats");
    daemon.kill9();
    daemon.restart();
    until(SOON, "an attempt in vain", || daemon.said().contains("was not delivered"));
    receiver.open();
    await_delivered(&daemon);

    let rows = daemon.database().texts("SELECT id FROM notifications ORDER BY ordinal");
    assert_eq!(rows.len(), 26);
    assert_in_order_and_whole(&daemon, &receiver);
    let attempts = daemon.database().numbers("SELECT sum(attempts) FROM notifications WHERE ordinal > 2");
    assert_eq!(attempts, [0], "only the first of each chat was knocked with");
}

#[test]
fn a_notification_that_is_refused_five_times_is_given_up_and_those_behind_it_go_on() {
    let receiver = Receiver::scripted(|letter, _| match letter["event"].as_str() {
        Some("task_started") => Reply::status(400).body(r#"{"error":"chat not found"}"#),
        _ => Reply::accepted(),
    });
    let daemon = notifying(&receiver).set("telegram", "chat_id", ANA).approval_mode("auto").start();
    daemon.start(&[task("Only")]);
    receiver.await_event(A_RUN, "session_completed", Some(ANA));

    let refused: Vec<_> =
        receiver.ledger().into_iter().filter(|delivery| delivery.event() == "task_started").collect();
    assert_eq!(refused.len(), 5);
    assert_eq!(refused.iter().map(Delivery::id).collect::<BTreeSet<_>>().len(), 1, "always the same id");
    let pauses = refused.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64());
    for (pause, about) in pauses.zip([1.0, 2.0, 4.0, 8.0]) {
        assert!((about * 0.79..about * 1.21 + 1.0).contains(&pause), "{pause} s rather than {about} s");
    }
    daemon.await_that(SOON, "one dead", |status| status["notifications"] == json!({"pending": 0, "dead": 1}));
    let (_, metrics) = daemon.get("/metrics").unwrap();
    for line in [
        r#"orchestrator_notifications{state="dead"} 1"#,
        r#"orchestrator_notifications_total{outcome="dead"} 1"#,
        r#"orchestrator_notifications_total{outcome="delivered"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }

    let id = refused[0].id();
    let listed = daemon.call(&["notifications"]);
    assert!(listed.out.contains(id) && listed.out.contains("chat not found"), "{listed:?}");
    let said = daemon.said();
    assert!(said.contains(&format!("notification {id} (task_started) is given up")), "{said}");

    receiver.answers(|_, _| Reply::accepted());
    let again = daemon.call(&["notifications", "retry", id]);
    assert_eq!((again.code, again.out.trim()), (Some(0), &*format!("Notification {id} is tried again now")));
    receiver.await_event(SOON, "task_started", Some(ANA));
    daemon
        .await_that(SOON, "none dead", |status| status["notifications"] == json!({"pending": 0, "dead": 0}));
    let twice = daemon.call(&["notifications", "retry", id]);
    assert_eq!(twice.code, Some(3), "{twice:?}");
    assert!(twice.err.contains("was delivered already"), "{twice:?}");
    assert_eq!(daemon.call(&["notifications", "drop", "nonsense"]).code, Some(1));
}

#[test]
fn what_is_gone_is_given_up_at_once_and_what_is_dropped_never_comes() {
    let receiver = Receiver::scripted(|_, _| Reply::status(410));
    let daemon = notifying(&receiver).start();
    daemon.start(&[task("Only")]);
    daemon
        .await_that(SOON, "both dead", |status| status["notifications"] == json!({"pending": 0, "dead": 2}));
    assert_eq!(receiver.ledger().len(), 2, "one attempt a chat");

    let (_, listed) = daemon.post("/notifications", json!({}));
    let ids: Vec<&str> =
        listed["notifications"].as_array().unwrap().iter().map(|each| each["id"].as_str().unwrap()).collect();
    let dropped = daemon.ok("/notifications/drop", json!({"id": ids[0], "request_id": "once"}));
    assert_eq!(daemon.ok("/notifications/drop", json!({"id": ids[0], "request_id": "once"})), dropped);
    receiver.answers(|_, _| Reply::accepted());
    daemon.ok("/notifications/retry", json!({"id": "all"}));
    await_delivered(&daemon);
    let accepted: Vec<String> = receiver.accepted().iter().map(|each| each.id().to_owned()).collect();
    assert_eq!(accepted, [ids[1]]);
    let nothing = daemon.ok("/notifications/retry", json!({"id": "all"}));
    assert_eq!(nothing["message"], "No notification was given up: there is nothing to try again");
}

#[test]
fn a_receiver_that_asks_for_time_is_given_it() {
    let receiver = Receiver::scripted(|_, before| match before {
        0 => Reply::status(429).header("retry-after", "3"),
        1 => Reply::status(503),
        2 => Reply::status(404),
        3 => Reply::accepted().body(STARTING_UP),
        _ => Reply::accepted().body("Workflow was started"),
    });
    let daemon = notifying(&receiver).set("telegram", "chat_id", ANA).start();
    daemon.start(&[task("Only")]);
    await_delivered(&daemon);
    let came = receiver.ledger();
    let asked = (came[1].at - came[0].at).as_secs_f64();
    assert!((3.0..4.5).contains(&asked), "{asked} s");
    assert_eq!(came.len(), 5, "an answer without JSON is an answer");
    assert_eq!(daemon.status()["notifications"]["dead"], 0);
}

#[test]
fn an_answer_that_comes_too_late_is_none_and_the_repetition_has_the_same_id() {
    let receiver = Receiver::scripted(|_, before| {
        let late = if before == 0 { Duration::from_secs(12) } else { Duration::ZERO };
        Reply::accepted().after(late)
    });
    let daemon = notifying(&receiver).set("telegram", "chat_id", ANA).start();
    daemon.start(&[task("Only")]);
    await_delivered(&daemon);
    let came = receiver.ledger();
    assert_eq!(came.len(), 2);
    assert_eq!(came[0].id(), came[1].id());
    let waited = (came[1].at - came[0].at).as_secs_f64();
    assert!((10.5..14.0).contains(&waited), "{waited} s");
}

#[test]
fn an_unanswered_gate_is_reminded_of_ever_more_rarely() {
    let receiver = Receiver::start();
    let mut daemon = notifying(&receiver)
        .set("telegram", "chat_id", ANA)
        .set("orchestrator", "remind_after", "2s")
        .start();
    let gate = daemon.start(&[task("Only")])["gate"]["id"].clone();
    let reminders = || {
        let ledger = receiver.accepted();
        let reminders = ledger.into_iter().filter(|delivery| delivery.event() == "gate_reminded");
        reminders.collect::<Vec<_>>()
    };
    let begun = Instant::now();
    until(SOON, "the first reminder", || reminders().len() == 1);
    assert!(begun.elapsed() >= Duration::from_millis(1500), "{:?}", begun.elapsed());
    daemon.kill9();
    daemon.restart();
    until(SOON, "the second reminder", || reminders().len() == 2);
    assert!(begun.elapsed() >= Duration::from_millis(5500), "{:?}", begun.elapsed());
    let told = reminders();
    for reminder in &told {
        assert_eq!((&reminder.letter["gate"], &reminder.letter["type"]), (&gate, &json!("approval")));
    }
    assert!(daemon.logs().contains("Still waiting after 2s"), "{}", daemon.logs());
    daemon.ok("/stop", json!({}));
}

/// A run that lasts shows what it does in the message that told its start, and in the end how it ended.
#[test]
fn a_live_run_writes_over_its_own_message() {
    let receiver = Receiver::start();
    let folder = tempfile::tempdir().unwrap();
    let (ready, go) = (folder.path().join("ready"), folder.path().join("go"));
    let daemon = notifying(&receiver).approval_mode("auto").start();
    let instruction =
        uses("Edit", "src/a.rs") + &waits(&ready, &go) + &uses("Edit", "src/b.rs") + &succeeds(0.25);
    daemon.start(&[Task::new("Long", &instruction)]);
    let edits = || {
        let ledger = receiver.ledger();
        ledger.into_iter().filter(|delivery| delivery.event() == "task_progress").collect::<Vec<_>>()
    };
    until(SOON, "both chats to see what it does", || edits().len() == 2);
    let started = receiver.await_event(SOON, "task_started", Some(ANA));
    for edit in edits() {
        assert_eq!(edit.letter["message_id"], 17);
        assert!(edit.letter["telegram"]["text"].as_str().unwrap().contains("src/a.rs"), "{:#}", edit.letter);
        assert!(edit.at - started.at > Duration::from_secs(4), "short runs come and go without");
    }
    std::fs::write(&go, "").unwrap();
    daemon.await_status("completed");
    until(SOON, "the end of it", || edits().len() >= 4);
    let last = edits().pop().unwrap();
    let text = last.letter["telegram"]["text"].as_str().unwrap();
    assert!(text.starts_with("✅ Task 1/1"), "{text}");
    let rows = daemon.database().numbers("SELECT count(*) FROM notifications WHERE event = 'task_progress'");
    assert_eq!(rows, [0], "outside the outbox");
}

/// A hundred times SIGKILL at a random instant, with a receiver that fails a third of its answers after having taken the
/// notification, or before.
#[test]
fn nothing_is_lost_or_reordered_by_a_hundred_crashes() {
    const KILLS: u32 = 100;
    const NOTIFICATIONS: usize = 100;
    let receiver = Receiver::scripted(|_, _| match fastrand::u8(0..6) {
        0 => Reply::status(500),
        1 => Reply::status(429).header("retry-after", "0"),
        _ => Reply::accepted(),
    });
    let mut daemon = notifying(&receiver).set("orchestrator", "on_failure", "skip").start();
    // A slow machine gets fewer of them done between two kills.
    for kill in (0..).take_while(|kill| *kill < KILLS || receiver.accepted().len() <= NOTIFICATIONS) {
        let status = daemon.status();
        match status["status"].as_str().unwrap() {
            "idle" | "completed" | "stopped" => {
                let tasks: Vec<_> = (1..=8)
                    .map(|number| match number % 4 {
                        0 => Task::new("Bad", &fails(0.1)),
                        _ => task("Good")
                            .with("Requires Approval", if number % 3 == 0 { "true" } else { "false" }),
                    })
                    .collect();
                daemon.start(&tasks);
            }
            "waiting_approval" => {
                // Who answers decides who isn't told.
                let chat = if kill % 2 == 0 { ANA } else { BEN };
                let _ = daemon.post("/command", json!({"command": "approve", "chat_id": chat}));
            }
            _ => {}
        }
        let moment = Instant::now() + Duration::from_micros(fastrand::u64(0..60_000));
        until(SOON, "the moment", || Instant::now() >= moment);
        daemon.kill9();
        daemon.restart();
    }
    // Refused where the session has come to its end meanwhile.
    let (paused, answer) = daemon.post("/pause", json!({}));
    assert!([200, 409].contains(&paused), "{answer:#}");
    daemon.await_that(A_RUN, "the run to end", |status| status["status"] != "running");
    receiver.answers(|_, _| Reply::accepted());
    let _ = daemon.call(&["notifications", "retry", "all"]);
    for id in daemon.database().texts("SELECT id FROM notifications WHERE state = 'pending'") {
        let _ = daemon.post("/notifications/retry", json!({"id": id}));
    }
    await_delivered(&daemon);
    assert_eq!(daemon.status()["notifications"]["dead"], 0);
    assert_in_order_and_whole(&daemon, &receiver);
    let transitions = daemon
        .database()
        .numbers("SELECT count(*) FROM notifications GROUP BY event_id, chat HAVING count(*) > 1");
    assert!(transitions.is_empty(), "one event has one notification a chat");
}

/// What the receiver accepted are exactly the rows, and in each session and chat in their order.
#[track_caller]
fn assert_in_order_and_whole(daemon: &Daemon, receiver: &Receiver) {
    let rows = daemon.database().texts("SELECT lane || ' ' || id FROM notifications ORDER BY ordinal");
    let mut lanes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &rows {
        let (lane, id) = row.split_once(' ').unwrap();
        lanes.entry(lane.to_owned()).or_default().push(id.to_owned());
    }
    let mut came: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for delivery in receiver.accepted().iter().filter(|delivery| delivery.event() != "task_progress") {
        let lane = format!(
            "{}/{}",
            delivery.letter["session"].as_str().unwrap_or_default(),
            delivery.chat().unwrap_or_default()
        );
        came.entry(lane).or_default().push(delivery.id().to_owned());
    }
    assert_eq!(came, lanes, "\n{}", daemon.said());
}
