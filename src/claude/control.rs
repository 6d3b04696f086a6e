//! The control folder of one run: small records that launcher and worker leave for each other.
//!
//! Keeps the invariant that at most one launcher ever starts the program: `started` is published by linking a finished
//! file to its name, which only one can win, and a worker that wins it with a fence has made sure that none will.
//! Nothing is synced to disk: after a reboot no process is left, and the records are not believed.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::procfs::Identity;
use crate::domain::size::Size;
use crate::files::private;
use crate::user::User;

const FENCED: &str = "fenced";

/// What the launcher is to start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) program: String,
    pub(super) args: Vec<String>,
    pub(super) cwd: PathBuf,
    /// Whom to run it as, if not as ourselves.
    #[serde(default)]
    pub(super) user: Option<User>,
    /// The control group that is made for it, if one is.
    #[serde(default)]
    pub(super) group: Option<PathBuf>,
}

/// Who published first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Started {
    /// A launcher, which may run the program from then on.
    By { launcher: Identity, boot_id: String },
    /// A worker that found no launcher: none may start any more.
    Fenced,
}

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// Nobody was left to see it.
    Unknown,
}

/// What ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// It ended by itself.
    Itself,
    /// We were told to stop it.
    Stop,
    /// It had its result and stayed.
    Lingering,
    /// It printed nothing for so long.
    IdleLimit(Duration),
    /// It took so long in all.
    TotalLimit(Duration),
    /// It printed more than so many bytes.
    OutputLimit(Size),
}

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Control {
    path: PathBuf,
}

impl Control {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write_order(&self, order: &Order) -> io::Result<()> {
        private::write_new(&self.file("order"), &serde_json::to_vec(order)?)
    }

    pub(super) fn order(&self) -> io::Result<Order> {
        Ok(serde_json::from_slice(&fs::read(self.file("order"))?)?)
    }

    /// Publishes `mine` unless somebody was first; answers who is published now.
    pub(super) fn publish(&self, mine: Started) -> io::Result<Started> {
        let draft = self.file(&format!("started.{}", std::process::id()));
        remove(&draft)?;
        private::write_new(&draft, render_started(&mine).as_bytes())?;
        let linked = fs::hard_link(&draft, self.file("started"));
        remove(&draft)?;
        match linked {
            Ok(()) => Ok(mine),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.started()?.ok_or_else(|| io::Error::other("`started` came and went"))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn started(&self) -> io::Result<Option<Started>> {
        let Some(text) = self.read("started")? else {
            return Ok(None);
        };
        parse_started(&text).map(Some).ok_or_else(|| {
            let path = self.file("started");
            io::Error::new(ErrorKind::InvalidData, format!("{} is not understood", path.display()))
        })
    }

    pub(super) fn write_child(&self, child: Identity) -> io::Result<()> {
        self.put("child", &format!("{} {}\n", child.pid, child.ticks))
    }

    pub(super) fn child(&self) -> Option<Identity> {
        let text = self.read("child").ok()??;
        let mut words = text.split_whitespace();
        Identity::parse(&mut words)
    }

    pub(super) fn write_exit(&self, exit: Exit) -> io::Result<()> {
        let text = match exit {
            Exit::Code(code) => format!("code {code}\n"),
            Exit::Signal(signal) => format!("signal {signal}\n"),
            Exit::Unknown => return Ok(()),
        };
        self.put("exit", &text)
    }

    pub(super) fn exit(&self) -> Exit {
        let text = self.read("exit").ok().flatten().unwrap_or_default();
        match text.trim().split_once(' ') {
            Some(("code", code)) => code.parse().map_or(Exit::Unknown, Exit::Code),
            Some(("signal", signal)) => signal.parse().map_or(Exit::Unknown, Exit::Signal),
            _ => Exit::Unknown,
        }
    }

    pub(super) fn write_leftovers(&self, count: usize) -> io::Result<()> {
        self.put("leftovers", &count.to_string())
    }

    pub(super) fn leftovers(&self) -> usize {
        let text = self.read("leftovers").ok().flatten().unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Notes why nothing could be started, in words.
    pub(super) fn write_refusal(&self, message: &str) -> io::Result<()> {
        self.put("refusal", message)
    }

    /// Where a program that runs as another user says why it could not be started, before it is.
    pub(super) fn complaints(&self) -> PathBuf {
        self.file("complaints")
    }

    pub(super) fn complaint(&self) -> Option<String> {
        self.read("complaints").ok().flatten().filter(|text| !text.is_empty())
    }

    pub(super) fn refusal(&self) -> Option<String> {
        self.read("refusal").ok().flatten()
    }

    /// Notes why the run is about to be ended, so that a worker that dies in between judges it no differently.
    pub(super) fn write_ended_by(&self, why: EndedBy) -> io::Result<()> {
        self.put("ended-by", &serde_json::to_string(&why)?)
    }

    pub(super) fn ended_by(&self) -> Option<EndedBy> {
        serde_json::from_str(&self.read("ended-by").ok()??).ok()
    }

    fn put(&self, name: &str, text: &str) -> io::Result<()> {
        let draft = self.file(&format!("{name}.{}", std::process::id()));
        remove(&draft)?;
        private::write_new(&draft, text.as_bytes())?;
        fs::rename(draft, self.file(name))
    }

    fn read(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.file(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn render_started(started: &Started) -> String {
    match started {
        Started::By { launcher, boot_id } => {
            format!("{} {} {boot_id}\n", launcher.pid, launcher.ticks)
        }
        Started::Fenced => format!("{FENCED}\n"),
    }
}

fn parse_started(text: &str) -> Option<Started> {
    if text.trim() == FENCED {
        return Some(Started::Fenced);
    }
    let mut words = text.split_whitespace();
    let launcher = Identity::parse(&mut words)?;
    let boot_id = words.next()?.to_owned();
    Some(Started::By { launcher, boot_id })
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
