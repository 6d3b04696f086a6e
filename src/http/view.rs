//! What clients see of a session: the shapes of the answers.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::duration::human;
use crate::domain::event::{Subject, count, waiting_sentence};
use crate::domain::gate::Gate;
use crate::domain::hold::Hold;
use crate::domain::session::{Session, State, Work};
use crate::domain::task::Task;
use crate::domain::usd::Usd;
use crate::store::gates::Record;
use crate::store::sessions::Listed;

/// An instant as clients see it: RFC 3339 with the configured zone's offset.
pub(super) fn instant(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// A gate that waits for an answer.
#[derive(Debug, Serialize)]
pub(super) struct GateView {
    id: String,
    kind: &'static str,
    task: Option<u32>,
    reasons: Vec<String>,
    choices: Vec<&'static str>,
    opened_at: String,
}

impl GateView {
    pub(super) fn new(gate: &Gate, zone: &TimeZone) -> Self {
        Self {
            id: gate.id.to_string(),
            kind: gate.kind(),
            task: gate.task().map(|task| task.0),
            reasons: gate.reasons(),
            choices: gate.choices().into_iter().map(super::super::domain::gate::Choice::as_str).collect(),
            opened_at: instant(gate.opened_at, zone),
        }
    }
}

/// A gate of the past or the present.
#[derive(Debug, Serialize)]
pub(super) struct GateRecordView {
    #[serde(flatten)]
    gate: GateView,
    session: String,
    decision: Option<&'static str>,
    decided_by: Option<String>,
    closed_at: Option<String>,
}

impl GateRecordView {
    pub(super) fn new(record: &Record, zone: &TimeZone) -> Self {
        let closing = record.closing.as_ref();
        Self {
            gate: GateView::new(&record.gate, zone),
            session: record.session.to_string(),
            decision: closing.map(|closing| closing.decision.as_str()),
            decided_by: closing.map(|closing| closing.by.to_string()),
            closed_at: closing.map(|closing| instant(closing.at, zone)),
        }
    }
}

/// A task of a session.
#[derive(Debug, Serialize)]
pub(super) struct TaskView {
    id: u32,
    title: String,
    r#type: String,
    state: &'static str,
    runs: u32,
    cost_usd: Usd,
    duration_seconds: u64,
    summary: Option<String>,
}

impl TaskView {
    pub(super) fn new(task: &Task) -> Self {
        Self {
            id: task.number().0,
            title: task.spec.title.clone(),
            r#type: task.spec.kind.clone(),
            state: task.state().as_str(),
            runs: task.progress.runs,
            cost_usd: task.progress.cost,
            duration_seconds: task.progress.duration.as_secs(),
            summary: task.progress.summary.clone(),
        }
    }
}

/// What keeps every task from starting.
#[derive(Debug, Serialize)]
pub(super) struct HoldView {
    kind: &'static str,
    until: Option<String>,
    reason: String,
}

impl HoldView {
    pub(super) fn new(hold: &Hold, zone: &TimeZone) -> Self {
        Self {
            kind: hold.kind.as_str(),
            until: hold.until.map(|until| instant(until, zone)),
            reason: hold.reason.clone(),
        }
    }
}

/// A session in the list of sessions.
#[derive(Debug, Serialize)]
pub(super) struct SessionView {
    session: String,
    task_file: String,
    status: String,
    total: i64,
    completed: i64,
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

/// Where things stand.
#[derive(Debug, Default, Serialize)]
pub(super) struct StatusView {
    status: &'static str,
    task: Option<u32>,
    total: usize,
    completed: usize,
    failed: usize,
    interrupted: usize,
    skipped: usize,
    progress: usize,
    session: Option<String>,
    task_file: Option<String>,
    task_file_changed: bool,
    rehearsal: bool,
    current: Option<TaskView>,
    gate: Option<GateView>,
    paused: bool,
    hold: Option<HoldView>,
    started_at: Option<String>,
    last_activity: Option<String>,
    runtime_seconds: u64,
    cost_usd: Usd,
    notifications: Notifications,
    tasks: Vec<TaskView>,
    message: String,
}

/// Notifications that wait, or were given up.
#[derive(Debug, Default, Serialize)]
struct Notifications {
    pending: u64,
    dead: u64,
}

/// What a status is told from.
pub(super) struct Scene<'a> {
    pub(super) session: Option<&'a Session>,
    pub(super) hold: Option<Hold>,
    pub(super) task_file_changed: bool,
    pub(super) now: Timestamp,
    pub(super) zone: &'a TimeZone,
}

impl StatusView {
    pub(super) fn new(scene: &Scene<'_>) -> Self {
        let Scene { hold, zone, .. } = scene;
        let hold_view = hold.as_ref().map(|hold| HoldView::new(hold, zone));
        let Some(session) = scene.session else {
            return Self {
                status: "idle",
                hold: hold_view,
                message: "No session yet: /start begins one".to_owned(),
                ..Self::default()
            };
        };
        let counts = session.counts();
        let current = session.current();
        Self {
            status: status(session, hold.is_some()),
            task: current.map(|task| task.number().0),
            total: counts.total,
            completed: counts.completed,
            failed: counts.failed,
            interrupted: counts.interrupted,
            skipped: counts.skipped,
            progress: counts.progress(),
            session: Some(session.id.to_string()),
            task_file: Some(session.task_file.name.clone()),
            task_file_changed: scene.task_file_changed,
            rehearsal: session.rehearsal,
            current: current.map(|task| TaskView::new(task)),
            gate: session.gate().map(|gate| GateView::new(gate, zone)),
            paused: session.open().is_some_and(|open| open.paused.is_some()),
            hold: hold_view,
            started_at: Some(instant(session.started_at, zone)),
            last_activity: Some(instant(session.last_activity, zone)),
            runtime_seconds: runtime(session, scene.now).as_secs(),
            cost_usd: session.cost(),
            notifications: Notifications::default(),
            tasks: session.tasks.iter().map(|task| TaskView::new(task)).collect(),
            message: told(session, scene),
        }
    }
}

fn status(session: &Session, held: bool) -> &'static str {
    let open = match &session.state {
        State::Completed { .. } => return "completed",
        State::Stopped { .. } => return "stopped",
        State::Open(open) => open,
    };
    match &open.work {
        Work::Running { gate: None, .. } | Work::Ending { .. } => "running",
        _ if open.paused.is_some() => "paused",
        Work::Waiting { .. } | Work::Running { gate: Some(_), .. } => "waiting_approval",
        Work::Ready { .. } if held => "held",
        Work::Ready { .. } => "running",
    }
}

fn runtime(session: &Session, now: Timestamp) -> std::time::Duration {
    let end = session.ended_at().unwrap_or(now);
    std::time::Duration::try_from(end.duration_since(session.started_at)).unwrap_or_default()
}

/// Where things stand, for a person.
fn told(session: &Session, scene: &Scene<'_>) -> String {
    let counts = session.counts();
    let mut lines = vec![
        format!(
            "Session {}{}: {}",
            session.id,
            if session.rehearsal { " (rehearsal)" } else { "" },
            status(session, scene.hold.is_some()).replace('_', " ")
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
    let subject = session.current().map(|task| Subject {
        task: task.number(),
        of_total: session.of_total(task.number()),
        title: task.spec.title.clone(),
    });
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
    if scene.task_file_changed {
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
