//! The daemon, Telegram or n8n is away for a while.

use serde_json::{Value, json};

use crate::herald::{Herald, Letter};
use crate::stage::Stage;
use crate::support::eventually::eventually;
use crate::support::model::{Script, Turn};
use crate::support::taskfile::Task;
use crate::support::telegram::{Failure, THROUGH_N8N};

#[test]
fn a_daemon_that_is_down_is_told_and_one_that_comes_back_is_asked_again() {
    let mut stage = Stage::set(|_| Script::new().on("be-quick", [Turn::says("Done.")]));
    let herald = Herald::of(&stage.n8n);
    let tasks = ["One", "Two"].map(|title| Task::new(title, "Please be-quick."));
    stage.daemon.start(&tasks);
    let gate = stage.daemon.await_gate("before", 1)["id"].as_str().unwrap().to_owned();
    stage.ana().hears("One");
    let keyboard =
        json!({"inline_keyboard": [[{"text": "✅ Approve", "callback_data": format!("approve:{gate}")}]]});
    let telegram = json!({"text": "A <b>question</b>", "parse_mode": "HTML", "reply_markup": keyboard});
    herald.posts(&Letter::new("n-1", "A question").with("telegram", telegram));

    stage.daemon.sigterm();
    let ana = stage.telegram.phone(1001, 1001, "Ana");
    let question = ana.hears("A question");
    ana.says("/status");
    ana.hears("⚠️ Orchestrator not responding");
    ana.presses(&question, "approve");
    ana.hears("⚠️ Orchestrator not responding");
    let acknowledged = ana.acknowledged();
    assert!(acknowledged[0].is_alert && acknowledged[0].text.contains("not responding"), "{acknowledged:?}");
    assert_eq!(ana.looks_at(&question)["reply_markup"], keyboard, "to be pressed again");

    // Pressed while it is down, answered when it is back.
    ana.presses(&question, "approve");
    stage.telegram.await_delivery();
    stage.daemon.restart();
    stage.daemon.await_gate("before", 2);
    let answered = ana.sees(&question, "👉 Ana: ✅ Approve");
    assert_eq!(
        (&answered["text"], &answered["reply_markup"]),
        (&json!("A question\n\n👉 Ana: ✅ Approve"), &Value::Null)
    );
    assert_eq!(
        answered["entities"],
        json!([{"type": "bold", "offset": 2, "length": 8}]),
        "as it looked before"
    );
    stage.daemon.ok("/stop", json!({}));
    stage.assert_no_secret_kept();
}

#[test]
fn telegram_or_n8n_away_costs_time_and_no_message() {
    let mut stage = Stage::set(|_| Script::new().on("be-quick", [Turn::says("Done.")]));
    let ana = stage.telegram.phone(1001, 1001, "Ana");
    let telegram = &stage.telegram;

    telegram.fail("sendMessage", Failure::Busy(1), 2);
    ana.says("/status");
    ana.hears("No session");
    telegram.fail("sendMessage", Failure::NoHtml, 1);
    ana.says("/status");
    assert_eq!(
        ana.hears("No session")["entities"].as_array().map(Vec::len),
        Some(1),
        "plain, but for the command"
    );
    let answers = ana.sent().len();

    let tasks = ["One", "Two", "Three", "Four"]
        .map(|title| Task::new(title, "Please be-quick.").with("Requires Approval", "false"));
    telegram.go_down();
    stage.daemon.write_tasks("2025-11-20-tasks.md", &tasks);
    let gate = stage.daemon.ok("/start", json!({"task_file": "2025-11-20-tasks.md"}))["gate"]["id"].clone();
    stage.daemon.ok("/approve", json!({"gate": gate}));
    eventually(THROUGH_N8N, "a notification that waits", || {
        let waiting = stage.daemon.status()["notifications"].clone();
        if waiting["pending"].as_u64() > Some(1) { Ok(()) } else { Err(waiting) }
    });
    stage.n8n.kill9();
    stage.daemon.await_status("completed");
    stage.telegram.come_back();
    stage.n8n.restart();

    stage.assert_all_told();
    let heard = stage.ana().sent().split_off(answers);
    let sent: Vec<&str> = heard.iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!(sent, stage.notifications("1001"), "everything, once, in order");
    stage.assert_no_secret_kept();
}
