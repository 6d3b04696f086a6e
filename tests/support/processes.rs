//! The process table as `/proc` shows it: what really lives, whatever anybody says of it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::eventually::{eventually, until};

/// A process that cannot be mistaken for a later one with the same pid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Identity {
    pub pid: i32,
    pub start_ticks: u64,
}

impl Identity {
    /// Whether it is still there and not merely waiting to be reaped.
    pub fn is_alive(self) -> bool {
        Process::read(self.pid).is_some_and(|process| process.identity == self && !process.is_zombie())
    }

    /// Whether it has ended and nobody has asked for its exit code yet.
    pub fn is_zombie(self) -> bool {
        Process::read(self.pid).is_some_and(|process| process.identity == self && process.is_zombie())
    }

    /// Sends a signal to this process and to no other.
    pub fn signal(self, signal: Signal) {
        if self.is_alive() {
            // It may have ended between the two calls, which is as good.
            let _ = kill_process(Pid::from_raw(self.pid).unwrap(), signal);
        }
    }
}

/// What `/proc` tells of a process at one moment.
#[derive(Clone)]
pub struct Process {
    pub identity: Identity,
    pub parent: i32,
    pub state: char,
    pub program: Option<PathBuf>,
    pub arguments: Vec<String>,
    environment: Vec<u8>,
}

impl Process {
    /// None when there is no such process, or it went while being read.
    pub fn read(pid: i32) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        // The name in parentheses may itself hold spaces and parentheses.
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 2..)?.split(' ').collect();
        let arguments = fs::read(folder.join("cmdline")).ok()?;
        let arguments = arguments.strip_suffix(&[0]).unwrap_or(&arguments);
        Some(Self {
            identity: Identity { pid, start_ticks: fields.get(19)?.parse().ok()? },
            parent: fields.get(1)?.parse().ok()?,
            state: fields.first()?.chars().next()?,
            program: fs::read_link(folder.join("exe")).ok(),
            arguments: arguments
                .split(|&byte| byte == 0)
                .map(|part| String::from_utf8_lossy(part).into())
                .collect(),
            environment: fs::read(folder.join("environ")).unwrap_or_default(),
        })
    }

    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Whether `variable` (`NAME=value`, or `NAME=` for any value) is in the environment it was started with.
    pub fn has_environment(&self, variable: &str) -> bool {
        self.environment.split(|&byte| byte == 0).any(|entry| {
            entry == variable.as_bytes()
                || (variable.ends_with('=') && entry.starts_with(variable.as_bytes()))
        })
    }

    /// Whether it is `program` itself, or a script that a shell runs.
    pub fn is_program(&self, program: &Path) -> bool {
        let program = program.as_os_str();
        self.program.as_ref().is_some_and(|path| path.as_os_str() == program)
            || self.arguments.get(1).is_some_and(|argument| argument.as_bytes() == program.as_bytes())
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity, parent, state, arguments, .. } = self;
        let command: String = arguments.join(" ").chars().take(200).collect();
        write!(f, "{} (child of {parent}, {state}) {command}", identity.pid)
    }
}

/// Every process that is alive; zombies are not.
pub fn alive() -> Vec<Process> {
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::read).filter(|process| !process.is_zombie()).collect()
}

/// Every live process that was started with this variable.
pub fn with_environment(variable: &str) -> Vec<Process> {
    alive().into_iter().filter(|process| process.has_environment(variable)).collect()
}

/// Every live process with an argument that contains `text`; finds also what has thrown its environment away.
pub fn with_argument(text: &str) -> Vec<Process> {
    let contains = |process: &Process| process.arguments.iter().any(|argument| argument.contains(text));
    alive().into_iter().filter(contains).collect()
}

/// Every live process below `pid`.
pub fn descendants(pid: i32) -> Vec<Process> {
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in alive() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child.identity.pid);
            found.push(child);
        }
    }
    found
}

/// Those of `processes` that are `program`, leaving out its forks that have not become something else yet.
pub fn instances_of(program: &Path, processes: &[Process]) -> Vec<Process> {
    let all: Vec<&Process> = processes.iter().filter(|process| process.is_program(program)).collect();
    let is_fork = |process: &Process| all.iter().any(|other| other.identity.pid == process.parent);
    all.iter().filter(|process| !is_fork(process)).map(|&process| process.clone()).collect()
}

/// Now, not soon: nothing alive carries this variable.
#[track_caller]
pub fn assert_no_process_with(variable: &str) {
    let left = with_environment(variable);
    assert!(left.is_empty(), "still alive with {variable}: {left:#?}");
}

/// Now, not soon: nothing alive has this in its arguments.
#[track_caller]
pub fn assert_no_process_running(text: &str) {
    let left = with_argument(text);
    assert!(left.is_empty(), "still alive with the argument {text}: {left:#?}");
}

/// Kills, by id, whatever `find` finds, until it finds nothing twice in a row.
pub fn kill_all(find: impl Fn() -> Vec<Process>) {
    let mut quiet = 0;
    until(super::SOON, "every killed process to be gone", || {
        let found = find();
        for process in &found {
            process.identity.signal(Signal::KILL);
        }
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        quiet == 2
    });
}

/// Waits for the only instance of `program` among the processes with this variable.
#[track_caller]
pub fn await_instance(deadline: Duration, program: &Path, variable: &str) -> Process {
    eventually(deadline, "one process of the Claude CLI", || {
        match instances_of(program, &with_environment(variable)).as_slice() {
            [only] => Ok(only.clone()),
            other => Err(other.to_vec()),
        }
    })
}

/// Samples the process table all along and remembers every instance of a program it has seen.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Seen>>,
}

/// What a [`Watcher`] saw.
#[derive(Default)]
pub struct Seen {
    /// Every instance, with the arguments it had when last seen, by age.
    pub instances: Vec<Process>,
    /// The most that were alive at the same time.
    pub at_once: usize,
    pub samples: usize,
}

impl Watcher {
    pub fn start(program: &Path, variable: &str) -> Self {
        let (program, variable) = (program.to_owned(), variable.to_owned());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            let mut known: BTreeMap<Identity, Process> = BTreeMap::new();
            while !stopped.load(Ordering::Relaxed) {
                let now = instances_of(&program, &with_environment(&variable));
                // A scan takes a while: the first it read may have ended before the last began.
                let at_once = now.iter().filter(|process| process.identity.is_alive()).count();
                seen.at_once = seen.at_once.max(at_once);
                known.extend(now.into_iter().map(|process| (process.identity, process)));
                seen.samples += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            seen.instances = known.into_values().collect();
            seen.instances.sort_by_key(|process| process.identity.start_ticks);
            seen
        });
        Self { stop, thread: Some(thread) }
    }

    pub fn seen(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
