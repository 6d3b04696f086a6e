//! What is old enough to go, a little at a time: each step is a transaction of its own, so that nobody who writes has to
//! wait for more than one.

use jiff::Timestamp;
use sqlx::{Connection as _, SqliteConnection};

use super::Error;
use crate::domain::id::SessionId;

/// How many rows go in one step.
const STEP: i64 = 500;

/// Rows that can go when they are old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// Keys of requests; one that can still be asked for isn't old.
    Requests,
    /// Notifications that were delivered or dropped.
    Notifications,
    /// Events of no session of which nothing is on its way any more, such as that the database was restored.
    Notes,
    /// Holds that are over, and of which nothing has come back.
    Holds,
}

/// What the database knows of a session whose files are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It hasn't ended.
    Open,
    /// When it ended.
    Ended(Timestamp),
    /// There is no such session.
    Unknown,
}

/// How many rows of a kind are older than `before`.
pub async fn count(conn: &mut SqliteConnection, what: Old, before: Timestamp) -> Result<u64, Error> {
    let count = match what {
        Old::Requests => {
            let before = before.as_second();
            sqlx::query_scalar!("SELECT count(*) FROM requests WHERE at < ?", before).fetch_one(conn).await?
        }
        Old::Notifications => {
            let before = before.to_string();
            sqlx::query_scalar!(
                "SELECT count(*) FROM notifications WHERE state IN ('delivered', 'dropped') AND settled_at < ?",
                before
            )
            .fetch_one(conn)
            .await?
        }
        Old::Notes => {
            let before = before.to_string();
            sqlx::query_scalar!(
                "SELECT count(*) FROM events WHERE session_id IS NULL AND at < ?1
                     AND NOT EXISTS (SELECT 1 FROM notifications
                         WHERE event_id = events.id AND (state IN ('pending', 'dead') OR settled_at >= ?1))",
                before
            )
            .fetch_one(conn)
            .await?
        }
        Old::Holds => {
            let before = before.to_string();
            sqlx::query_scalar!(
                "SELECT count(*) FROM holds WHERE ended_at < ? AND overcome_at IS NOT NULL",
                before
            )
            .fetch_one(conn)
            .await?
        }
    };
    Ok(count.unsigned_abs())
}

/// Deletes some rows of a kind that are older than `before`; answers with how many, which is 0 once none is left.
pub async fn step(conn: &mut SqliteConnection, what: Old, before: Timestamp) -> Result<u64, Error> {
    let deleted = match what {
        Old::Requests => {
            let before = before.as_second();
            sqlx::query!(
                "DELETE FROM requests WHERE key IN (SELECT key FROM requests WHERE at < ? LIMIT ?)",
                before,
                STEP
            )
            .execute(conn)
            .await?
        }
        Old::Notifications => {
            let before = before.to_string();
            sqlx::query!(
                "DELETE FROM notifications WHERE ordinal IN (
                     SELECT ordinal FROM notifications
                     WHERE state IN ('delivered', 'dropped') AND settled_at < ? LIMIT ?)",
                before,
                STEP
            )
            .execute(conn)
            .await?
        }
        Old::Notes => {
            let before = before.to_string();
            sqlx::query!(
                "DELETE FROM events WHERE id IN (
                     SELECT id FROM events WHERE session_id IS NULL AND at < ?
                         AND NOT EXISTS (SELECT 1 FROM notifications WHERE event_id = events.id) LIMIT ?)",
                before,
                STEP
            )
            .execute(conn)
            .await?
        }
        Old::Holds => {
            let before = before.to_string();
            sqlx::query!(
                "DELETE FROM holds WHERE id IN (
                     SELECT id FROM holds WHERE ended_at < ? AND overcome_at IS NOT NULL LIMIT ?)",
                before,
                STEP
            )
            .execute(conn)
            .await?
        }
    };
    Ok(deleted.rows_affected())
}

/// What is known of a session.
pub async fn standing(conn: &mut SqliteConnection, session: &SessionId) -> Result<Standing, Error> {
    let id = session.as_str();
    let row = sqlx::query!("SELECT status, last_activity FROM sessions WHERE id = ?", id)
        .fetch_optional(conn)
        .await?;
    Ok(match row {
        None => Standing::Unknown,
        Some(row) if row.status == "open" => Standing::Open,
        Some(row) => Standing::Ended(super::parsed("sessions", &row.last_activity)?),
    })
}

/// The sessions that ended before `before` and of which nothing is on its way any more, the oldest first: neither the
/// newest one, nor the one with the newest run, whose ids are the last that were given.
pub async fn ended(conn: &mut SqliteConnection, before: Timestamp) -> Result<Vec<SessionId>, Error> {
    let rows = sqlx::query!(
        "SELECT id, last_activity FROM sessions
         WHERE status IN ('completed', 'stopped')
             AND ordinal <> (SELECT max(ordinal) FROM sessions)
             AND id IS NOT (SELECT session_id FROM runs WHERE id = (SELECT max(id) FROM runs))
             AND NOT EXISTS (SELECT 1 FROM notifications WHERE session_id = sessions.id AND state IN ('pending', 'dead'))"
    )
    .fetch_all(conn)
    .await?;
    let mut old = Vec::new();
    for row in rows {
        // As texts, a whole second would be later than its parts.
        let ended: Timestamp = super::parsed("sessions", &row.last_activity)?;
        if ended < before {
            old.push(SessionId::new(row.id));
        }
    }
    Ok(old)
}

/// Deletes everything about a session that has ended.
pub async fn session(conn: &mut SqliteConnection, session: &SessionId) -> Result<(), Error> {
    let id = session.as_str();
    loop {
        let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
        let events = sqlx::query!(
            "DELETE FROM notifications WHERE event_id IN (SELECT id FROM events WHERE session_id = ? ORDER BY id LIMIT ?)",
            id,
            STEP
        );
        events.execute(&mut *transaction).await?;
        let gone = sqlx::query!(
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE session_id = ? ORDER BY id LIMIT ?)",
            id,
            STEP
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        if gone.rows_affected() == 0 {
            break;
        }
    }
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query!("DELETE FROM gates WHERE session_id = ?", id).execute(&mut *transaction).await?;
    sqlx::query!("DELETE FROM runs WHERE session_id = ?", id).execute(&mut *transaction).await?;
    sqlx::query!("DELETE FROM tasks WHERE session_id = ?", id).execute(&mut *transaction).await?;
    sqlx::query!("DELETE FROM sessions WHERE id = ?", id).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}
