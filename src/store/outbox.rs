//! The outbox: what is on its way to chats, in the order of its session and chat.

use jiff::Timestamp;
use serde_json::value::RawValue;
use sqlx::SqliteConnection;

use super::{Error, Readers, from_json, parsed};
use crate::domain::id::{RunId, SessionId};

const TABLE: &str = "notifications";

/// A notification that is to be sent.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// Its id: a repetition carries the same.
    pub id: &'a str,
    /// The event that it tells.
    pub event_id: i64,
    /// The session that it is about.
    pub session: Option<&'a SessionId>,
    /// The chat that it goes to; the receiver's own choice if there is none.
    pub chat: Option<&'a str>,
    /// The task that it is about.
    pub task: Option<u32>,
    /// The gate that it asks about.
    pub gate: Option<&'a str>,
    /// The run that it says has started.
    pub run: Option<RunId>,
    /// How much it matters.
    pub kind: &'a str,
    /// What kind of event it tells.
    pub event: &'a str,
    /// What happened, as plain text.
    pub message: &'a str,
    /// The same for a chat, as JSON.
    pub telegram: &'a str,
    /// When it happened.
    pub at: Timestamp,
}

/// A notification and how far it has come.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Its place in the order.
    pub ordinal: i64,
    /// Its id: a repetition carries the same.
    pub id: String,
    /// The session that it is about.
    pub session: Option<String>,
    /// The chat that it goes to.
    pub chat: Option<String>,
    /// What must arrive in order: its session and chat.
    pub lane: String,
    /// The task that it is about.
    pub task: Option<i64>,
    /// The gate that it asks about.
    pub gate: Option<String>,
    /// How much it matters.
    pub kind: String,
    /// What kind of event it tells.
    pub event: String,
    /// What happened, as plain text.
    pub message: String,
    /// The same for a chat.
    pub telegram: Box<RawValue>,
    /// When it happened.
    pub at: Timestamp,
    /// Whether it is pending, delivered or dead.
    pub state: String,
    /// How often it was posted in vain.
    pub attempts: u32,
    /// How often of those it was refused.
    pub refusals: u32,
    /// Since when it, or one before it in its lane, is tried in vain.
    pub since: Option<Timestamp>,
    /// When it may be tried next.
    pub next_at: Timestamp,
    /// Why it was not delivered, the last time.
    pub error: Option<String>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The receiver has it.
    Delivered {
        /// Telegram's number of the message, if the receiver told it.
        message_id: Option<i64>,
    },
    /// It is tried again.
    Later {
        /// When.
        next_at: Timestamp,
        /// Whether the receiver refused this very notification.
        refused: bool,
        /// Whether the receiver itself said when: that is no attempt in vain.
        asked: bool,
        /// Why it failed.
        error: String,
    },
    /// It is not tried again.
    Dead {
        /// Why.
        error: String,
    },
}

/// How many notifications are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not delivered yet.
    pub pending: u64,
    /// Given up.
    pub dead: u64,
}

/// A message that says in a chat that a run has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The chat.
    pub chat: Option<String>,
    /// Telegram's number of the message.
    pub message_id: i64,
}

/// Puts a notification in line.
pub async fn insert(conn: &mut SqliteConnection, draft: &Draft<'_>) -> Result<(), Error> {
    let (session, run, at) =
        (draft.session.map(SessionId::as_str), draft.run.map(|run| run.0), draft.at.to_string());
    sqlx::query!(
        "INSERT INTO notifications
            (id, event_id, session_id, chat, task, gate, run, kind, event, message, telegram, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        draft.id,
        draft.event_id,
        session,
        draft.chat,
        draft.task,
        draft.gate,
        run,
        draft.kind,
        draft.event,
        draft.message,
        draft.telegram,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those that are next in their lanes, whether or not it is time for them.
pub async fn heads(readers: &Readers) -> Result<Vec<Notification>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT ordinal, id, session_id, chat, lane, task, gate, kind, event, message, telegram, at, state,
               attempts AS "attempts: u32", refusals AS "refusals: u32", since, next_at, error
           FROM notifications
           WHERE ordinal IN (SELECT min(ordinal) FROM notifications WHERE state = 'pending' GROUP BY lane)"#
    )
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// The newest of those that are pending or dead, newest first.
pub async fn undelivered(readers: &Readers, limit: i64) -> Result<Vec<Notification>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT ordinal, id, session_id, chat, lane, task, gate, kind, event, message, telegram, at, state,
               attempts AS "attempts: u32", refusals AS "refusals: u32", since, next_at, error
           FROM notifications WHERE state IN ('pending', 'dead') ORDER BY ordinal DESC LIMIT ?"#,
        limit
    )
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Writes down what came of an attempt to deliver one; says whether it was still pending. A failure counts for all that
/// wait behind it.
pub async fn settle(
    conn: &mut SqliteConnection,
    notification: &Notification,
    settled: &Settled,
    now: Timestamp,
) -> Result<bool, Error> {
    let Notification { ordinal, lane, .. } = notification;
    let at = now.to_string();
    let settled = match settled {
        Settled::Delivered { message_id } => {
            sqlx::query!("UPDATE notifications SET since = NULL WHERE lane = ? AND state = 'pending'", lane)
                .execute(&mut *conn)
                .await?;
            sqlx::query!(
                "UPDATE notifications SET state = 'delivered', settled_at = ?, message_id = ?, error = NULL
                 WHERE ordinal = ? AND state = 'pending'",
                at,
                message_id,
                ordinal
            )
            .execute(conn)
            .await?
        }
        Settled::Later { next_at, refused, asked, error } => {
            let (since, next_at) = (now.as_millisecond(), next_at.as_millisecond());
            let in_vain = !asked;
            sqlx::query!(
                "UPDATE notifications SET since = ? WHERE lane = ? AND state = 'pending' AND since IS NULL",
                since,
                lane
            )
            .execute(&mut *conn)
            .await?;
            sqlx::query!(
                "UPDATE notifications SET attempts = attempts + ?, refusals = refusals + ?, next_at = ?, error = ?
                 WHERE ordinal = ? AND state = 'pending'",
                in_vain,
                refused,
                next_at,
                error,
                ordinal
            )
            .execute(conn)
            .await?
        }
        Settled::Dead { error } => {
            sqlx::query!(
                "UPDATE notifications SET state = 'dead', settled_at = ?, attempts = attempts + 1, error = ?
                 WHERE ordinal = ? AND state = 'pending'",
                at,
                error,
                ordinal
            )
            .execute(conn)
            .await?
        }
    };
    Ok(settled.rows_affected() > 0)
}

/// Which state a notification is in.
pub async fn state(conn: &mut SqliteConnection, id: &str) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar!("SELECT state FROM notifications WHERE id = ?", id).fetch_optional(conn).await?)
}

/// The ids of all that were given up, the oldest first.
pub async fn dead(conn: &mut SqliteConnection) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM notifications WHERE state IN ('pending', 'dead') AND state = 'dead' ORDER BY ordinal"
    )
    .fetch_all(conn)
    .await?)
}

/// Has one that is pending or dead tried again at once, as if for the first time.
pub async fn retry(conn: &mut SqliteConnection, id: &str) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE notifications
         SET state = 'pending', attempts = 0, refusals = 0, since = NULL, next_at = 0, settled_at = NULL
         WHERE id = ? AND state IN ('pending', 'dead')",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has one that is pending or dead never be delivered.
pub async fn drop(conn: &mut SqliteConnection, id: &str, now: Timestamp) -> Result<(), Error> {
    let at = now.to_string();
    sqlx::query!(
        "UPDATE notifications SET state = 'dropped', settled_at = ? WHERE id = ? AND state IN ('pending', 'dead')",
        at,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many are pending and dead.
pub async fn counts(conn: &mut SqliteConnection) -> Result<Counts, Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE state = 'pending') AS "pending!: u32",
               count(*) FILTER (WHERE state = 'dead') AS "dead!: u32"
           FROM notifications WHERE state IN ('pending', 'dead')"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Counts { pending: row.pending.into(), dead: row.dead.into() })
}

/// Says of what tells the end of a hold, if it is what happened just before `event_id`, that it tells of this run: no message
/// of its own will.
pub async fn take_up(
    conn: &mut SqliteConnection,
    session: &SessionId,
    run: RunId,
    event_id: i64,
) -> Result<(), Error> {
    let session = session.as_str();
    sqlx::query!(
        "UPDATE notifications SET run = ? WHERE event = 'hold_ended'
             AND event_id = (SELECT max(id) FROM events WHERE session_id = ? AND id < ?)",
        run.0,
        session,
        event_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a run's start was told.
pub async fn announced(readers: &Readers, run: RunId) -> Result<Vec<Announced>, Error> {
    let rows = sqlx::query!(
        r#"SELECT chat, message_id AS "message_id!" FROM notifications
           WHERE run = ? AND state = 'delivered' AND message_id IS NOT NULL"#,
        run.0
    )
    .fetch_all(readers)
    .await?;
    Ok(rows.into_iter().map(|row| Announced { chat: row.chat, message_id: row.message_id }).collect())
}

/// A row as it is stored.
struct Row {
    ordinal: i64,
    id: String,
    session_id: Option<String>,
    chat: Option<String>,
    lane: String,
    task: Option<i64>,
    gate: Option<String>,
    kind: String,
    event: String,
    message: String,
    telegram: String,
    at: String,
    state: String,
    attempts: u32,
    refusals: u32,
    since: Option<i64>,
    next_at: i64,
    error: Option<String>,
}

impl Row {
    fn read(self) -> Result<Notification, Error> {
        let instant = |milliseconds| {
            Timestamp::from_millisecond(milliseconds).map_err(|error| Error::corrupt(TABLE, error))
        };
        Ok(Notification {
            ordinal: self.ordinal,
            id: self.id,
            session: self.session_id,
            chat: self.chat,
            lane: self.lane,
            task: self.task,
            gate: self.gate,
            kind: self.kind,
            event: self.event,
            message: self.message,
            telegram: from_json(TABLE, &self.telegram)?,
            at: parsed(TABLE, &self.at)?,
            state: self.state,
            attempts: self.attempts,
            refusals: self.refusals,
            since: self.since.map(instant).transpose()?,
            next_at: instant(self.next_at)?,
            error: self.error,
        })
    }
}
