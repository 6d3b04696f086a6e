//! The files of one run: what goes in, what comes out, and the control folder through which launcher and worker talk.
//!
//! Each is created anew, readable by its owner only. No file of a run is ever written over: a second attempt has a stem
//! of its own.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::control::Control;

/// The paths of one run's files, all absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    dir: PathBuf,
    stem: String,
}

impl RunFiles {
    /// Names the files of run `stem`, such as `task-1-run-2`, in its session's folder.
    pub fn new(session_dir: PathBuf, stem: &str) -> Self {
        Self { dir: std::path::absolute(&session_dir).unwrap_or(session_dir), stem: stem.to_owned() }
    }

    /// What the run said, for people.
    pub fn log(&self) -> PathBuf {
        self.named("log")
    }

    /// What the run printed, byte for byte.
    pub fn raw(&self) -> PathBuf {
        self.named("ndjson")
    }

    /// What the run wrote to stderr.
    pub fn stderr(&self) -> PathBuf {
        self.named("stderr")
    }

    /// What the run was told.
    pub fn prompt(&self) -> PathBuf {
        self.named("prompt.md")
    }

    /// The files of a process that belongs to this run, such as its `check-1`.
    pub(super) fn of_part(&self, part: &str) -> Self {
        Self { dir: self.dir.clone(), stem: format!("{}.{part}", self.stem) }
    }

    pub(super) fn control(&self) -> Control {
        Control::at(self.dir.join(format!(".{}", self.stem)))
    }

    pub(super) fn create_folders(&self) -> io::Result<()> {
        create_folder(&self.dir)?;
        create_folder(self.control().path())
    }

    fn named(&self, extension: &str) -> PathBuf {
        self.dir.join(format!("{}.{extension}", self.stem))
    }
}

/// Creates a file that must not exist yet, for its owner only.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

/// Creates a file that must not exist yet and fills it.
pub(super) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    create_new(path)?.write_all(content)
}

/// Opens a file for appending, creating it for its owner only.
pub(super) fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}
