//! A look at a database before anyone works with it: nothing in it is changed.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};

use super::{BUSY_TIMEOUT, Error, MIGRATIONS, restored};
use crate::files::beside;

/// What there is to know of a database that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The version of its schema; 0 if it has none yet.
    pub schema: i64,
    /// The newest version that this program knows.
    pub known: i64,
    /// Whether it is a backup that was put here and not worked with yet.
    pub is_backup: bool,
}

/// Asks a database that exists what it is, and whether it could be written.
pub async fn survey(path: &Path) -> Result<Survey, Error> {
    must_be_writable(path)?;
    restored::must_be_alone(path)?;
    let is_backup = restored::is_backup(path);
    let options =
        SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
    let mut connection = options.connect().await.map_err(|source| Error::open(path, source))?;
    let schema = schema(&mut connection).await;
    connection.close().await?;
    Ok(Survey { schema: schema?, known: newest(), is_backup })
}

/// The newest version of the schema that is known here.
pub(super) fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Whether a database, or what there is of it, can be written. `SQLite` would open it all the same, and leave files beside
/// it that nobody can write either.
pub(super) fn must_be_writable(path: &Path) -> Result<(), Error> {
    let logs = ["-wal", "-shm"].map(|ending| beside(path, ending));
    for file in logs.iter().map(PathBuf::as_path).chain([path]).chain(path.parent()) {
        match access(file, Access::WRITE_OK) {
            // Who closes it at this moment takes its logs away.
            Err(Errno::NOENT) if Some(file) != path.parent() => {}
            Ok(()) => {}
            Err(error) => return Err(Error::ReadOnly { path: file.to_owned(), source: error.into() }),
        }
    }
    Ok(())
}

/// Begins to write, which fails where that isn't possible, and writes nothing.
async fn schema(connection: &mut SqliteConnection) -> Result<i64, Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let is_there = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let is_there: i64 = sqlx::query_scalar(is_there).fetch_one(&mut *transaction).await?;
    if is_there == 0 {
        return Ok(0);
    }
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *transaction).await?;
    transaction.rollback().await?;
    Ok(newest.unwrap_or_default())
}
