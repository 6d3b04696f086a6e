//! The signals that a run in the terminal heeds: Ctrl-C, a service manager's SIGTERM, a terminal that is closed, and `fg`.

use std::fs;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// Ctrl-C or SIGTERM; the second one means at once.
    Asked,
    /// The terminal is gone. It may be told more than once.
    HungUp,
    /// The process was stopped, by Ctrl-Z, and goes on.
    Continued,
}

/// Listens; from now on these signals don't end the process by themselves.
#[derive(Debug)]
pub(super) struct Interrupts {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    cont: Option<Signal>,
}

impl Interrupts {
    /// Begins to listen, but not for what the caller wants ignored, as `nohup` does.
    pub(super) fn listen() -> io::Result<Self> {
        let ignored = ignored();
        let unless_ignored = |kind: SignalKind| {
            let is_ignored = ignored >> (kind.as_raw_value() - 1) & 1 == 1;
            (!is_ignored).then(|| signal(kind)).transpose()
        };
        Ok(Self {
            interrupt: unless_ignored(SignalKind::interrupt())?,
            terminate: unless_ignored(SignalKind::terminate())?,
            hangup: unless_ignored(SignalKind::hangup())?,
            cont: unless_ignored(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Interrupt {
        tokio::select! {
            () = received(&mut self.interrupt) => Interrupt::Asked,
            () = received(&mut self.terminate) => Interrupt::Asked,
            () = received(&mut self.hangup) => Interrupt::HungUp,
            () = received(&mut self.cont) => Interrupt::Continued,
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// The signals that this process was started to ignore, a bit each, as proc(5) has them.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
