//! Whether the database can be read where it lies.
//!
//! What an open connection remembers of a file proves nothing. So the one that asks forgets every page before, and counts
//! only while the file's name and that of its log lead to what was opened: anything else is opened anew.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};
use tokio::sync::Mutex;

use super::Error;
use crate::files::beside;

/// Who asks again within this time asks often: then the connection is kept. A kept one costs a thread and its memory.
const OFTEN: Duration = Duration::from_secs(5);

/// Asks the file.
#[derive(Debug)]
pub(super) struct Probe {
    path: PathBuf,
    reading: SqliteConnectOptions,
    last: Mutex<Last>,
}

/// What is left of the last time that it was asked.
#[derive(Debug, Default)]
struct Last {
    at: Option<Instant>,
    kept: Option<(SqliteConnection, Files)>,
}

/// Which files the names led to: the database and its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Files([(u64, u64); 2]);

impl Files {
    fn at(path: &Path) -> Option<Self> {
        let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
        Some(Self([identity(path)?, identity(&beside(path, "-wal"))?]))
    }
}

impl Probe {
    pub(super) fn new(path: &Path, reading: SqliteConnectOptions) -> Self {
        Self { path: path.to_owned(), reading, last: Mutex::default() }
    }

    pub(super) async fn read(&self) -> Result<(), Error> {
        let mut last = self.last.lock().await;
        let files = Files::at(&self.path);
        let mut connection = match last.kept.take() {
            Some((connection, opened)) if files == Some(opened) => connection,
            Some((outdated, _)) => {
                outdated.close().await?;
                self.reading.connect().await?
            }
            None => self.reading.connect().await?,
        };
        sqlx::query("PRAGMA shrink_memory").execute(&mut connection).await?;
        // The schema is what a new connection would read. A table of SQLite's own, on which the compile-time checks crash.
        sqlx::query_scalar::<_, i64>(
            "SELECT (SELECT count(*) FROM meta) + (SELECT count(*) FROM sqlite_schema)",
        )
        .fetch_one(&mut connection)
        .await?;
        let often = last.at.replace(Instant::now()).is_some_and(|before| before.elapsed() < OFTEN);
        match files.filter(|files| often && Files::at(&self.path) == Some(*files)) {
            Some(files) => last.kept = Some((connection, files)),
            None => connection.close().await?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt as _;
    use std::path::Path;

    use tempfile::TempDir;

    use super::super::{Error, Store};

    /// A store that was asked so often that the connection is kept, with all it holds in the file itself.
    async fn asked_often() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("test.db")).await.unwrap();
        store.gather().await.unwrap();
        for _ in 0..3 {
            store.ping().await.unwrap();
        }
        assert!(store.probe.last.lock().await.kept.is_some());
        (folder, store)
    }

    fn damage(path: &Path, page: u64) {
        let file = File::options().write(true).open(path).unwrap();
        file.write_all_at(&[0xa5; 4096], (page - 1) * 4096).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_was_moved_away_is_missed_until_it_is_back() {
        let (folder, store) = asked_often().await;
        for name in ["test.db", "test.db-wal"] {
            let (path, away) = (folder.path().join(name), folder.path().join("away"));
            fs::rename(&path, &away).unwrap();
            let missed = store.ping().await;
            fs::rename(&away, &path).unwrap();
            if name == "test.db" {
                assert!(missed.unwrap_err().to_string().contains("unable to open"));
            }
            for _ in 0..3 {
                store.ping().await.unwrap();
            }
        }
        assert!(!store.broken().is_cancelled());
    }

    /// The root page of a table; of the schema, which takes more than one page, its last.
    async fn page_of(store: &Store, path: &Path, table: &str) -> u64 {
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
        let mut writer = store.writer().await;
        let root = sqlx::query_scalar::<_, i64>(root).bind(table).fetch_optional(&mut *writer).await;
        if let Some(root) = root.unwrap() {
            return root.unsigned_abs();
        }
        let mut last = [0; 4];
        File::open(path).unwrap().read_exact_at(&mut last, 108).unwrap();
        u32::from_be_bytes(last).into()
    }

    #[tokio::test]
    async fn what_was_damaged_since_the_last_time_is_met() {
        for table in ["", "meta", "sqlite_schema"] {
            let (folder, store) = asked_often().await;
            let path = folder.path().join("test.db");
            let page = if table.is_empty() { 1 } else { page_of(&store, &path, table).await };
            damage(&path, page);
            let met = store.ping().await.unwrap_err();
            assert!(matches!(met, Error::Fatal(_)), "{table}: {met}");
            assert!(store.broken().is_cancelled());
        }
    }
}
