//! What clients see of gates, tasks, holds and sessions: the parts of the answers.

use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use super::words::{
    Choice, Decision, GateKind, HoldKind, NotificationKind, NotificationState, SessionState, TaskState,
    Verdict,
};
use crate::domain::gate::{About, Gate};
use crate::domain::hold::Hold;
use crate::domain::instant::instant;
use crate::domain::recovery::Recovery;
use crate::domain::session::Session;
use crate::domain::task::Task;
use crate::domain::usd::Usd;
use crate::store::gates::Record;
use crate::store::outbox::Notification;
use crate::store::runs;
use crate::store::sessions::Listed;

/// A gate that waits for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GateView {
    /// Never used again, so that no late answer can meet another gate.
    #[schema(pattern = "^g7_[a-z2-7]{4}$")]
    id: String,
    kind: GateKind,
    /// The task that it is about; none at the session's end.
    #[schema(required)]
    task: Option<u32>,
    /// Why it opened: one approval discharges all of it.
    #[schema(min_items = 1)]
    reasons: Vec<String>,
    /// The answers it takes, the usual one first.
    #[schema(min_items = 1)]
    choices: Vec<Choice>,
    #[schema(format = DateTime)]
    opened_at: String,
    /// What is known of the run that failed or was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<RecoveryView>,
}

impl GateView {
    /// `session` is the gate's own, where what it knows of the task is wanted too.
    pub(super) fn new(gate: &Gate, session: Option<&Session>, zone: &TimeZone) -> Self {
        let recovery = match gate.about {
            About::Failed { task } | About::Interrupted { task } => {
                session.and_then(|session| session.task(task)?.progress.recovery.as_ref())
            }
            About::Before { .. } => None,
        };
        Self {
            id: gate.id.to_string(),
            kind: gate.into(),
            task: gate.task().map(|task| task.0),
            reasons: gate.reasons(),
            choices: gate.choices().into_iter().map(Into::into).collect(),
            opened_at: instant(gate.opened_at, zone),
            recovery: recovery.map(RecoveryView::from),
        }
    }
}

/// What is known of a run that failed or was interrupted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecoveryView {
    /// Whether `continue` can go on with its Claude session; `retry` begins from scratch in any case.
    resumable: bool,
    /// What it did last.
    #[schema(required)]
    last_activity: Option<String>,
    duration_seconds: u64,
    #[schema(value_type = f64)]
    cost_usd: Usd,
    /// Whether cost and tokens are only what is known: the run ended without telling what it used up.
    cost_at_least: bool,
    /// Tokens in and out.
    tokens: u64,
    /// Whether the project is different from what it was at the run's start; null if that can't be told.
    #[schema(required)]
    changed: Option<bool>,
    /// What is different, a short line each.
    changes: Vec<String>,
}

impl From<&Recovery> for RecoveryView {
    fn from(recovery: &Recovery) -> Self {
        Self {
            resumable: recovery.is_resumable(),
            last_activity: recovery.last_activity.clone(),
            duration_seconds: recovery.took.as_secs(),
            cost_usd: recovery.cost.known,
            cost_at_least: recovery.cost.at_least,
            tokens: recovery.tokens,
            changed: recovery.changed,
            changes: recovery.changes.clone(),
        }
    }
}

/// A gate of the past or the present.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GateRecordView {
    #[serde(flatten)]
    gate: GateView,
    session: String,
    /// What became of it; nothing yet while it is open.
    #[schema(required)]
    decision: Option<Decision>,
    #[schema(required)]
    decided_by: Option<String>,
    #[schema(required, format = DateTime)]
    closed_at: Option<String>,
}

impl GateRecordView {
    pub(super) fn new(record: &Record, zone: &TimeZone) -> Self {
        let closing = record.closing.as_ref();
        Self {
            gate: GateView::new(&record.gate, None, zone),
            session: record.session.to_string(),
            decision: closing.map(|closing| closing.decision.into()),
            decided_by: closing.map(|closing| closing.by.to_string()),
            closed_at: closing.map(|closing| instant(closing.at, zone)),
        }
    }
}

/// A task of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskView {
    /// Its number in the task file.
    id: u32,
    title: String,
    r#type: String,
    state: TaskState,
    /// How often it was begun.
    runs: u32,
    #[schema(value_type = f64)]
    cost_usd: Usd,
    /// Whether it may be more: a run ended without telling what it cost.
    cost_at_least: bool,
    duration_seconds: u64,
    /// What its newest run said at its end.
    #[schema(required)]
    summary: Option<String>,
}

impl TaskView {
    pub(super) fn new(task: &Task) -> Self {
        Self {
            id: task.number().0,
            title: task.spec.title.clone(),
            r#type: task.spec.kind.clone(),
            state: task.state().into(),
            runs: task.progress.runs,
            cost_usd: task.progress.cost,
            cost_at_least: task.progress.cost().at_least,
            duration_seconds: task.progress.duration.as_secs(),
            summary: task.progress.summary.clone(),
        }
    }
}

/// What keeps every task from starting.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HoldView {
    kind: HoldKind,
    /// When it ends by itself; without a time it waits for `resume`, or (`disk`, `leftover`) ends when that is over.
    #[schema(required, format = DateTime)]
    until: Option<String>,
    /// What happened and what would help.
    reason: String,
}

impl HoldView {
    pub(super) fn new(hold: &Hold, zone: &TimeZone) -> Self {
        Self {
            kind: hold.kind.into(),
            until: hold.until.map(|until| instant(until, zone)),
            reason: hold.reason.clone(),
        }
    }
}

/// A session in the list of sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionView {
    /// Its id.
    session: String,
    task_file: String,
    #[schema(value_type = SessionState)]
    status: String,
    #[schema(minimum = 0)]
    total: i64,
    #[schema(minimum = 0)]
    completed: i64,
    #[schema(format = DateTime)]
    started_at: String,
}

impl SessionView {
    pub(super) fn new(listed: &Listed, zone: &TimeZone) -> Self {
        Self {
            session: listed.id.to_string(),
            task_file: listed.task_file.clone(),
            status: listed.status.clone(),
            total: listed.total,
            completed: listed.completed,
            started_at: instant(listed.started_at, zone),
        }
    }
}

/// A run of a task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunView {
    /// Its id; ids count up over all sessions.
    run: i64,
    /// Its task.
    task: u32,
    /// Which of the task's runs it is, from 1, as its files are named: `task-2-run-1.log`.
    number: u32,
    /// Whether it continued the Claude session of the run before.
    resumed: bool,
    /// What it came to; nothing yet while it is open.
    #[schema(required)]
    verdict: Option<Verdict>,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    #[schema(value_type = f64)]
    cost_usd: Usd,
    /// Whether cost and tokens are only what is known: the run ended without telling what it used up.
    cost_at_least: bool,
    /// Cached ones included.
    input_tokens: u64,
    output_tokens: u64,
    /// The model that Claude said it used.
    #[schema(required)]
    model: Option<String>,
    /// What Claude wanted to do and wasn't allowed to.
    denials: Vec<String>,
}

impl RunView {
    pub(super) fn new(record: runs::Record, zone: &TimeZone) -> Self {
        let (ended_at, outcome) = record.end.unzip();
        let verdict = outcome.as_ref().map(|outcome| Verdict::from(&outcome.verdict));
        let (usage, denials) = outcome.map(|outcome| (outcome.usage, outcome.denials)).unwrap_or_default();
        Self {
            run: record.id.0,
            task: record.task.0,
            number: record.number,
            resumed: record.resumed,
            verdict,
            started_at: instant(record.claimed_at, zone),
            ended_at: ended_at.map(|at| instant(at, zone)),
            cost_usd: usage.cost,
            cost_at_least: usage.at_least,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            model: usage.model,
            denials,
        }
    }
}

/// A notification that is not delivered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NotificationView {
    /// Its id, which is its `webhook-id` too.
    id: String,
    #[schema(value_type = NotificationState)]
    state: String,
    #[schema(value_type = NotificationKind)]
    r#type: String,
    /// What kind of event it tells.
    event: String,
    #[schema(required)]
    session: Option<String>,
    #[schema(required)]
    task: Option<i64>,
    #[schema(required)]
    gate: Option<String>,
    /// The chat that it is for; n8n's own choice if there is none.
    #[schema(required)]
    chat_id: Option<String>,
    /// What it tells.
    message: String,
    #[schema(format = DateTime)]
    occurred_at: String,
    /// How often it was sent in vain.
    attempts: u32,
    /// When it is sent next, if it failed before and wasn't given up.
    #[schema(required, format = DateTime)]
    next_attempt_at: Option<String>,
    /// Why it was not delivered, the last time.
    #[schema(required)]
    error: Option<String>,
}

impl NotificationView {
    pub(super) fn new(notification: Notification, zone: &TimeZone) -> Self {
        let waits = notification.state == "pending" && notification.attempts > 0;
        Self {
            id: notification.id,
            r#type: notification.kind,
            event: notification.event,
            session: notification.session,
            task: notification.task,
            gate: notification.gate,
            chat_id: notification.chat,
            message: notification.message,
            occurred_at: instant(notification.at, zone),
            attempts: notification.attempts,
            next_attempt_at: waits.then(|| instant(notification.next_at, zone)),
            error: notification.error,
            state: notification.state,
        }
    }
}
