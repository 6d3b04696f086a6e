//! Runs: written ahead of the process that they are about, and ended with its verdict.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{Error, from_json, parsed, to_json};
use crate::domain::id::{RunId, SessionId, TaskNumber};
use crate::domain::run::Outcome;

const TABLE: &str = "runs";

/// What is known of a run before its process exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its session.
    pub session: SessionId,
    /// Its task.
    pub task: TaskNumber,
    /// Which of the task's runs it is, from 1.
    pub number: u32,
    /// What every process of it carries in its environment.
    pub marker: Uuid,
    /// The boot in which it was claimed.
    pub boot_id: String,
    /// The pid namespace in which it was claimed.
    pub pid_namespace: String,
    /// The folder with its files, absolute: where they are looked for whatever is configured by then.
    pub folder: PathBuf,
    /// The Claude session that it begins or continues.
    pub conversation: Uuid,
    /// Whether it continues that session.
    pub resumed: bool,
    /// When it was claimed.
    pub claimed_at: Timestamp,
}

/// Writes a run ahead of its process.
pub async fn insert(conn: &mut SqliteConnection, run: &Run) -> Result<(), Error> {
    let session = run.session.as_str();
    let (marker, conversation) = (run.marker.to_string(), run.conversation.to_string());
    let claimed_at = run.claimed_at.to_string();
    let folder = run.folder.to_string_lossy();
    let folder = folder.as_ref();
    sqlx::query!(
        "INSERT INTO runs
           (id, session_id, task, number, marker, boot_id, pid_namespace, folder, conversation, resumed, claimed_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        run.id.0,
        session,
        run.task.0,
        run.number,
        marker,
        run.boot_id,
        run.pid_namespace,
        folder,
        conversation,
        run.resumed,
        claimed_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a run, and books what it used up on a day's account, as [`DayAccount::book`] does.
///
/// [`DayAccount::book`]: crate::domain::limits::DayAccount::book
pub async fn end(
    conn: &mut SqliteConnection,
    run: RunId,
    outcome: &Outcome,
    at: Timestamp,
    day: Date,
) -> Result<(), Error> {
    let usage = &outcome.usage;
    let (day, micro_usd) = (day.to_string(), usage.cost.micros());
    let tokens = i64::try_from(usage.tokens()).unwrap_or(i64::MAX);
    let untold = i64::from(usage.at_least) - i64::from(usage.includes);
    let (outcome, at) = (to_json(TABLE, outcome)?, at.to_string());
    // Together, for each call is a way to the database's thread and back.
    sqlx::query!(
        "UPDATE runs SET ended_at = ?, outcome = ? WHERE id = ?;
         INSERT INTO spending (day, micro_usd, tokens, untold) VALUES (?, ?, ?, max(0, ?))
           ON CONFLICT DO UPDATE SET micro_usd = micro_usd + excluded.micro_usd, tokens = tokens + excluded.tokens,
             untold = max(0, untold + ?)",
        at,
        outcome,
        run.0,
        day,
        micro_usd,
        tokens,
        untold,
        untold
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The one run that hasn't ended.
pub async fn open(conn: &mut SqliteConnection) -> Result<Option<Run>, Error> {
    sqlx::query!(
        r#"SELECT id AS "id!", session_id, task AS "task: u32", number AS "number: u32", marker, boot_id, pid_namespace,
             folder, conversation, resumed AS "resumed: bool", claimed_at
           FROM runs WHERE ended_at IS NULL"#
    )
    .fetch_optional(conn)
    .await?
    .map(|row| {
        Ok(Run {
            id: RunId(row.id),
            session: SessionId::new(row.session_id),
            task: TaskNumber(row.task),
            number: row.number,
            marker: parsed(TABLE, &row.marker)?,
            boot_id: row.boot_id,
            pid_namespace: row.pid_namespace,
            folder: PathBuf::from(row.folder),
            conversation: parsed(TABLE, &row.conversation)?,
            resumed: row.resumed,
            claimed_at: parsed(TABLE, &row.claimed_at)?,
        })
    })
    .transpose()
}

/// The highest id given so far.
pub async fn last(conn: &mut SqliteConnection) -> Result<RunId, Error> {
    let last = sqlx::query_scalar!(r#"SELECT max(id) AS "last: i64" FROM runs"#).fetch_one(conn).await?;
    Ok(RunId(last.unwrap_or(0)))
}

/// A run as its session's story tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: RunId,
    /// Its task.
    pub task: TaskNumber,
    /// Which of the task's runs it is, from 1.
    pub number: u32,
    /// Whether it continued an earlier one's Claude session.
    pub resumed: bool,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// When it ended and what came of it, unless it is still open.
    pub end: Option<(Timestamp, Outcome)>,
}

/// The runs of one session: by task, in their order.
pub async fn of_session(conn: &mut SqliteConnection, session: &SessionId) -> Result<Vec<Record>, Error> {
    let session = session.as_str();
    sqlx::query!(
        r#"SELECT id AS "id!", task AS "task: u32", number AS "number: u32", resumed AS "resumed: bool", claimed_at,
             ended_at, outcome
           FROM runs WHERE session_id = ? ORDER BY task, number"#,
        session
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| {
        let end = match (row.ended_at, row.outcome) {
            (Some(at), Some(outcome)) => Some((parsed(TABLE, &at)?, from_json(TABLE, &outcome)?)),
            (Some(_), None) | (None, Some(_)) => {
                return Err(Error::corrupt(TABLE, "an end without an outcome, or the reverse"));
            }
            (None, None) => None,
        };
        Ok(Record {
            id: RunId(row.id),
            task: TaskNumber(row.task),
            number: row.number,
            resumed: row.resumed,
            claimed_at: parsed(TABLE, &row.claimed_at)?,
            end,
        })
    })
    .collect()
}
