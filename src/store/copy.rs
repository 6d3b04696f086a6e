//! A backup: a whole copy of the database at one moment, beside whoever works on it, checked before it is there.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, SqliteConnection};

use super::check::{Depth, examine};
use super::{BUSY_TIMEOUT, Error, look, restored, said};
use crate::files::reason;

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// How long the copy is.
    pub bytes: u64,
    /// How many sessions are in it.
    pub sessions: i64,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Something has that name.
    #[error("{} is there already, and no backup takes the place of another file: choose another name", .0.display())]
    Exists(PathBuf),
    /// The database can't be read.
    #[error("{0}")]
    Database(#[from] Error),
    /// The copy can't be written.
    #[error("can't write {}: {}", .path.display(), reason(.source))]
    Write {
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `SQLite` gave up.
    #[error("can't copy {} to {}: {}", .from.display(), .to.display(), said(.source))]
    Copy {
        /// The database.
        from: PathBuf,
        /// Where the copy was to be.
        to: PathBuf,
        /// Why not.
        source: sqlx::Error,
    },
    /// The copy is not sound, and so isn't the database.
    #[error(
        "the copy of {} is damaged, and so is the database: {found}; no backup was made",
        .database.display()
    )]
    Damaged {
        /// The database.
        database: PathBuf,
        /// What is wrong with its copy.
        found: String,
    },
}

/// Copies a database to a file that isn't there yet, readable for its owner only, and looks through the copy.
pub async fn copy(database: &Path, to: &Path, now: Timestamp) -> Result<Copied, CopyError> {
    if to.symlink_metadata().is_ok() {
        return Err(CopyError::Exists(to.to_owned()));
    }
    let failed = |source| CopyError::Write { path: to.to_owned(), source };
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = tempfile::Builder::new().prefix(".orchestrator-").tempfile_in(folder).map_err(failed)?;
    let name = draft.path().to_str().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?.to_owned();

    let cant = |source| CopyError::Copy { from: database.to_owned(), to: to.to_owned(), source };
    let mut source = look::any_of_ours(database).await?;
    let copied = sqlx::query("VACUUM INTO ?").bind(name).execute(&mut source).await;
    source.close().await.ok();
    copied.map_err(cant)?;

    let options = SqliteConnectOptions::new()
        .filename(draft.path())
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut copy = options.connect().await.map_err(cant)?;
    let stamped = stamp(&mut copy, now).await.map_err(cant);
    let found = examine(&mut copy, Depth::Full).await;
    let sessions = sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&mut copy).await;
    copy.close().await.map_err(cant)?;
    stamped?;
    if let Some(found) = found?.into_iter().next() {
        return Err(CopyError::Damaged { database: database.to_owned(), found });
    }
    let sessions = sessions.map_err(cant)?;

    draft.as_file().sync_all().map_err(failed)?;
    let bytes = draft.as_file().metadata().map_err(failed)?.len();
    draft.persist_noclobber(to).map_err(|lost| match lost.error.kind() {
        io::ErrorKind::AlreadyExists => CopyError::Exists(to.to_owned()),
        _ => failed(lost.error),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(Copied { bytes, sessions })
}

/// Lets the file say that it is a backup, and of when.
async fn stamp(copy: &mut SqliteConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    let now = now.to_string();
    sqlx::query!("INSERT OR REPLACE INTO meta (key, value) VALUES ('backup', ?)", now)
        .execute(&mut *copy)
        .await?;
    let stamp = format!("PRAGMA application_id = {}", restored::STAMP);
    sqlx::query(AssertSqlSafe(stamp)).execute(copy).await?;
    Ok(())
}
