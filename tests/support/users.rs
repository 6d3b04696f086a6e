//! A daemon that isn't root, and whose runs are another user: users that every Linux has, so that none is made.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A user of the system, by name and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: &'static str,
    pub id: u32,
}

/// Whom the daemons of these tests are.
pub const DAEMON: Account = Account { name: "daemon", id: 1 };
/// Whom their runs are.
pub const RUNS: Account = Account { name: "nobody", id: 65534 };

/// How the tests' daemon is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Users {
    /// Whom `claude.user` names.
    pub runs: Option<Account>,
    /// Whether the daemon gets the right to change users, as systemd's `AmbientCapabilities` gives it.
    pub capable: bool,
    /// A control group to put it in.
    pub group: Option<&'static str>,
}

impl Users {
    /// Two users, as docs/isolation.md sets them up.
    pub const TWO: Self = Self { runs: Some(RUNS), capable: true, group: None };
    /// One user who isn't root.
    pub const ONE: Self = Self { runs: None, capable: false, group: None };
}

/// Puts a program where all users can run it.
pub fn install(program: &Path, folder: &Path) -> PathBuf {
    assert!(
        rustix::process::geteuid().is_root(),
        "only root can test what other users can do: call this with sudo, or leave it out with --skip"
    );
    let place = folder.join(program.file_name().unwrap());
    if !place.exists() && fs::hard_link(program, &place).is_err() {
        fs::copy(program, &place).unwrap();
    }
    place
}

/// Hands a daemon's folder over: what runs need is theirs, everything else is the daemon's and closed.
pub fn hand_over(folder: &Path, users: Users) {
    let runs = users.runs.unwrap_or(DAEMON);
    for (name, owner, mode) in [
        ("", DAEMON, 0o711),
        ("config.toml", DAEMON, 0o600),
        ("tasks", DAEMON, 0o700),
        ("project", runs, 0o755),
        ("home", runs, 0o700),
        ("tmp", runs, 0o700),
    ] {
        let path = folder.join(name);
        chown(&path, Some(owner.id), Some(owner.id)).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
}

/// A program as the daemon's user.
pub fn as_daemon(program: &Path, users: Users) -> Command {
    let id = DAEMON.id;
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={id}"), format!("--regid={id}"), "--clear-groups".to_owned()]);
    if users.capable {
        let rights = "-all,+setuid,+setgid,+kill";
        command.args(["--bounding-set", "--inh-caps", "--ambient-caps"].map(|set| format!("{set}={rights}")));
    }
    command.arg("--").arg(program);
    command
}
