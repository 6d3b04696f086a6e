//! The three capabilities with which an unprivileged process runs programs as another user, and ends them.
//!
//! They belong to threads, and are inherited by those that a thread starts: change them before there is a second one.

use std::io;
use std::process::Stdio;

use rustix::process::geteuid;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, set_capabilities, set_thread_res_gid, set_thread_res_uid,
};

use super::step::Step;
use super::{User, own_name};

const NEEDED: CapabilitySet = CapabilitySet::SETUID.union(CapabilitySet::SETGID).union(CapabilitySet::KILL);

/// Why programs can't be run as another user.
#[derive(Debug, thiserror::Error)]
pub enum CannotBecome {
    /// It is no other one.
    #[error(
        "claude.user is {0}, and so is this process: a run could read whatever the daemon can. Name another user, or \
         leave it unset"
    )]
    Own(String),
    /// The kernel wouldn't let us.
    #[error(
        "runs are to be user {user} (claude.user), and user {own} has no right to start anything as somebody else: \
         start it with CAP_SETUID, CAP_SETGID and CAP_KILL, as docs/isolation.md shows, or leave claude.user unset"
    )]
    NoRight {
        /// Who runs are to be.
        user: String,
        /// Who we are.
        own: String,
    },
    /// It didn't when it was tried.
    #[error("runs are to be user {user} (claude.user), which fails: {why}")]
    Failed {
        /// Who runs are to be.
        user: String,
        /// What was said.
        why: String,
    },
}

/// Whether this process may run programs as another user.
pub fn have_rights() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(NEEDED))
}

/// Makes sure that programs can be run as `user`, by running one.
pub fn require(user: &User) -> Result<(), CannotBecome> {
    if user.is_own() {
        return Err(CannotBecome::Own(user.name.clone()));
    }
    if !have_rights() {
        return Err(CannotBecome::NoRight { user: user.name.clone(), own: own_name() });
    }
    let failed = |why| CannotBecome::Failed { user: user.name.clone(), why };
    let mut trial = Step { user, folder: "/".as_ref(), complaints: None }.to_nothing();
    match trial.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Lowers this process to the three capabilities, if it has them, and lets what it starts have them. Root stays root.
pub fn keep_rights() -> io::Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    let kept = capabilities(None)?.permitted.intersection(NEEDED);
    clear_ambient_capability_set()?;
    set(CapabilitySets { effective: kept, permitted: kept, inheritable: kept })?;
    for capability in kept.iter() {
        configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

/// Gives up every capability, for this process and what it starts. Root stays root.
pub fn give_up() -> io::Result<()> {
    lower_to(CapabilitySet::empty())
}

/// Keeps only the right to signal anybody, and nothing for what this process starts. Root stays root.
pub fn lower_to_kill() -> io::Result<()> {
    lower_to(CapabilitySet::KILL)
}

fn lower_to(kept: CapabilitySet) -> io::Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    let kept = capabilities(None)?.permitted.intersection(kept);
    clear_ambient_capability_set()?;
    let inheritable = CapabilitySet::empty();
    set(CapabilitySets { effective: kept, permitted: kept, inheritable })
}

/// Asks for nothing where nothing changes: a service that has no capability may be forbidden to ask.
fn set(wanted: CapabilitySets) -> io::Result<()> {
    if capabilities(None)? != wanted {
        set_capabilities(None, wanted)?;
    }
    Ok(())
}

/// Does something in a thread of its own that sees files and processes as `user` does, as far as we may.
///
/// Its real and saved ids stay ours, so that nobody but us can signal it.
pub fn seeing_as<T: Send>(user: &User, work: impl FnOnce() -> T + Send) -> T {
    let (uid, gid) = (rustix::process::Uid::from_raw(user.uid), rustix::process::Gid::from_raw(user.gid));
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            // Without the right to, it sees what we see.
            let _ = set_thread_res_gid(None, gid, None).and_then(|()| set_thread_res_uid(None, uid, None));
            work()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
