//! A simulated month on the real engine and database: the clock is a parameter. Thousands of sessions with limits, holds,
//! restarts, midnights and, in Berlin, the night on which the clocks go back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use orchestrator::domain::actor::Actor;
use orchestrator::domain::command::{Command, Target};
use orchestrator::domain::gate::{About, Choice, Reason};
use orchestrator::domain::limits::{Budget, Limits};
use orchestrator::domain::policy::{ApprovalMode, OnTrouble, Policy};
use orchestrator::domain::run::{Failure, Obstacle, Outcome, Verdict};
use orchestrator::domain::session::Work;
use orchestrator::domain::usage::Usage;
use orchestrator::domain::usd::Usd;
use orchestrator::engine::{Engine, Settings, Wish};
use orchestrator::files::task_folder::Source;
use orchestrator::store::Store;

const SESSIONS: usize = 2000;
const SEED: u64 = 0x5eed_2026_1020;

/// Milliseconds since 1970.
static NOW: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_millisecond(NOW.load(Ordering::Relaxed)).unwrap()
}

fn pass(seconds: u64) {
    NOW.fetch_add(i64::try_from(seconds * 1000).unwrap(), Ordering::Relaxed);
}

/// A generator whose numbers are the same for ever (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What an observer saw who knows nothing of how the daemon reckons.
#[derive(Default)]
struct Ledger {
    days: BTreeMap<Date, i64>,
    asked: usize,
    /// What was granted for each day, to whichever session.
    raised: BTreeMap<Date, i64>,
    runs: usize,
    held: usize,
    restarts: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_keeps_to_its_budgets() {
    let folder =
        tempfile::tempdir_in(if Path::new("/dev/shm").exists() { "/dev/shm" } else { "/tmp" }).unwrap();
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let begin: Timestamp = "2026-10-10T22:30:00Z".parse().unwrap();
    NOW.store(begin.as_millisecond(), Ordering::Relaxed);
    let tasks = (1..=3)
        .map(|number| format!("## Task {number}: Part {number}\n\n**Claude Instruction:**\nDo it.\n\n"));
    fs::create_dir(folder.path().join("tasks")).unwrap();
    let text = tasks.collect::<String>();
    fs::write(folder.path().join("tasks/day.md"), format!("# Tasks\n\n{text}")).unwrap();
    let limit = Usd::from_micros(20_000_000);
    let (mut dice, mut ledger) = (Dice(SEED), Ledger::default());
    let mut engine = opened(folder.path(), &zone, limit).await;
    for _ in 0..SESSIONS {
        if dice.below(40) == 0 {
            engine = reopened(engine, folder.path(), &zone, limit).await;
            ledger.restarts += 1;
        }
        let source = Source::Named("day.md".to_owned());
        engine
            .perform(Wish::Start { source, replace: false.into(), again: true }, Actor::named("ann"))
            .await
            .unwrap();
        a_session(&mut engine, &mut dice, &mut ledger, folder.path(), &zone, limit).await;
        pass(60 + dice.below(1500));
    }
    let nights = clock().duration_since(begin).as_hours() / 24;
    assert!(nights >= 28, "{nights} nights");
    assert!(ledger.asked > 10 && ledger.held > 50 && ledger.restarts > 20 && ledger.runs > SESSIONS);
    let (sum, stored) = (ledger.days.values().sum::<i64>(), spent(&folder.path().join("o.db")).await);
    assert_eq!(stored, ledger.days.clone().into_iter().filter(|(_, cost)| *cost > 0).collect());
    println!(
        "{nights} nights, {} runs, {} holds, {} restarts, asked {} times, {}",
        ledger.runs,
        ledger.held,
        ledger.restarts,
        ledger.asked,
        Usd::from_micros(sum)
    );
}

async fn a_session(
    engine: &mut Arc<Engine>,
    dice: &mut Dice,
    ledger: &mut Ledger,
    folder: &Path,
    zone: &TimeZone,
    limit: Usd,
) {
    loop {
        let snapshot = engine.snapshot();
        let session = snapshot.current().unwrap();
        let Some(open) = session.open() else { return };
        match &open.work {
            Work::Waiting { gate } => {
                if let About::Before { reasons, .. } = &gate.about
                    && reasons
                        .iter()
                        .any(|reason| matches!(reason, Reason::Spent { budget: Budget::CostPerDay, .. }))
                {
                    ledger.asked += 1;
                    pass(dice.below(4) * 3600);
                    let today = clock().to_zoned(zone.clone()).date();
                    let used = ledger.days.get(&today).copied().unwrap_or(0);
                    if used >= ledger.raised.get(&today).copied().unwrap_or(limit.micros()) {
                        ledger.raised.insert(today, used + limit.micros());
                    }
                }
                let target = Target::Gate(gate.id.clone());
                let command = if gate.choices().contains(&Choice::Approve) {
                    Command::Approve { gate: Some(gate.id.clone()), note: None }
                } else if dice.below(2) == 0 {
                    Command::Skip { target }
                } else {
                    Command::Retry { target, feedback: None }
                };
                engine.perform(Wish::Tell(command), Actor::named("ann")).await.unwrap();
            }
            Work::Ready { .. } => {
                if let Some(hold) = engine.hold() {
                    ledger.held += 1;
                    match hold.until {
                        Some(until) => {
                            let left = until.duration_since(clock()).as_secs().unsigned_abs();
                            assert!(left <= 1801, "a hold of {left} s");
                            assert!(engine.claim().await.unwrap().is_none(), "nothing starts under a hold");
                            pass(left + 1);
                        }
                        None => {
                            engine.perform(Wish::Tell(Command::Resume), Actor::named("ann")).await.unwrap();
                        }
                    }
                    engine.end_hold(None).await.unwrap();
                    continue;
                }
                let today = clock().to_zoned(zone.clone()).date();
                let used = ledger.days.get(&today).copied().unwrap_or(0);
                if engine.claim().await.unwrap().is_some() {
                    let allowed = ledger.raised.get(&today).copied().unwrap_or(limit.micros());
                    assert!(used < allowed, "{today}: a run with {used} of {allowed} spent");
                    ledger.runs += 1;
                }
            }
            Work::Running { run, .. } | Work::Ending { run, .. } => {
                let run = *run;
                if dice.below(60) == 0 {
                    *engine = reopened(Arc::clone(engine), folder, zone, limit).await;
                    ledger.restarts += 1;
                }
                let took = Duration::from_secs(1 + dice.below(600));
                pass(took.as_secs());
                let cost = i64::try_from(dice.below(900_000)).unwrap();
                let today = clock().to_zoned(zone.clone()).date();
                *ledger.days.entry(today).or_default() += cost;
                let usage = Usage { cost: Usd::from_micros(cost), ..Usage::default() };
                let outcome = Outcome { usage, ..Outcome::bare(verdict(dice)) };
                engine.finish(run, outcome, took, false, async {}).await.unwrap();
            }
        }
    }
}

fn verdict(dice: &mut Dice) -> Verdict {
    match dice.below(20) {
        0 | 1 => Verdict::Failed { failure: Failure::Reported { message: "no".to_owned() } },
        2 => Verdict::Lost,
        3 => {
            let resets_at = Some(clock() + Duration::from_secs(dice.below(1500)));
            Verdict::Unavailable {
                obstacle: Obstacle::UsageLimit { resets_at, message: "limit reached".to_owned() },
            }
        }
        4 => Verdict::Unavailable { obstacle: Obstacle::Api { message: "overloaded".to_owned() } },
        _ => Verdict::Completed { summary: "Done.".to_owned() },
    }
}

async fn opened(folder: &Path, zone: &TimeZone, limit: Usd) -> Arc<Engine> {
    let limits = Limits { cost_per_day: Some(limit), ..Limits::default() };
    let policy = Policy {
        approval_mode: ApprovalMode::Auto,
        on_failure: OnTrouble::Retry,
        on_interrupted: OnTrouble::Retry,
        limits,
        ..Policy::default()
    };
    let settings = Settings {
        policy,
        checks: Vec::new(),
        tasks_dir: folder.join("tasks"),
        daily_dir: folder.join("daily"),
        logs_dir: folder.join("logs"),
        timezone: zone.clone(),
        rehearse: false,
        audience: None,
        birthplace: ("boot".to_owned(), "pid:[1]".to_owned()),
        clock,
    };
    Engine::new(Store::open(&folder.join("o.db")).await.unwrap(), settings).await.unwrap()
}

async fn reopened(engine: Arc<Engine>, folder: &Path, zone: &TimeZone, limit: Usd) -> Arc<Engine> {
    drop(engine);
    opened(folder, zone, limit).await
}

async fn spent(database: &Path) -> BTreeMap<Date, i64> {
    let store = Store::open(database).await.unwrap();
    let mut writer = store.writer().await;
    let rows: Vec<(String, i64)> = sqlx::query_as("SELECT day, micro_usd FROM spending WHERE micro_usd > 0")
        .fetch_all(&mut *writer)
        .await
        .unwrap();
    rows.into_iter().map(|(day, cost)| (day.parse().unwrap(), cost)).collect()
}
