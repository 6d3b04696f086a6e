//! What can go wrong with the database, by what the caller can do about it.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;

use crate::files::reason;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be opened or created.
    #[error(
        "can't open the database {path}: {}; choose another paths.database, or move away what has that name",
        said(source),
        path = path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: sqlx::Error,
    },
    /// The file, one that belongs to it, or their folder can't be written.
    #[error(
        "can't write {path}, without which there is no database: {}; make it writable for this user",
        reason(source),
        path = path.display()
    )]
    ReadOnly {
        /// What can't be written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file of the database that can't be relied on can't be put out of the way.
    #[error("can't put {path} aside: {}; move it away yourself", reason(source), path = path.display())]
    Aside {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A backup was put in the place of a database whose log still lies there, and would be taken for its own.
    #[error(
        "{path} is a backup, and {log} beside it belongs to the database that was there before: `orchestrator serve` puts \
         it aside, or remove it yourself before anything opens the backup",
        path = path.display(),
        log = log.display()
    )]
    Mixed {
        /// The backup.
        path: PathBuf,
        /// What doesn't belong to it.
        log: PathBuf,
    },
    /// A later version of this program has used it.
    #[error(
        "the database {path} was written by a newer version of this program (schema {found}, this one knows {known}): \
         install that version, or choose another paths.database",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// A version of its schema that is unknown here.
        found: i64,
        /// The newest version that is known.
        known: i64,
    },
    /// The schema can't be brought up to date.
    #[error("failed to bring the database {path} up to date: {source}", path = path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: MigrateError,
    },
    /// There is no file.
    #[error(
        "there is no database {path} yet: `orchestrator serve` and `orchestrator run FILE` make one",
        path = path.display()
    )]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The file isn't of this version, and whoever only looks doesn't change that.
    #[error("the database {path} {what}", path = path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// What it is instead, and what would help.
        what: &'static str,
    },
    /// Full, or busy for too long: nothing was written, and it may work later.
    #[error("the database can't be written now: {0}")]
    Unavailable(sqlx::Error),
    /// The device fails or the file is damaged: nothing that follows could be trusted.
    #[error("the database failed: {0}")]
    Fatal(sqlx::Error),
    /// A row that this program can't have written.
    #[error("a row of the table {table} can't be read: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A statement failed in a way that it never should.
    #[error("a statement failed: {0}")]
    Statement(sqlx::Error),
}

impl Error {
    /// Whether there was no room for what was to be written. Where a file can't be made or mapped for want of it, `SQLite`
    /// only says that it failed: that counts where the disk `is_full`.
    pub fn wants_room(&self, is_full: bool) -> bool {
        let says_so = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
        matches!(self, Self::ReadOnly { source, .. } | Self::Aside { source, .. } if says_so(source))
            || self.cause().is_some_and(|cause| match (cause, primary(cause)) {
                (_, Some(code::FULL)) => true,
                (_, Some(code::IOERR | code::CANTOPEN)) => is_full,
                (sqlx::Error::Io(error), _) => says_so(error),
                (_, Some(_) | None) => false,
            })
    }

    /// What `SQLite` says of a file that is no database, or none any more: whoever opens it will always meet this.
    pub fn damage(&self) -> Option<String> {
        let cause = self.cause()?;
        matches!(primary(cause), Some(code::CORRUPT | code::NOTADB)).then(|| said(cause))
    }

    /// What sqlx says, if it was asked.
    fn cause(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Open { source, .. }
            | Self::Unavailable(source)
            | Self::Fatal(source)
            | Self::Statement(source) => Some(source),
            Self::Migrate { source, .. } => match source {
                MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => Some(source),
                _ => None,
            },
            Self::ReadOnly { .. }
            | Self::Aside { .. }
            | Self::Mixed { .. }
            | Self::Newer { .. }
            | Self::Missing { .. }
            | Self::OtherVersion { .. }
            | Self::Corrupt { .. } => None,
        }
    }

    pub(super) fn open(path: &Path, source: sqlx::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }

    pub(super) fn migrate(path: &Path, source: MigrateError) -> Self {
        let path = path.to_owned();
        match source {
            MigrateError::VersionMissing(found) => {
                Self::Newer { path, found, known: super::survey::newest() }
            }
            source => Self::Migrate { path, source },
        }
    }

    pub(super) fn corrupt(table: &'static str, reason: impl Display) -> Self {
        Self::Corrupt { table, reason: reason.to_string() }
    }
}

/// What `SQLite` says, without what others say around it.
pub fn said(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

/// Primary result codes of SQLite, <https://sqlite.org/rescode.html>.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
    /// An extended one: the database's name led nowhere when its log was to be opened, as the log's rights are those of the
    /// file. That says nothing of what is in it.
    pub(super) const IOERR_FSTAT: i32 = IOERR | 7 << 8;
}

/// The extended result code, if it was `SQLite` that failed.
fn extended(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// The primary one, which is its last byte.
fn primary(error: &sqlx::Error) -> Option<i32> {
    extended(error).map(|code| code & 0xff)
}

/// Whether the device fails or the file is damaged.
pub(super) fn is_fatal(error: &sqlx::Error) -> bool {
    match extended(error) {
        Some(code::IOERR_FSTAT) => false,
        Some(code) => matches!(code & 0xff, code::IOERR | code::CORRUPT | code::NOTADB),
        None => matches!(error, sqlx::Error::Io(_)),
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match primary(&error) {
            _ if is_fatal(&error) => Self::Fatal(error),
            Some(code::BUSY | code::LOCKED | code::FULL) => Self::Unavailable(error),
            None if matches!(error, sqlx::Error::PoolTimedOut) => Self::Unavailable(error),
            Some(_) | None => Self::Statement(error),
        }
    }
}
