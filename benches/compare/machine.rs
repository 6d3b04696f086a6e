//! On what it was measured: figures without that say nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;
use std::time::Instant;

use crate::contender::folder;
use crate::statistics::{figure, quantile};

/// The date, the machine and the versions, in one line.
pub fn described() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{}: orchestrator {}{}; {} × {}, Linux {}; an fsync {} ms; load {} at the beginning",
        orchestrator::app::clock().strftime("%Y-%m-%d"),
        env!("CARGO_PKG_VERSION"),
        commit(),
        std::thread::available_parallelism().map_or(0, usize::from),
        model.map_or("unknown processor", |(_, model)| model),
        kernel.trim(),
        figure(an_fsync()),
        load.split(' ').next().unwrap_or_default(),
    )
}

fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short=10", "HEAD"]).output();
    let commit = output.ok().filter(|output| output.status.success());
    commit.map_or(String::new(), |output| format!(" ({})", String::from_utf8_lossy(&output.stdout).trim()))
}

/// How many milliseconds it takes to append 4 KB durably.
fn an_fsync() -> f64 {
    let folder = folder("fsync");
    let mut file = File::create(folder.path().join("file")).unwrap();
    let mut took: Vec<f64> = (0..100)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[b'x'; 4096]).unwrap();
            file.sync_data().unwrap();
            began.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    took.sort_by(f64::total_cmp);
    quantile(&took, 0.5).unwrap_or(f64::NAN)
}
