//! The launcher: our own binary, re-executed to stand between the worker and the program it starts.
//!
//! It outlives the worker. Its session and its being a *child subreaper* mean that nothing which the program leaves
//! behind gets away from it, not even what clears its environment and leaves the session. It publishes itself before
//! it starts anything, and starts nothing when a worker has fenced the run off. A run's clean end leaves it
//! fit for the next one's order. Knows nothing of Claude; it runs before any runtime and starts no thread.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::os::fd::{AsFd as _, RawFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, set_child_subreaper, setsid, wait};

use super::control::{Control, Exit, Order, Started, Streams};
use super::group::Group;
use super::launcher::END;
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

/// Plays the launcher: takes one order after another from the socket that its stdin is, each the path of a control file.
pub fn launcher_main() -> ExitCode {
    close_inherited();
    let Ok(worker) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else {
        return ExitCode::from(BAD_ORDER);
    };
    let prepared = prepare();
    let mut orders = BufReader::new(&worker);
    while let Some(control) = next_order(&mut orders) {
        let launched = prepared.as_ref().map_err(Clone::clone).and_then(|mine| launch(&control, mine));
        let done = launched.unwrap_or_else(|refusal| {
            // The worker reads the code when even this can't be written.
            let _ = control.write_refusal(refusal.message);
            Done { code: refusal.code, is_fit: false }
        });
        // Where nobody is there any more to take it, the next order won't come either.
        if !done.is_fit || (&worker).write_all(&[done.code]).is_err() {
            return ExitCode::from(done.code);
        }
    }
    ExitCode::SUCCESS
}

/// Waits for an order; none comes where the worker has gone, or lets this process go.
fn next_order(orders: &mut impl BufRead) -> Option<Control> {
    let mut path = Vec::new();
    orders.read_until(END, &mut path).ok()?;
    (path.pop() == Some(END)).then(|| Control::at(PathBuf::from(OsString::from_vec(path))))
}

/// Whether a launcher that left no record meant by its exit code that it could start nothing.
pub(super) fn started_nothing(code: i32) -> bool {
    (i32::from(BAD_ORDER)..=i32::from(HIGHEST)).contains(&code)
}

#[derive(Clone)]
struct Refusal {
    code: u8,
    message: String,
}

fn refusal(code: u8, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

/// What came of an order.
struct Done {
    /// The program's exit code, or what would have been the shell's for a signal.
    code: u8,
    /// Whether this process is as it was before, so that it may launch again.
    is_fit: bool,
}

/// Becomes what nothing gets away from; answers as whom to publish.
fn prepare() -> Result<Started, Refusal> {
    setsid().map_err(|error| refusal(NO_SESSION, format!("setsid failed: {error}")))?;
    set_child_subreaper(Some(getpid()))
        .map_err(|error| refusal(NOT_STARTED, format!("not made a subreaper: {error}")))?;
    let own = Identity::own().and_then(|launcher| Ok((launcher, Birthplace::here()?.boot_id)));
    let (launcher, boot_id) = own.map_err(|error| not_published(&error))?;
    Ok(Started::By { launcher, boot_id })
}

fn not_published(error: &io::Error) -> Refusal {
    refusal(NOT_PUBLISHED, format!("the start can't be recorded: {error}"))
}

fn launch(control: &Control, mine: &Started) -> Result<Done, Refusal> {
    let order = control
        .order()
        .map_err(|error| refusal(BAD_ORDER, format!("the launch order is unreadable: {error}")))?;
    if !control.claim(mine).map_err(|error| not_published(&error))? {
        return Ok(Done { code: FENCED, is_fit: false });
    }
    if order.user.is_none() {
        user::give_up()
            .map_err(|error| refusal(NOT_STARTED, format!("rights can't be given up: {error}")))?;
    }
    let (exit, leftovers) = run(control, &order)?;
    let code = match exit {
        Exit::Code(code) => u8::try_from(code).unwrap_or(u8::MAX),
        Exit::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        Exit::Unknown => u8::MAX,
    };
    // For another user rights were kept, of which but one is left.
    Ok(Done { code, is_fit: order.user.is_none() && leftovers == Some(0) })
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

/// Runs the program; answers how it ended, and how many processes it had left behind, if none is left.
fn run(control: &Control, order: &Order) -> Result<(Exit, Option<usize>), Refusal> {
    let group = order.group.clone().and_then(|group| Group::noted(group, Marker::from(order.marker)));
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
    if order.user.is_some()
        && let Some(complaint) = control.complaint()
    {
        let _ = control.write_refusal(complaint);
    }
    let _ = control.write_exit(exit);
    let leftovers = end_leftovers(group.as_ref());
    if let Some(leftovers) = leftovers {
        let _ = control.write_leftovers(leftovers);
    }
    Ok((exit, leftovers))
}

fn start(control: &Control, order: &Order) -> Result<i32, Refusal> {
    let mut command = match &order.user {
        Some(user) => {
            let complaints = control.complaints();
            let step = Step { user, folder: &order.cwd, complaints: Some(&complaints) };
            step.of(order.program.as_ref())
        }
        None if !order.cwd.is_dir() => {
            return Err(refusal(NO_FOLDER, format!("the project folder {} is gone", order.cwd.display())));
        }
        None => {
            let mut command = Command::new(&order.program);
            command.current_dir(&order.cwd);
            command
        }
    };
    let Streams { stdin, stdout, stderr } = &order.streams;
    command
        .args(&order.args)
        .env(MARKER_VARIABLE, order.marker.to_string())
        .stdin(opened(File::options().read(true), stdin)?)
        .stdout(opened(File::options().append(true), stdout)?)
        .stderr(opened(File::options().append(true), stderr)?);
    let child = command.spawn().map_err(|error| {
        let NotStarted { code, message } = explain(&order.program, &error);
        refusal(code, message)
    })?;
    Ok(child.id().cast_signed())
}

fn opened(options: &OpenOptions, path: &Path) -> Result<File, Refusal> {
    options
        .open(path)
        .map_err(|error| refusal(BAD_ORDER, format!("the run's file {} is gone: {error}", path.display())))
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

/// Ends what the program left behind; answers how many that were, if none is left. What a child of ours leaves is
/// re-parented here in turn.
fn end_leftovers(group: Option<&Group>) -> Option<usize> {
    let begun = Instant::now();
    let mut met = HashSet::new();
    while reap_the_dead() {
        if begun.elapsed() > PATIENCE {
            return None;
        }
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
    Some(met.len())
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
