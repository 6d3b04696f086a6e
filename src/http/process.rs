//! What this process uses of the machine, under the names that every Prometheus client gives it.

use std::fs;

use jiff::Timestamp;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::exposition::{Exposition, Kind};

/// What the kernel tells of this process; what it doesn't tell is left out.
pub(super) fn tell(figures: &mut Exposition, started_at: Timestamp) {
    figures.figure(
        "process_start_time_seconds",
        Kind::Gauge,
        "Start of the process, in seconds since 1970.",
        started_at.as_duration().as_secs_f64(),
    );
    if let Some(usage) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Usage::parse) {
        let name = "process_cpu_seconds_total";
        figures.figure(name, Kind::Counter, "Processor time used.", usage.cpu_seconds);
        let name = "process_resident_memory_bytes";
        figures.figure(name, Kind::Gauge, "Memory in use.", usage.resident_bytes);
        let name = "process_virtual_memory_bytes";
        figures.figure(name, Kind::Gauge, "Address space in use.", usage.virtual_bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The folder that is being read is one of them.
        let open = open.count().saturating_sub(1);
        figures.figure("process_open_fds", Kind::Gauge, "Open file descriptors.", open);
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        figures.figure("process_max_fds", Kind::Gauge, "Most file descriptors that may be open.", most);
    }
}

#[derive(Debug, PartialEq)]
struct Usage {
    cpu_seconds: f64,
    virtual_bytes: u64,
    resident_bytes: u64,
}

impl Usage {
    /// Reads `/proc/PID/stat`, as `proc_pid_stat(5)` has it. The name in its second field may hold anything, also `)`.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // The fields are counted from 1 in the manual, and the third is the first after the name.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = u32::try_from(field(14)? + field(15)?).ok()?;
        let ticks_per_second = u32::try_from(clock_ticks_per_second()).ok()?;
        Some(Self {
            cpu_seconds: f64::from(ticks) / f64::from(ticks_per_second),
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * u64::try_from(page_size()).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Usage;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let stat =
            "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 100 8192 3 18446744073709551615 1";
        let usage = Usage::parse(stat).unwrap();
        let ticks = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).unwrap());
        assert!((usage.cpu_seconds - 300.0 / ticks).abs() < 1e-9);
        assert_eq!(usage.virtual_bytes, 8192);
        assert_eq!(usage.resident_bytes, 3 * rustix::param::page_size() as u64);
    }
}
