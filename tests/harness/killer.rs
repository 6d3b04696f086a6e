//! Starts the daemon and kills it, at moments that are spread over its life but drawn to where something is being written.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::arena::{Arena, PATIENCE};
use crate::record::Tail;

const LOOK_AGAIN: Duration = Duration::from_micros(200);
/// How long a moment is waited for that may never come.
const MOST: Duration = Duration::from_secs(3);
/// How long a daemon takes to be at work, and a bit more.
const A_START: u64 = 40_000;
/// And a run to end by itself.
const A_RUN: u64 = 120_000;

/// When a daemon dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Starting,
    Asked,
    Answered,
    RunBegun,
    RunEnding,
}

/// Who dies with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victims {
    Daemon,
    /// The run first.
    RunAndDaemon,
    /// One process of the run, and then the daemon.
    OneOfRunAndDaemon,
    /// The daemon first.
    DaemonAndRun,
}

pub struct Killer<'a> {
    arena: &'a Arena,
    dice: fastrand::Rng,
    tail: Tail,
    /// How many daemons it came to.
    pub kills: u64,
    /// How daemons ended by themselves, and how many.
    pub ends: BTreeMap<String, u32>,
}

impl<'a> Killer<'a> {
    pub fn new(arena: &'a Arena, seed: u64) -> Self {
        Self {
            arena,
            dice: fastrand::Rng::with_seed(seed),
            tail: arena.record.tail(),
            kills: 0,
            ends: BTreeMap::new(),
        }
    }

    /// Kills so many daemons.
    pub fn work(
        &mut self,
        kills: u64,
        environment: impl Fn(&mut fastrand::Rng) -> Vec<(&'static str, String)>,
    ) {
        while self.kills < kills && !self.arena.is_condemned() {
            let mut daemon = self.arena.start(&environment(&mut self.dice));
            self.await_moment(&mut daemon);
            self.kill(&mut daemon);
            self.kills += 1;
            // Long enough at times for a run to end with nobody there to see it.
            if self.dice.u8(..100) < 25 {
                std::thread::sleep(Duration::from_micros(self.dice.u64(..A_RUN)));
            }
        }
    }

    /// Ends the last one, which must live.
    pub fn end(&mut self, daemon: &mut Child) {
        if !self.has_ended(daemon) {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    fn await_moment(&mut self, daemon: &mut Child) {
        let moment = match self.dice.u8(..100) {
            ..22 => Moment::Starting,
            22..45 => Moment::Asked,
            45..62 => Moment::Answered,
            62..78 => Moment::RunBegun,
            _ => Moment::RunEnding,
        };
        if moment == Moment::Starting {
            return std::thread::sleep(Duration::from_micros(self.dice.u64(..A_START)));
        }
        let since = Instant::now();
        // The first of its kind in this daemon's life, or a later one. Where everything fails now and then, lives are longer.
        let most = if self.arena.is_faulty() { 12 } else { 3 };
        let awaited = self.count(moment) + self.dice.usize(1..=most);
        while self.count(moment) < awaited && since.elapsed() < MOST && !self.arena.is_condemned() {
            if daemon.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        std::thread::sleep(Duration::from_micros(self.soon()));
    }

    /// Mostly at once, at times a while later.
    fn soon(&mut self) -> u64 {
        let most = 1 << self.dice.u32(5..15);
        self.dice.u64(..most)
    }

    fn count(&mut self, moment: Moment) -> usize {
        self.tail.look();
        match moment {
            Moment::Starting => 0,
            Moment::Asked => self.arena.record.asked.load(Ordering::Relaxed),
            Moment::Answered => self.arena.record.answered.load(Ordering::Relaxed),
            Moment::RunBegun => self.tail.begun,
            Moment::RunEnding => self.tail.ended,
        }
    }

    fn has_ended(&mut self, daemon: &mut Child) -> bool {
        match daemon.try_wait().unwrap() {
            None => false,
            Some(status) => {
                *self.ends.entry(format!("{status}: {}", self.arena.last_words())).or_default() += 1;
                if !self.arena.is_faulty() {
                    self.arena.complain(format!("ended: {status} by itself\n{}", self.arena.said()));
                }
                true
            }
        }
    }

    fn kill(&mut self, daemon: &mut Child) {
        let victims = match self.dice.u8(..100) {
            ..4 => Victims::RunAndDaemon,
            4..9 => Victims::OneOfRunAndDaemon,
            9..12 => Victims::DaemonAndRun,
            _ => Victims::Daemon,
        };
        if matches!(victims, Victims::RunAndDaemon | Victims::OneOfRunAndDaemon) {
            self.kill_run(Some(daemon.id()), victims == Victims::OneOfRunAndDaemon);
        }
        if self.has_ended(daemon) {
            return;
        }
        if self.dice.u8(..100) < 3 {
            return self.terminate(daemon);
        }
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        if victims == Victims::DaemonAndRun {
            self.kill_run(None, false);
        }
    }

    fn kill_run(&mut self, daemon: Option<u32>, only_one: bool) {
        let mut run = self.arena.runs(daemon);
        if only_one && !run.is_empty() {
            run = vec![run.swap_remove(self.dice.usize(..run.len()))];
        }
        for process in run {
            process.identity.signal(Signal::KILL);
        }
    }

    /// Asks it to end, as a service manager would.
    fn terminate(&self, daemon: &mut Child) {
        kill_process(Pid::from_child(daemon), Signal::TERM).unwrap();
        let since = Instant::now();
        loop {
            if let Some(status) = daemon.try_wait().unwrap() {
                // Before it listens for signals, it dies of them.
                if !status.success() && status.signal() != Some(15) && !self.arena.is_faulty() {
                    self.arena.complain(format!("ended: {status} after SIGTERM\n{}", self.arena.said()));
                }
                return;
            }
            if since.elapsed() > PATIENCE {
                self.arena.complain(format!("ended: not after SIGTERM\n{}", self.arena.said()));
                daemon.kill().unwrap();
                daemon.wait().unwrap();
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}
