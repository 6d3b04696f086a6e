//! The dialogue that the whole thing was thought up with, from the first `/start` to the last task: by messages, and again
//! by buttons.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::Stage;
use crate::support::daemon::A_RUN;
use crate::support::eventually::until;
use crate::support::model::{Script, Turn};
use crate::support::taskfile::Task;
use crate::support::telegram_phone::{Phone, buttons};

const ASKED: [&str; 4] = ["✅ Approve", "✏️ Reject", "⏭ Skip", "⏹ Stop"];

#[test]
fn by_messages() {
    let stage = Stage::set_with(script, |daemon| daemon.set("telegram", "chat_id", json!(["1001", "1002"])));
    write_todays_tasks(&stage);
    let (ana, ben) = (stage.ana(), stage.ben());

    ana.says("/start");
    let start = ana.hears("Found 3 tasks:");
    assert_eq!(labels(&start), ASKED);
    ana.says("/approve");
    ana.hears("✅ Approved: Task 1/3");
    ana.hears("⚙️ Executing Task 1/3");
    let complete = ana.hears("✅ Task 1/3 Complete!");
    assert!(text(&complete).contains("Next: Task 2/3\n📝 Create baptisms server actions"), "{complete:#}");
    assert_eq!(fs::read_to_string(migration(&stage.work)).unwrap(), "CREATE TABLE baptisms;\n");

    ana.says("/status");
    let status = ana.hears("📊 Orchestrator Status");
    assert!(text(&status).contains("Progress: 1/3 tasks (33%)"), "{status:#}");
    ana.says("/pause@rig_bot");
    ana.hears("⏸️ Orchestrator Paused");
    ana.says("/resume");
    ana.hears("▶️ Orchestrator Resumed");
    let tapped = tappable(&complete, "/skip_");
    ana.says(&tapped);
    ana.hears("⏭ Task 2/3 skipped");
    let executing = ana.hears("⚙️ Executing Task 3/3");
    until(A_RUN, "task 3 to work", || ready(&stage.work).exists());
    ana.says("/logs 5");
    let logs = ana.hears("📜 Recent logs");
    assert!(text(&logs).contains("Task 3/3 started"), "{logs:#}");
    ana.sees(&executing, "⚙️ Task 3/3 · ");
    fs::write(go(&stage.work), "").unwrap();
    let end = ana.hears("🎉 Session complete!");
    assert!(text(&end).contains("2 of 3 tasks done, 1 skipped"), "{end:#}");
    ana.sees(&executing, "✅ Task 3/3 done in ");

    stage.assert_all_told();
    assert_eq!(ana.unheard(), Vec::<Value>::new(), "no message twice, and none that nobody expects");
    let told_to_ben: Vec<String> = ben.sent().iter().map(|message| text(message).to_owned()).collect();
    assert_eq!(
        told_to_ben,
        stage.notifications("1002"),
        "the other operator hears everything, once, in order"
    );
    assert!(told_to_ben[0].contains("Started by Ana") && told_to_ben[1].contains("Approved by Ana"));
    assert_eq!(stage.telegram.refusals(), Vec::<String>::new());
    stage.assert_no_secret_kept();
}

#[test]
fn by_buttons() {
    let stage = Stage::set(script);
    write_todays_tasks(&stage);
    fs::write(go(&stage.work), "").unwrap();
    let ana = stage.ana();

    ana.says("/status");
    choose(&ana, &ana.hears("No session yet"), "start");
    choose(&ana, &ana.hears("Found 3 tasks:"), "approve");
    ana.hears("⚙️ Executing Task 1/3");
    let complete = ana.hears("✅ Task 1/3 Complete!");
    assert_eq!(labels(&complete), ASKED);
    ana.says("/status");
    choose(&ana, &ana.hears("📊 Orchestrator Status"), "pause");
    choose(&ana, &ana.hears("⏸️ Orchestrator Paused"), "resume");
    choose(&ana, &ana.hears("▶️ Orchestrator Resumed"), "skip");
    ana.hears("⚙️ Executing Task 3/3");
    let end = ana.hears("🎉 Session complete!");
    ana.presses(&end, "logs");
    let logs = ana.hears("📜 Recent logs");
    assert!(text(&logs).contains("Session completed"), "{logs:#}");
    assert_eq!(labels(&ana.looks_at(&end)), labels(&end), "what only shows something can be pressed again");

    stage.assert_all_told();
    assert_eq!(ana.unheard(), Vec::<Value>::new(), "no message twice, and none that nobody expects");
    assert_eq!(ana.acknowledged().iter().filter(|answer| answer.is_alert).count(), 0);
    assert_eq!(ana.acknowledged().len(), 6, "each press is acknowledged");
    assert_eq!(stage.telegram.refusals(), Vec::<String>::new());
    stage.assert_no_secret_kept();
}

/// Presses a button and waits until the message says so and can't be pressed any more.
#[track_caller]
fn choose(phone: &Phone<'_>, message: &Value, choice: &str) {
    let label = phone.presses(message, choice);
    let line = format!("👉 Ana: {label}");
    let after = phone.sees(message, &line);
    assert_eq!(text(&after), format!("{}\n\n{line}", text(message)), "what was asked stays readable");
    let kept = |message: &Value| message["entities"].as_array().cloned().unwrap_or_default();
    assert_eq!(kept(&after), kept(message), "and looks as before");
    assert_eq!(after["reply_markup"], Value::Null);
}

fn text(message: &Value) -> &str {
    message["text"].as_str().unwrap()
}

fn labels(message: &Value) -> Vec<String> {
    buttons(message).iter().map(|button| button["text"].as_str().unwrap().to_owned()).collect()
}

/// A command in a message that Telegram has marked so that it can be tapped.
fn tappable(message: &Value, beginning: &str) -> String {
    let units: Vec<u16> = text(message).encode_utf16().collect();
    let at = |entity: &Value, field: &str| usize::try_from(entity[field].as_u64().unwrap()).unwrap();
    let entities = message["entities"].as_array().unwrap().iter();
    let mut commands = entities.filter(|entity| entity["type"] == "bot_command").map(|entity| {
        let offset = at(entity, "offset");
        String::from_utf16(&units[offset..offset + at(entity, "length")]).unwrap()
    });
    commands.find(|command| command.starts_with(beginning)).expect("a command to tap")
}

fn script(work: &TempDir) -> Script {
    let writes = Turn::says("I write the migration.").writes(&migration(work), "CREATE TABLE baptisms;\n");
    let shows = Turn::says("I build the page.").waits(&ready(work), &go(work));
    Script::new()
        .on("write-migration", [writes, Turn::says("Migration created: 20251120_create_baptisms.sql")])
        .on("build-page", [shows, Turn::says("The list page is at /baptisms.")])
}

fn migration(work: &TempDir) -> PathBuf {
    work.path().join("20251120_create_baptisms.sql")
}

fn ready(work: &TempDir) -> PathBuf {
    work.path().join("ready")
}

fn go(work: &TempDir) -> PathBuf {
    work.path().join("go")
}

fn write_todays_tasks(stage: &Stage) {
    let task = |title, kind, asks, instruction| {
        Task::new(title, instruction).with("Type", kind).with("Requires Approval", asks)
    };
    stage.daemon.write_tasks(
        &Stage::todays_file(),
        &[
            task("Create baptisms migration", "database", "true", "Please write-migration."),
            task("Create baptisms server actions", "backend", "true", "Please write the actions."),
            task("Create baptisms UI - List page", "frontend", "false", "Please build-page."),
        ],
    );
}
