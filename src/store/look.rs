//! A look into a database that another process may be writing at the same time.

use std::cmp::Ordering;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::survey::newest;
use super::{BUSY_TIMEOUT, Error};

const OLDER: &str = "was written by an older version of this program: the next `orchestrator serve` or `orchestrator run FILE` brings it up to date";
const FOREIGN: &str = "was not written by this program: paths.database says where it should be";

/// Opens the file only for reading; everything that is read through the connection is of one moment.
pub async fn look(path: &Path) -> Result<SqliteConnection, Error> {
    if !path.exists() {
        return Err(Error::Missing { path: path.to_owned() });
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut conn = options.connect().await.map_err(|source| Error::open(path, source))?;
    must_be_ours(path, &mut conn).await?;
    // Never ended: it goes with the connection.
    sqlx::query("BEGIN").execute(&mut conn).await?;
    Ok(conn)
}

async fn must_be_ours(path: &Path, conn: &mut SqliteConnection) -> Result<(), Error> {
    let known = newest();
    let what = match version(conn).await {
        Ok(Some(found)) => match found.cmp(&known) {
            Ordering::Equal => return Ok(()),
            Ordering::Greater => return Err(Error::Newer { path: path.to_owned(), found, known }),
            Ordering::Less => OLDER,
        },
        Ok(None) | Err(Error::Statement(_)) => FOREIGN,
        Err(error) => return Err(error),
    };
    Err(Error::OtherVersion { path: path.to_owned(), what })
}

/// The migration that was applied last.
async fn version(conn: &mut SqliteConnection) -> Result<Option<i64>, Error> {
    let version = sqlx::query_scalar!(r#"SELECT max(version) AS "version: i64" FROM _sqlx_migrations"#);
    Ok(version.fetch_one(conn).await?)
}
