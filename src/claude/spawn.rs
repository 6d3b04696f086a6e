//! Starts the process tree of one run, with its files as standard streams and an environment of its own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::control::Order;
use super::files::RunFiles;
use super::group::Group;
use super::invocation::Invocation;
use super::marker::{MARKER_VARIABLE, Marker};
use super::process::Process;
use super::sweep::Traces;
use crate::domain::run::Obstacle;
use crate::files::private;

/// The argument that makes our binary a launcher.
pub const LAUNCH: &str = "__launch";

/// The program that plays the launcher: this very binary.
#[derive(Clone, Debug)]
pub struct Launcher(pub PathBuf);

impl Default for Launcher {
    fn default() -> Self {
        Self(PathBuf::from("/proc/self/exe"))
    }
}

/// Why no launcher could be started; nothing of the run exists.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The run's files can't be created.
    #[error("can't create the run's file {}: {source}", .path.display())]
    Files {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Our own binary can't be started.
    #[error("can't start the launcher {}: {source}", .path.display())]
    Launcher {
        /// Which program.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl From<LaunchError> for Obstacle {
    fn from(error: LaunchError) -> Self {
        Self::Launch { message: error.to_string() }
    }
}

/// Where the standard streams of a process go.
pub(super) struct Streams {
    pub(super) stdin: File,
    pub(super) stdout: File,
    pub(super) stderr: File,
}

/// Starts a run that has never been started before: its claim, with `marker` and birthplace, is committed.
pub fn spawn(
    launcher: &Launcher,
    invocation: &Invocation,
    prompt: &str,
    files: RunFiles,
    marker: Marker,
) -> Result<Process, LaunchError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        |source| LaunchError::Files { path, source }
    };
    files.create_folders().map_err(at(files.control().path()))?;
    let (told, raw, errors) = (files.prompt(), files.raw(), files.stderr());
    private::write_new(&told, prompt.as_bytes()).map_err(at(&told))?;
    let streams = Streams {
        stdin: File::open(&told).map_err(at(&told))?,
        stdout: private::create_new(&raw).map_err(at(&raw))?,
        stderr: private::create_new(&errors).map_err(at(&errors))?,
    };
    spawn_with(launcher, invocation, streams, files, marker)
}

/// Starts a process whose folders exist.
pub(super) fn spawn_with(
    launcher: &Launcher,
    invocation: &Invocation,
    streams: Streams,
    files: RunFiles,
    marker: Marker,
) -> Result<Process, LaunchError> {
    let control = files.control();
    let traces = Traces { marker, user: invocation.user.clone(), group: Group::make(marker) };
    let order = Order {
        program: invocation.program.clone(),
        args: invocation.args.clone(),
        cwd: invocation.cwd.clone(),
        user: traces.user.clone(),
        group: traces.group.as_ref().map(|group| group.path().to_owned()),
    };
    control
        .write_order(&order)
        .map_err(|source| LaunchError::Files { path: control.path().to_owned(), source })?;
    let child = Command::new(&launcher.0)
        .arg(LAUNCH)
        .arg(control.path())
        .env_clear()
        .envs(&invocation.env)
        .env(MARKER_VARIABLE, marker.to_string())
        .stdin(Stdio::from(streams.stdin))
        .stdout(Stdio::from(streams.stdout))
        .stderr(Stdio::from(streams.stderr))
        .spawn()
        .map_err(|source| LaunchError::Launcher { path: launcher.0.clone(), source })
        .inspect_err(|_| traces.group.iter().for_each(Group::remove))?;
    Ok(Process::own(child, files, traces))
}
