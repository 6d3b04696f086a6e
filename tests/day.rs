//! A day's budget on the real engine and database, in a zone whose midnight is another than UTC's: what a person grants for
//! today counts for every session of today, over restarts, and not for tomorrow.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orchestrator::domain::actor::Actor;
use orchestrator::domain::command::Command;
use orchestrator::domain::limits::Limits;
use orchestrator::domain::policy::{ApprovalMode, Policy};
use orchestrator::domain::run::{Outcome, Verdict};
use orchestrator::domain::session::Work;
use orchestrator::domain::usage::Usage;
use orchestrator::domain::usd::Usd;
use orchestrator::engine::{Engine, Settings, Wish};
use orchestrator::files::task_folder::Source;
use orchestrator::store::Store;
use tempfile::TempDir;

/// Milliseconds since 1970.
static NOW: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_millisecond(NOW.load(Ordering::Relaxed)).unwrap()
}

/// Lets it become this time in Auckland, thirteen hours ahead of UTC.
fn it_is(time: &str) {
    let at = format!("{time}:00+13:00").parse::<Timestamp>().unwrap();
    assert!(at > clock(), "time goes on");
    NOW.store(at.as_millisecond(), Ordering::Relaxed);
}

/// A folder with a task file, and what works on it.
struct Office {
    folder: TempDir,
    engine: Arc<Engine>,
    limits: Limits,
}

impl Office {
    async fn open(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tasks")).unwrap();
        let task = |number: u32| format!("## Task {number}: Part\n\n**Claude Instruction:**\nDo it.\n\n");
        let tasks = (1..=9).map(task).collect::<String>();
        fs::write(folder.path().join("tasks/day.md"), format!("# Tasks\n\n{tasks}")).unwrap();
        let engine = engine(folder.path(), limits.clone()).await;
        Self { folder, engine, limits }
    }

    async fn restart(&mut self) {
        self.engine = engine(self.folder.path(), self.limits.clone()).await;
    }

    async fn tell(&self, wish: Wish) -> String {
        self.engine.perform(wish, Actor::named("ann")).await.unwrap().message
    }

    /// Begins a session in the place of the one before.
    async fn start(&self) {
        let source = Source::Named("day.md".to_owned());
        self.tell(Wish::Start { source, replace: true.into(), again: true }).await;
    }

    /// One run after another until a person is asked; answers with how many there were, and with what is asked.
    async fn work(&self) -> (usize, String) {
        for runs in 0.. {
            let session = self.engine.snapshot().current().unwrap().clone();
            if let Work::Waiting { gate } = &session.open().unwrap().work {
                return (runs, gate.reasons().join("; "));
            }
            let run = self.engine.claim().await.unwrap().expect("a task that is ready");
            let usage = Usage { cost: Usd::from_micros(1_000_000), input_tokens: 1000, ..Usage::default() };
            let outcome = Outcome { usage, ..Outcome::bare(Verdict::Completed { summary: String::new() }) };
            self.engine.finish(run.id, outcome, Duration::from_secs(1), false, async {}).await.unwrap();
        }
        unreachable!()
    }

    async fn approve(&self) -> String {
        self.tell(Wish::Tell(Command::Approve { gate: None, note: None })).await
    }
}

async fn engine(folder: &Path, limits: Limits) -> Arc<Engine> {
    let settings = Settings {
        policy: Policy { approval_mode: ApprovalMode::Auto, limits, ..Policy::default() },
        checks: Vec::new(),
        tasks_dir: folder.join("tasks"),
        daily_dir: folder.join("daily"),
        logs_dir: folder.join("logs"),
        timezone: TimeZone::get("Pacific/Auckland").unwrap(),
        rehearse: false,
        audience: None,
        birthplace: ("boot".to_owned(), "pid:[1]".to_owned()),
        clock,
    };
    Engine::new(Store::open(&folder.join("o.db")).await.unwrap(), settings).await.unwrap()
}

#[tokio::test]
async fn what_is_granted_for_today_counts_for_every_session_of_today_and_for_no_other_day() {
    let money = Limits { cost_per_day: Some(Usd::from_micros(2_000_000)), ..Limits::default() };
    let tokens = Limits { tokens_per_day: Some(2000), ..Limits::default() };
    let asked = |used: u64, of: u64| {
        (format!("spent ${used}.00 of ${of}.00 today"), format!("used {used},000 of {of},000 tokens today"))
    };
    for (year, is_money, limits) in [(2026, true, money), (2027, false, tokens)] {
        let asked = |used, of| if is_money { asked(used, of).0 } else { asked(used, of).1 };
        it_is(&format!("{year}-01-14T23:00"));
        let mut office = Office::open(limits).await;
        office.start().await;
        assert_eq!(office.work().await, (2, asked(2, 2)));
        it_is(&format!("{year}-01-14T23:10"));
        let told = office.approve().await;
        assert!(told.contains("Budget raised by ann: up to") && told.ends_with(" today"), "{told}");
        assert_eq!(office.work().await, (2, asked(4, 4)));

        it_is(&format!("{year}-01-14T23:20"));
        office.approve().await;
        office.restart().await;
        office.start().await;
        assert_eq!(office.work().await, (2, asked(6, 6)), "another session, after a restart");

        it_is(&format!("{year}-01-15T00:00"));
        office.restart().await;
        office.start().await;
        assert_eq!(office.work().await, (2, asked(2, 2)), "a new day");
        it_is(&format!("{year}-01-15T12:59"));
        office.approve().await;
        it_is(&format!("{year}-01-15T13:01"));
        office.restart().await;
        assert_eq!(office.work().await, (2, asked(4, 4)), "midnight in UTC is no new day here");
        office.start().await;
        assert_eq!(office.work().await, (0, asked(4, 4)));

        it_is(&format!("{year}-01-16T00:00"));
        let told = office.approve().await;
        assert!(!told.contains("raised"), "what was asked yesterday grants nothing today: {told}");
        assert_eq!(office.work().await, (2, asked(2, 2)));
    }
}
