//! The morning's workflow, and how fast the others are.

use std::time::Duration;

use serde_json::json;

use crate::stage::Stage;
use crate::support::model::{Script, Turn};
use crate::support::taskfile::Task;
use crate::support::telegram::timed;
use crate::support::telegram_phone::buttons;

#[test]
fn the_day_starts_by_itself_and_the_chat_hears_what_came_of_it() {
    let stage = Stage::set(|_| Script::new().on("be-quick", [Turn::says("Done.")]));
    let ana = stage.ana();
    stage.n8n.start_the_day();
    ana.hears("There is no task file for today");
    assert_eq!(stage.daemon.status()["status"], "idle", "there was no file for today");

    stage.daemon.write_tasks(&Stage::todays_file(), &[Task::new("One", "Please be-quick.")]);
    stage.n8n.start_the_day();
    let start = ana.hears("Found 1 task");
    assert!(!buttons(&start).is_empty(), "{start:#}");
    assert_eq!(stage.daemon.status()["status"], "waiting_approval");
    stage.n8n.start_the_day();
    ana.hears("is still open");
    assert_eq!(ana.unheard(), Vec::<serde_json::Value>::new());
    assert_eq!(stage.telegram.refusals(), Vec::<String>::new());
    stage.daemon.ok("/stop", json!({}));
    stage.assert_no_secret_kept();
}

#[test]
fn a_reply_is_there_before_one_wonders() {
    const ROUNDS: usize = 20;
    let stage = Stage::idle();
    let ana = stage.ana();
    let round = || {
        timed(|| {
            ana.says("/status");
            ana.hears("No session")
        })
        .1
    };
    // The first execution compiles the workflow's expressions.
    round();
    let replies = median((0..ROUNDS).map(|_| round()).collect());
    let ask = || timed(|| stage.daemon.ok("/command", json!({"command": "status", "chat_id": "1001"}))).1;
    let answers = median((0..ROUNDS).map(|_| ask()).collect());
    println!(
        "message → reply: {replies:?} (median of {ROUNDS}); of this the daemon {answers:?}, {:.1} %",
        100.0 * answers.as_secs_f64() / replies.as_secs_f64()
    );
    assert!(replies < Duration::from_secs(3), "{replies:?}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
