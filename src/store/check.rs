//! Looking through the whole file for what is wrong with it: `SQLite`'s own checks, on a connection of their own.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, Row as _, SqliteConnection};

use super::{BUSY_TIMEOUT, Error, restored, said};

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// At every page and row: <https://sqlite.org/pragma.html#pragma_quick_check>.
    Quick,
    /// Also whether indexes hold what their tables do, and references lead somewhere.
    Full,
}

/// What is wrong with a database, which others may be writing at the same time; nothing if all is well.
pub async fn check(path: &Path, depth: Depth) -> Result<Vec<String>, Error> {
    restored::must_be_alone(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let found = match options.connect().await.map_err(Error::from) {
        Ok(mut connection) => {
            let found = examine(&mut connection, depth).await;
            connection.close().await?;
            found
        }
        Err(error) => Err(error),
    };
    match found {
        Err(Error::Fatal(error)) => Ok(vec![said(&error)]),
        found => found,
    }
}

/// What is wrong with the database that is open.
pub(super) async fn examine(connection: &mut SqliteConnection, depth: Depth) -> Result<Vec<String>, Error> {
    let pages = match depth {
        Depth::Quick => "PRAGMA quick_check(20)",
        Depth::Full => "PRAGMA integrity_check(20)",
    };
    let mut found: Vec<String> = sqlx::query_scalar(pages).fetch_all(&mut *connection).await?;
    if found == ["ok"] {
        found.clear();
    }
    if depth == Depth::Full {
        for row in sqlx::query("PRAGMA foreign_key_check").fetch_all(connection).await? {
            let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
            found.push(format!("a row of {table} refers to one of {parent} that isn't there"));
        }
    }
    Ok(found)
}
