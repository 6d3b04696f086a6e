//! The control group of one run, where the system lets us make one: its members can't leave it, whatever they do to their
//! environment, session or parents, and are all ended by one write.
//!
//! Only below a group that is ours to divide, as systemd's `Delegate=yes` makes it. Everything works without, too:
//! no caller may rely on there being one. The launcher is no member, so that it sees the others end.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use rustix::fs::getxattr;
use rustix::process::geteuid;

use super::marker::Marker;

const PREFIX: &str = "orchestrator-run-";
const MEMBERS: &str = "cgroup.procs";

/// The group in which this process was found, if it may be divided.
static DIVISIBLE: LazyLock<Option<PathBuf>> =
    LazyLock::new(|| own_group().filter(|own| is_ours_to_divide(own)));

/// The group's folder in the cgroup file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group(PathBuf);

impl Group {
    /// Makes the group of a run below that of this process, if that can be done.
    pub(super) fn make(marker: Marker) -> Option<Self> {
        let own = DIVISIBLE.as_deref()?;
        let group = Self(own.join(name(marker)));
        match fs::create_dir(&group.0) {
            Ok(()) => Some(group),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Some(group),
            Err(_) => None,
        }
    }

    /// The group that was made for a run, as was noted then; none if the note is of anything else.
    pub(super) fn noted(path: PathBuf, marker: Marker) -> Option<Self> {
        path.ends_with(name(marker)).then_some(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Does something, starting a process above all, as a member; afterwards this process is where it was.
    pub(super) fn inside<T>(&self, work: impl FnOnce() -> T) -> T {
        let enter = |group: &Path| fs::write(group.join(MEMBERS), "0");
        let entered = enter(&self.0).is_ok();
        let done = work();
        if entered && let Some(above) = self.0.parent() {
            // Staying would do no harm but that it is ended with the others.
            let _ = enter(above);
        }
        done
    }

    /// Who is in it, at any depth; nobody if it is gone.
    pub(super) fn members(&self) -> Vec<i32> {
        let mut members = Vec::new();
        each_below(&self.0, &mut |folder| {
            let pids = fs::read_to_string(folder.join(MEMBERS)).unwrap_or_default();
            members.extend(pids.lines().filter_map(|pid| pid.parse::<i32>().ok()).filter(|pid| *pid > 1));
        });
        members
    }

    /// Kills every member, also those that are being born.
    pub(super) fn kill(&self) {
        // Where it fails they are killed one by one.
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
    }

    /// Removes it, once it is empty.
    pub(super) fn remove(&self) {
        each_below(&self.0, &mut |folder| {
            let _ = fs::remove_dir(folder);
        });
    }
}

fn name(marker: Marker) -> String {
    format!("{PREFIX}{marker}")
}

/// Visits a group after those below it.
fn each_below(group: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            each_below(&entry.path(), visit);
        }
    }
    visit(group);
}

/// The folder of the group that this process is in.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    folder_of(&groups, &mounts)
}

/// See cgroups(7) and proc(5): the group's line begins with `0::`, and of a mount the fourth and fifth field are what is
/// mounted and where, the first after the dash which kind it is.
fn folder_of(groups: &str, mounts: &str) -> Option<PathBuf> {
    let group = Path::new(groups.lines().find_map(|line| line.strip_prefix("0::"))?);
    if group.components().any(|step| step == Component::ParentDir) {
        return None;
    }
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, mount) = (fields.next()?, fields.next()?);
        let inside = group.strip_prefix(root).ok()?;
        after.starts_with("cgroup2 ").then(|| Path::new(mount).join(inside))
    })
}

/// Whether it was given to our user, or systemd says that it is delegated. Root owns every group, most of them systemd's.
fn is_ours_to_divide(group: &Path) -> bool {
    let (user, owner) = (geteuid(), fs::metadata(group).map(|folder| folder.uid()).ok());
    let says = |name| {
        let mut value = [0; 8];
        getxattr(group, name, &mut value).is_ok_and(|length| &value[..length] == b"1")
    };
    (!user.is_root() && owner == Some(user.as_raw())) || says("user.delegate") || says("trusted.delegate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_where_its_mount_is() {
        let mounts = "35 25 0:31 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n\
                      36 25 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
        let below = "41 31 0:38 /docker/abc /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        for (groups, mounts, folder) in [
            ("1:cpu:/x\n0::/system.slice/o.service\n", mounts, Some("/sys/fs/cgroup/system.slice/o.service")),
            ("0::/\n", mounts, Some("/sys/fs/cgroup")),
            ("0::/docker/abc/x\n", below, Some("/sys/fs/cgroup/unified/x")),
            ("0::/docker/other\n", below, None),
            ("0::/../other\n", mounts, None),
            ("1:cpu:/x\n", mounts, None),
            ("0::/x\n", "36 25 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", None),
        ] {
            assert_eq!(folder_of(groups, mounts), folder.map(PathBuf::from), "{groups}{mounts}");
        }
    }

    #[test]
    fn only_a_runs_own_group_is_believed() {
        let marker = Marker::new();
        let noted = |path: &str| Group::noted(PathBuf::from(path), marker).is_some();
        assert!(noted(&format!("/sys/fs/cgroup/x/{PREFIX}{marker}")));
        assert!(!noted("/sys/fs/cgroup/system.slice"));
        assert!(!noted(&format!("/sys/fs/cgroup/x/{PREFIX}{}", Marker::new())));
    }
}
