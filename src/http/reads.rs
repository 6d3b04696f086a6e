//! The endpoints that only tell: from the snapshot where it will do, from the database and the log files otherwise.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;

use super::App;
use super::answers::{GateList, Help, Lines, SessionList, TaskList};
use super::body::Count;
use super::call::Call;
use super::error::ApiError;
use super::kept::Grounds;
use super::openapi::outcomes::{MayFail, MayNameNothing};
use super::requests::{List, ListOf, Logs, Status, task_number};
use super::status::{StatusView, told_runtime};
use super::view::{GateRecordView, RunView, SessionView, TaskView};
use super::words::Success;
use crate::domain::gate::Closing;
use crate::domain::id::{SessionId, TaskNumber};
use crate::domain::number::count;
use crate::domain::session::Session;
use crate::domain::words::COMMANDS;
use crate::engine::Snapshot;
use crate::files::tail;
use crate::store::{events, gates, runs, sessions};
use crate::taskfile;
use crate::telegram::{self, ListedGate, ListedSession, Log, Scene};

/// How many lines of a log are told when nobody says how many.
const LINES: Count = Count(20);
/// How many things are listed when nobody says how many.
pub(super) const LISTED: Count = Count(20);

/// Tells where things stand.
///
/// The current session, whole, or another one that is named.
#[utoipa::path(post, path = "/status", request_body = Status, responses((status = 200, body = StatusView), MayNameNothing))]
pub(super) async fn status(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Status { session } = call.read()?;
    app.callers.may_say(&call.sender, "status")?;
    tell_status(&app, session).await
}

/// Lists the tasks of a session, and their runs.
#[utoipa::path(post, path = "/tasks", request_body = ListOf, responses((status = 200, body = TaskList), MayNameNothing))]
pub(super) async fn tasks(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let ListOf { limit, session } = call.read()?;
    app.callers.may_say(&call.sender, "tasks")?;
    tell_tasks(&app, limit, session).await
}

/// Lists the sessions, the newest first.
#[utoipa::path(post, path = "/sessions", request_body = List, responses((status = 200, body = SessionList), MayFail))]
pub(super) async fn sessions(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    app.callers.may_say(&call.sender, "sessions")?;
    tell_sessions(&app, limit(&call)?).await
}

/// Lists the gates of a session as they opened, or of all sessions, the newest first.
#[utoipa::path(post, path = "/gates", request_body = ListOf, responses((status = 200, body = GateList), MayNameNothing))]
pub(super) async fn gates(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let ListOf { limit, session } = call.read()?;
    let (records, order) = if let Some(id) = &session {
        let session = load(&app, id).await?.id;
        let readers = app.engine.store().readers();
        let of_session = readers.with(async |conn| gates::of_session(conn, &session).await);
        (of_session.await?, "the first first")
    } else {
        let limit = limit.unwrap_or(LISTED);
        (gates::list(app.engine.store().readers(), limit.0).await?, "the newest first")
    };
    let listed = bound(limit, records.len());
    let gates: Vec<_> =
        records.iter().take(listed).map(|record| GateRecordView::new(record, app.zone())).collect();
    let message = format!("{}, {order}", count(gates.len(), "gate"));
    let shown: Vec<_> = records
        .iter()
        .take(listed)
        .map(|record| ListedGate { gate: &record.gate, closing: record.closing.as_ref() })
        .collect();
    let telegram = telegram::gates(&shown, order, &app.scene(None, None)).into();
    Ok(Json(GateList { status: Success::Ok, message, gates, telegram }).into_response())
}

/// Tells the newest lines of a session's story, or of a task's output.
#[utoipa::path(post, path = "/logs", request_body = Logs, responses((status = 200, body = Lines), MayNameNothing))]
pub(super) async fn logs(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Logs { lines, task, session } = call.read()?;
    app.callers.may_say(&call.sender, "logs")?;
    let task = task.map(|task| task_number(&task)).transpose()?;
    tell_logs(&app, lines, task, session).await
}

pub(super) async fn tell_status(app: &App, session: Option<String>) -> Result<Response, ApiError> {
    let Some(id) = session else { return Ok(tell_current(app)) };
    let (snapshot, session) = (app.engine.snapshot(), load(app, &id).await?);
    let decided = last_decision(app, &session.id).await;
    let status = telegram::Status {
        task_file_changed: file_changed(app, &session),
        decided: decided.as_ref(),
        ..status_of(&snapshot)
    };
    let hold = app.engine.hold();
    Ok(Json(StatusView::new(&status, &app.scene(Some(&session), hold.as_ref()))).into_response())
}

/// From what is committed, which is in memory, and no database.
fn tell_current(app: &App) -> Response {
    let (snapshot, now) = (app.engine.snapshot(), app.engine.now());
    let session = snapshot.current().map(AsRef::as_ref);
    let hold = snapshot.hold.as_ref().filter(|hold| hold.stands(now));
    let task_file_changed = session.is_some_and(|session| file_changed(app, session));
    let grounds = Grounds {
        snapshot: Arc::clone(&snapshot),
        second: now.as_second(),
        runtime: session.map(|session| told_runtime(session, now)),
        held: hold.is_some(),
        task_file_changed,
    };
    app.status.tell(grounds, || {
        let decided = session.and_then(|session| snapshot.decided(&session.id));
        let status = telegram::Status { task_file_changed, decided, ..status_of(&snapshot) };
        StatusView::new(&status, &Scene { now, ..app.scene(session, hold) })
    })
}

fn status_of(snapshot: &Snapshot) -> telegram::Status<'_> {
    telegram::Status {
        pending: snapshot.notifications.pending,
        dead: snapshot.notifications.dead,
        set_aside: snapshot.set_aside.as_deref(),
        ..telegram::Status::default()
    }
}

pub(super) async fn tell_tasks(
    app: &App,
    limit: Option<Count>,
    session: Option<String>,
) -> Result<Response, ApiError> {
    let session = named_or_current(app, session).await?;
    let tasks = || session.tasks.iter().take(bound(limit, session.tasks.len()));
    let lines: Vec<_> = tasks()
        .map(|task| {
            format!("{}. {} ({}): {}", task.number(), task.spec.title, task.spec.kind, task.state().as_str())
        })
        .collect();
    Ok(Json(TaskList {
        status: Success::Ok,
        message: lines.join("\n"),
        session: session.id.to_string(),
        tasks: tasks().map(|task| TaskView::new(task)).collect(),
        runs: runs_of(app, &session.id).await?,
        telegram: telegram::tasks(&session, &app.scene(Some(&session), None)).into(),
    })
    .into_response())
}

pub(super) async fn tell_sessions(app: &App, limit: Option<Count>) -> Result<Response, ApiError> {
    let listed = sessions::list(app.engine.store().readers(), limit.unwrap_or(LISTED).0).await?;
    let lines: Vec<_> = listed
        .iter()
        .map(|session| {
            format!(
                "{} {}: {} of {} completed ({})",
                session.id,
                session.status,
                session.completed,
                count(usize::try_from(session.total).unwrap_or_default(), "task"),
                session.task_file
            )
        })
        .collect();
    let message =
        if lines.is_empty() { "No session yet: /start begins one".to_owned() } else { lines.join("\n") };
    let zone = app.zone();
    let sessions = listed.iter().map(|session| SessionView::new(session, zone)).collect();
    let shown: Vec<_> = listed.iter().map(shown).collect();
    let telegram = telegram::sessions(&shown, &app.scene(None, None)).into();
    Ok(Json(SessionList { status: Success::Ok, message, sessions, telegram }).into_response())
}

pub(super) async fn tell_logs(
    app: &App,
    lines: Option<Count>,
    task: Option<TaskNumber>,
    session: Option<String>,
) -> Result<Response, ApiError> {
    let Count(lines) = lines.unwrap_or(LINES);
    let session = named_or_current(app, session).await?;
    let logs = match task {
        None => story(app, &session.id, lines).await?,
        Some(task) => output(app, &session, task, lines)?,
    };
    let message = if logs.is_empty() { "Nothing is logged yet".to_owned() } else { logs.clone() };
    let file = log_file(app, &session, task);
    let log = Log { lines: &logs, task, file: file.as_deref() };
    let telegram = telegram::logs(&log, &app.scene(Some(&session), None)).into();
    let session = session.id.to_string();
    Ok(Json(Lines { status: Success::Ok, message, session, logs, telegram }).into_response())
}

pub(super) fn tell_help(app: &App) -> Response {
    let lines: Vec<_> = COMMANDS
        .iter()
        .map(|(word, arguments, what)| format!("/{word} {arguments}: {what}").replace(" :", ":"))
        .collect();
    let telegram = telegram::help(&app.scene(None, None)).into();
    Json(Help { status: Success::Ok, message: lines.join("\n"), telegram }).into_response()
}

fn shown(listed: &sessions::Listed) -> ListedSession<'_> {
    ListedSession {
        id: listed.id.as_str(),
        status: &listed.status,
        task_file: &listed.task_file,
        completed: listed.completed,
        total: listed.total,
    }
}

/// Where all lines of a log are, below the folder of the logs' own name: a task's newest run, or a session's last day.
fn log_file(app: &App, session: &Session, task: Option<TaskNumber>) -> Option<String> {
    let folder = app.logs_dir.file_name()?.to_string_lossy().into_owned();
    match task {
        None => {
            let day = session.last_activity.to_zoned(app.zone().clone()).date();
            Some(format!("{folder}/{day}.log"))
        }
        Some(number) => {
            let runs = session.task(number)?.progress.runs;
            (runs > 0).then(|| format!("{folder}/{}/task-{number}-run-{runs}.log", session.id))
        }
    }
}

/// The session that was named, as it is stored; the current one if none was.
async fn named_or_current(app: &App, named: Option<String>) -> Result<Arc<Session>, ApiError> {
    if let Some(id) = named {
        Ok(Arc::new(load(app, &id).await?))
    } else {
        let current = app.engine.snapshot().current().cloned();
        current.ok_or_else(|| ApiError::not_found("no session yet: /start begins one"))
    }
}

/// How many of so many are asked for.
fn bound(limit: Option<Count>, all: usize) -> usize {
    limit.map_or(all, |Count(limit)| usize::try_from(limit).unwrap_or(all))
}

/// The runs of a session: by task, in their order.
async fn runs_of(app: &App, session: &SessionId) -> Result<Vec<RunView>, ApiError> {
    let readers = app.engine.store().readers();
    let records = readers.with(async |conn| runs::of_session(conn, session).await).await?;
    Ok(records.into_iter().map(|record| RunView::new(record, app.zone())).collect())
}

async fn load(app: &App, id: &str) -> Result<Session, ApiError> {
    let named = SessionId::new(id);
    let readers = app.engine.store().readers();
    readers.with(async |conn| sessions::load(conn, &named).await).await?.ok_or_else(|| {
        ApiError::not_found(format!("there is no session {id}: /sessions lists those there are"))
    })
}

async fn story(app: &App, session: &SessionId, lines: i64) -> Result<String, ApiError> {
    let told = events::story(app.engine.store().readers(), session, lines).await?;
    let zone: &TimeZone = app.zone();
    let lines: Vec<_> = told
        .into_iter()
        .map(|(at, message)| format!("[{}] {message}", at.to_zoned(zone.clone()).strftime("%H:%M:%S")))
        .collect();
    Ok(lines.join("\n"))
}

/// The end of the readable log of the task's newest run.
fn output(app: &App, session: &Session, number: TaskNumber, lines: i64) -> Result<String, ApiError> {
    let Some(task) = session.task(number) else {
        return Err(ApiError::not_found(format!("there is no task {number} in session {}", session.id)));
    };
    if task.progress.runs == 0 {
        return Ok(String::new());
    }
    let path =
        app.logs_dir.join(session.id.as_str()).join(format!("task-{number}-run-{}.log", task.progress.runs));
    match tail::lines(&path, usize::try_from(lines).unwrap_or_default()) {
        Ok(lines) => Ok(lines),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => {
            tracing::error!("failed to read {}: {error}", path.display());
            Err(ApiError::new(super::error::Code::Internal, "the log can't be read; the reason was logged"))
        }
    }
}

/// What was last decided at a gate of a session; where the database can't say, the rest is told without it.
async fn last_decision(app: &App, session: &SessionId) -> Option<Closing> {
    let readers = app.engine.store().readers();
    readers.with(async |conn| gates::last_closing(conn, session).await).await.ok().flatten()
}

fn file_changed(app: &App, session: &Session) -> bool {
    let folder = &app.engine.settings().tasks_dir;
    let file = &session.task_file;
    session.open().is_some()
        && app.task_file.has_changed(folder, &file.name, &file.digest, taskfile::MAX_BYTES, app.engine.now())
}

fn limit(call: &Call) -> Result<Option<Count>, ApiError> {
    let List { limit } = call.read()?;
    Ok(limit)
}
