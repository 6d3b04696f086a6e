//! The daemon's database, looked at without the daemon.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _, SqliteConnection};
use tokio::runtime::Runtime;

use super::daemon::Daemon;

/// A database file.
pub struct Database {
    path: PathBuf,
}

impl Database {
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Makes the file from a dump of its tables, which refer to each other in no particular order.
    #[track_caller]
    pub fn load(&self, dump: &Path) {
        let dump = std::fs::read_to_string(dump).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options =
                SqliteConnectOptions::new().filename(&self.path).create_if_missing(true).foreign_keys(false);
            let mut connection = options.connect().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(dump)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    /// Carries out statements, all or none of them.
    #[track_caller]
    pub fn execute(&self, statements: &str) {
        let statements = format!("BEGIN IMMEDIATE; {statements}; COMMIT;");
        self.with(async |connection| {
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await.unwrap();
        });
    }

    /// The first column of every row, as numbers.
    #[track_caller]
    pub fn numbers(&self, query: &str) -> Vec<i64> {
        self.with(async |connection| {
            sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(connection).await.unwrap()
        })
    }

    /// The first column of every row, as texts.
    #[track_caller]
    pub fn texts(&self, query: &str) -> Vec<String> {
        self.with(async |connection| {
            sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(connection).await.unwrap()
        })
    }

    /// How SQLite goes about a query, a line each step.
    #[track_caller]
    pub fn plan(&self, query: &str) -> Vec<String> {
        let explained = format!("EXPLAIN QUERY PLAN {query}");
        self.with(async |connection| {
            let steps = sqlx::query(AssertSqlSafe(explained)).fetch_all(connection).await.unwrap();
            steps.into_iter().map(|step| step.get("detail")).collect()
        })
    }

    fn with<T>(&self, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = SqliteConnectOptions::new().filename(&self.path).connect().await.unwrap();
            work(&mut connection).await
        })
    }
}

/// A connection that isn't the daemon's.
pub struct Other(Runtime, sqlx::SqliteConnection);

impl Other {
    pub fn open(daemon: &Daemon) -> Self {
        let runtime = Runtime::new().unwrap();
        let options = SqliteConnectOptions::new().filename(daemon.folder().join("orchestrator.db"));
        let connection = runtime.block_on(options.connect()).unwrap();
        Self(runtime, connection)
    }

    #[track_caller]
    pub fn execute(&mut self, statement: &'static str) {
        self.0.block_on(self.1.execute(statement)).unwrap();
    }
}
