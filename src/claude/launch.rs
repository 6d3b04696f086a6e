//! The launcher: our own binary, re-executed to stand between the worker and the program it starts.
//!
//! It outlives the worker. Its session and its being a *child subreaper* mean that nothing which the program leaves
//! behind gets away from it, not even what clears its environment and leaves the session. It publishes itself before
//! it starts anything, and starts nothing when a worker has fenced the run off. Knows nothing of Claude; it runs
//! before any runtime and starts no thread.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, set_child_subreaper, setsid, wait};
use uuid::Uuid;

use super::control::{Control, Exit, Order, Started};
use super::group::Group;
use super::marker::{Birthplace, MARKER_VARIABLE, Marker};
use super::procfs::{Identity, table};
use crate::user::{self, NotStarted, Step, explain};

const FENCED: u8 = 120;
const BAD_ORDER: u8 = 121;
const NO_SESSION: u8 = 122;
const NOT_PUBLISHED: u8 = 123;
const NO_FOLDER: u8 = 124;
const NOT_STARTED: u8 = 125;
/// The highest of the codes that [`explain`] gives.
const HIGHEST: u8 = 127;

const GENTLE: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays the launcher; `args` are those after `__launch`: the control folder.
pub fn launcher_main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(folder) = args.next() else {
        return ExitCode::from(BAD_ORDER);
    };
    let control = Control::at(PathBuf::from(folder));
    match launch(&control) {
        Ok(code) => ExitCode::from(code),
        Err(refusal) => {
            // The worker reads the code when even this can't be written.
            let _ = control.write_refusal(&refusal.message);
            ExitCode::from(refusal.code)
        }
    }
}

/// Whether a launcher that left no record meant by its exit code that it could start nothing.
pub(super) fn started_nothing(code: i32) -> bool {
    (i32::from(BAD_ORDER)..=i32::from(HIGHEST)).contains(&code)
}

struct Refusal {
    code: u8,
    message: String,
}

fn refusal(code: u8, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

fn launch(control: &Control) -> Result<u8, Refusal> {
    close_inherited();
    let order = control
        .order()
        .map_err(|error| refusal(BAD_ORDER, format!("the launch order is unreadable: {error}")))?;
    setsid().map_err(|error| refusal(NO_SESSION, format!("setsid failed: {error}")))?;
    let published = publish(control)
        .map_err(|error| refusal(NOT_PUBLISHED, format!("the start can't be recorded: {error}")))?;
    if published == Started::Fenced {
        return Ok(FENCED);
    }
    if order.user.is_none() {
        user::give_up()
            .map_err(|error| refusal(NOT_STARTED, format!("rights can't be given up: {error}")))?;
    }
    set_child_subreaper(Some(getpid()))
        .map_err(|error| refusal(NOT_STARTED, format!("not made a subreaper: {error}")))?;
    let exit = run(control, &order)?;
    Ok(match exit {
        Exit::Code(code) => u8::try_from(code).unwrap_or(u8::MAX),
        Exit::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        Exit::Unknown => u8::MAX,
    })
}

/// Closes what whoever started the daemon left open in it. What the daemon itself opens closes on exec; this process has
/// opened nothing yet, so no owner is robbed.
fn close_inherited() {
    let Ok(open) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let open: Vec<RawFd> = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        let _ = nix::unistd::close(descriptor);
    }
}

fn publish(control: &Control) -> io::Result<Started> {
    control.publish(Started::By { launcher: Identity::own()?, boot_id: Birthplace::here()?.boot_id })
}

fn run(control: &Control, order: &Order) -> Result<Exit, Refusal> {
    let group = group_of(order);
    let pid = match &group {
        Some(group) => group.inside(|| start(control, order)),
        None => start(control, order),
    }?;
    // Whatever else happens, all that is left to do is to signal what was started.
    let _ = user::lower_to_kill();
    if let Some(child) = Identity::of(pid) {
        let _ = control.write_child(child);
    }
    let exit = reap_until(pid);
    if let Some(complaint) = control.complaint() {
        let _ = control.write_refusal(&complaint);
    }
    let _ = control.write_exit(exit);
    let leftovers = end_leftovers(group.as_ref());
    let _ = control.write_leftovers(leftovers);
    Ok(exit)
}

/// The control group that is noted in the order, which is this run's by our marker.
fn group_of(order: &Order) -> Option<Group> {
    let marker: Uuid = std::env::var(MARKER_VARIABLE).ok()?.parse().ok()?;
    Group::noted(order.group.clone()?, Marker::from(marker))
}

fn start(control: &Control, order: &Order) -> Result<i32, Refusal> {
    let spawned = match &order.user {
        Some(user) => {
            let complaints = control.complaints();
            let step = Step { user, folder: &order.cwd, complaints: Some(&complaints) };
            step.of(order.program.as_ref()).args(&order.args).spawn()
        }
        None if !order.cwd.is_dir() => {
            return Err(refusal(NO_FOLDER, format!("the project folder {} is gone", order.cwd.display())));
        }
        None => Command::new(&order.program).args(&order.args).current_dir(&order.cwd).spawn(),
    };
    let child = spawned.map_err(|error| {
        let NotStarted { code, message } = explain(&order.program, &error);
        refusal(code, message)
    })?;
    Ok(child.id().cast_signed())
}

/// Waits for the program, and reaps what is re-parented to this process meanwhile.
fn reap_until(program: i32) -> Exit {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == program => {
                let signal = status.terminating_signal().map(Exit::Signal);
                let exit = signal.or_else(|| status.exit_status().map(Exit::Code));
                return exit.unwrap_or(Exit::Unknown);
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Exit::Unknown,
        }
    }
}

/// Ends what the program left behind. What a child of ours leaves is re-parented here in turn.
fn end_leftovers(group: Option<&Group>) -> usize {
    let begun = Instant::now();
    let mut met = HashSet::new();
    while reap_the_dead() && begun.elapsed() < PATIENCE {
        let gently = begun.elapsed() < GENTLE;
        if let Some(group) = group.filter(|_| !gently) {
            group.kill();
        }
        for child in children() {
            let first = met.insert(child);
            if !gently {
                let _ = child.signal(Signal::KILL);
            } else if first {
                let _ = child.signal(Signal::TERM);
            }
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    met.len()
}

/// Reaps every child that has ended; answers whether there are others.
fn reap_the_dead() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

fn children() -> Vec<Identity> {
    let own = Pid::as_raw(Some(getpid()));
    let table = table().unwrap_or_default();
    table.iter().filter(|seen| seen.parent == own && !seen.zombie).map(|seen| seen.identity).collect()
}
