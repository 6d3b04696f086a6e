//! The step: our own binary, re-executed to become another user and then the program that this user is to run.
//!
//! Changing users clears no capability where the process isn't root, so the step empties every set itself, sees to it
//! that no set-user-id program gives any back, and starts nothing unless all of that is so. It keeps its process id, is
//! the first process of a session, and thus has no terminal that it could type into.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rustix::fs::Mode;
use rustix::process::{Gid, Uid, getegid, geteuid, getgid, getgroups, getuid, setsid, umask};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, no_new_privs,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use super::User;
use super::look::report;

/// The argument that makes our binary the step.
pub const STEP: &str = "__step";

const IN: &str = "--in";
const COMPLAIN: &str = "--complain";
const RUN: &str = "--run";
pub(super) const LOOK: &str = "--look";

const NOT_BECOME: u8 = 124;
const NO_FOLDER: u8 = 124;
const NOT_STARTED: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// What the program's files are readable for, as after any login.
const USUAL_UMASK: Mode = Mode::WGRP.union(Mode::WOTH);

/// A step that is to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Whom to become.
    pub user: &'a User,
    /// Where the program starts.
    pub folder: &'a Path,
    /// A new file of ours for why nothing was started, instead of stderr.
    pub complaints: Option<&'a Path>,
}

impl Step<'_> {
    /// To a program, whose arguments are yet to be added.
    pub fn of(&self, program: &OsStr) -> Command {
        let mut command = self.to_nothing();
        command.arg(RUN).arg(program);
        command
    }

    /// To nothing, which shows that it can be taken.
    pub fn to_nothing(&self) -> Command {
        let User { uid, gid, groups, .. } = self.user;
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let mut command = Command::new("/proc/self/exe");
        command.arg(STEP).args([uid.to_string(), gid.to_string(), groups.join(",")]);
        command.arg(IN).arg(self.folder);
        if let Some(complaints) = self.complaints {
            command.arg(COMPLAIN).arg(complaints);
        }
        command
    }
}

/// Why a program was not started, and the exit code that says so.
#[derive(Debug)]
pub struct NotStarted {
    /// The code.
    pub code: u8,
    /// The reason, as a sentence part.
    pub message: String,
}

fn refused(code: u8, message: impl Into<String>) -> NotStarted {
    NotStarted { code, message: message.into() }
}

/// What a step's arguments say.
#[derive(Debug, Default)]
struct Plan {
    ids: Option<(u32, u32, Vec<u32>)>,
    folder: PathBuf,
    complaints: Option<PathBuf>,
    task: Option<(Task, Vec<OsString>)>,
}

#[derive(Clone, Copy, Debug)]
enum Task {
    Run,
    Look,
}

/// Takes the step; `args` are those after `__step`. Comes back only if no program was started.
pub fn step_main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let plan = Plan::read(args);
    // Opened while we still may; closes as soon as the program has started.
    let complaints = plan
        .complaints
        .as_deref()
        .map(|path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
    let Err(NotStarted { code, message }) = take(plan) else {
        return ExitCode::SUCCESS;
    };
    let _ = match complaints {
        Some(file) => file.and_then(|mut file: File| file.write_all(message.as_bytes())),
        None => writeln!(io::stderr(), "{message}"),
    };
    ExitCode::from(code)
}

impl Plan {
    fn read(mut args: impl Iterator<Item = OsString>) -> Self {
        let mut plan = Self { ids: ids(&mut args), folder: PathBuf::from("/"), ..Self::default() };
        while let Some(word) = args.next() {
            match word.to_str() {
                Some(IN) => plan.folder = args.next().unwrap_or_default().into(),
                Some(COMPLAIN) => plan.complaints = args.next().map(PathBuf::from),
                Some(RUN) => plan.task = Some((Task::Run, args.by_ref().collect())),
                Some(LOOK) => plan.task = Some((Task::Look, args.by_ref().collect())),
                _ => plan.ids = None,
            }
        }
        plan
    }
}

fn ids(args: &mut impl Iterator<Item = OsString>) -> Option<(u32, u32, Vec<u32>)> {
    let mut next = || args.next()?.into_string().ok();
    let (uid, gid, groups) = (next()?.parse().ok()?, next()?.parse().ok()?, next()?);
    let groups =
        groups.split(',').filter(|group| !group.is_empty()).map(str::parse).collect::<Result<_, _>>();
    Some((uid, gid, groups.ok()?))
}

fn take(plan: Plan) -> Result<(), NotStarted> {
    let Some((uid, gid, groups)) = plan.ids else {
        return Err(refused(NOT_BECOME, "the step's arguments are not understood"));
    };
    become_user(Uid::from_raw(uid), Gid::from_raw(gid), &groups)
        .map_err(|error| refused(NOT_BECOME, format!("can't become user number {uid}: {error}")))?;
    let Some((task, words)) = plan.task else {
        return Ok(());
    };
    match task {
        Task::Look => report(&words).map_err(|error| refused(NOT_STARTED, error.to_string())),
        Task::Run => Err(start(&plan.folder, &words)),
    }
}

fn become_user(uid: Uid, gid: Gid, groups: &[u32]) -> io::Result<()> {
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    let nothing = CapabilitySet::empty();
    // Fails where we lead a process group: then whoever started us has seen to the terminal.
    let _ = setsid();
    for capability in CapabilitySet::all().iter() {
        // Only root may, and nobody has to: without new privileges the set has no effect.
        let _ = remove_capability_from_bounding_set(capability);
    }
    set_thread_groups(&groups)?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    clear_ambient_capability_set()?;
    set_capabilities(None, CapabilitySets { effective: nothing, permitted: nothing, inheritable: nothing })?;
    set_no_new_privs(true)?;
    umask(USUAL_UMASK);
    if is_only(uid, gid, groups)? {
        Ok(())
    } else {
        Err(io::Error::other("the kernel says that it is still more"))
    }
}

/// Whether this process is that user in every respect, and can't become anybody else.
fn is_only(uid: Uid, gid: Gid, mut groups: Vec<Gid>) -> io::Result<bool> {
    let CapabilitySets { effective, permitted, inheritable } = capabilities(None)?;
    let mut actual = getgroups()?;
    for list in [&mut groups, &mut actual] {
        list.sort_unstable_by_key(|group| group.as_raw());
        list.dedup();
    }
    Ok((getuid(), geteuid(), getgid(), getegid()) == (uid, uid, gid, gid)
        && !uid.is_root()
        && actual == groups
        && effective.union(permitted).union(inheritable).is_empty()
        && no_new_privs()?)
}

/// Becomes the program; answers why it didn't.
fn start(folder: &Path, words: &[OsString]) -> NotStarted {
    let Some((program, args)) = words.split_first() else {
        return refused(NOT_STARTED, "there is no program to start");
    };
    if let Err(error) = std::env::set_current_dir(folder) {
        let folder = folder.display();
        return refused(NO_FOLDER, format!("user {} can't work in {folder}: {}", own_user(), error));
    }
    let error = Command::new(program).args(args).exec();
    let program = program.to_string_lossy();
    if error.kind() == ErrorKind::PermissionDenied {
        return refused(NOT_EXECUTABLE, format!("{program}: user {} can't run it; {}", own_user(), advice()));
    }
    explain(&program, &error)
}

fn own_user() -> String {
    std::env::var("USER").unwrap_or_else(|_| getuid().as_raw().to_string())
}

fn advice() -> &'static str {
    "set `claude.command`, or the command of the check, to its absolute path"
}

/// Why a program can't be started, and what would help.
pub fn explain(program: &str, error: &io::Error) -> NotStarted {
    let advice = advice();
    match error.kind() {
        ErrorKind::NotFound if program.contains('/') && Path::new(program).exists() => {
            refused(NOT_FOUND, format!("{program}: the interpreter that its first line names is missing"))
        }
        ErrorKind::NotFound if program.contains('/') => {
            refused(NOT_FOUND, format!("{program}: no such file; install it or {advice}"))
        }
        ErrorKind::NotFound => {
            let path = std::env::var("PATH").unwrap_or_default();
            refused(NOT_FOUND, format!("{program}: not found on PATH ({path}); install it or {advice}"))
        }
        ErrorKind::PermissionDenied => refused(
            NOT_EXECUTABLE,
            format!("{program}: not executable by this user; chmod +x it or {advice}"),
        ),
        _ => refused(NOT_STARTED, format!("{program}: {error}")),
    }
}
