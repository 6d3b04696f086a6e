//! One run of the Claude CLI: started, followed, ended, judged, whatever happens to us meanwhile.
//!
//! Keeps three invariants: there is never more than one process tree for a run; nothing of a run outlives it; and a
//! result that was printed is never lost. Knows nothing of sessions, databases or HTTP: the caller writes a [`Marker`]
//! and a [`Birthplace`] ahead, then calls [`spawn()`], and [`see_through`]. After a restart it calls [`find`] instead of
//! [`spawn()`], and the rest is the same.
//!
//! A run is three processes deep: us, the [launcher](launcher_main), the CLI. What they have to say to each other is in
//! files, so that each can die without the others noticing; by the socket between us and the launcher comes only which file
//! holds its next order, and that it is done.

mod check;
mod control;
mod drive;
mod files;
mod follow;
mod group;
mod invocation;
mod json;
mod launch;
mod launcher;
mod limits;
mod marker;
mod obstacle;
mod process;
mod procfs;
mod readable;
mod rehearse;
mod result;
mod scan;
mod skim;
mod spawn;
mod stream;
mod sweep;
mod text;
mod transcript;
mod verdict;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::user;

pub use check::{Check, Checked, run_check};
pub use control::{EndedBy, Exit};
pub use drive::{Ended, Limits, see_through};
pub use files::RunFiles;
pub use invocation::{Conversation, Invocation, Settings, login_remedy};
pub use launch::launcher_main;
pub use launcher::Launcher;
pub use marker::{Birthplace, MARKER_VARIABLE, Marker};
pub use process::{Found, Process, find};
pub use readable::Activity;
pub use rehearse::rehearse_main;
pub use result::RunResult;
pub use spawn::{LaunchError, spawn};
pub use stream::{Complaint, Message, RateLimit, parse};
pub use sweep::ProcessError;
pub use transcript::Transcript;
pub use verdict::{Evidence, judge, judge_resumed};

/// Plays the part that this process was re-executed for, if it was: launcher, step or rehearsal. `args` are the process's own,
/// program name included. To be asked before anything else is done, a runtime above all: the launcher closes every
/// descriptor but the standard three.
pub fn play_part(args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.skip(1);
    let part = args.next()?;
    if part == launcher::LAUNCH {
        Some(launcher_main())
    } else if part == user::STEP {
        Some(user::step_main(args))
    } else if part == rehearse::REHEARSE {
        Some(rehearse_main(args))
    } else {
        None
    }
}
