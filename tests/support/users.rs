//! A daemon that isn't root, and whose runs are another user: users that every Linux has, so that none is made.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use orchestrator::user::User;

/// A user of the system, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account(pub &'static str);

/// Whom the daemons of these tests are.
pub const DAEMON: Account = Account("daemon");
/// Whom their runs are.
pub const RUNS: Account = Account("nobody");

impl Account {
    /// Its number and that of its group, which differ from one Linux to another.
    pub fn ids(self) -> (u32, u32) {
        let user = User::find(self.0).unwrap().unwrap_or_else(|| panic!("there is no user {}", self.0));
        (user.uid, user.gid)
    }

    /// Gives it a file or folder.
    pub fn give(self, path: &Path, mode: u32) {
        let (user, group) = self.ids();
        chown(path, Some(user), Some(group)).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
}

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
    fs::write(folder.join(".env"), "N8N_NOTIFY_KEY=hush-hush\n").unwrap();
    for (name, owner, mode) in [
        ("", DAEMON, 0o711),
        ("config.toml", DAEMON, 0o600),
        (".env", DAEMON, 0o600),
        ("tasks", DAEMON, 0o700),
        ("project", runs, 0o755),
        ("home", runs, 0o700),
        ("tmp", runs, 0o700),
    ] {
        owner.give(&folder.join(name), mode);
    }
}

/// A program as the daemon's user.
pub fn as_daemon(program: &Path, users: Users) -> Command {
    let (user, group) = DAEMON.ids();
    let mut words = vec!["setpriv".to_owned(), format!("--reuid={user}"), format!("--regid={group}")];
    words.push("--clear-groups".to_owned());
    if users.capable {
        let rights = "-all,+setuid,+setgid,+kill";
        words.extend(["--bounding-set", "--inh-caps", "--ambient-caps"].map(|set| format!("{set}={rights}")));
    }
    words.extend(["--".to_owned(), program.to_str().unwrap().to_owned()]);
    let mut command = Command::new("sh");
    let join = users.group.map_or(String::new(), |group| format!("echo $$ >{group}/cgroup.procs && "));
    command.args(["-c", &format!("{join}exec \"$@\""), "sh"]).args(words);
    command
}

/// A control group (version 2) that was given to a user, as systemd's `Delegate=yes` does; gone when dropped.
pub struct ControlGroup(PathBuf);

impl ControlGroup {
    pub fn delegated_to(user: Account) -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "));
        let mount = mount.expect("control groups of version 2 are mounted").split(' ').nth(4).unwrap();
        let group = Path::new(mount).join(format!("orchestrator-test-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&group)
            .expect("control groups can be made here; a container needs a writable cgroup file system");
        for name in ["", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"] {
            chown(group.join(name), Some(user.ids().0), Some(user.ids().1)).unwrap();
        }
        Self(group)
    }

    /// The groups in it.
    pub fn below(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its path for as long as the tests run.
    pub fn name(&self) -> &'static str {
        self.0.to_str().unwrap().to_owned().leak()
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        super::eventually::until(super::SOON, "the control group to be gone", || {
            for group in self.below() {
                let _ = fs::remove_dir(group);
            }
            fs::remove_dir(&self.0).is_ok() || !self.0.exists()
        });
    }
}
