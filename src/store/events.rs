//! Events: the journal, in the order of its ids.

use jiff::Timestamp;
use serde_json::value::RawValue;
use sqlx::{SqliteConnection, SqliteExecutor};

use super::{Error, Readers, from_json, parsed, to_json};
use crate::domain::event::Event;
use crate::domain::id::SessionId;

const TABLE: &str = "events";

/// Appends one event; answers with its id.
pub async fn append(
    conn: &mut SqliteConnection,
    session: Option<&SessionId>,
    event: &Event,
    at: Timestamp,
) -> Result<i64, Error> {
    let session = session.map(SessionId::as_str);
    let (kind, task, at) = (event.kind(), event.task().map(|task| task.0), at.to_string());
    let (message, event) = (event.sentence(), to_json(TABLE, event)?);
    let appended = sqlx::query!(
        "INSERT INTO events (session_id, kind, task, at, message, event) VALUES (?, ?, ?, ?, ?, ?)",
        session,
        kind,
        task,
        at,
        message,
        event
    )
    .execute(conn)
    .await?;
    Ok(appended.last_insert_rowid())
}

/// The newest lines of a session's story, oldest of them first.
pub async fn story(
    readers: &Readers,
    session: &SessionId,
    lines: i64,
) -> Result<Vec<(Timestamp, String)>, Error> {
    let session = session.as_str();
    let mut story = sqlx::query!(
        "SELECT at, message FROM events WHERE session_id = ? ORDER BY id DESC LIMIT ?",
        session,
        lines
    )
    .fetch_all(readers)
    .await?
    .into_iter()
    .map(|row| Ok((parsed(TABLE, &row.at)?, row.message)))
    .collect::<Result<Vec<_>, Error>>()?;
    story.reverse();
    Ok(story)
}

/// An event as a reader sees it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its id; ids count up over the whole database.
    pub id: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// What happened, as the sentence that was told then.
    pub message: String,
}

/// What happened in a session after an event, oldest first.
pub async fn after(
    reader: impl SqliteExecutor<'_>,
    session: &SessionId,
    id: i64,
) -> Result<Vec<Told>, Error> {
    let session = session.as_str();
    sqlx::query!(
        r#"SELECT id AS "id!", at, event, message FROM events WHERE session_id = ? AND id > ? ORDER BY id"#,
        session,
        id
    )
    .fetch_all(reader)
    .await?
    .into_iter()
    .map(|row| {
        let event = from_json(TABLE, &row.event)?;
        Ok(Told { id: row.id, at: parsed(TABLE, &row.at)?, event, message: row.message })
    })
    .collect()
}

/// An event, whole.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its id; ids count up over the whole database.
    pub id: i64,
    /// What kind of thing happened: letters and underscores.
    pub kind: String,
    /// In which session.
    pub session: Option<String>,
    /// The task that it is about, if it is about one.
    pub task: Option<i64>,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, as a sentence.
    pub message: String,
    /// What happened, as it is stored.
    pub event: Box<RawValue>,
}

/// What happened after an event, in all sessions, oldest first and at most `limit` of it.
pub async fn since(readers: &Readers, id: i64, limit: i64) -> Result<Vec<Stored>, Error> {
    sqlx::query!(
        r#"SELECT id AS "id!", kind, session_id, task, at, message, event FROM events
           WHERE id > ? ORDER BY id LIMIT ?"#,
        id,
        limit
    )
    .fetch_all(readers)
    .await?
    .into_iter()
    .map(|row| {
        if !row.kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(Error::corrupt(TABLE, format!("the kind of event {} is no word", row.id)));
        }
        Ok(Stored {
            id: row.id,
            kind: row.kind,
            session: row.session_id,
            task: row.task,
            at: parsed(TABLE, &row.at)?,
            message: row.message,
            event: from_json(TABLE, &row.event)?,
        })
    })
    .collect()
}

/// The newest event's id; 0 before the first.
pub async fn newest(readers: &Readers) -> Result<i64, Error> {
    let newest =
        sqlx::query_scalar!(r#"SELECT max(id) AS "newest: i64" FROM events"#).fetch_one(readers).await?;
    Ok(newest.unwrap_or(0))
}
