//! Who is heard, and what becomes of everybody else.

use std::fs;

use serde_json::{Value, json};

use crate::stage::Stage;
use crate::support::eventually::eventually;
use crate::support::model::{Script, Turn};
use crate::support::telegram::THROUGH_N8N;

#[test]
fn only_operators_are_answered_and_only_when_they_mean_this_bot() {
    let script = |_: &_| Script::new().on("never asked", [Turn::says("Nothing.")]);
    let stage = Stage::set_with(script, |daemon| daemon.set("telegram", "chat_id", json!(["1001", "-5005"])));
    let telegram = &stage.telegram;
    let (ana, in_group) = (stage.ana(), telegram.phone(-5005, 1001, "Ana"));
    let eve = telegram.phone(9999, 9999, "Eve");
    let eve_in_group = telegram.phone(-5005, 9999, "Eve");

    eve.says("/stop");
    eve_in_group.says("/stop");
    in_group.says("/status@OtherBot");
    in_group.says("Good morning!");
    in_group.says("/status@Rig_Bot");
    in_group.hears("No session");
    let long = "many words ".repeat(1000);
    ana.says(&long[..10_000]);
    let answer = ana.hears("");
    assert!(answer["text"].as_str().unwrap().len() < 1000, "{answer:#}");
    ana.says("/start 2025-11-19-tasks.md");
    ana.hears("2025-11-19-tasks.md");

    let access = stage.daemon.folder().join("logs/webhook-access.log");
    eventually(THROUGH_N8N, "the strangers in the access log", || {
        let lines = fs::read_to_string(&access).unwrap_or_default();
        let refused = lines.lines().filter(|line| line.contains(" POST /webhook/status 403 ")).count();
        // Of Eve in the group only n8n knows: the daemon lists chats here, and no people.
        if refused == 1 { Ok(()) } else { Err(lines) }
    });
    let sent = [&eve, &in_group, &ana].map(|phone| phone.sent().len());
    assert_eq!(sent, [0, 1, 2], "silence for everybody else");
    assert_eq!(telegram.refusals(), Vec::<String>::new());
    assert_eq!(stage.daemon.status()["status"], Value::from("idle"));
    stage.assert_no_secret_kept();
}
