//! The daemon, Telegram or n8n is away for a while.

use serde_json::json;

use crate::stage::Stage;
use crate::support::eventually::eventually;
use crate::support::model::{Script, Turn};
use crate::support::taskfile::Task;
use crate::support::telegram::{Failure, THROUGH_N8N};

#[test]
fn a_daemon_that_is_down_is_told_and_one_that_comes_back_is_asked_again() {
    let mut stage = Stage::set(|_| Script::new().on("be-quick", [Turn::says("Done.")]));
    let tasks = ["One", "Two"].map(|title| Task::new(title, "Please be-quick."));
    let ana = stage.telegram.phone(1001, 1001, "Ana");
    stage.daemon.start(&tasks);
    let question = ana.hears("Found 2 tasks:");

    stage.daemon.sigterm();
    ana.says("/status");
    ana.hears("⚠️ Orchestrator not responding");
    ana.presses(&question, "approve");
    ana.hears("⚠️ Orchestrator not responding");
    let acknowledged = ana.acknowledged();
    assert!(acknowledged[0].is_alert && acknowledged[0].text.contains("not responding"), "{acknowledged:?}");
    assert_eq!(ana.looks_at(&question), question, "to be pressed again");

    // Pressed while it is down, answered when it is back.
    ana.presses(&question, "approve");
    stage.telegram.await_delivery();
    stage.daemon.restart();
    stage.daemon.await_gate("before", 2);
    ana.sees(&question, "👉 Ana: ✅ Approve");
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
    ana.says("/status");
    // Only then: n8n takes what comes while it opens its database, and forgets it.
    stage.n8n.restart();
    stage.telegram.come_back();

    let status = ana.hears("📊 Orchestrator Status");
    stage.assert_all_told();
    let mut heard = ana.sent().split_off(answers);
    heard.retain(|message| message["message_id"] != status["message_id"]);
    let sent: Vec<&str> = heard.iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!(sent, stage.notifications("1001"), "everything, once, in order");
    stage.assert_no_secret_kept();
}

#[test]
fn n8n_killed_again_and_again_in_a_session_loses_nothing() {
    let script = |_: &_| Script::new().on("be-quick", [Turn::says("Done.")]);
    let mut stage = Stage::set_with(script, |daemon| daemon.approval_mode("auto"));
    let ana = stage.telegram.phone(1001, 1001, "Ana");
    let tasks = ["One", "Two", "Three", "Four", "Five"].map(|title| Task::new(title, "Please be-quick."));
    stage.daemon.start(&tasks);
    for _ in 0..3 {
        let before = ana.sent().len();
        eventually(THROUGH_N8N, "another message", || {
            let now = ana.sent().len();
            if now > before { Ok(()) } else { Err(stage.daemon.status()["notifications"].clone()) }
        });
        stage.n8n.kill9();
        stage.n8n.restart();
    }
    stage.daemon.await_status("completed");
    stage.assert_all_told();

    let sent = ana.sent();
    let mut told: Vec<&str> = sent.iter().map(|message| message["text"].as_str().unwrap()).collect();
    // Killed after Telegram took a message and before n8n could note it: such a one comes again.
    told.dedup();
    assert_eq!(told, stage.notifications("1001"));
    assert!(sent.len() <= told.len() + 3, "each kill may double one: {sent:#?}");
    stage.assert_no_secret_kept();
}
