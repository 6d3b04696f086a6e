//! What is said twice, late or to a question that is no longer open.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::stage::Stage;
use crate::support::daemon::task_of;
use crate::support::eventually::eventually;
use crate::support::model::{Script, Turn};
use crate::support::taskfile::Task;
use crate::support::telegram::{Failure, Phone, THROUGH_N8N};

#[test]
fn a_command_is_carried_out_once_and_only_for_the_question_it_answers() {
    let stage = Stage::set(|_| Script::new().on("be-quick", [Turn::says("Done.")]));
    let (ana, daemon) = (stage.ana(), &stage.daemon);
    let tasks = ["One", "Two", "Three"].map(|title| Task::new(title, "Please be-quick."));
    daemon.write_tasks("2025-11-20-tasks.md", &tasks);
    ana.says("/start 2025-11-20-tasks.md");
    ana.hears("3 tasks");
    daemon.await_gate("before", 1);

    ana.says_repeatedly("/approve", 5);
    let second = daemon.await_gate("before", 2);
    stage.telegram.await_delivery();
    ana.says("/logs");
    ana.hears("Recent logs");
    let status = daemon.status();
    assert_eq!(
        (&status["gate"]["id"], &task_of(&status, 1)["runs"]),
        (&second["id"], &json!(1)),
        "{status:#}"
    );
    let answers =
        ana.sent().iter().filter(|message| message["text"].as_str().unwrap().contains("✅ Approved")).count();
    assert_eq!(answers, 1, "five deliveries have one answer: {:#?}", ana.sent());

    // Two taps on the same button.
    let question = ana.hears("✅ Task 1/3 Complete!");
    let label = ana.presses(&question, "skip");
    ana.presses(&question, "skip");
    await_acknowledged(&ana, 2);
    let third = daemon.await_gate("before", 3);
    let tasks = [1, 2, 3].map(|task| task_of(&daemon.status(), task)["state"].clone());
    assert_eq!(tasks, ["completed", "skipped", "pending"]);
    let [first, other] = ana.acknowledged().try_into().unwrap();
    assert_eq!((first.is_alert, other.is_alert), (false, true), "{first:?} {other:?}");
    let after = ana.sees(&question, &format!("Ana: {label}"));
    assert_eq!(after["reply_markup"], Value::Null, "nobody can press again");

    // Another button of the same message, on a phone that still shows it; and Telegram won't have the message edited.
    stage.telegram.fail("editMessageText", Failure::Error(400, "Bad Request: message can't be edited"), 1);
    ana.presses(&question, "approve");
    await_acknowledged(&ana, 3);
    ana.presses(&question, "approve");
    await_acknowledged(&ana, 4);
    assert!(ana.acknowledged()[2..].iter().all(|answer| answer.is_alert));
    // The message has no buttons any more that could say what is written on them.
    ana.sees(&question, "⚠️ Ana: Approve – ");

    // Written before the question that is open now.
    ana.says_at("/approve", SystemTime::now() - Duration::from_mins(5), 1);
    ana.hears("meant for the one before");
    assert_eq!(daemon.status()["gate"]["id"], third["id"], "still open");
    daemon.ok("/stop", json!({}));
    stage.assert_no_secret_kept();
}

#[track_caller]
fn await_acknowledged(phone: &Phone<'_>, count: usize) {
    eventually(THROUGH_N8N, "the presses to be acknowledged", || {
        let seen = phone.acknowledged();
        if seen.len() == count { Ok(()) } else { Err(seen) }
    });
}
