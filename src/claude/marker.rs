//! What ties processes to a run: a value that only its processes carry, and where they were born.
//!
//! Both are written ahead of the first process, so that after a crash there is something to look for. A marker
//! is inherited through the environment; a process id means nothing after a reboot or in another container.

use std::{fmt, fs, io};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The environment variable that every process of a run inherits.
pub const MARKER_VARIABLE: &str = "ORCHESTRATOR_RUN";

/// An unguessable value that the processes of one run, and no others, carry in their environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Marker(Uuid);

impl Marker {
    /// Draws a new one.
    #[expect(clippy::new_without_default, reason = "two of them are never equal")]
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }

    pub(super) fn entry(self) -> Vec<u8> {
        format!("{MARKER_VARIABLE}={self}").into_bytes()
    }
}

impl From<Uuid> for Marker {
    fn from(value: Uuid) -> Self {
        Self(value)
    }
}

impl From<Marker> for Uuid {
    fn from(marker: Marker) -> Self {
        marker.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where process ids have a meaning: one boot of one machine, and one pid namespace in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birthplace {
    /// The kernel's random id of this boot.
    pub boot_id: String,
    /// The pid namespace's name, such as `pid:[4026531836]`; a restarted container gets a new one.
    pub pid_namespace: String,
}

impl Birthplace {
    /// Reads where the calling process lives.
    ///
    /// # Errors
    /// When `/proc` isn't mounted.
    pub fn here() -> io::Result<Self> {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let pid_namespace = fs::read_link("/proc/self/ns/pid")?;
        Ok(Self {
            boot_id: boot_id.trim().to_owned(),
            pid_namespace: pid_namespace.to_string_lossy().into_owned(),
        })
    }
}
