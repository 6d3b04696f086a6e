//! Other programs, asked a question and given a time to answer.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::timeout;

use crate::files::reason;
use crate::user::User;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a program answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) ok: bool,
    pub(super) out: String,
    pub(super) err: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("it gave no answer within {} s", PATIENCE.as_secs())]
    Late,
    #[error("it can't be started: {}", reason(.0))]
    NotStarted(std::io::Error),
}

/// Runs a program to its end; one that doesn't come to it is ended, with what it started. As another user it has a
/// session of its own, otherwise a process group.
pub(super) async fn ask(mut command: Command, user: Option<&User>) -> Result<Answer, NoAnswer> {
    use std::os::unix::process::CommandExt as _;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if user.is_none() {
        command.process_group(0);
    }
    let child = tokio::process::Command::from(command).spawn().map_err(NoAnswer::NotStarted)?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    match timeout(PATIENCE, child.wait_with_output()).await {
        Ok(Ok(output)) => Ok(Answer {
            ok: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }),
        Ok(Err(error)) => Err(NoAnswer::NotStarted(error)),
        Err(_) => {
            if let Some(group) = group {
                // It may have ended between the two calls, which is as good.
                let _ = kill_process_group(group, Signal::KILL);
            }
            Err(NoAnswer::Late)
        }
    }
}
