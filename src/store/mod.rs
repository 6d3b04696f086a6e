//! All the SQL: one SQLite file, one writer.
//!
//! Every write is a `BEGIN IMMEDIATE` transaction on the one writing connection, synced before it is acknowledged.
//! Knows rows and the words of [`crate::domain`]; never decides anything.

mod error;
pub mod events;
pub mod gates;
pub mod holds;
mod lock;
mod look;
pub mod outbox;
pub mod requests;
pub mod runs;
pub mod sessions;
pub mod spending;
mod survey;
pub mod tallies;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

pub use self::error::{Error, said};
pub use self::lock::{Lock, LockError};
pub use self::look::look;
pub use self::survey::{Survey, survey};
use crate::files::private;

/// How long a statement waits for another process, such as a backup, that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The schema, one step a version.
static MIGRATIONS: Migrator = sqlx::migrate!();

/// The database of one daemon.
#[derive(Debug)]
pub struct Store {
    writer: Mutex<SqliteConnection>,
    writing: SqliteConnectOptions,
    readers: SqlitePool,
    reading: SqliteConnectOptions,
    epoch: String,
}

impl Store {
    /// Opens the file, creating it for its owner only if need be, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        survey::must_be_writable(path)?;
        private::append(path).map_err(|source| Error::open(path, sqlx::Error::Io(source)))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut writer = options.connect().await.map_err(|source| Error::open(path, source))?;
        MIGRATIONS.run(&mut writer).await.map_err(|source| Error::migrate(path, source))?;
        let epoch = epoch(&mut writer).await?;
        let reading = options.clone().read_only(true);
        let readers = SqlitePoolOptions::new()
            .max_connections(2)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(reading.clone());
        Ok(Self { writer: Mutex::new(writer), writing: options, readers, reading, epoch })
    }

    /// The one connection that writes; whoever holds it is alone with the state.
    pub async fn writer(&self) -> MutexGuard<'_, SqliteConnection> {
        self.writer.lock().await
    }

    /// Makes sure that no transaction is open on the writer's connection. When the disk is full, `SQLite` may have rolled one
    /// back by itself; the connection then believes for ever that it is open, and is exchanged.
    pub async fn mend(&self, writer: &mut SqliteConnection) -> Result<(), Error> {
        if writer.is_in_transaction() {
            // Behind the rollback of a transaction that was dropped.
            writer.ping().await?;
        }
        if writer.is_in_transaction() {
            *writer = self.writing.connect().await?;
        }
        Ok(())
    }

    /// Connections that read what is committed.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Tells this database from one that was restored or begun anew.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Whether the file can be opened and read; what an open connection remembers of it would prove nothing.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut connection = self.reading.connect().await?;
        sqlx::query_scalar!("SELECT count(*) FROM meta").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }
}

async fn epoch(writer: &mut SqliteConnection) -> Result<String, Error> {
    let fresh = Uuid::new_v4().simple().to_string();
    sqlx::query!("INSERT INTO meta (key, value) VALUES ('epoch', ?) ON CONFLICT DO NOTHING", fresh)
        .execute(&mut *writer)
        .await?;
    Ok(sqlx::query_scalar!("SELECT value FROM meta WHERE key = 'epoch'").fetch_one(writer).await?)
}

/// Reads a column back that this program wrote; what it can't read is a corrupt row, never a panic.
fn parsed<T: FromStr>(table: &'static str, text: &str) -> Result<T, Error>
where
    T::Err: Display,
{
    text.parse().map_err(|error: T::Err| Error::corrupt(table, error))
}

fn from_json<T: serde::de::DeserializeOwned>(table: &'static str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::corrupt(table, error))
}

/// Writes a value as it is stored.
pub fn to_json<T: serde::Serialize>(table: &'static str, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::corrupt(table, error))
}
