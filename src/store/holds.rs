//! Holds: what keeps every task from starting, one at a time.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{Error, from_json, to_json};
use crate::domain::hold::Hold;

const TABLE: &str = "holds";

/// Begins a hold; it takes the place of one that stands.
pub async fn begin(conn: &mut SqliteConnection, hold: &Hold, at: Timestamp) -> Result<(), Error> {
    end(conn, at).await?;
    let (hold, at) = (to_json(TABLE, hold)?, at.to_string());
    sqlx::query!("INSERT INTO holds (hold, began_at) VALUES (?, ?)", hold, at).execute(conn).await?;
    Ok(())
}

/// Ends the hold that stands, if one does.
pub async fn end(conn: &mut SqliteConnection, at: Timestamp) -> Result<(), Error> {
    let at = at.to_string();
    sqlx::query!("UPDATE holds SET ended_at = ? WHERE ended_at IS NULL", at).execute(conn).await?;
    Ok(())
}

/// Takes every hold so far as overcome: a run has got through.
pub async fn overcome(conn: &mut SqliteConnection, at: Timestamp) -> Result<(), Error> {
    let at = at.to_string();
    sqlx::query!("UPDATE holds SET overcome_at = ? WHERE overcome_at IS NULL", at).execute(conn).await?;
    Ok(())
}

/// The last hold, if no run has got through since.
pub async fn last(conn: &mut SqliteConnection) -> Result<Option<Hold>, Error> {
    sqlx::query_scalar!("SELECT hold FROM holds WHERE overcome_at IS NULL ORDER BY id DESC LIMIT 1")
        .fetch_optional(conn)
        .await?
        .map(|hold| from_json(TABLE, &hold))
        .transpose()
}

/// The hold that hasn't been ended.
pub async fn current(conn: &mut SqliteConnection) -> Result<Option<Hold>, Error> {
    sqlx::query_scalar!("SELECT hold FROM holds WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1")
        .fetch_optional(conn)
        .await?
        .map(|hold| from_json(TABLE, &hold))
        .transpose()
}
