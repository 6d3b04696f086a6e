//! All the SQL: one SQLite file, one writer.
//!
//! Every write is a `BEGIN IMMEDIATE` transaction on the one writing connection, synced before it is acknowledged.
//! Knows rows and the words of [`crate::domain`]; never decides anything.

pub mod aside;
mod check;
mod copy;
mod error;
pub mod events;
pub mod gates;
pub mod holds;
mod lock;
mod look;
mod note;
pub mod outbox;
mod probe;
pub mod prune;
pub mod pulse;
mod readers;
pub mod requests;
pub mod restored;
pub mod runs;
pub mod sessions;
pub mod spending;
mod survey;
pub mod tallies;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::check::{Depth, check};
pub use self::copy::{Copied, CopyError, copy};
pub use self::error::{Error, said};
pub use self::lock::{Lock, LockError};
pub use self::look::{look, visit};
pub use self::note::Note;
use self::probe::Probe;
pub use self::readers::Readers;
pub use self::survey::{Survey, survey};
use crate::files::{beside, private};

/// How long a statement waits for another process, such as a backup, that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How the file is written: by way of a log that is synced at each commit, and no longer than 64 MiB once a slow reader,
/// such as a backup, that let it grow is done. What a transaction touches of however large a file is kept in 512 KiB.
const PRAGMAS: &str = "\
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA cache_size = -512;
PRAGMA journal_size_limit = 67108864";

/// How much a connection that reads keeps of the file, in KiB below zero: the system has it in memory anyway.
const READERS_CACHE: &str = "-256";

/// The schema, one step a version.
static MIGRATIONS: Migrator = sqlx::migrate!();

/// The database of one daemon.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    writer: Mutex<SqliteConnection>,
    writing: SqliteConnectOptions,
    readers: Readers,
    probe: Probe,
    epoch: String,
    broken: CancellationToken,
    damage: OnceLock<String>,
}

impl Store {
    /// Opens the file, creating it for its owner only if need be, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        Self::open_noted(path, &Note::default()).await
    }

    /// The same, for someone who knows how it was left: a file that wasn't left like that was restored.
    pub async fn open_noted(path: &Path, note: &Note) -> Result<Self, Error> {
        survey::must_be_writable(path)?;
        private::append(path).map_err(|source| Error::open(path, sqlx::Error::Io(source)))?;
        restored::take_over(path).await?;
        // Nothing here reads the file yet: a connection that fails to is dropped, and then closes at a time of its own,
        // taking away the `-wal` of whatever lies here by then.
        let options =
            SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
        let mut writer = options.connect().await.map_err(|source| Error::open(path, source))?;
        let epoch = match prepare(&mut writer, path, note).await {
            Ok(epoch) => epoch,
            Err(error) => {
                writer.close().await.ok();
                return Err(error);
            }
        };
        let writing = options.clone();
        let reading = options.read_only(true).pragma("cache_size", READERS_CACHE);
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(reading.clone());
        let probe = Probe::new(path, reading);
        let broken = CancellationToken::new();
        let readers = Readers::new(pool, broken.clone());
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            writing,
            readers,
            probe,
            epoch,
            broken,
            damage: OnceLock::new(),
        })
    }

    /// Closes the file, and waits until it is closed.
    pub async fn close(self) {
        self.readers.close().await;
        if let Err(error) = self.writer.into_inner().close().await {
            tracing::debug!("the database was closed with an error: {error}");
        }
    }

    /// Brings what stands in the `-wal` into the file itself, so that the file alone is the database.
    pub async fn gather(&self) -> Result<(), Error> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *self.writer().await).await?;
        Ok(())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
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
            let mut fresh = self.writing.connect().await?;
            sqlx::raw_sql(PRAGMAS).execute(&mut fresh).await?;
            *writer = fresh;
        }
        Ok(())
    }

    /// Connections that read what is committed.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Cancelled when the database has failed in a way that nothing can be trusted after.
    pub fn broken(&self) -> &CancellationToken {
        &self.broken
    }

    /// How long its files are, by what they are.
    pub fn sizes(&self) -> [(&'static str, u64); 2] {
        [("database", ""), ("wal", "-wal")]
            .map(|(file, ending)| (file, beside(&self.path, ending).metadata().map_or(0, |file| file.len())))
    }

    /// What is wrong with the file, as far as it was looked through.
    pub fn damage(&self) -> Option<&str> {
        self.damage.get().map(String::as_str)
    }

    /// Says what was found wrong with the file.
    pub fn is_damaged(&self, how: String) {
        self.damage.set(how).ok();
    }

    /// Tells this database from one that was restored or begun anew.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Whether the file can be read, and is still the one that its name leads to.
    pub async fn ping(&self) -> Result<(), Error> {
        let pinged = self.probe.read().await;
        if matches!(pinged, Err(Error::Fatal(_))) {
            self.broken.cancel();
        }
        pinged
    }
}

/// Brings the schema up to date, and answers with the database's epoch.
async fn prepare(writer: &mut SqliteConnection, path: &Path, note: &Note) -> Result<String, Error> {
    sqlx::raw_sql(PRAGMAS).execute(&mut *writer).await.map_err(|source| Error::open(path, source))?;
    MIGRATIONS.run(&mut *writer).await.map_err(|source| Error::migrate(path, source))?;
    let epoch = epoch(writer).await?;
    if restored::is_another(writer, &epoch, note).await? {
        return restored::mark(writer).await;
    }
    Ok(epoch)
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
