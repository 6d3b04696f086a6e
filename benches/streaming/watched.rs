//! The daemon as the kernel sees it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A process's folder in `/proc`.
pub struct Watched(PathBuf);

/// A file that it reads.
pub struct Followed {
    file: PathBuf,
    descriptor: PathBuf,
    info: PathBuf,
}

impl Watched {
    pub fn new(pid: i32) -> Self {
        Self(PathBuf::from(format!("/proc/{pid}")))
    }

    /// Resident memory in bytes: now, and the most there was.
    pub fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(self.0.join("status")).unwrap();
        (field(&status, "VmRSS:") * 1024, field(&status, "VmHWM:") * 1024)
    }

    /// The processor time that it has taken.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(self.0.join("stat")).unwrap();
        let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }

    /// How often its threads were switched to.
    pub fn switches(&self) -> u64 {
        let threads = fs::read_dir(self.0.join("task")).unwrap().flatten();
        let statuses = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
        statuses
            .map(|status| {
                field(&status, "voluntary_ctxt_switches:") + field(&status, "nonvoluntary_ctxt_switches:")
            })
            .sum()
    }

    /// The file with this name, if it has it open.
    pub fn followed(&self, name: &str) -> Option<Followed> {
        let descriptors = fs::read_dir(self.0.join("fd")).ok()?.flatten();
        descriptors.into_iter().find_map(|descriptor| {
            let file = fs::read_link(descriptor.path()).ok()?;
            let info = self.0.join("fdinfo").join(descriptor.file_name());
            file.ends_with(name).then_some(Followed { file, descriptor: descriptor.path(), info })
        })
    }
}

impl Followed {
    /// The file's length and how far it has been read; none once it is closed.
    pub fn progress(&self) -> Option<(u64, u64)> {
        let info = fs::read_to_string(&self.info).ok()?;
        let printed = length(&self.file);
        let is_open = fs::read_link(&self.descriptor).is_ok_and(|file| file == self.file);
        is_open.then(|| (printed, field(&info, "pos:")))
    }
}

fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
