//! The users of this system, and running programs as another one: what `claude.user` needs.
//!
//! Keeps the invariant that what is to run as another user never runs as this one: a [step](step_main) in between gives
//! up every right, looks whether it is gone, and only then starts the program. Knows nothing of runs.

mod look;
mod privacy;
mod rights;
mod step;

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

pub use look::{Seen, look};
pub use privacy::keep_private;
pub use rights::{CannotBecome, give_up, have_rights, keep_rights, lower_to_kill, require, seeing_as};
pub use step::{NotStarted, STEP, Step, explain, step_main};

/// A user that programs can be run as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name it logs in with.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its own group's number.
    pub gid: u32,
    /// The numbers of all groups it is in.
    pub groups: Vec<u32>,
    /// Its home folder, which need not be there.
    pub home: PathBuf,
}

impl User {
    /// Looks a name up, as a login would.
    pub fn find(name: &str) -> io::Result<Option<Self>> {
        let Some(found) = nix::unistd::User::from_name(name)? else {
            return Ok(None);
        };
        let known_as = CString::new(found.name.clone())?;
        let groups = nix::unistd::getgrouplist(&known_as, found.gid)?;
        Ok(Some(Self {
            name: found.name,
            uid: found.uid.as_raw(),
            gid: found.gid.as_raw(),
            groups: groups.into_iter().map(nix::unistd::Gid::as_raw).collect(),
            home: found.dir,
        }))
    }

    /// Whether this process is that user.
    pub fn is_own(&self) -> bool {
        rustix::process::getuid().as_raw() == self.uid
    }

    /// The variables that tell a program whose it is.
    pub fn environment(&self) -> [(OsString, OsString); 3] {
        [
            ("HOME".into(), self.home.clone().into()),
            ("LOGNAME".into(), self.name.clone().into()),
            ("USER".into(), self.name.clone().into()),
        ]
    }
}

/// The name of the user that this process is, or its number where it has none.
pub fn own_name() -> String {
    let uid = rustix::process::getuid().as_raw();
    let found = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    found.map_or_else(|| format!("number {uid}"), |user| user.name)
}

/// What a program may see of our environment that is nobody's secret.
const HARMLESS: [&str; 3] = ["PATH", "LANG", "TZ"];
/// And what tells it whose it is.
const WHOSE: [&str; 4] = ["HOME", "LOGNAME", "USER", "XDG_CONFIG_HOME"];

/// A program, about to be started in a folder: as another user if one is named. There is no secret in its environment,
/// for it may start what the folder's files tell it to.
pub fn command(user: Option<&User>, program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let ours = |names: &'static [&str]| names.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut command = match user {
        Some(user) => Step { user, folder, complaints: None }.of(program.as_ref()),
        None => Command::new(program),
    };
    command.env_clear().envs(ours(&HARMLESS));
    match user {
        Some(user) => command.envs(user.environment()),
        None => command.envs(ours(&WHOSE)).current_dir(folder),
    };
    command
}
