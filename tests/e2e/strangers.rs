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

    let log = stage.daemon.folder().join("logs/webhook-access.log");
    eventually(THROUGH_N8N, "the strangers in the access log", || {
        let lines = fs::read_to_string(&log).unwrap_or_default();
        let refused = lines.lines().filter(|line| line.contains(" 403")).count();
        // The daemon lists chats only; of people, n8n knows.
        if refused >= 1 { Ok(()) } else { Err(lines) }
    });
    for phone in [&eve, &eve_in_group, &in_group, &ana] {
        let unheard = phone.unheard();
        let expected = usize::from(phone.chat == -5005 && !std::ptr::eq(phone, &raw const in_group));
        assert_eq!(unheard.len(), expected, "{unheard:#?}");
    }
    assert_eq!(telegram.refusals(), Vec::<String>::new());
    assert_eq!(stage.daemon.status()["status"], Value::from("idle"));
    stage.assert_no_secret_kept();
}
