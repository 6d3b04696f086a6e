//! What a process notes of the database for the one that comes after it: in the lock file, so outside the database, where
//! neither damage nor another file in the database's place can reach it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How the database was left. What isn't known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// A process has it, or had it and did not come to its own end.
    #[serde(skip_serializing_if = "is_not")]
    pub in_use: bool,
    /// Nobody has looked through it since a process did not come to its own end.
    #[serde(skip_serializing_if = "is_not")]
    pub unchecked: bool,
    /// What was found wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// Where one that couldn't be read was put, until that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<PathBuf>,
    /// Its epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The newest event that it was known to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_event: Option<i64>,
}

impl Note {
    /// Reads the note. An empty file was left by an older version, or nobody; one that can't be understood by someone
    /// who was cut off.
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).unwrap_or_default();
        let mut text = vec![0; length.min(LONGEST)];
        file.read_exact_at(&mut text, 0)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        Ok(serde_json::from_slice(&text).unwrap_or(Self { unchecked: true, ..Self::default() }))
    }

    /// Writes the note over the one before, durably. It is no longer than a block, mostly, so a full disk takes it too.
    pub(super) fn write(&self, file: &File) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        file.write_all_at(&text, 0)?;
        file.set_len(text.len() as u64)?;
        file.sync_data()
    }
}

const LONGEST: usize = 1 << 16;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may leave out by reference")]
fn is_not(is: &bool) -> bool {
    !is
}
