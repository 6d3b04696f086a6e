//! The lock file: one process at a time may recover and run what the database says is open, and each leaves the next a
//! note of how it left the database.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::note::Note;
use crate::files::{beside, reason};

/// A predecessor that was just killed lets go within a millisecond, and a child that it was about to start as soon as that
/// gets a processor; anything longer is alive.
const PATIENCE: Duration = Duration::from_secs(2);

/// Held for as long as the process lives; the kernel lets go of it whatever the process's end.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    note: Mutex<Note>,
}

/// Why the lock can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another orchestrator is using {database}: stop it first, or command it (orchestrator status, approve, …)", database = database.display())]
    Held {
        /// The database that both would use.
        database: PathBuf,
    },
    /// The file can't be opened or locked.
    #[error(
        "can't lock {path}: {}; paths.database must be in a folder that there is and that this user can write",
        reason(source),
        path = path.display()
    )]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock that goes with a database: `<database>.lock`, which nobody else may open, and so nobody else take.
    pub fn take(database: &Path) -> Result<Self, LockError> {
        let path = lock_file(database);
        let failed = |source| LockError::Io { path: path.clone(), source };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(Duration::from_millis(1)),
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held { database: database.to_owned() });
                }
            }
        }
        let note = Note::read(&file).map_err(failed)?;
        let lock = Self { file, path, note: Mutex::new(note) };
        lock.change(|note| {
            note.unchecked |= note.in_use;
            note.in_use = true;
        });
        Ok(lock)
    }

    /// What is noted of the database.
    pub fn note(&self) -> Note {
        self.guard().clone()
    }

    /// Notes something, for this process and whoever comes after it.
    pub fn change(&self, change: impl FnOnce(&mut Note)) {
        let mut note = self.guard();
        change(&mut note);
        if let Err(error) = note.write(&self.file) {
            tracing::warn!("failed to write {}: {}", self.path.display(), reason(&error));
        }
    }

    fn guard(&self) -> MutexGuard<'_, Note> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is noted of a database, without taking its lock.
    pub fn peek(database: &Path) -> io::Result<Note> {
        match File::open(lock_file(database)) {
            Ok(file) => Note::read(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Note::default()),
            Err(error) => Err(error),
        }
    }

    /// Whether a process has the database. Where none has, the lock is taken for a moment, less than anyone's patience.
    pub fn is_held(database: &Path) -> io::Result<bool> {
        let file = match File::open(lock_file(database)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Whoever is killed, or loses power, doesn't get here: that is how the next one knows.
impl Drop for Lock {
    fn drop(&mut self) {
        self.change(|note| note.in_use = false);
    }
}

fn lock_file(database: &Path) -> PathBuf {
    beside(database, ".lock")
}
