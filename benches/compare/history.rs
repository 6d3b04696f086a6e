//! Makes a long history out of a short one that is real: the rows that a daemon wrote, again and again under other ids.
//!
//! Everything goes through the schema as it is, with its triggers, indices and constraints, in one transaction.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

/// How many tasks the real session has.
pub const TEMPLATE: u64 = 50;

/// The id that the n-th copy of the session has.
const SESSION: &str = "strftime('%Y%m%d-%H%M%S', 1500000000 + n * 3600, 'unixepoch')";
const DIGEST: &str = "lower(hex(randomblob(32)))";
const MARKER: &str =
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4aaa-8aaa-' || hex(randomblob(6)))";

/// A column and its value.
type Changed = (&'static str, Option<&'static str>);

/// What differs from copy to copy, table by table; a column without a value of ours gets one from the database.
const COPIED: [(&str, &[Changed]); 4] = [
    ("sessions", &[("ordinal", None), ("id", Some(SESSION)), ("digest", Some(DIGEST))]),
    ("tasks", &[("session_id", Some(SESSION))]),
    ("runs", &[("id", Some("n * 50 + id")), ("session_id", Some(SESSION)), ("marker", Some(MARKER))]),
    ("events", &[("id", None), ("session_id", Some(SESSION))]),
];

/// Copies the only session of a database that no daemon has open until there are so many tasks and so many events. Where
/// that is more events a task than it had, each of its events is there several times over.
pub fn multiply(database: &Path, events: u64, tasks: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(database);
        let mut connection = options.connect().await.unwrap();
        copy(&mut connection, events, tasks / TEMPLATE).await;
        connection.close().await.unwrap();
    });
}

async fn copy(connection: &mut SqliteConnection, events: u64, sessions: u64) {
    let count = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut *connection).await;
    let there: i64 = count.unwrap();
    let there = there.cast_unsigned();
    let (more_sessions, more_events) = (sessions.saturating_sub(1), events.saturating_sub(there));
    if more_sessions == 0 {
        return;
    }
    execute(connection, "BEGIN IMMEDIATE").await;
    make_numbers(connection, "sessions_made", "n", more_sessions).await;
    make_numbers(connection, "times", "m", more_events.div_ceil(more_sessions * there)).await;
    for (table, changed) in COPIED {
        let columns = columns(connection, table).await;
        let kept: Vec<&str> =
            columns.iter().map(String::as_str).filter(|column| !changed.contains(&(*column, None))).collect();
        let values: Vec<&str> = kept
            .iter()
            .map(|column| {
                changed
                    .iter()
                    .find(|(name, _)| name == column)
                    .and_then(|(_, value)| *value)
                    .unwrap_or(column)
            })
            .collect();
        let (further, limit) = if table == "events" {
            (" CROSS JOIN times", format!(" ORDER BY n, m, id LIMIT {more_events}"))
        } else {
            ("", String::new())
        };
        let insert = format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {table} CROSS JOIN sessions_made{further}{limit}",
            kept.join(", "),
            values.join(", ")
        );
        execute(connection, &insert).await;
    }
    execute(connection, "COMMIT").await;
    execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
}

async fn make_numbers(connection: &mut SqliteConnection, table: &str, column: &str, most: u64) {
    let statement = format!(
        "CREATE TEMP TABLE {table} AS WITH RECURSIVE counted ({column}) AS
           (SELECT 1 UNION ALL SELECT {column} + 1 FROM counted WHERE {column} < {most})
         SELECT {column} FROM counted"
    );
    execute(connection, &statement).await;
}

/// The columns that a row is given, and not those that the database works out.
async fn columns(connection: &mut SqliteConnection, table: &str) -> Vec<String> {
    let query = format!("SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0 ORDER BY cid");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(connection).await.unwrap()
}

async fn execute(connection: &mut SqliteConnection, statement: &str) {
    let executed = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await;
    executed.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Copies a database, also one that a daemon has open, without what is free in it.
pub fn vacuum_into(database: &Path, copy: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
        execute(&mut connection, &format!("VACUUM INTO '{}'", copy.display())).await;
        connection.close().await.unwrap();
    });
}
