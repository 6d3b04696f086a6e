//! Starts the process tree of one run, with its files as standard streams and an environment of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::control::{Order, Streams};
use super::files::RunFiles;
use super::group::Group;
use super::invocation::Invocation;
use super::launcher::Launcher;
use super::marker::Marker;
use super::process::Process;
use super::sweep::Traces;
use crate::domain::run::Obstacle;
use crate::files::private;

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
    files.create_folder().map_err(at(files.control().path()))?;
    let (stdin, stdout, stderr) = (files.prompt(), files.raw(), files.stderr());
    private::write_new(&stdin, prompt.as_bytes()).map_err(at(&stdin))?;
    private::create_new(&stdout).map_err(at(&stdout))?;
    private::create_new(&stderr).map_err(at(&stderr))?;
    spawn_with(launcher, invocation, Streams { stdin, stdout, stderr }, files, marker)
}

/// Starts a process whose folder and streams exist.
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
        streams,
        marker: marker.into(),
        user: traces.user.clone(),
        group: traces.group.as_ref().map(|group| group.path().to_owned()),
    };
    control
        .write_order(order)
        .map_err(|source| LaunchError::Files { path: control.path().to_owned(), source })?;
    let begun = Instant::now();
    let helper = launcher
        .give(&control, &invocation.env)
        .map_err(|source| LaunchError::Launcher { path: launcher.program().to_owned(), source })
        .inspect_err(|_| traces.group.iter().for_each(Group::remove))?;
    Ok(Process::own(launcher.clone(), helper, begun, files, traces))
}
