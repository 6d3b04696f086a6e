//! How thoroughly to measure, and what the sections share.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Instant;

use crate::contender::{Folder, clean_up, folder};
use crate::daemon::{Daemon, Setup};
use crate::history;

/// To see that it works.
pub const QUICK: &str = "--quick";
/// With a log of 10 GB.
pub const HUGE: &str = "--huge";
/// Write down also what is quick, or another binary's.
pub const KEEP: &str = "--keep";

/// The options of one call, and the histories that were made for it.
pub struct Context {
    pub rounds: usize,
    /// How many tasks a session has whose tasks are measured.
    pub tasks: usize,
    /// How much shorter everything is that takes its time.
    pub hurry: u32,
    /// Whether a log of 10 GB is among those that are read.
    pub huge: bool,
    /// Whether the figures go into the document.
    pub keeps_figures: bool,
    folder: Folder,
    histories: RefCell<BTreeMap<History, PathBuf>>,
}

/// How much has happened in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct History {
    pub events: u64,
    pub tasks: u64,
}

pub const SHORT: History = History { events: 100, tasks: 50 };
pub const MIDDLING: History = History { events: 10_000, tasks: 1_000 };
pub const LONG: History = History { events: 1_000_000, tasks: 10_000 };

impl Context {
    pub fn new(words: &[&str]) -> Self {
        clean_up();
        let quick = words.contains(&QUICK);
        let is_ours = std::env::var_os("BENCH_BINARY").is_none();
        Self {
            rounds: if quick { 2 } else { 5 },
            tasks: if quick { 50 } else { 500 },
            hurry: if quick { 6 } else { 1 },
            huge: words.contains(&HUGE),
            keeps_figures: (!quick && is_ours) || words.contains(&KEEP),
            folder: folder("histories"),
            histories: RefCell::default(),
        }
    }

    /// A daemon with so much behind it, started.
    pub fn daemon_with(&self, history: History, setup: &Setup) -> Daemon {
        let made = self.histories.borrow().get(&history).cloned();
        let made = made.unwrap_or_else(|| self.make(history));
        let mut daemon = Daemon::prepare(setup);
        fs::copy(made, daemon.database()).unwrap();
        // Or its commits would wait for all of it.
        File::open(daemon.database()).unwrap().sync_all().unwrap();
        daemon.restart();
        daemon
    }

    /// The numbers of the rounds, and whether each goes through the contenders backwards.
    pub fn rounds(&self) -> impl Iterator<Item = (usize, bool)> + use<> {
        (0..self.rounds).map(|round| (round, round % 2 == 1))
    }

    /// The same for what takes long and varies little.
    pub fn few_rounds(&self) -> impl Iterator<Item = (usize, bool)> + use<> {
        self.rounds().take(3)
    }

    fn make(&self, history: History) -> PathBuf {
        eprintln!("making a history of {} events", history.events);
        let began = Instant::now();
        let mut daemon = Daemon::start(&Setup::default());
        let template = usize::try_from(history::TEMPLATE).unwrap();
        let session = daemon.start_session(template);
        daemon.see_through(&session, template);
        daemon.stop();
        history::multiply(&daemon.database(), history.events, history.tasks);
        let kept = self.folder.path().join(format!("{}.db", history.events));
        fs::copy(daemon.database(), &kept).unwrap();
        eprintln!("made in {:.0} s", began.elapsed().as_secs_f64());
        self.histories.borrow_mut().insert(history, kept.clone());
        kept
    }
}

/// Goes through contenders in their order, or backwards.
pub fn in_turn<T>(contenders: &mut [T], backwards: bool, mut each: impl FnMut(&mut T)) {
    if backwards {
        contenders.iter_mut().rev().for_each(&mut each);
    } else {
        contenders.iter_mut().for_each(&mut each);
    }
}
