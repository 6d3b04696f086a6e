//! Thousands of daemons killed at random instants, with commands coming in all the while, and a judge who believes none of
//! them. `HARNESS_SEED`, `HARNESS_KILLS` and `HARNESS_BINARY` say how; see `tests/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod arena;
mod faults;
mod grants;
mod judge;
mod killer;
mod listener;
mod operator;
mod record;
mod sabotage;
mod soak;
mod wire;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arena::{Arena, Setting};
use judge::{Figures, Judge};
use killer::Killer;
use listener::Listener;
use operator::Operator;

/// How many daemons live side by side.
const ARENAS: u64 = 2;

/// A number from the environment.
fn given(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

fn seed() -> u64 {
    let seed = given("HARNESS_SEED", fastrand::u64(..));
    eprintln!("HARNESS_SEED={seed}");
    seed
}

/// What came of one arena.
struct Outcome {
    kills: u64,
    figures: Figures,
    complaints: Vec<String>,
    /// How daemons ended that nobody had killed, and how many.
    ends: BTreeMap<String, u32>,
}

/// What goes wrong besides, until the last daemon is started.
trait Faults: Sync {
    /// What the next daemon is given in its environment.
    fn environment(&self, _dice: &mut fastrand::Rng) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What happens meanwhile.
    fn happen(&self, _arena: &Arena, _seed: u64, _over: &AtomicBool) {}
}

/// Nothing but what kills.
struct NoFaults;

impl Faults for NoFaults {}

/// Kills so many daemons, lets the last one live, leads its session to an end, and judges.
fn trial(setting: Setting, seed: u64, kills: u64, faults: &impl Faults) -> Outcome {
    let arena = Arena::new(setting);
    let listener = Listener::default();
    let over = AtomicBool::new(false);
    let (killer, figures) = std::thread::scope(|scope| {
        let operator = scope.spawn(|| Operator::new(&arena, seed).work());
        scope.spawn(|| listener.listen(&arena));
        let disturber = scope.spawn(|| faults.happen(&arena, seed, &over));
        let mut killer = Killer::new(&arena, seed ^ 1);
        killer.work(kills, |dice| faults.environment(dice));
        over.store(true, Ordering::Relaxed);
        disturber.join().unwrap();
        arena.set_faulty(false);
        let mut daemon = arena.start(&[]);
        arena.drain();
        operator.join().unwrap();
        let mut figures = Figures::default();
        if !arena.is_condemned() {
            figures = Judge::new(&arena, listener.all(&arena)).judge();
        }
        listener.stop();
        killer.end(&mut daemon);
        (killer, figures)
    });
    let mut complaints = arena.complaints();
    if !complaints.is_empty() {
        complaints.push(arena.said());
    }
    Outcome { kills: killer.kills, figures, complaints, ends: killer.ends }
}

#[test]
fn nothing_is_lost_doubled_or_left_by_daemons_that_are_killed() {
    let (seed, kills) = (seed(), given("HARNESS_KILLS", 60));
    let began = Instant::now();
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let trials: Vec<_> = (0..ARENAS)
            .map(|arena| {
                scope.spawn(move || {
                    trial(Setting::usual(), seed.wrapping_add(arena), kills / ARENAS, &NoFaults)
                })
            })
            .collect();
        trials.into_iter().map(|trial| trial.join().unwrap()).collect()
    });
    let mut figures = Figures::default();
    let mut killed = 0;
    for outcome in &outcomes {
        figures += outcome.figures;
        killed += outcome.kills;
    }
    eprintln!("{killed} kills in {:.0?}: {figures:?}", began.elapsed());
    for outcome in outcomes {
        assert!(outcome.complaints.is_empty(), "HARNESS_SEED={seed}\n{}", outcome.complaints.join("\n"));
    }
    assert_eq!(killed, kills / ARENAS * ARENAS);
    assert!(figures.commands > 0 && figures.events > 0, "nothing was going on");
}
