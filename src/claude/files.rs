//! The files of one run: what goes in, what comes out, and the control file through which launcher and worker talk.
//!
//! Each is created anew, readable by its owner only. No file of a run is ever written over: a second attempt has a stem
//! of its own.

use std::io;
use std::path::PathBuf;

use super::control::Control;
use crate::files::private;

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

    /// What the project looked like before the run.
    pub fn before(&self) -> PathBuf {
        self.named("before.json")
    }

    /// The files of a process that belongs to this run, such as its `check-1`.
    pub(super) fn of_part(&self, part: &str) -> Self {
        Self { dir: self.dir.clone(), stem: format!("{}.{part}", self.stem) }
    }

    pub(super) fn control(&self) -> Control {
        Control::at(self.dir.join(format!(".{}.control", self.stem)))
    }

    pub(super) fn create_folder(&self) -> io::Result<()> {
        private::create_dir(&self.dir)
    }

    fn named(&self, extension: &str) -> PathBuf {
        self.dir.join(format!("{}.{extension}", self.stem))
    }
}
