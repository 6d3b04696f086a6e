//! Where things stand: what `/status` answers.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::chat::ChatMessage;
use super::view::{GateView, HoldView, TaskView};
use super::words::Standing;
use crate::domain::duration::human;
use crate::domain::event::Subject;
use crate::domain::instant::instant;
use crate::domain::number::count;
use crate::domain::sentence::waiting_sentence;
use crate::domain::session::{Session, Work};
use crate::domain::standing;
use crate::domain::usd::Usd;
use crate::telegram::{self, Scene, Status};

/// Where things stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "status": "waiting_approval", "task": 2, "total": 5, "completed": 1, "failed": 0, "interrupted": 0,
    "skipped": 0, "progress": 20, "session": "20251120-093015", "task_file": "2025-11-20-tasks.md",
    "task_file_changed": false, "rehearsal": false,
    "current": {
        "id": 2, "title": "Create server actions", "type": "backend", "state": "pending", "runs": 0,
        "cost_usd": 0.0, "cost_at_least": false, "duration_seconds": 0, "summary": null,
    },
    "gate": {
        "id": "g7_k3qd", "kind": "before", "task": 2, "reasons": ["required", "checkpoint after task 1"],
        "choices": ["approve", "reject", "skip", "stop"], "opened_at": "2025-11-20T09:31:02.456+01:00",
    },
    "paused": false, "hold": null, "started_at": "2025-11-20T09:30:15.123+01:00",
    "last_activity": "2025-11-20T09:31:02.456+01:00", "runtime_seconds": 312, "cost_usd": 0.42,
    "cost_at_least": false,
    "notifications": {"pending": 0, "dead": 0},
    "tasks": [{
        "id": 1, "title": "Create baptisms migration", "type": "database", "state": "completed", "runs": 1,
        "cost_usd": 0.42, "cost_at_least": false, "duration_seconds": 27,
        "summary": "Added the migration and its test",
    }],
    "message": "Session 20251120-093015: waiting approval",
    "telegram": {"text": "<b>📊 Orchestrator Status</b>\n\nSession: 20251120-093015", "parse_mode": "HTML"},
})))]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own")]
pub(super) struct StatusView {
    status: Standing,
    /// The current task's number.
    #[schema(required)]
    task: Option<u32>,
    total: usize,
    completed: usize,
    failed: usize,
    interrupted: usize,
    skipped: usize,
    /// Completed and skipped tasks of all, in percent.
    #[schema(maximum = 100)]
    progress: usize,
    /// The session's id.
    #[schema(required)]
    session: Option<String>,
    #[schema(required)]
    task_file: Option<String>,
    /// Whether the file isn't what the session read at its start any more.
    task_file_changed: bool,
    /// Whether this program plays the agent.
    rehearsal: bool,
    /// The task that runs or comes next.
    #[schema(required)]
    current: Option<TaskView>,
    /// The gate that waits for an answer.
    #[schema(required)]
    gate: Option<GateView>,
    paused: bool,
    #[schema(required)]
    hold: Option<HoldView>,
    #[schema(required, format = DateTime)]
    started_at: Option<String>,
    #[schema(required, format = DateTime)]
    last_activity: Option<String>,
    runtime_seconds: u64,
    #[schema(value_type = f64)]
    cost_usd: Usd,
    /// Whether it may be more: a run ended without telling what it cost.
    cost_at_least: bool,
    notifications: Notifications,
    /// In the order of the task file.
    tasks: Vec<TaskView>,
    /// The same for a person.
    message: String,
    telegram: ChatMessage,
}

/// Notifications that wait, or were given up.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Notifications {
    pending: u64,
    dead: u64,
}

impl From<&Status<'_>> for Notifications {
    fn from(status: &Status<'_>) -> Self {
        Self { pending: status.pending, dead: status.dead }
    }
}

impl StatusView {
    pub(super) fn new(status: &Status<'_>, scene: &Scene<'_>) -> Self {
        let Scene { hold, zone, .. } = scene;
        let hold_view = hold.map(|hold| HoldView::new(hold, zone));
        let telegram = telegram::status(status, scene).into();
        let Some(session) = scene.session else { return Self::idle(hold_view, status, telegram) };
        let counts = session.counts();
        let current = session.current();
        Self {
            status: standing::Standing::of(session, hold.is_some()).into(),
            task: current.map(|task| task.number().0),
            total: counts.total,
            completed: counts.completed,
            failed: counts.failed,
            interrupted: counts.interrupted,
            skipped: counts.skipped,
            progress: counts.progress(),
            session: Some(session.id.to_string()),
            task_file: Some(session.task_file.name.clone()),
            task_file_changed: status.task_file_changed,
            rehearsal: session.rehearsal,
            current: current.map(|task| TaskView::new(task)),
            gate: session.gate().map(|gate| GateView::new(gate, Some(session), zone)),
            paused: session.open().is_some_and(|open| open.paused.is_some()),
            hold: hold_view,
            started_at: Some(instant(session.started_at, zone)),
            last_activity: Some(instant(session.last_activity, zone)),
            runtime_seconds: runtime(session, scene.now).as_secs(),
            cost_usd: session.cost().known,
            cost_at_least: session.cost().at_least,
            notifications: status.into(),
            tasks: session.tasks.iter().map(|task| TaskView::new(task)).collect(),
            message: told(session, status, scene),
            telegram,
        }
    }
}

impl StatusView {
    fn idle(hold: Option<HoldView>, status: &Status<'_>, telegram: ChatMessage) -> Self {
        Self {
            status: Standing::Idle,
            task: None,
            total: 0,
            completed: 0,
            failed: 0,
            interrupted: 0,
            skipped: 0,
            progress: 0,
            session: None,
            task_file: None,
            task_file_changed: false,
            rehearsal: false,
            current: None,
            gate: None,
            paused: false,
            hold,
            started_at: None,
            last_activity: None,
            runtime_seconds: 0,
            cost_usd: Usd::default(),
            cost_at_least: false,
            notifications: status.into(),
            tasks: Vec::new(),
            message: nothing_yet(status.set_aside),
            telegram,
        }
    }
}

fn nothing_yet(set_aside: Option<&str>) -> String {
    let nothing = "No session yet: /start begins one";
    set_aside.map_or(nothing.to_owned(), |set_aside| format!("{nothing}\n{set_aside}"))
}

fn runtime(session: &Session, now: Timestamp) -> std::time::Duration {
    let end = session.ended_at().unwrap_or(now);
    std::time::Duration::try_from(end.duration_since(session.started_at)).unwrap_or_default()
}

/// How long a session has taken, as exactly as it is told: to the second, once there is one.
pub(super) fn told_runtime(session: &Session, now: Timestamp) -> std::time::Duration {
    let runtime = runtime(session, now);
    if runtime.as_secs() == 0 { runtime } else { std::time::Duration::from_secs(runtime.as_secs()) }
}

/// Where things stand, for a person.
fn told(session: &Session, status: &Status<'_>, scene: &Scene<'_>) -> String {
    let counts = session.counts();
    let mut lines = vec![
        format!(
            "Session {}{}: {}",
            session.id,
            if session.rehearsal { " (rehearsal)" } else { "" },
            standing::Standing::of(session, scene.hold.is_some()).in_words()
        ),
        format!(
            "Progress: {}/{} ({}%), {}, {}",
            counts.completed + counts.skipped,
            count(counts.total, "task"),
            counts.progress(),
            human(&runtime(session, scene.now)),
            session.cost()
        ),
    ];
    let subject = session.current().map(|task| Subject::of(session, task));
    lines.extend(session.open().map(|open| match &open.work {
        Work::Waiting { gate } | Work::Running { gate: Some(gate), .. } => {
            waiting_sentence(gate, subject.as_ref())
        }
        Work::Ready { .. } => format!("{}: approved and next", named(subject.as_ref())),
        Work::Running { gate: None, .. } => format!("{}: running", named(subject.as_ref())),
        Work::Ending { .. } => format!("{}: its run is being ended", named(subject.as_ref())),
    }));
    if session.open().is_some_and(|open| open.paused.is_some()) {
        lines.push("Paused: /resume goes on".to_owned());
    }
    if let Some(hold) = &scene.hold {
        let until = hold
            .until
            .map_or(String::from("until /resume"), |until| format!("until {}", instant(until, scene.zone)));
        lines.push(format!("On hold {until}: {}", hold.reason));
    }
    if status.task_file_changed {
        lines.push(format!(
            "{} was changed since: this session goes on with what it read at its start",
            session.task_file.name
        ));
    }
    lines.join("\n")
}

fn named(subject: Option<&Subject>) -> String {
    subject.map_or(String::new(), Subject::to_string)
}
