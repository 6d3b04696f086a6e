//! The process tree of one run: found again after a restart, waited for, ended.
//!
//! Keeps the invariant that there is never more than one process for a run, whenever the worker dies. It relies on the
//! caller having committed marker and birthplace before it is spawned. Dropping a [`Process`] leaves the run alone.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::control::{Control, EndedBy, Exit, Noted, Started};
use super::files::RunFiles;
use super::group::Group;
use super::launch::started_nothing;
use super::launcher::{Answer, Helper, Launcher};
use super::marker::{Birthplace, Marker};
use super::procfs::Identity;
use super::sweep::{Hunt, ProcessError, Traces};

const AFTER_KILL: Duration = Duration::from_secs(5);
const ORPHAN_GRACE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
const SCAN_AGAIN: Duration = Duration::from_millis(50);

/// What was found of a run that may have been started.
#[derive(Debug)]
pub enum Found {
    /// It is alive.
    Adopted(Process),
    /// It was started and has ended, and nothing of it is left; its files tell how.
    Gone(Process),
    /// It was never started, and now never will be.
    NeverRan,
}

/// The processes of one run, alive or gone.
#[derive(Debug)]
pub struct Process {
    files: RunFiles,
    control: Control,
    traces: Traces,
    launcher: Option<Identity>,
    /// Since when it was there, if this very process started it.
    begun: Option<Instant>,
    tie: Tie,
    /// What was noted of it when its processes had ended.
    noted: Noted,
}

/// How we learn that the launcher has done its part.
#[derive(Debug)]
enum Tie {
    Own { helper: Box<Helper>, launcher: Launcher },
    Adopted(AsyncFd<OwnedFd>),
    Gone { code: Option<i32> },
}

/// Finds what became of a run that was claimed at `birthplace`, perhaps by a daemon that is dead.
///
/// # Errors
/// When its remains can't be ended, or `/proc` or the control file can't be read: nothing is known then, ask again.
pub async fn find(files: RunFiles, marker: Marker, birthplace: &Birthplace) -> Result<Found, ProcessError> {
    let control = files.control();
    let traces = match control.order() {
        Ok(order) => Traces::ordered(marker, order),
        // It is written before anything is started: where it is missing or broke off, nothing was, as anybody.
        Err(error) if is_no_order(error.kind()) => Traces::of(marker),
        Err(error) => return Err(error.into()),
    };
    let gone = |launcher| Process {
        files: files.clone(),
        control: control.clone(),
        traces: traces.clone(),
        launcher,
        begun: None,
        tie: Tie::Gone { code: None },
        noted: Noted::default(),
    };
    if *birthplace != Birthplace::here()? {
        return Ok(Found::Gone(gone(None)));
    }
    files.create_folder()?;
    match control.fence()? {
        Started::Fenced => {
            Hunt::new(traces, None, None).sweep().await?;
            Ok(Found::NeverRan)
        }
        Started::By { launcher, boot_id } if boot_id == birthplace.boot_id => {
            let Some(held) = launcher.hold()? else {
                let mut process = gone(Some(launcher));
                process.sweep().await?;
                return Ok(Found::Gone(process));
            };
            let tie = Tie::Adopted(watch(held)?);
            Ok(Found::Adopted(Process { tie, ..gone(Some(launcher)) }))
        }
        Started::By { .. } => Ok(Found::Gone(gone(None))),
    }
}

fn is_no_order(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for the sake of types whose descriptor may change; an OwnedFd's can't"
)]
fn watch(held: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(held, Interest::READABLE)
}

/// Ends a program whose launcher was killed: gently first, as it has children of its own to clean up.
async fn end_orphans(hunt: &mut Hunt) -> io::Result<()> {
    hunt.signal(Signal::TERM)?;
    let patience = tokio::time::Instant::now() + ORPHAN_GRACE;
    while tokio::time::Instant::now() < patience && !hunt.scan()?.is_empty() {
        tokio::time::sleep(SCAN_AGAIN).await;
    }
    Ok(())
}

impl Process {
    /// One that this very process has had started, not before `begun`.
    pub(super) fn own(
        launcher: Launcher,
        helper: Helper,
        begun: Instant,
        files: RunFiles,
        traces: Traces,
    ) -> Self {
        Self {
            control: files.control(),
            launcher: helper.identity(),
            begun: Some(begun),
            tie: Tie::Own { helper: Box::new(helper), launcher },
            noted: Noted::default(),
            files,
            traces,
        }
    }

    /// The run's files.
    pub fn files(&self) -> &RunFiles {
        &self.files
    }

    /// The launcher's process id, for logs.
    pub fn pid(&self) -> Option<i32> {
        self.launcher.map(|launcher| launcher.pid)
    }

    /// Whether it was started a moment ago, by this very process.
    pub(super) fn is_new(&self) -> bool {
        self.begun.is_some()
    }

    /// How long ago the run was started.
    pub(super) fn age(&self) -> Duration {
        match (self.begun, self.launcher) {
            (Some(begun), _) => begun.elapsed(),
            (None, Some(launcher)) => launcher.age(),
            (None, None) => Duration::ZERO,
        }
    }

    /// Waits until the program has ended, and the launcher has done its part. May be dropped and called again.
    pub async fn wait(&mut self) -> io::Result<()> {
        let (code, waits) = match &mut self.tie {
            Tie::Own { helper, .. } => match helper.answer().await? {
                Answer::Done(code) => (Some(code), true),
                Answer::Ended(code) => (code, false),
            },
            Tie::Adopted(held) => {
                let _ready = held.readable().await?;
                (None, false)
            }
            Tie::Gone { .. } => return Ok(()),
        };
        let before = std::mem::replace(&mut self.tie, Tie::Gone { code });
        if let Tie::Own { helper, launcher } = before
            && waits
        {
            launcher.keep(*helper);
        }
        Ok(())
    }

    /// Ends the run: TERM to the program, which cleans up its tools; after `grace` KILL. Sweeping is the caller's next step.
    pub(super) async fn terminate(&mut self, grace: Duration, why: EndedBy) -> io::Result<()> {
        if self.control.noted().ended_by().is_none() {
            // On a full disk only the reason is lost, and only if we die now.
            let _ = self.control.write_ended_by(why);
        }
        // What had to be ended leaves nothing that another run could meet.
        if let Tie::Own { helper, .. } = &mut self.tie {
            helper.let_be_last().await;
        }
        if let Ok(ended) = tokio::time::timeout(grace, self.ask_to_end()).await {
            return ended;
        }
        if let Some(child) = self.control.noted().child() {
            child.signal(Signal::KILL)?;
        }
        match tokio::time::timeout(AFTER_KILL, self.wait()).await {
            Ok(waited) => waited,
            Err(_) => Ok(()),
        }
    }

    /// Signals the program as soon as there is one, then waits.
    async fn ask_to_end(&mut self) -> io::Result<()> {
        let control = self.control.clone();
        tokio::select! {
            biased;
            waited = self.wait() => return waited,
            child = appearance(&control) => child.signal(Signal::TERM)?,
        }
        self.wait().await
    }

    /// Ends whatever is left of the run, wherever it went; answers how many processes the run had left behind.
    pub(super) async fn sweep(&mut self) -> Result<usize, ProcessError> {
        self.noted = self.control.noted();
        if self.is_gone() {
            self.traces.group.iter().for_each(Group::remove);
            return Ok(self.noted.leftovers().unwrap_or(0));
        }
        let launcher = self.launcher.filter(|_| !matches!(self.tie, Tie::Gone { .. }));
        let mut hunt = Hunt::new(self.traces.clone(), launcher, self.noted.child());
        if launcher.is_none() && self.exit() == Exit::Unknown {
            end_orphans(&mut hunt).await?;
        }
        let swept = match &mut self.tie {
            Tie::Own { helper, .. } => {
                tokio::pin! { let sweeping = hunt.sweep(); }
                tokio::select! {
                    swept = &mut sweeping => swept?,
                    _ = helper.end() => sweeping.await?,
                }
            }
            Tie::Adopted(_) | Tie::Gone { .. } => hunt.sweep().await?,
        };
        self.noted = self.control.noted();
        Ok(swept + self.noted.leftovers().unwrap_or(0))
    }

    /// Whether it is certain without a search that nobody is left. A launcher that has done its part, with no child left, has no
    /// descendant, for whoever lost a parent had become its child; and nobody else who was born since carries the marker,
    /// which the program was the first to carry.
    fn is_gone(&self) -> bool {
        let (Tie::Gone { code: Some(_) }, Some(begun)) = (&self.tie, self.begun) else { return false };
        let Some(program) = self.noted.child().filter(|_| self.noted.leftovers().is_some()) else {
            return false;
        };
        self.traces.bore_nobody_since(program, begun)
    }

    /// What ended the run, if that was noted before it was.
    pub(super) fn ended_by(&self) -> Option<EndedBy> {
        self.noted.ended_by()
    }

    /// How the program ended, as far as anybody saw.
    pub(super) fn exit(&self) -> Exit {
        self.noted.exit()
    }

    /// Why the program could not be started, if that is what happened.
    pub(super) fn refusal(&self) -> Option<String> {
        if let Some(message) = self.noted.refusal() {
            return Some(message.to_owned());
        }
        let Tie::Gone { code: Some(code) } = self.tie else {
            return None;
        };
        let nothing = self.noted.child().is_none() && self.exit() == Exit::Unknown;
        (nothing && started_nothing(code)).then(|| {
            format!("the launcher gave up with exit code {code} and could not say why; is the disk full?")
        })
    }
}

async fn appearance(control: &Control) -> Identity {
    loop {
        if let Some(child) = control.noted().child() {
            return child;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
