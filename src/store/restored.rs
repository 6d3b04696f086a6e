//! A backup in the database's place: recognised by what its file says of itself, kept apart from what isn't its own, and
//! made the database.
//!
//! A backup is stamped in its header. Until it is opened to be worked with, no `-wal` can be its own: one that lies beside
//! it is of the database that was there before, and `SQLite` would play it back over the backup.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};
use uuid::Uuid;

use super::{BUSY_TIMEOUT, Error, Note};
use crate::files::{beside, put_aside};

/// `Orcb`, the application id of a backup; that of a database in use is 0.
pub(super) const STAMP: i64 = 0x4f72_6362;
/// Where in a file its application id is: <https://sqlite.org/fileformat2.html#the_database_header>.
const APPLICATION_ID: u64 = 68;

/// Makes a backup that was put here the database: another one than any before it, and known to be restored.
pub(super) async fn take_over(path: &Path) -> Result<(), Error> {
    let cut_off = beside(path, "-journal").exists();
    if !is_backup(path) && !cut_off {
        return Ok(());
    }
    if is_backup(path) {
        for log in strays(path) {
            let aside = put_aside(&log, ".stray");
            let aside = aside.map_err(|source| Error::Aside { path: log.clone(), source })?;
            let aside = aside.unwrap_or_default();
            tracing::warn!(
                "{} is not of the backup that was put beside it: it was put aside as {}",
                log.display(),
                aside.display()
            );
        }
    }
    let options =
        SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
    let mut connection = options.connect().await.map_err(|source| Error::open(path, source))?;
    let taken = convert(&mut connection).await;
    connection.close().await?;
    taken
}

/// In one transaction without a `-wal`, so that the header on disk says at any moment what the file is.
async fn convert(connection: &mut SqliteConnection) -> Result<(), Error> {
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    if id != STAMP {
        return Ok(());
    }
    sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut *connection).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query!(
        "INSERT OR REPLACE INTO meta (key, value) SELECT 'restored', value FROM meta WHERE key = 'backup'"
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!("DELETE FROM meta WHERE key = 'backup'").execute(&mut *transaction).await?;
    renew_epoch(&mut transaction).await?;
    sqlx::query("PRAGMA application_id = 0").execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether a database that holds sessions isn't the one that was left here: it has another epoch, or lacks what has
/// happened since. A copy that anyone made is told by this as well, if something has happened since it was made.
pub(super) async fn is_another(
    connection: &mut SqliteConnection,
    epoch: &str,
    note: &Note,
) -> Result<bool, Error> {
    let other_epoch = note.epoch.as_deref().is_some_and(|noted| noted != epoch);
    let lacks_some = newest_event(connection).await? < note.newest_event.unwrap_or_default();
    if !other_epoch && !lacks_some {
        return Ok(false);
    }
    let any =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM sessions WHERE ordinal > 0) AS "any!: bool""#);
    Ok(any.fetch_one(connection).await?)
}

/// The newest event there ever was, also if it is gone by now; 0 before the first.
pub async fn newest_event(connection: &mut SqliteConnection) -> Result<i64, Error> {
    // A table of SQLite's own, on which the compile-time checks crash.
    let newest = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        .fetch_optional(connection)
        .await?;
    Ok(newest.unwrap_or_default())
}

/// Notes in a database that it was restored, nobody knows from when; answers with its epoch from now on.
pub(super) async fn mark(connection: &mut SqliteConnection) -> Result<String, Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query!("INSERT INTO meta (key, value) VALUES ('restored', '') ON CONFLICT DO NOTHING")
        .execute(&mut *transaction)
        .await?;
    let epoch = renew_epoch(&mut transaction).await?;
    transaction.commit().await?;
    Ok(epoch)
}

/// A restored database with which nobody has dealt yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was made, if that is known.
    pub made_at: Option<Timestamp>,
}

/// Whether this database was restored, and nobody has dealt with that.
pub async fn pending(connection: &mut SqliteConnection) -> Result<Option<Restored>, Error> {
    let made_at = sqlx::query_scalar!("SELECT value FROM meta WHERE key = 'restored'")
        .fetch_optional(connection)
        .await?;
    Ok(made_at.map(|made_at| Restored { made_at: made_at.parse().ok() }))
}

/// Forgets that it was restored: everything that follows from it is in the same transaction.
pub async fn dealt_with(connection: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::query!("DELETE FROM meta WHERE key = 'restored'").execute(connection).await?;
    Ok(())
}

/// Ids of its events mean other events than those of the same number elsewhere.
pub(super) async fn renew_epoch(connection: &mut SqliteConnection) -> Result<String, Error> {
    let epoch = Uuid::new_v4().simple().to_string();
    sqlx::query!("UPDATE meta SET value = ? WHERE key = 'epoch'", epoch).execute(connection).await?;
    Ok(epoch)
}

/// Refuses to have a backup opened together with a log that isn't its own.
pub(super) fn must_be_alone(path: &Path) -> Result<(), Error> {
    match strays(path).into_iter().next() {
        Some(log) if is_backup(path) => Err(Error::Mixed { path: path.to_owned(), log }),
        Some(_) | None => Ok(()),
    }
}

/// Whether a file is a backup that was not opened yet.
pub(super) fn is_backup(path: &Path) -> bool {
    read_id(path).is_ok_and(|id| id == STAMP)
}

fn read_id(path: &Path) -> io::Result<i64> {
    let mut id = [0; 4];
    File::open(path)?.read_exact_at(&mut id, APPLICATION_ID)?;
    Ok(u32::from_be_bytes(id).into())
}

fn strays(path: &Path) -> Vec<PathBuf> {
    ["-wal", "-shm"].map(|ending| beside(path, ending)).into_iter().filter(|log| log.exists()).collect()
}
