//! The launcher as the worker has it: a process that is given one run's order after another.
//!
//! Starting our own binary costs more than all the rest around a run that ends at once. So a launcher whose run ended by
//! itself, with nothing left of it, says so and waits for the next order. Whatever else happened, and wherever
//! nobody is there to give it one, it ends. Nothing that a run may use passes from one to the next: files, marker and
//! group come with each order.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::control::Control;
use super::procfs::Identity;

/// The argument that makes our binary a launcher.
pub const LAUNCH: &str = "__launch";
/// What ends the path of a control file, which can't be in it.
pub(super) const END: u8 = 0;

/// How long a launcher may take to end that has nothing left to do.
const PATIENCE: Duration = Duration::from_secs(1);

type Environment = BTreeMap<OsString, OsString>;

/// The program that plays the launcher, and the process that waits for another order, if one does.
#[derive(Clone, Debug)]
pub struct Launcher {
    program: PathBuf,
    waiting: Arc<Mutex<Option<Helper>>>,
}

impl Default for Launcher {
    /// This very binary.
    fn default() -> Self {
        Self::new(PathBuf::from("/proc/self/exe"))
    }
}

impl Launcher {
    /// A launcher that is played by `program`.
    pub fn new(program: PathBuf) -> Self {
        Self { program, waiting: Arc::default() }
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Has what is ordered in a control file started, with this environment and the run's marker: by the process that waits
    /// if it was started with the same, else by a new one.
    pub(super) fn give(&self, control: &Control, environment: &Environment) -> io::Result<Helper> {
        let fit = |helper: &Helper| helper.environment == *environment && helper.order(control).is_ok();
        if let Some(helper) = self.take().filter(fit) {
            return Ok(helper);
        }
        let helper = Helper::start(&self.program, environment)?;
        helper.order(control)?;
        Ok(helper)
    }

    /// Keeps a process that waits for another order.
    pub(super) fn keep(&self, helper: Helper) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(helper);
    }

    /// Ends the process that waits, if one does: no order follows at once.
    pub async fn dismiss(&self) {
        if let Some(helper) = self.take() {
            helper.dismiss().await;
        }
    }

    fn take(&self) -> Option<Helper> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The run is over and nothing of it left; the launcher waits for another.
    Done(i32),
    /// The launcher has ended, with this exit code unless a signal ended it.
    Ended(Option<i32>),
}

/// A process that plays the launcher, a child of this one.
pub(super) struct Helper {
    child: Child,
    channel: UnixStream,
    identity: Option<Identity>,
    environment: Environment,
    /// Whether it is told that no order follows.
    is_last: bool,
}

/// Without its environment, in which there may be a token.
impl fmt::Debug for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helper").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Helper {
    fn start(program: &Path, environment: &Environment) -> io::Result<Self> {
        let (ours, theirs) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let child = Command::new(program)
            .arg(LAUNCH)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pid = child.id().map(u32::cast_signed);
        Ok(Self {
            child,
            channel: UnixStream::from_std(ours)?,
            identity: pid.and_then(Identity::of),
            environment: environment.clone(),
            is_last: false,
        })
    }

    pub(super) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Sends an order, which is shorter than what a socket holds that was read empty.
    fn order(&self, control: &Control) -> io::Result<()> {
        let mut order = control.path().as_os_str().as_bytes().to_vec();
        order.push(END);
        let sent = rustix::io::write(&self.channel, &order)?;
        if sent < order.len() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
    }

    /// Has it end when it is done with the order that it has. One that couldn't be told so is waited for in vain, and killed.
    pub(super) async fn let_be_last(&mut self) {
        self.is_last = true;
        let _ = self.channel.shutdown().await;
    }

    /// Waits for what became of its order. May be dropped and called again.
    pub(super) async fn answer(&mut self) -> io::Result<Answer> {
        loop {
            self.channel.readable().await?;
            let mut code = [0];
            match self.channel.try_read(&mut code) {
                Ok(0) => return self.end().await,
                Ok(_) if self.is_last => return self.end().await,
                Ok(_) => return Ok(Answer::Done(code[0].into())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It ended before it read all that it was sent.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return self.end().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until it has ended.
    pub(super) async fn end(&mut self) -> io::Result<Answer> {
        Ok(Answer::Ended(self.child.wait().await?.code()))
    }

    /// Lets it end.
    pub(super) async fn dismiss(self) {
        let Self { mut child, channel, .. } = self;
        drop(channel);
        // One that takes longer is reaped by the runtime.
        let _ = tokio::time::timeout(PATIENCE, child.wait()).await;
    }
}
