//! Runs a task's check: a command in the project, without a shell, that must succeed before the task counts as completed.
//!
//! Part of the task's run: the same launcher, the same marker, ended by the same stop. A check changes nothing that
//! matters, so one that a dead daemon left is fenced off, swept, and begun again under the next number.

use std::io::{self, Write};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::control::{EndedBy, Exit, Streams};
use super::drive::tail;
use super::files::RunFiles;
use super::invocation::Invocation;
use super::launcher::Launcher;
use super::marker::Marker;
use super::process::Process;
use super::spawn::{LaunchError, spawn_with};
use super::sweep::{Hunt, ProcessError, Traces};
use super::text::{ending, harmless};
use crate::domain::duration::human;
use crate::domain::run::Failure;
use crate::files::private;
use crate::user::User;

const LONGEST_OUTPUT: usize = 2000;

/// A check that is to be run.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name in the configuration.
    pub name: String,
    /// Its command, see [`Invocation::of_check`].
    pub invocation: Invocation,
    /// How long it may take.
    pub timeout: Duration,
    /// From the request to end until it is killed.
    pub grace: Duration,
}

/// What a check came to.
#[derive(Debug)]
pub enum Checked {
    /// It succeeded.
    Passed,
    /// It didn't: a [`Failure::Check`].
    Failed(Failure),
    /// It was stopped and says nothing.
    Stopped,
    /// Its files or its launcher failed; not the task's fault.
    Unavailable(LaunchError),
}

/// Runs a check to its end; afterwards no process of the run is left. Adds the end of its output to the run's log.
///
/// # Errors
/// When its processes can't be ended, or its files can't be read.
pub async fn run_check(
    launcher: &Launcher,
    check: &Check,
    run: &RunFiles,
    marker: Marker,
    stop: &CancellationToken,
) -> Result<Checked, ProcessError> {
    let files = end_earlier(run, marker, check.invocation.user.as_ref()).await?;
    let mut process = match begin(launcher, check, files.clone(), marker) {
        Ok(process) => process,
        Err(error) => return Ok(Checked::Unavailable(error)),
    };
    let by = watch(&mut process, check, stop).await?;
    process.sweep().await?;
    let output = tail(&files.log())?;
    let output = harmless(ending(output.trim(), LONGEST_OUTPUT));
    let reason = reason(&process, by);
    let told = reason.as_deref().unwrap_or("passed");
    let note = format!("▶ Check \"{}\": {told}\n{output}\n", check.name);
    private::append(&run.log())?.write_all(note.as_bytes())?;
    Ok(match (by, reason) {
        (EndedBy::Stop, _) => Checked::Stopped,
        (_, None) => Checked::Passed,
        (_, Some(reason)) => {
            let output = output.into_owned();
            Checked::Failed(Failure::Check { name: check.name.clone(), reason, output })
        }
    })
}

/// Makes sure that no attempt of a dead daemon is or ever gets going; answers the files for the next.
async fn end_earlier(run: &RunFiles, marker: Marker, user: Option<&User>) -> Result<RunFiles, ProcessError> {
    let mut number = 1_u32;
    let mut traces = Traces { user: user.cloned(), ..Traces::of(marker) };
    loop {
        let files = run.of_part(&format!("check-{number}"));
        let control = files.control();
        if !control.path().exists() {
            Hunt::new(traces, None, None).sweep().await?;
            return Ok(files);
        }
        control.fence()?;
        if let Ok(order) = control.order() {
            traces = Traces::ordered(marker, order);
        }
        number += 1;
    }
}

fn begin(
    launcher: &Launcher,
    check: &Check,
    files: RunFiles,
    marker: Marker,
) -> Result<Process, LaunchError> {
    let output = files.log();
    let created = files.create_folder().and_then(|()| private::create_new(&output));
    created.map_err(|source| LaunchError::Files { path: output.clone(), source })?;
    let streams = Streams { stdin: "/dev/null".into(), stdout: output.clone(), stderr: output };
    spawn_with(launcher, &check.invocation, streams, files, marker)
}

async fn watch(process: &mut Process, check: &Check, stop: &CancellationToken) -> io::Result<EndedBy> {
    let why = tokio::select! {
        biased;
        ended = process.wait() => return ended.map(|()| EndedBy::Itself),
        () = stop.cancelled() => EndedBy::Stop,
        () = tokio::time::sleep(check.timeout) => EndedBy::TotalLimit(check.timeout),
    };
    process.terminate(check.grace, why).await?;
    Ok(why)
}

/// Why the check did not pass, if it didn't.
fn reason(process: &Process, by: EndedBy) -> Option<String> {
    if let EndedBy::TotalLimit(after) = by {
        return Some(format!("timed out after {}", human(&after)));
    }
    if let Some(refusal) = process.refusal() {
        return Some(format!("could not be started: {refusal}"));
    }
    match process.exit() {
        Exit::Code(0) => None,
        Exit::Code(code) => Some(format!("exit code {code}")),
        Exit::Signal(signal) => Some(format!("ended by signal {signal}")),
        Exit::Unknown => Some("nobody saw how it ended".to_owned()),
    }
}
