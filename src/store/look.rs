//! A look into a database that another process may be writing at the same time.

use std::cmp::Ordering;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::survey::newest;
use super::{BUSY_TIMEOUT, Error, restored};

const OLDER: &str = "was written by an older version of this program: the next `orchestrator serve` or `orchestrator run FILE` brings it up to date";
const FOREIGN: &str = "was not written by this program: paths.database says where it should be";

/// Opens the file only for reading; everything that is read through the connection is of one moment.
pub async fn look(path: &Path) -> Result<SqliteConnection, Error> {
    let mut conn = connect(path, true).await?;
    must_be_ours(path, &mut conn).await?;
    // Never ended: it goes with the connection.
    sqlx::query("BEGIN").execute(&mut conn).await?;
    Ok(conn)
}

/// Opens the file to write to it beside whoever else does; its schema must be the one that is known here.
pub async fn visit(path: &Path) -> Result<SqliteConnection, Error> {
    let mut conn = connect(path, false).await?;
    must_be_ours(path, &mut conn).await?;
    Ok(conn)
}

/// Opens the file only for reading, whichever version of this program has written it.
pub(super) async fn any_of_ours(path: &Path) -> Result<SqliteConnection, Error> {
    let mut conn = connect(path, true).await?;
    match version(&mut conn).await {
        Ok(Some(_)) => Ok(conn),
        Ok(None) | Err(Error::Statement(_)) => {
            Err(Error::OtherVersion { path: path.to_owned(), what: FOREIGN })
        }
        Err(error) => Err(error),
    }
}

async fn connect(path: &Path, read_only: bool) -> Result<SqliteConnection, Error> {
    if !path.exists() {
        return Err(Error::Missing { path: path.to_owned() });
    }
    restored::must_be_alone(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(read_only)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    options.connect().await.map_err(|source| Error::open(path, source))
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
