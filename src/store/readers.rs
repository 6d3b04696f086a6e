//! Connections that read what is committed, and notice when that fails for good.
//!
//! A failing device or a damaged file is mostly met by a read: whoever reads through here ends the daemon with it, and
//! nobody has to think of that.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _, TryFutureExt as _, TryStreamExt as _};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo};
use sqlx::{Either, Execute, Executor, SqlStr, Sqlite, SqliteConnection, SqlitePool};
use tokio_util::sync::CancellationToken;

use super::Error;
use super::error::is_fatal;

/// Connections that only read.
#[derive(Clone, Debug)]
pub struct Readers {
    pool: SqlitePool,
    broken: CancellationToken,
}

impl Readers {
    pub(super) fn new(pool: SqlitePool, broken: CancellationToken) -> Self {
        Self { pool, broken }
    }

    /// Reads several things through one connection.
    pub async fn with<T>(
        &self,
        read: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut connection: PoolConnection<Sqlite> =
            self.pool.acquire().await.inspect_err(|error| self.heed(error))?;
        let result = read(&mut connection).await;
        if matches!(result, Err(Error::Fatal(_))) {
            self.broken.cancel();
        }
        result
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    fn heed(&self, error: &sqlx::Error) {
        if is_fatal(error) {
            self.broken.cancel();
        }
    }
}

impl<'c> Executor<'c> for &'c Readers {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<SqliteQueryResult, SqliteRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        self.pool.fetch_many(query).inspect_err(|error| self.heed(error)).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<SqliteRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        self.pool.fetch_optional(query).inspect_err(|error| self.heed(error)).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, Result<SqliteStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Sqlite>, sqlx::Error>>
    where
        'c: 'e,
    {
        self.pool.describe(sql)
    }
}
