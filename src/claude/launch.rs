//! The launcher: our own binary, re-executed to stand between the worker and the program it starts.
//!
//! It outlives the worker. Its session and its being a *child subreaper* mean that nothing which the program leaves
//! behind gets away from it, not even what clears its environment and leaves the session. It publishes itself before
//! it starts anything, and starts nothing when a worker has fenced the run off. Knows nothing of Claude; it runs
//! before any runtime and starts no thread.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, set_child_subreaper, setsid, wait};

use super::control::{Control, Exit, Order, Started};
use super::marker::Birthplace;
use super::procfs::{Identity, table};

const FENCED: u8 = 120;
const BAD_ORDER: u8 = 121;
const NO_SESSION: u8 = 122;
const NOT_PUBLISHED: u8 = 123;
const NO_FOLDER: u8 = 124;
const NOT_STARTED: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

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
    (i32::from(BAD_ORDER)..=i32::from(NOT_FOUND)).contains(&code)
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
    let pid = start(order)?;
    if let Some(child) = Identity::of(pid) {
        let _ = control.write_child(child);
    }
    let exit = reap_until(pid);
    let _ = control.write_exit(exit);
    let leftovers = end_leftovers();
    let _ = control.write_leftovers(leftovers);
    Ok(exit)
}

fn start(order: &Order) -> Result<i32, Refusal> {
    if !order.cwd.is_dir() {
        return Err(refusal(NO_FOLDER, format!("the project folder {} is gone", order.cwd.display())));
    }
    let spawned = Command::new(&order.program).args(&order.args).current_dir(&order.cwd).spawn();
    match spawned {
        Ok(child) => Ok(child.id().cast_signed()),
        Err(error) => Err(explain(&order.program, &error)),
    }
}

fn explain(program: &str, error: &io::Error) -> Refusal {
    let advice = "set `claude.command`, or the command of the check, to its absolute path";
    match error.kind() {
        ErrorKind::NotFound if program.contains('/') && Path::new(program).exists() => {
            refusal(NOT_FOUND, format!("{program}: the interpreter that its first line names is missing"))
        }
        ErrorKind::NotFound if program.contains('/') => {
            refusal(NOT_FOUND, format!("{program}: no such file; install it or {advice}"))
        }
        ErrorKind::NotFound => {
            let path = std::env::var("PATH").unwrap_or_default();
            refusal(NOT_FOUND, format!("{program}: not found on PATH ({path}); install it or {advice}"))
        }
        ErrorKind::PermissionDenied => refusal(
            NOT_EXECUTABLE,
            format!("{program}: not executable by this user; chmod +x it or {advice}"),
        ),
        _ => refusal(NOT_STARTED, format!("{program}: {error}")),
    }
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
fn end_leftovers() -> usize {
    let begun = Instant::now();
    let mut met = HashSet::new();
    while reap_the_dead() && begun.elapsed() < PATIENCE {
        let gently = begun.elapsed() < GENTLE;
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
