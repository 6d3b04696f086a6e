//! Sessions and their tasks: what an execution stands at.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqliteExecutor};

use super::{Error, Readers, from_json, parsed, to_json};
use crate::domain::id::SessionId;
use crate::domain::session::{Session, TaskFile};
use crate::domain::task::Task;

const TABLE: &str = "sessions";
const TASKS: &str = "tasks";

/// Writes a session that didn't exist before.
pub async fn insert(conn: &mut SqliteConnection, session: &Session, day: Option<&str>) -> Result<(), Error> {
    let (id, file) = (session.id.as_str(), &session.task_file);
    let policy = to_json(TABLE, &session.policy)?;
    let (started_at, last_activity) = (session.started_at.to_string(), session.last_activity.to_string());
    let state = to_json(TABLE, &session.state)?;
    sqlx::query!(
        "INSERT INTO sessions (id, task_file, digest, policy, day, rehearsal, started_at, last_activity, state)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        id,
        file.name,
        file.digest,
        policy,
        day,
        session.rehearsal,
        started_at,
        last_activity,
        state
    )
    .execute(&mut *conn)
    .await?;
    for (position, task) in session.tasks.iter().enumerate() {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let (spec, progress) = (to_json(TASKS, &task.spec)?, to_json(TASKS, &task.progress)?);
        sqlx::query!(
            "INSERT INTO tasks (session_id, position, spec, progress) VALUES (?, ?, ?, ?)",
            id,
            position,
            spec,
            progress
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Writes what a transition changed; tasks that both share are left alone.
pub async fn update(conn: &mut SqliteConnection, before: &Session, after: &Session) -> Result<(), Error> {
    let id = after.id.as_str();
    let last_activity = after.last_activity.to_string();
    let state = to_json(TABLE, &after.state)?;
    let changed = before.tasks.iter().zip(&after.tasks).enumerate();
    let mut tasks = BTreeMap::new();
    for (position, (_, task)) in changed.filter(|(_, (before, after))| !Arc::ptr_eq(before, after)) {
        tasks.insert(position, to_json(TASKS, &task.progress)?);
    }
    let tasks = to_json(TASKS, &tasks)?;
    // Together, for each call is a way to the database's thread and back.
    sqlx::query!(
        "UPDATE sessions SET state = ?, last_activity = ? WHERE id = ?;
         UPDATE tasks SET progress = json_extract(?, '$.' || position)
         WHERE session_id = ? AND position IN (SELECT CAST(key AS INTEGER) FROM json_each(?))",
        state,
        last_activity,
        id,
        tasks,
        id,
        tasks
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The open sessions, oldest first.
pub async fn open(conn: &mut SqliteConnection) -> Result<Vec<Session>, Error> {
    let ids = sqlx::query_scalar!("SELECT id FROM sessions WHERE status = 'open' ORDER BY ordinal")
        .fetch_all(&mut *conn)
        .await?;
    let mut sessions = Vec::with_capacity(ids.len());
    for id in ids {
        sessions.extend(load(conn, &SessionId::new(id)).await?);
    }
    Ok(sessions)
}

/// The session that was started last.
pub async fn newest(conn: &mut SqliteConnection) -> Result<Option<Session>, Error> {
    let id = sqlx::query_scalar!("SELECT id FROM sessions ORDER BY ordinal DESC LIMIT 1")
        .fetch_optional(&mut *conn)
        .await?;
    match id {
        Some(id) => load(conn, &SessionId::new(id)).await,
        None => Ok(None),
    }
}

/// One session, whole.
pub async fn load(conn: &mut SqliteConnection, id: &SessionId) -> Result<Option<Session>, Error> {
    let id = id.as_str();
    let row = sqlx::query!(
        r#"SELECT task_file, digest, policy, rehearsal AS "rehearsal: bool", started_at, last_activity, state
           FROM sessions WHERE id = ?"#,
        id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let tasks = sqlx::query!("SELECT spec, progress FROM tasks WHERE session_id = ? ORDER BY position", id)
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(|row| {
            let (spec, progress) = (from_json(TASKS, &row.spec)?, from_json(TASKS, &row.progress)?);
            Ok(Arc::new(Task { spec: Arc::new(spec), progress }))
        })
        .collect::<Result<_, Error>>()?;
    Ok(Some(Session {
        id: SessionId::new(id),
        task_file: TaskFile { name: row.task_file, digest: row.digest },
        policy: from_json(TABLE, &row.policy)?,
        rehearsal: row.rehearsal,
        started_at: parsed(TABLE, &row.started_at)?,
        last_activity: parsed(TABLE, &row.last_activity)?,
        tasks,
        state: from_json(TABLE, &row.state)?,
    }))
}

/// The day's log that was snapshotted with the plan, as JSON.
pub async fn day(readers: &Readers, id: &SessionId) -> Result<Option<String>, Error> {
    let id = id.as_str();
    Ok(sqlx::query_scalar!("SELECT day FROM sessions WHERE id = ?", id)
        .fetch_optional(readers)
        .await?
        .flatten())
}

/// Whether an id is taken.
pub async fn exists(conn: &mut SqliteConnection, id: &SessionId) -> Result<bool, Error> {
    let id = id.as_str();
    let found = sqlx::query_scalar!(r#"SELECT 1 AS "one!: i64" FROM sessions WHERE id = ?"#, id)
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

/// The session that completed exactly these bytes of a task file, if one did.
pub async fn completed(conn: &mut SqliteConnection, file: &TaskFile) -> Result<Option<SessionId>, Error> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM sessions WHERE digest = ? AND status = 'completed' AND task_file = ? AND rehearsal = 0
         ORDER BY ordinal DESC LIMIT 1",
        file.digest,
        file.name
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(SessionId::new))
}

/// A line of the list of sessions.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub id: SessionId,
    /// The file it came from.
    pub task_file: String,
    /// `open`, `completed` or `stopped`.
    pub status: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// How many tasks it has.
    pub total: i64,
    /// How many of them are completed.
    pub completed: i64,
}

/// The newest sessions, newest first.
pub async fn list(reader: impl SqliteExecutor<'_>, limit: i64) -> Result<Vec<Listed>, Error> {
    sqlx::query!(
        r#"SELECT id, task_file, status, started_at,
             (SELECT count(*) FROM tasks WHERE session_id = sessions.id) AS "total!: i64",
             (SELECT count(*) FROM tasks WHERE session_id = sessions.id AND tasks.state = 'completed')
               AS "completed!: i64"
           FROM sessions ORDER BY ordinal DESC LIMIT ?"#,
        limit
    )
    .fetch_all(reader)
    .await?
    .into_iter()
    .map(|row| {
        Ok(Listed {
            id: SessionId::new(row.id),
            task_file: row.task_file,
            status: row.status,
            started_at: parsed(TABLE, &row.started_at)?,
            total: row.total,
            completed: row.completed,
        })
    })
    .collect()
}
