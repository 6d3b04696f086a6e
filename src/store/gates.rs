//! Gates: every question ever asked, and what became of it.

use sqlx::SqliteConnection;

use super::{Error, Readers, from_json, to_json};
use crate::domain::gate::{Closing, Gate};
use crate::domain::id::{GateId, SessionId};

const TABLE: &str = "gates";

/// A gate with its session and, once it is closed, how.
#[derive(Clone, Debug)]
pub struct Record {
    /// The gate.
    pub gate: Gate,
    /// Its session.
    pub session: SessionId,
    /// What became of it.
    pub closing: Option<Closing>,
}

/// Writes a gate that has just opened.
pub async fn insert(conn: &mut SqliteConnection, session: &SessionId, gate: &Gate) -> Result<(), Error> {
    let (id, session, opened_at) = (gate.id.as_str(), session.as_str(), gate.opened_at.to_string());
    let gate = to_json(TABLE, gate)?;
    sqlx::query!(
        "INSERT INTO gates (id, session_id, gate, opened_at) VALUES (?, ?, ?, ?)",
        id,
        session,
        gate,
        opened_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how a gate was closed.
pub async fn close(conn: &mut SqliteConnection, id: &GateId, closing: &Closing) -> Result<(), Error> {
    let (id, closing) = (id.as_str(), to_json(TABLE, closing)?);
    sqlx::query!("UPDATE gates SET closing = ? WHERE id = ?", closing, id).execute(conn).await?;
    Ok(())
}

/// How often an unanswered gate was asked again.
pub async fn reminders(conn: &mut SqliteConnection, id: &GateId) -> Result<u32, Error> {
    let id = id.as_str();
    let reminders =
        sqlx::query_scalar!(r#"SELECT reminders AS "reminders: u32" FROM gates WHERE id = ?"#, id)
            .fetch_optional(conn)
            .await?;
    Ok(reminders.unwrap_or_default())
}

/// Writes how often an unanswered gate was asked again.
pub async fn set_reminders(conn: &mut SqliteConnection, id: &GateId, reminders: u32) -> Result<(), Error> {
    let id = id.as_str();
    sqlx::query!("UPDATE gates SET reminders = ? WHERE id = ?", reminders, id).execute(conn).await?;
    Ok(())
}

/// One gate, open or closed.
pub async fn find(conn: &mut SqliteConnection, id: &GateId) -> Result<Option<Record>, Error> {
    let id = id.as_str();
    sqlx::query!("SELECT session_id, gate, closing FROM gates WHERE id = ?", id)
        .fetch_optional(conn)
        .await?
        .map(|row| record(row.session_id, &row.gate, row.closing.as_deref()))
        .transpose()
}

/// Whether a gate ever had this id, also one that is gone by now.
pub async fn is_taken(conn: &mut SqliteConnection, id: &GateId) -> Result<bool, Error> {
    let id = id.as_str();
    let taken = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM gates WHERE id = ?) OR EXISTS (SELECT 1 FROM retired_gates WHERE id = ?)
             AS "taken!: bool""#,
        id,
        id
    );
    Ok(taken.fetch_one(conn).await?)
}

/// The newest gates of all sessions, newest first.
pub async fn list(readers: &Readers, limit: i64) -> Result<Vec<Record>, Error> {
    sqlx::query!("SELECT session_id, gate, closing FROM gates ORDER BY ordinal DESC LIMIT ?", limit)
        .fetch_all(readers)
        .await?
        .into_iter()
        .map(|row| record(row.session_id, &row.gate, row.closing.as_deref()))
        .collect()
}

/// The gates of one session, in the order in which they opened.
pub async fn of_session(conn: &mut SqliteConnection, session: &SessionId) -> Result<Vec<Record>, Error> {
    let session = session.as_str();
    sqlx::query!("SELECT session_id, gate, closing FROM gates WHERE session_id = ? ORDER BY ordinal", session)
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(|row| record(row.session_id, &row.gate, row.closing.as_deref()))
        .collect()
}

/// How the newest answered gate of a session was closed.
pub async fn last_closing(
    conn: &mut SqliteConnection,
    session: &SessionId,
) -> Result<Option<Closing>, Error> {
    let session = session.as_str();
    sqlx::query!(
        "SELECT closing AS \"closing!\" FROM gates WHERE session_id = ? AND closing IS NOT NULL
         ORDER BY ordinal DESC LIMIT 1",
        session
    )
    .fetch_optional(conn)
    .await?
    .map(|row| from_json(TABLE, &row.closing))
    .transpose()
}

fn record(session: String, gate: &str, closing: Option<&str>) -> Result<Record, Error> {
    Ok(Record {
        gate: from_json(TABLE, gate)?,
        session: SessionId::new(session),
        closing: closing.map(|closing| from_json(TABLE, closing)).transpose()?,
    })
}
