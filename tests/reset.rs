//! A usage limit at 14:59 that resets at 15:00, on the real engine and database: the clock is a parameter, and what the run
//! printed is a recording of the real CLI. `real_faults.rs` plays the same with the CLI itself and real seconds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use insta::assert_snapshot;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use orchestrator::claude::{EndedBy, Evidence, Exit, Transcript, judge, parse};
use orchestrator::domain::actor::Actor;
use orchestrator::domain::command::Command;
use orchestrator::domain::hold::HoldKind;
use orchestrator::domain::policy::{ApprovalMode, Policy};
use orchestrator::domain::run::{Outcome, Verdict};
use orchestrator::engine::{Audience, Engine, Settings, Wish};
use orchestrator::files::task_folder::Source;
use orchestrator::store::Store;
use orchestrator::store::outbox::{self, Settled};
use serde_json::Value;

/// Milliseconds since 1970.
static NOW: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_millisecond(NOW.load(Ordering::Relaxed)).unwrap()
}

fn it_is(time: &str) {
    let at: Timestamp = format!("2026-11-20T{time}Z").parse().unwrap();
    NOW.store(at.as_millisecond(), Ordering::Relaxed);
}

#[tokio::test]
async fn work_goes_on_at_three_by_itself_though_the_daemon_died_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = "## Task 1: Write\n\n**Claude Instruction:**\nDo it.\n\n## Task 2: Read\n\n**Claude Instruction:**\nDo it.\n";
    fs::create_dir(folder.path().join("tasks")).unwrap();
    fs::write(folder.path().join("tasks/day.md"), format!("# Tasks\n\n{tasks}")).unwrap();
    it_is("14:58:30");
    let engine = opened(folder.path()).await;
    let source = Source::Named("day.md".to_owned());
    let start = Wish::Start { source, replace: false.into(), again: false };
    engine.perform(start, Actor::named("ann")).await.unwrap();
    let run = engine.claim().await.unwrap().expect("nothing stands between");
    it_is("14:59:00");
    let next = engine.finish(run.id, limited(), Duration::from_secs(30), true, async {}).await.unwrap();
    assert!(next.is_none(), "nothing starts under a hold");

    let hold = engine.hold().unwrap();
    assert_eq!(
        (hold.kind, hold.until.unwrap().to_string().as_str()),
        (HoldKind::UsageLimit, "2026-11-20T15:00:01Z")
    );
    let progress = |engine: &Engine| engine.snapshot().current().unwrap().tasks[0].progress.clone();
    assert_eq!((progress(&engine).runs, progress(&engine).attempts), (1, 0), "no attempt is charged");
    drop(engine);
    it_is("14:59:40");
    let engine = opened(folder.path()).await;
    assert_eq!(engine.hold().as_ref(), Some(&hold), "it stands after a restart");
    assert!(engine.claim().await.unwrap().is_none());
    let answer = engine.perform(Wish::Tell(Command::Resume), Actor::named("ann")).await.unwrap();
    assert_snapshot!(answer.message, @r"Already going on, nothing is paused, but nothing may start: You've hit your 5-hour limit · resets 3pm (UTC)");
    it_is("15:00:00");
    engine.end_hold(None).await.unwrap();
    assert!(engine.claim().await.unwrap().is_none(), "the last second is the limit's own");
    it_is("15:00:01");
    engine.end_hold(None).await.unwrap();
    let run = engine.claim().await.unwrap().expect("the limit has been reset");
    let before = told(&engine).await;
    let told_at_three = deliver(&engine).await;
    let shown_in = outbox::announced(engine.store().readers(), run.id).await.unwrap();
    let shown_in: Vec<i64> = shown_in.iter().map(|announced| announced.message_id).collect();
    assert_eq!(shown_in, [told_at_three], "its progress is shown where it is told that it starts");
    it_is("15:01:00");
    let done = Outcome::bare(Verdict::Completed { summary: "Done.".to_owned() });
    engine.finish(run.id, done, Duration::from_secs(59), false, async {}).await.unwrap();

    assert_eq!((progress(&engine).runs, progress(&engine).attempts), (2, 1));
    assert_snapshot!(format!("{before}{}", told(&engine).await), @r"
    2026-11-20T14:58:30Z session_started
    <b>🤖 Orchestrator Starting…</b>
    Started by ann

    📋 Loading tasks from: day.md

    Found 2 tasks:
    1. Write (general)
    2. Read (general)

    2026-11-20T14:58:30Z task_started
    <b>⚙️ Executing Task 1/2</b>
    📝 Write
    Type: general

    Please wait…

    2026-11-20T14:59:00Z run_blocked
    <b>⏳ On hold: usage limit</b>
    Task 1/2 waits; the attempt doesn't count
    📝 Write
    <blockquote>You've hit your 5-hour limit · resets 3pm (UTC)</blockquote>
    Goes on by itself at 15:00

    2026-11-20T15:00:01Z hold_ended
    <b>▶️ The hold is over (usage limit)</b>

    ⚙️ Task 1/2 starts now

    2026-11-20T15:01:00Z task_completed
    <b>✅ Task 1/2 Complete!</b>
    📝 Write
    ⏱ 59s · $0.00

    <blockquote>Done.</blockquote>

    📊 Progress: 1/2 (50%)
    ");
}

/// What the real CLI printed when it met the limit, and what is made of it.
fn limited() -> Outcome {
    let sample = format!("{}/tests/samples/usage-limit.ndjson", env!("CARGO_MANIFEST_DIR"));
    let mut transcript = Transcript::default();
    for message in fs::read_to_string(sample).unwrap().lines().flat_map(|line| parse(line.as_bytes())) {
        transcript.note(&message);
    }
    judge(&Evidence {
        transcript: &transcript,
        exit: Exit::Code(1),
        by: EndedBy::Itself,
        stderr: "",
        refusal: None,
        at: clock().to_zoned(TimeZone::UTC),
    })
}

/// Every message that people got, with the time at which it was written.
async fn told(engine: &Engine) -> String {
    let mut told = outbox::undelivered(engine.store().readers(), 100).await.unwrap();
    told.reverse();
    let texts = told.iter().map(|told| {
        let telegram: Value = serde_json::from_str(told.telegram.get()).unwrap();
        format!("{} {}\n{}\n\n", told.at, told.event, telegram["text"].as_str().unwrap())
    });
    texts.collect()
}

/// Delivers everything; answers with the number of the newest message.
async fn deliver(engine: &Engine) -> i64 {
    let mut all = outbox::undelivered(engine.store().readers(), 100).await.unwrap();
    all.reverse();
    for notification in &all {
        let delivered = Settled::Delivered { message_id: Some(notification.ordinal) };
        engine.settle(notification, &delivered).await.unwrap();
    }
    all.last().unwrap().ordinal
}

async fn opened(folder: &Path) -> Arc<Engine> {
    let audience =
        Audience { chats: Vec::new(), commands: Vec::new(), remind_after: Duration::from_hours(1) };
    let settings = Settings {
        policy: Policy { approval_mode: ApprovalMode::Auto, ..Policy::default() },
        checks: Vec::new(),
        tasks_dir: folder.join("tasks"),
        daily_dir: folder.join("daily"),
        logs_dir: folder.join("logs"),
        timezone: TimeZone::UTC,
        rehearse: false,
        audience: Some(audience),
        birthplace: ("boot".to_owned(), "pid:[1]".to_owned()),
        clock,
    };
    Engine::new(Store::open(&folder.join("o.db")).await.unwrap(), settings).await.unwrap()
}
