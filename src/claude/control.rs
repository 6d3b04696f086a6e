//! The control file of one run: short records that launcher and worker leave for each other.
//!
//! Keeps the invariant that at most one launcher ever starts the program: whoever wants to, and a worker that wants none to,
//! appends a claim and reads who was first. Each record is appended by one write, after a line's end, so that one that
//! broke off spoils no other; what it meant to say was never said. Nothing is synced to disk: after a reboot no process is
//! left, and the records are not believed.

use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::procfs::Identity;
use crate::domain::size::Size;
use crate::files::{plain, private};
use crate::user::User;

/// What the launcher is to start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) program: String,
    pub(super) args: Vec<String>,
    pub(super) cwd: PathBuf,
    pub(super) streams: Streams,
    /// What its processes are to carry.
    pub(super) marker: Uuid,
    /// Whom to run it as, if not as ourselves.
    #[serde(default)]
    pub(super) user: Option<User>,
    /// The control group that is made for it, if one is.
    #[serde(default)]
    pub(super) group: Option<PathBuf>,
}

/// The files that its standard streams are; what it prints is added to their ends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Streams {
    pub(super) stdin: PathBuf,
    pub(super) stdout: PathBuf,
    pub(super) stderr: PathBuf,
}

/// Who published first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Started {
    /// A launcher, which may run the program from then on.
    By { launcher: Identity, boot_id: String },
    /// A worker that found no launcher: none may start any more.
    Fenced,
}

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// What is noted of a run, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Order(Box<Order>),
    Started(Started),
    Child(Identity),
    Exit(Exit),
    Leftovers(usize),
    Refusal(String),
    EndedBy(EndedBy),
}

/// The file.
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

    pub(super) fn write_order(&self, order: Order) -> io::Result<()> {
        self.append(&Record::Order(Box::new(order)))
    }

    /// Whom the program was to be, if the order was written.
    pub(super) fn order(&self) -> io::Result<Order> {
        self.read()?.order().ok_or_else(|| ErrorKind::InvalidData.into())
    }

    /// Publishes that no launcher may start any more, unless one was first; answers who was.
    pub(super) fn fence(&self) -> io::Result<Started> {
        match self.published()? {
            Some(first) => Ok(first),
            None => self.publish(Started::Fenced),
        }
    }

    /// Publishes a launcher, for once; answers whether nobody was first, itself included.
    pub(super) fn claim(&self, mine: &Started) -> io::Result<bool> {
        Ok(self.published()?.is_none() && self.publish(mine.clone())? == *mine)
    }

    /// Who published first, if anybody has.
    fn published(&self) -> io::Result<Option<Started>> {
        match self.read() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            noted => Ok(noted?.started()),
        }
    }

    /// Appends a claim; answers whose is the first.
    fn publish(&self, mine: Started) -> io::Result<Started> {
        self.append(&Record::Started(mine))?;
        let gone = || io::Error::other(format!("{} was exchanged", self.path.display()));
        self.read()?.started().ok_or_else(gone)
    }

    pub(super) fn write_child(&self, child: Identity) -> io::Result<()> {
        self.append(&Record::Child(child))
    }

    pub(super) fn write_exit(&self, exit: Exit) -> io::Result<()> {
        self.append(&Record::Exit(exit))
    }

    /// Notes how many processes the program left behind, all of which have ended.
    pub(super) fn write_leftovers(&self, count: usize) -> io::Result<()> {
        self.append(&Record::Leftovers(count))
    }

    /// Notes why nothing could be started, in words.
    pub(super) fn write_refusal(&self, message: String) -> io::Result<()> {
        self.append(&Record::Refusal(message))
    }

    /// Where a program that runs as another user says why it could not be started, before it is.
    pub(super) fn complaints(&self) -> PathBuf {
        self.path.with_extension("complaints")
    }

    pub(super) fn complaint(&self) -> Option<String> {
        fs::read_to_string(self.complaints()).ok().filter(|text| !text.is_empty())
    }

    /// Notes why the run is about to be ended, so that a worker that dies in between judges it no differently.
    pub(super) fn write_ended_by(&self, why: EndedBy) -> io::Result<()> {
        self.append(&Record::EndedBy(why))
    }

    fn append(&self, record: &Record) -> io::Result<()> {
        let mut line = b"\n".to_vec();
        serde_json::to_writer(&mut line, record)?;
        let written = private::append(&self.path)?.write(&line)?;
        if written < line.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// What is noted so far.
    fn read(&self) -> io::Result<Noted> {
        let mut text = Vec::new();
        plain::open(&self.path)?.read_to_end(&mut text)?;
        let lines = text.split(|byte| *byte == b'\n');
        Ok(Noted(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()))
    }

    /// What is noted so far; nothing while it can't be read.
    pub(super) fn noted(&self) -> Noted {
        self.read().unwrap_or_default()
    }
}

/// What was noted of a run, of each kind the first.
#[derive(Debug, Default)]
pub(super) struct Noted(Vec<Record>);

impl Noted {
    fn order(self) -> Option<Order> {
        self.0
            .into_iter()
            .find_map(|record| if let Record::Order(order) = record { Some(*order) } else { None })
    }

    fn started(self) -> Option<Started> {
        self.0.into_iter().find_map(|record| if let Record::Started(who) = record { Some(who) } else { None })
    }

    /// The program.
    pub(super) fn child(&self) -> Option<Identity> {
        self.first(|record| if let Record::Child(child) = record { Some(*child) } else { None })
    }

    pub(super) fn exit(&self) -> Exit {
        let exit = self.first(|record| if let Record::Exit(exit) = record { Some(*exit) } else { None });
        exit.unwrap_or(Exit::Unknown)
    }

    /// How many processes the program left behind, if it is certain that they have ended.
    pub(super) fn leftovers(&self) -> Option<usize> {
        self.first(|record| if let Record::Leftovers(count) = record { Some(*count) } else { None })
    }

    pub(super) fn refusal(&self) -> Option<&str> {
        self.first(|record| if let Record::Refusal(message) = record { Some(message.as_str()) } else { None })
    }

    pub(super) fn ended_by(&self) -> Option<EndedBy> {
        self.first(|record| if let Record::EndedBy(why) = record { Some(*why) } else { None })
    }

    fn first<'a, T>(&'a self, kind: impl FnMut(&'a Record) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(kind)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Control, EndedBy, Exit, Identity, Started};

    fn launcher(pid: i32) -> Started {
        Started::By { launcher: Identity { pid, ticks: 7 }, boot_id: "880cdb0f".to_owned() }
    }

    #[test]
    fn only_the_first_claim_counts() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let control = &Control::at(folder.path().join(round.to_string()));
            let launchers: Vec<Started> = (2..6).map(launcher).collect();
            let (claimed, first) = std::thread::scope(|scope| {
                let claim = |mine| scope.spawn(move || control.claim(mine).unwrap());
                let claims: Vec<_> = launchers.iter().map(claim).collect();
                let first = scope.spawn(|| control.fence().unwrap()).join().unwrap();
                let claimed: Vec<bool> = claims.into_iter().map(|claim| claim.join().unwrap()).collect();
                (claimed, first)
            });
            let winners: Vec<_> = launchers.iter().zip(claimed).filter(|(_, won)| *won).collect();
            match first {
                Started::Fenced => assert!(winners.is_empty(), "{winners:?}"),
                Started::By { .. } => {
                    assert!(matches!(winners[..], [(only, _)] if *only == first), "{winners:?}");
                }
            }
            assert!(!control.claim(&first).unwrap(), "not even the first one once more");
        }
    }

    #[test]
    fn a_record_that_broke_off_was_never_written() {
        let folder = tempfile::tempdir().unwrap();
        let control = Control::at(folder.path().join("control"));
        let whole = br#"{"started":{"by":{"launcher":{"pid":42,"ticks":7},"boot_id":"880cdb0f"}}}"#;
        for length in 0..whole.len() {
            fs::write(control.path(), &whole[..length]).unwrap();
            assert_eq!(control.fence().unwrap(), Started::Fenced, "{length}");
            assert!(!control.claim(&launcher(42)).unwrap(), "{length}");
        }
        fs::write(control.path(), whole).unwrap();
        assert_eq!(control.fence().unwrap(), launcher(42));
        let noted = control.noted();
        assert_eq!((noted.exit(), noted.leftovers(), noted.child()), (Exit::Unknown, None, None));
        control.write_ended_by(EndedBy::Stop).unwrap();
        control.write_refusal("two\nlines".to_owned()).unwrap();
        control.write_exit(Exit::Signal(9)).unwrap();
        control.write_leftovers(3).unwrap();
        let noted = control.noted();
        assert_eq!((noted.exit(), noted.leftovers()), (Exit::Signal(9), Some(3)));
        assert_eq!((noted.ended_by(), noted.refusal()), (Some(EndedBy::Stop), Some("two\nlines")));
    }
}
