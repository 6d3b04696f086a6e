//! What each command endpoint takes, besides who sends it ([`Sender`](super::body::Sender)).

use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Count, Loose};
use super::error::ApiError;
use crate::domain::id::TaskNumber;
use crate::domain::words;

/// A command as people type and tap it.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"command": "/approve g7_k3qd looks good", "chat_id": 42, "user": "Ana"})))]
pub(super) struct Say {
    /// Any command: `start`, `/approve g7_k3qd`, `/approve_g7_k3qd`, `skip:g7_k3qd`, `/logs@MyBot 20`.
    pub(super) command: String,
}

/// Which task file to begin with.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"task_file": "2025-11-20-tasks.md", "request_id": "start-2025-11-20"})))]
pub(super) struct Start {
    /// A file in the task folder; today's, `YYYY-MM-DD-tasks.md`, if none is named.
    pub(super) task_file: Option<String>,
    /// Stop the open session first.
    pub(super) replace: Option<bool>,
    /// Even if the file was completed before and hasn't changed.
    pub(super) again: Option<bool>,
}

/// A yes to a gate.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"gate": "g7_k3qd", "note": "mind the index on created_at"})))]
pub(super) struct Approve {
    /// Which gate; the only open one if none is named.
    pub(super) gate: Option<String>,
    /// For the task: it reaches the prompt.
    pub(super) note: Option<String>,
}

/// A no to a gate.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"gate": "g7_k3qd", "feedback": "keep the old column until the next release"})))]
pub(super) struct Reject {
    /// Which gate; the only open one if none is named.
    pub(super) gate: Option<String>,
    /// What should be different: kept for the task's next run.
    pub(super) feedback: Option<String>,
}

/// How much is to pause.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"now": true})))]
pub(super) struct Pause {
    /// End the live run too; it goes on later where it was.
    pub(super) now: Option<bool>,
}

/// Which notification is to be tried again.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"id": "019aa0c2-5f3e-7c41-9d2e-6b1f0a7c8d90"})))]
pub(super) struct RetryNotification {
    /// Its id, or `all` for every one that was given up.
    pub(super) id: String,
}

/// Which notification is never to be delivered.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"id": "019aa0c2-5f3e-7c41-9d2e-6b1f0a7c8d90"})))]
pub(super) struct DropNotification {
    /// Its id.
    pub(super) id: String,
}

/// Nothing but who sends it.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"user": "Ana"})))]
pub(super) struct Plain {}

/// What to go on without; the current task if nothing is named.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"task": 3})))]
pub(super) struct Skip {
    /// The open gate of the task; not together with `task`.
    pub(super) gate: Option<String>,
    /// The task's number: `3`, `"3"` or `"#3"`.
    pub(super) task: Option<Loose>,
}

/// What to run again; the current task if nothing is named.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"gate": "g7_k3qd", "feedback": "the migration needs a default"})))]
pub(super) struct Retry {
    /// The open gate of the task; not together with `task`.
    pub(super) gate: Option<String>,
    /// The task's number: `3`, `"3"` or `"#3"`.
    pub(super) task: Option<Loose>,
    /// What should be different this time: it reaches the prompt.
    pub(super) feedback: Option<String>,
}

/// What to go on with; the current task if nothing is named.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"gate": "g7_k3qd", "feedback": "leave the old table alone"})))]
pub(super) struct Continue {
    /// The open gate of the task; not together with `task`.
    pub(super) gate: Option<String>,
    /// The task's number: `3`, `"3"` or `"#3"`.
    pub(super) task: Option<Loose>,
    /// What should be different from now on: it reaches the prompt.
    pub(super) feedback: Option<String>,
}

/// Which session to end.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"gate": "g7_k3qd"})))]
pub(super) struct Stop {
    /// The open gate of the session, to end no other.
    pub(super) gate: Option<String>,
}

/// Which session to tell of.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"session": "20251120-093015"})))]
pub(super) struct Status {
    /// A session's id; the current one if none is named.
    pub(super) session: Option<String>,
}

/// How much to list.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"limit": 5})))]
pub(super) struct List {
    /// How many; 20 if nobody says.
    pub(super) limit: Option<Count>,
}

/// How much to list, and of which session.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"session": "20251120-093015"})))]
pub(super) struct ListOf {
    /// How many; if nobody says, all of a session and 20 otherwise.
    pub(super) limit: Option<Count>,
    /// A session's id; for tasks the current one, for gates all of them if none is named.
    pub(super) session: Option<String>,
}

/// Which lines to tell.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"lines": 50, "task": 1})))]
pub(super) struct Logs {
    /// How many of the newest; 20 if nobody says.
    pub(super) lines: Option<Count>,
    /// The task whose output is meant: `3`, `"3"` or `"#3"`; the session's story if none is named.
    pub(super) task: Option<Loose>,
    /// A session's id; the current one if none is named.
    pub(super) session: Option<String>,
}

/// Reads a task as a person names it.
pub(super) fn task_number(task: &Loose) -> Result<TaskNumber, ApiError> {
    words::task_number(&task.0).ok_or_else(|| {
        ApiError::bad_request(format!("field \"task\": \"{}\" is not a task's number", task.0))
    })
}
