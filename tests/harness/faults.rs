//! Disks that fail: writes and syncs that return errors, and a file system that is full.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::arena::{Arena, PATIENCE, Setting};
use crate::judge::Judge;
use crate::listener::Listener;
use crate::operator::Operator;
use crate::support::disk::Disk;
use crate::support::eventually::until;
use crate::{Faults, Outcome, given, seed, trial};

/// Of the disk that is full at times.
const SIZE: &str = "size=32m";

const LIBRARIES: [&str; 2] = ["fiu_run_preload.so", "fiu_posix_preload.so"];
const WHERE: [&str; 2] = ["/usr/lib/fiu", "/usr/local/lib/fiu"];

/// What the database does to its files.
const OF_THE_DATABASE: [&str; 5] = [
    "posix/io/rw/pwrite",
    "posix/io/rw/pwrite/reduce",
    "posix/io/sync/fsync",
    "posix/io/sync/fdatasync",
    "posix/io/rw/ftruncate",
];
/// What the daemon does to any file besides. `write` is left out: it wakes the runtime too, which no disk can keep it from.
const OF_ANY_FILE: [&str; 2] = ["posix/io/oc/open", "posix/io/dir/rename"];

/// Errors of <https://blitiri.com.ar/p/libfiu/>, for the daemon alone: its children inherit nothing of its environment.
struct FailingCalls {
    preload: String,
}

impl FailingCalls {
    fn find() -> Option<Self> {
        let folder = WHERE.into_iter().find(|folder| Path::new(folder).join(LIBRARIES[1]).exists())?;
        Some(Self { preload: LIBRARIES.map(|name| format!("{folder}/{name}")).join(" ") })
    }
}

impl Faults for FailingCalls {
    fn environment(&self, dice: &mut fastrand::Rng) -> Vec<(&'static str, String)> {
        if dice.u8(..100) < 25 {
            return Vec::new();
        }
        let probability = ["0.0005", "0.002", "0.01", "0.05"][dice.usize(..4)];
        let mut names = OF_THE_DATABASE.to_vec();
        if dice.u8(..100) < 20 {
            names.extend(OF_ANY_FILE);
        }
        // EIO, or ENOSPC: a disk that fails, or is full for a moment.
        let number = if dice.bool() { 5 } else { 28 };
        let enable: Vec<String> = names
            .iter()
            .map(|name| format!("enable_random name={name},probability={probability},failinfo={number}"))
            .collect();
        vec![("LD_PRELOAD", self.preload.clone()), ("FIU_ENABLE", enable.join("\n"))]
    }
}

#[test]
fn nothing_is_lost_or_doubled_by_writes_that_fail() {
    let Some(calls) = FailingCalls::find() else {
        eprintln!("LEFT OUT: libfiu is missing (`apt-get install fiu-utils`): no write fails in this test");
        return;
    };
    let (seed, kills) = (seed(), given("HARNESS_FAULTS", 20));
    let began = Instant::now();
    // On a real disk, where a sync is a sync.
    let place = tempfile::tempdir().unwrap();
    let setting = Setting { root: Some(place.path().to_owned()), faulty: true, ..Setting::usual() };
    let outcome = trial(setting, seed, kills, &calls);
    report(&outcome, began.elapsed(), seed);
}

impl Faults for Disk {
    fn happen(&self, arena: &Arena, seed: u64, over: &AtomicBool) {
        let mut dice = fastrand::Rng::with_seed(seed ^ 2);
        let mut pause = |most| std::thread::sleep(Duration::from_millis(dice.u64(10..most)));
        while !over.load(Ordering::Relaxed) && !arena.is_condemned() {
            pause(600);
            self.fill();
            pause(150);
            self.clear();
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_by_a_full_disk() {
    let Some(disk) = Disk::mount(SIZE) else { return };
    let (seed, kills) = (seed(), given("HARNESS_FAULTS", 20));
    let began = Instant::now();
    let setting = Setting { root: Some(disk.path().join("root")), faulty: true, ..Setting::usual() };
    let outcome = trial(setting, seed, kills, &disk);
    report(&outcome, began.elapsed(), seed);
}

/// Nobody kills this one: it has to live through it, and to go on by itself whenever there is space.
#[test]
fn a_full_disk_ends_no_daemon() {
    let Some(disk) = Disk::mount(SIZE) else { return };
    let seed = seed();
    let arena =
        Arena::new(Setting { root: Some(disk.path().join("root")), faulty: true, ..Setting::usual() });
    let mut daemon = arena.start(&[]);
    arena.insist("/status", &json!({}));
    let listener = Listener::default();
    std::thread::scope(|scope| {
        let operator = scope.spawn(|| Operator::new(&arena, seed).work());
        scope.spawn(|| listener.listen(&arena));
        let mut dice = fastrand::Rng::with_seed(seed ^ 2);
        for _ in 0..given("HARNESS_FILLS", 8) {
            disk.fill();
            std::thread::sleep(Duration::from_millis(dice.u64(1..400)));
            disk.clear();
            let before = arena.record.answered.load(Ordering::Relaxed);
            until(PATIENCE, "a command to be carried out now that there is space", || {
                arena.record.answered.load(Ordering::Relaxed) > before || arena.is_condemned()
            });
        }
        arena.set_faulty(false);
        arena.drain();
        operator.join().unwrap();
        if !arena.is_condemned() {
            let figures = Judge::new(&arena, listener.all(&arena)).judge();
            eprintln!("{figures:?}");
        }
        listener.stop();
    });
    let ended = daemon.try_wait().unwrap();
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(ended.is_none(), "HARNESS_SEED={seed}: {ended:?}\n{}", arena.said());
    assert!(!arena.is_condemned(), "HARNESS_SEED={seed}\n{:#?}\n{}", arena.complaints(), arena.said());
}

fn report(outcome: &Outcome, took: Duration, seed: u64) {
    let Outcome { kills, figures, complaints, ends } = outcome;
    eprintln!("{kills} daemons in {took:.0?}: {figures:?}; ended by themselves: {ends:#?}");
    assert!(complaints.is_empty(), "HARNESS_SEED={seed}\n{}", complaints.join("\n"));
    assert!(figures.commands > 0 && figures.events > 0, "nothing was going on");
}
