//! The lock file: one process at a time may recover and run what the database says is open.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::files::reason;

/// A predecessor that was just killed lets go within a millisecond, and a child that it was about to start as soon as that
/// gets a processor; anything longer is alive.
const PATIENCE: Duration = Duration::from_secs(2);

/// Held for as long as the process lives; the kernel lets go of it whatever the process's end.
#[derive(Debug)]
pub struct Lock {
    _file: File,
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
    /// Takes the lock that goes with a database: `<database>.lock`.
    pub fn take(database: &Path) -> Result<Self, LockError> {
        let path = lock_file(database);
        let failed = |source| LockError::Io { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(Duration::from_millis(1)),
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held { database: database.to_owned() });
                }
            }
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

fn lock_file(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    PathBuf::from(path)
}
