//! What the endpoints answer when all went well.

use serde::Serialize;
use utoipa::openapi::schema::AnyOf;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::chat::ChatMessage;
use super::status::StatusView;
use super::view::{GateRecordView, GateView, NotificationView, RunView, SessionView, TaskView};
use super::words::{Health, Success};

/// A command was carried out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "status": "ok",
    "message": "Session 20251120-093015: 2025-11-20-tasks.md, 5 tasks",
    "session": "20251120-093015",
    "task": 1,
    "gate": {
        "id": "g7_k3qd", "kind": "before", "task": 1, "reasons": ["start", "required"],
        "choices": ["approve", "reject", "skip", "stop"], "opened_at": "2025-11-20T09:30:15.123+01:00",
    },
    "telegram": {
        "text": "<b>🤖 Orchestrator Starting…</b>\n\n📋 Loading tasks from: 2025-11-20-tasks.md",
        "parse_mode": "HTML",
        "reply_markup": {"inline_keyboard": [[
            {"text": "✅ Approve", "callback_data": "approve:g7_k3qd"},
            {"text": "✏️ Reject", "callback_data": "reject:g7_k3qd"},
        ]]},
    },
})))]
pub(super) struct Done {
    pub(super) status: Success,
    /// What was done, for a person.
    pub(super) message: String,
    #[serde(flatten)]
    pub(super) situation: Situation,
    pub(super) telegram: ChatMessage,
}

/// What is current after a command.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Situation {
    /// The current session.
    #[schema(required)]
    pub(super) session: Option<String>,
    /// The current task's number.
    #[schema(required)]
    pub(super) task: Option<u32>,
    /// The open gate.
    #[schema(required)]
    pub(super) gate: Option<GateView>,
}

/// The tasks of a session, and their runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "status": "ok",
    "message": "1. Create baptisms migration (database): completed",
    "session": "20251120-093015",
    "tasks": [{
        "id": 1, "title": "Create baptisms migration", "type": "database", "state": "completed", "runs": 1,
        "cost_usd": 0.42, "cost_at_least": false, "duration_seconds": 27,
        "summary": "Added the migration and its test",
    }],
    "runs": [{
        "run": 12, "task": 1, "number": 1, "resumed": false, "verdict": "completed",
        "started_at": "2025-11-20T09:31:02.456+01:00", "ended_at": "2025-11-20T09:31:29.789+01:00",
        "cost_usd": 0.42, "cost_at_least": false, "input_tokens": 12345, "output_tokens": 678,
        "model": "claude-opus-5-5", "denials": [],
    }],
    "telegram": {"text": "<b>📋 1 task</b>\nSession: 20251120-093015\n\n✅ 1. Create baptisms migration (database)", "parse_mode": "HTML"},
})))]
pub(super) struct TaskList {
    pub(super) status: Success,
    /// The same for a person, a line a task.
    pub(super) message: String,
    pub(super) session: String,
    /// In the order of the task file.
    pub(super) tasks: Vec<TaskView>,
    /// Their runs: by task, the first first.
    pub(super) runs: Vec<RunView>,
    pub(super) telegram: ChatMessage,
}

/// The sessions so far.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "status": "ok",
    "message": "20251120-093015 open: 1 of 5 tasks completed (2025-11-20-tasks.md)",
    "sessions": [{
        "session": "20251120-093015", "task_file": "2025-11-20-tasks.md", "status": "open", "total": 5,
        "completed": 1, "started_at": "2025-11-20T09:30:15.123+01:00",
    }],
    "telegram": {"text": "<b>🗂 Sessions, the newest first</b>\n\n▶️ 20251120-093015: 1 of 5 done, 2025-11-20-tasks.md", "parse_mode": "HTML"},
})))]
pub(super) struct SessionList {
    pub(super) status: Success,
    /// The same for a person, a line a session.
    pub(super) message: String,
    /// The newest first.
    pub(super) sessions: Vec<SessionView>,
    pub(super) telegram: ChatMessage,
}

/// The gates so far.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "status": "ok",
    "message": "1 gate, the newest first",
    "gates": [{
        "id": "g7_k3qd", "kind": "before", "task": 2, "reasons": ["required", "checkpoint after task 1"],
        "choices": ["approve", "reject", "skip", "stop"], "opened_at": "2025-11-20T09:30:15.123+01:00",
        "session": "20251120-093015", "decision": "approved", "decided_by": "Ana",
        "closed_at": "2025-11-20T09:31:02.456+01:00",
    }],
    "telegram": {"text": "<b>🚪 1 gate, the newest first</b>\n\n☑️ g7_k3qd (task 2): approved by Ana at 09:31", "parse_mode": "HTML"},
})))]
pub(super) struct GateList {
    pub(super) status: Success,
    /// How many are listed.
    pub(super) message: String,
    /// The newest first.
    pub(super) gates: Vec<GateRecordView>,
    pub(super) telegram: ChatMessage,
}

/// The newest lines of a session's story, or of a task's output.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "status": "ok",
    "message": "[09:30:15] Task 1 started",
    "session": "20251120-093015",
    "logs": "[09:30:15] Task 1 started",
    "telegram": {"text": "<b>📜 Recent logs (last 1 line)</b>\n<pre>[09:30:15] Task 1 started</pre>", "parse_mode": "HTML"},
})))]
pub(super) struct Lines {
    pub(super) status: Success,
    /// The lines, or that there are none yet.
    pub(super) message: String,
    pub(super) session: String,
    /// The lines, the newest last.
    pub(super) logs: String,
    pub(super) telegram: ChatMessage,
}

/// Notifications that wait to be delivered or were given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "status": "ok",
    "message": "1 notification on the way, 0 given up",
    "notifications": [{
        "id": "019aa0c2-5f3e-7c41-9d2e-6b1f0a7c8d90", "state": "pending", "type": "success",
        "event": "task_completed", "session": "20251120-093015", "task": 1, "gate": null, "chat_id": "42",
        "message": "Task 1/5, Create baptisms migration: completed in 27s, $0.42",
        "occurred_at": "2025-11-20T09:31:02.456+01:00", "attempts": 3,
        "next_attempt_at": "2025-11-20T09:31:10.456+01:00",
        "error": "n8n can't be reached: Connection refused (os error 111)",
    }],
    "telegram": {
        "text": "<b>📬 1 notification on the way, 0 given up</b>\n\n⏳ Task 1/5, Create baptisms migration: completed",
        "parse_mode": "HTML",
    },
})))]
pub(super) struct NotificationList {
    pub(super) status: Success,
    /// How many there are, listed or not.
    pub(super) message: String,
    /// The newest first.
    pub(super) notifications: Vec<NotificationView>,
    pub(super) telegram: ChatMessage,
}

/// The commands that there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "status": "ok",
    "message": "/approve [gate] [note]: say yes to the open gate\n/resume: go on",
    "telegram": {"text": "<b>🤖 Commands</b>\n\n/approve <i>[gate] [note]</i> – say yes to the open gate", "parse_mode": "HTML"},
})))]
pub(super) struct Help {
    pub(super) status: Success,
    /// A line a command.
    pub(super) message: String,
    pub(super) telegram: ChatMessage,
}

/// Whether the daemon is well.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({"status": "ok", "version": "0.1.0", "uptime": 3600})))]
pub(super) struct HealthView {
    pub(super) status: Health,
    pub(super) version: &'static str,
    /// Seconds since its start.
    pub(super) uptime: u64,
    /// What isn't well, for those who know the secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) reasons: Vec<String>,
}

/// What `/command` answers: whatever the endpoint of the command that was said would.
pub(super) struct Told;

impl Told {
    fn answers() -> [Answer; 6] {
        [
            Answer::of::<Done>(),
            Answer::of::<StatusView>(),
            Answer::of::<TaskList>(),
            Answer::of::<Lines>(),
            Answer::of::<SessionList>(),
            Answer::of::<Help>(),
        ]
    }
}

struct Answer {
    name: String,
    schema: RefOr<Schema>,
    parts: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Answer {
    fn of<T: ToSchema>() -> Self {
        Self { name: T::name().into_owned(), schema: T::schema(), parts: T::schemas }
    }
}

impl ToSchema for Told {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for Answer { name, schema, parts } in Self::answers() {
            schemas.push((name, schema));
            parts(schemas);
        }
    }
}

impl PartialSchema for Told {
    fn schema() -> RefOr<Schema> {
        let mut told = AnyOf::new();
        told.items = Self::answers().map(|answer| Ref::from_schema_name(answer.name).into()).into();
        told.description = Some("What the command's own endpoint answers".to_owned());
        Schema::AnyOf(told).into()
    }
}
