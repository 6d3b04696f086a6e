//! The daemon's database in other hands: a backup, a person with a shell.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::runtime::Runtime;

use super::daemon::Daemon;

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
