//! Processes as the kernel sees them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One process, or several that are one program.
#[derive(Clone, Debug)]
pub struct Watched(Vec<PathBuf>);

/// Processor time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// What the processes took themselves.
    pub own: Duration,
    /// What the children took that they have waited for, and theirs.
    pub children: Duration,
}

/// A file that a process reads.
pub struct Followed {
    file: PathBuf,
    descriptor: PathBuf,
    info: PathBuf,
}

impl Watched {
    pub fn one(pid: u32) -> Self {
        Self(vec![PathBuf::from(format!("/proc/{pid}"))])
    }

    /// This process.
    pub fn own() -> Self {
        Self::one(std::process::id())
    }

    /// A process and all that descends from it now.
    pub fn tree(pid: u32) -> Self {
        let (mut found, mut at) = (vec![pid], 0);
        while let Some(parent) = found.get(at) {
            let threads = entries(&PathBuf::from(format!("/proc/{parent}/task")));
            let children: Vec<String> = threads
                .iter()
                .filter_map(|thread| fs::read_to_string(thread.join("children")).ok())
                .collect();
            found.extend(
                children
                    .iter()
                    .flat_map(|pids| pids.split_whitespace())
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
            at += 1;
        }
        Self(found.into_iter().map(|pid| PathBuf::from(format!("/proc/{pid}"))).collect())
    }

    /// Resident memory in bytes: now, and the most there was.
    pub fn memory(&self) -> (u64, u64) {
        let statuses: Vec<String> = self.read("status").collect();
        let sum = |name| statuses.iter().map(|status| field(status, name) * 1024).sum();
        (sum("VmRSS:"), sum("VmHWM:"))
    }

    /// The part of the resident memory that no file backs.
    pub fn anonymous(&self) -> u64 {
        self.read("status").map(|status| field(&status, "RssAnon:") * 1024).sum()
    }

    /// The processor time taken so far.
    pub fn cpu(&self) -> Cpu {
        let mut cpu = Cpu::default();
        for stat in self.read("stat") {
            let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(4);
            let ticks: Vec<u64> = fields.filter_map(|ticks| ticks.parse().ok()).collect();
            let time = |ticks: &[u64]| {
                Duration::from_millis(
                    ticks.iter().sum::<u64>() * 1000 / rustix::param::clock_ticks_per_second(),
                )
            };
            let (own, children) = ticks.split_at(2.min(ticks.len()));
            cpu = Cpu { own: cpu.own + time(own), children: cpu.children + time(children) };
        }
        cpu
    }

    /// What its present threads took, to the nanosecond: for those that do next to nothing.
    pub fn run_time(&self) -> Duration {
        let times = self
            .threads_of()
            .into_iter()
            .filter_map(|thread| fs::read_to_string(thread.join("schedstat")).ok());
        times.filter_map(|times| times.split(' ').next()?.parse().ok()).map(Duration::from_nanos).sum()
    }

    /// How often its threads were switched to.
    pub fn switches(&self) -> u64 {
        let statuses =
            self.threads_of().into_iter().filter_map(|thread| fs::read_to_string(thread.join("status")).ok());
        statuses
            .map(|status| {
                field(&status, "voluntary_ctxt_switches:") + field(&status, "nonvoluntary_ctxt_switches:")
            })
            .sum()
    }

    pub fn threads(&self) -> usize {
        self.threads_of().len()
    }

    pub fn open_files(&self) -> usize {
        self.0.iter().map(|process| entries(&process.join("fd")).len()).sum()
    }

    pub fn processes(&self) -> usize {
        self.0.len()
    }

    /// The file with this name, if one of them has it open.
    pub fn followed(&self, name: &str) -> Option<Followed> {
        let descriptors = self.0.iter().flat_map(|process| entries(&process.join("fd")));
        descriptors.into_iter().find_map(|descriptor| {
            let file = fs::read_link(&descriptor).ok()?;
            let info = descriptor.parent()?.with_file_name("fdinfo").join(descriptor.file_name()?);
            file.ends_with(name).then_some(Followed { file, descriptor, info })
        })
    }

    fn threads_of(&self) -> Vec<PathBuf> {
        self.0.iter().flat_map(|process| entries(&process.join("task"))).collect()
    }

    fn read(&self, name: &'static str) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(move |process| fs::read_to_string(process.join(name)).ok())
    }
}

impl Cpu {
    /// What was taken since.
    pub fn since(self, before: Self) -> Self {
        Self {
            own: self.own.saturating_sub(before.own),
            children: self.children.saturating_sub(before.children),
        }
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

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}

fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
