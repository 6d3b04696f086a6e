//! What was asked and what was answered, as only the one who asked knows it, in one order with what the runs say.
//!
//! The witness file is written by the runs and by the harness, a line at a time and always at its end: a run that starts
//! because of a command stands below the line that says that the command was about to be sent.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::wire::Answer;

/// A command, sent as often as it takes to get an answer, and perhaps once more to see that the answer stays the same.
#[derive(Clone, Debug)]
pub struct Asked {
    pub key: String,
    pub path: &'static str,
    pub body: String,
    /// The session that was open.
    pub session: Option<String>,
    /// The gate that it names.
    pub gate: Option<String>,
    /// The task that it is about.
    pub task: Option<u64>,
    pub answer: Option<Answer>,
}

/// All of it.
#[derive(Debug)]
pub struct Record {
    witness: PathBuf,
    all: Mutex<Vec<Asked>>,
    pub asked: AtomicUsize,
    pub answered: AtomicUsize,
}

impl Record {
    pub fn new(folder: &Path) -> Self {
        let witness = folder.join("witness");
        File::create_new(&witness).unwrap();
        Self { witness, all: Mutex::default(), asked: AtomicUsize::new(0), answered: AtomicUsize::new(0) }
    }

    /// Notes that a command is about to be sent, before anything of it is.
    pub fn ask(&self, mut asked: Asked) -> Asked {
        let mut all = self.all.lock().unwrap();
        asked.key = format!("key-{}", all.len());
        let mut witness = File::options().append(true).open(&self.witness).unwrap();
        witness.write_all(format!("asked {}\n", asked.key).as_bytes()).unwrap();
        all.push(asked.clone());
        self.asked.fetch_add(1, Ordering::Relaxed);
        asked
    }

    pub fn answer(&self, key: &str, answer: &Answer) {
        let mut all = self.all.lock().unwrap();
        let asked = all.iter_mut().rev().find(|asked| asked.key == key).expect("it was asked");
        asked.answer = Some(answer.clone());
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    pub fn all(&self) -> Vec<Asked> {
        self.all.lock().unwrap().clone()
    }

    /// One of the newest commands that were answered.
    pub fn lately_answered(&self, pick: impl FnOnce(usize) -> usize) -> Option<Asked> {
        let all = self.all.lock().unwrap();
        let recent: Vec<&Asked> = all.iter().rev().take(40).filter(|asked| asked.answer.is_some()).collect();
        (!recent.is_empty()).then(|| recent[pick(recent.len())].clone())
    }

    pub fn witnessed(&self) -> Vec<Line> {
        fs::read_to_string(&self.witness).unwrap().lines().map(Line::read).collect()
    }

    pub fn tail(&self) -> Tail {
        Tail { file: File::open(&self.witness).unwrap(), begun: 0, ended: 0 }
    }
}

/// Which run a line is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub marker: String,
    pub session: String,
    pub task: u64,
    pub number: u64,
}

/// A line of the witness file.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    Asked(String),
    Overlap(Run),
    Start(Run),
    Bill(Run, f64),
    End(Run, f64, bool),
}

impl Line {
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::Asked(_) => None,
            Self::Overlap(run) | Self::Start(run) | Self::Bill(run, _) | Self::End(run, ..) => Some(run),
        }
    }

    fn read(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["asked", key] = words[..] {
            return Self::Asked(key.to_owned());
        }
        let [what, marker, session, task, number, rest @ ..] = &words[..] else { panic!("{line:?}") };
        let run = Run {
            marker: (*marker).to_owned(),
            session: (*session).to_owned(),
            task: task.parse().unwrap(),
            number: number.parse().unwrap(),
        };
        match (*what, rest) {
            ("overlap", _) => Self::Overlap(run),
            ("start", _) => Self::Start(run),
            ("bill", [cost, _]) => Self::Bill(run, cost.parse().unwrap()),
            ("end", [cost, how]) => Self::End(run, cost.parse().unwrap(), *how == "success"),
            _ => panic!("{line:?}"),
        }
    }
}

/// Follows the witness file, to kill when something has just happened.
pub struct Tail {
    file: File,
    pub begun: usize,
    pub ended: usize,
}

impl Tail {
    pub fn look(&mut self) {
        let mut text = String::new();
        let at = self.file.stream_position().unwrap();
        self.file.read_to_string(&mut text).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.file.seek(SeekFrom::Start(at + whole as u64)).unwrap();
        for line in text[..whole].lines() {
            self.begun += usize::from(line.starts_with("start "));
            self.ended += usize::from(line.starts_with("bill ") || line.starts_with("end "));
        }
    }
}
