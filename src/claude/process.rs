//! The process tree of one run: found again after a restart, waited for, ended.
//!
//! Keeps the invariant that there is never more than one process for a run, whenever the worker dies. It relies on the
//! caller having committed marker and birthplace before it is spawned. Dropping a [`Process`] leaves the run alone.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::Child;

use super::control::{Control, EndedBy, Exit, Started};
use super::files::RunFiles;
use super::launch::started_nothing;
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
    tie: Tie,
}

/// How we learn of the launcher's end.
#[derive(Debug)]
enum Tie {
    Own(Child),
    Adopted(AsyncFd<OwnedFd>),
    Gone { code: Option<i32> },
}

/// Finds what became of a run that was claimed at `birthplace`, perhaps by a daemon that is dead.
///
/// # Errors
/// When its remains can't be ended, or `/proc` or the control folder can't be read: nothing is known then, ask again.
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
        tie: Tie::Gone { code: None },
    };
    if *birthplace != Birthplace::here()? {
        return Ok(Found::Gone(gone(None)));
    }
    files.create_folders()?;
    match control.publish(Started::Fenced)? {
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
    /// A child of this very process.
    pub(super) fn own(child: Child, files: RunFiles, traces: Traces) -> Self {
        let pid = child.id().map(u32::cast_signed);
        Self {
            control: files.control(),
            launcher: pid.and_then(Identity::of),
            tie: Tie::Own(child),
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

    /// How long ago the run was started.
    pub(super) fn age(&self) -> Duration {
        self.launcher.map(Identity::age).unwrap_or_default()
    }

    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    /// Waits until the launcher, and with it the program, has ended. May be dropped and called again.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        let code = match &mut self.tie {
            Tie::Own(child) => child.wait().await?.code(),
            Tie::Adopted(held) => {
                let _ready = held.readable().await?;
                None
            }
            Tie::Gone { .. } => return Ok(()),
        };
        self.tie = Tie::Gone { code };
        Ok(())
    }

    /// Ends the run: TERM to the program, which cleans up its tools; after `grace` KILL. Sweeping is the caller's next step.
    pub(super) async fn terminate(&mut self, grace: Duration, why: EndedBy) -> io::Result<()> {
        if self.control.ended_by().is_none() {
            // On a full disk only the reason is lost, and only if we die now.
            let _ = self.control.write_ended_by(why);
        }
        if let Ok(ended) = tokio::time::timeout(grace, self.ask_to_end()).await {
            return ended;
        }
        if let Some(child) = self.control.child() {
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
        let launcher = self.launcher.filter(|_| !matches!(self.tie, Tie::Gone { .. }));
        let mut hunt = Hunt::new(self.traces.clone(), launcher, self.control.child());
        if launcher.is_none() && self.exit() == Exit::Unknown {
            end_orphans(&mut hunt).await?;
        }
        let swept = match &mut self.tie {
            Tie::Own(child) => {
                tokio::pin! { let sweeping = hunt.sweep(); }
                tokio::select! {
                    swept = &mut sweeping => swept?,
                    _ = child.wait() => sweeping.await?,
                }
            }
            Tie::Adopted(_) | Tie::Gone { .. } => hunt.sweep().await?,
        };
        Ok(swept + self.control.leftovers())
    }

    /// How the program ended, as far as anybody saw.
    pub(super) fn exit(&self) -> Exit {
        self.control.exit()
    }

    /// Why the program could not be started, if that is what happened.
    pub(super) fn refusal(&self) -> Option<String> {
        if let Some(message) = self.control.refusal() {
            return Some(message);
        }
        let Tie::Gone { code: Some(code) } = self.tie else {
            return None;
        };
        let nothing = self.control.child().is_none() && self.control.exit() == Exit::Unknown;
        (nothing && started_nothing(code)).then(|| {
            format!("the launcher gave up with exit code {code} and could not say why; is the disk full?")
        })
    }
}

async fn appearance(control: &Control) -> Identity {
    loop {
        if let Some(child) = control.child() {
            return child;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
