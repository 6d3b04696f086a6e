//! Processes as the kernel tells of them in `/proc`.
//!
//! Keeps the invariant that a signal reaches only the process that was meant: a number is held by a pidfd *before* its
//! start ticks are compared, so that a re-used number can't pass.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::marker::Marker;

/// Longer than any `/proc/PID/stat`, which holds some fifty numbers and a short name.
const LONGEST_STAT: usize = 2048;
/// As long as most environments are, so that they are read at once.
const USUAL_ENVIRONMENT: usize = 8192;
/// So many numbers are looked up one by one.
const FEW: i32 = 64;
/// Far shorter than it takes to use all numbers up.
const LATELY: Duration = Duration::from_secs(1);

/// A process, named so that a later one with its number is not mistaken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) pid: i32,
    /// Clock ticks between the boot and its start.
    pub(super) ticks: u64,
}

impl Identity {
    pub(super) fn of(pid: i32) -> Option<Self> {
        look(pid).map(|seen| seen.identity)
    }

    pub(super) fn own() -> io::Result<Self> {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self::of(pid).ok_or_else(|| io::Error::other("/proc is not readable"))
    }

    /// Takes hold of the process, or finds that it is gone. An init is never one of ours.
    pub(super) fn hold(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Some(self.pid).filter(|pid| *pid > 1).and_then(Pid::from_raw) else {
            return Ok(None);
        };
        match pidfd_open(pid, PidfdFlags::NONBLOCK) {
            Ok(held) => Ok((Self::of(self.pid) == Some(self)).then_some(held)),
            Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Signals the process if it is still there and ours to signal. One that isn't (it gained rights) shows in the next look.
    pub(super) fn signal(self, signal: Signal) -> io::Result<()> {
        let Some(held) = self.hold()? else {
            return Ok(());
        };
        match pidfd_send_signal(held, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH | rustix::io::Errno::PERM) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// How long ago it started; counts on across restarts of ours.
    pub(super) fn age(self) -> Duration {
        let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
        let seconds = uptime.split_whitespace().next().and_then(|s| s.parse().ok());
        let uptime = Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default();
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        uptime.saturating_sub(Duration::from_millis(self.ticks.saturating_mul(1000) / per_second))
    }
}

/// One line of the process table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) identity: Identity,
    pub(super) parent: i32,
    pub(super) session: i32,
    pub(super) zombie: bool,
}

/// Looks one process up.
pub(super) fn look(pid: i32) -> Option<Seen> {
    let mut stat = [0; LONGEST_STAT];
    let length = File::open(format!("/proc/{pid}/stat")).and_then(|mut file| file.read(&mut stat)).ok()?;
    parse_stat(&stat[..length])
}

/// Reads the process table; what ends meanwhile is left out.
pub(super) fn table() -> io::Result<Vec<Seen>> {
    let mut table = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        table.extend(pid.and_then(look));
    }
    Ok(table)
}

/// The numbers that processes and threads were given since one of them started, after `begun`, itself left out: where they
/// are so few, and it started so lately, that no number can have been given twice.
pub(super) fn given_since(first: Identity, begun: Instant) -> Option<RangeInclusive<i32>> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    let last: i32 = load.split_whitespace().last()?.parse().ok()?;
    let few = last >= first.pid && last - first.pid <= FEW;
    (few && begun.elapsed() < LATELY).then(|| first.pid + 1..=last)
}

/// Whether a number is that of one of this process's own threads.
pub(super) fn is_own_thread(number: i32) -> bool {
    fs::exists(format!("/proc/self/task/{number}")).unwrap_or(false)
}

/// Whether a process was started with the marker in its environment.
pub(super) fn carries(pid: i32, marker: Marker) -> bool {
    let mut environment = Vec::with_capacity(USUAL_ENVIRONMENT);
    let read =
        File::open(format!("/proc/{pid}/environ")).and_then(|mut file| file.read_to_end(&mut environment));
    if read.is_err() {
        return false;
    }
    let entry = marker.entry();
    environment.split(|byte| *byte == 0).any(|one| one == entry)
}

/// The fields of `/proc/PID/stat`, see proc(5). The name may hold spaces and brackets, so count from its last bracket.
fn parse_stat(stat: &[u8]) -> Option<Seen> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(&stat[..open]).ok()?.trim().parse().ok()?;
    let rest = std::str::from_utf8(&stat[close + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let threads: u32 = field(20)?.parse().ok()?;
    Some(Seen {
        identity: Identity { pid, ticks: field(22)?.parse().ok()? },
        parent: field(4)?.parse().ok()?,
        session: field(6)?.parse().ok()?,
        zombie: matches!(field(3)?, "Z" | "X") && threads <= 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_name_with_brackets() {
        let stat = b"42 (a) b (c)) S 7 8 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 12345 0";
        let seen = parse_stat(stat).unwrap();
        assert_eq!(seen.identity, Identity { pid: 42, ticks: 12345 });
        assert_eq!((seen.parent, seen.session, seen.zombie), (7, 9, false));
    }

    #[test]
    fn a_number_with_other_ticks_is_nobody() {
        let me = Identity::own().unwrap();
        let stranger = Identity { ticks: me.ticks + 1, ..me };
        assert!(me.hold().unwrap().is_some());
        assert!(stranger.hold().unwrap().is_none());
        for pid in [i32::MIN, -1, 0, 1] {
            assert!(Identity { pid, ..me }.hold().unwrap().is_none(), "{pid}");
        }
    }
}
