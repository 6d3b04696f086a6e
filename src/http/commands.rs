//! The endpoints that change something: each turns its fields into a wish, and the engine's answer into JSON.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::App;
use super::answers::{Done, Situation, Told};
use super::body::{Count, Loose};
use super::call::Call;
use super::error::{ApiError, Code, Failure, Refusal};
use super::openapi::outcomes::MayBeRefused;
use super::reads;
use super::requests::{Approve, Pause, Plain, Reject, Retry, Say, Skip, Start, Stop, task_number};
use super::view::GateView;
use super::words::Success;
use crate::domain::command::{Command, Target};
use crate::domain::id::GateId;
use crate::domain::words::{self, Said};
use crate::engine::{self, Request, Snapshot, Wish};
use crate::files::task_folder::Source;
use crate::store::requests::Recorded;
use crate::telegram;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Carries out any command, as people type and tap it.
#[utoipa::path(post, path = "/command", request_body = Say, responses((status = 200, body = Told), MayBeRefused))]
pub(super) async fn command(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Say { command } = call.read()?;
    let said = words::understand(&command).map_err(ApiError::bad_request)?;
    app.callers.may_say(&call.sender, said.word())?;
    match said {
        Said::Start { file, again, replace } => {
            let source = file.map_or(Source::Today, Source::Named);
            carry_out(&app, &call, Wish::Start { source, replace, again }).await
        }
        Said::Tell(command) => carry_out(&app, &call, Wish::Tell(command)).await,
        Said::Status => reads::tell_status(&app, None).await,
        Said::Tasks => reads::tell_tasks(&app, None, None).await,
        Said::Logs { lines, task } => {
            let lines = lines.map(|lines| {
                Count::new(lines).ok_or_else(|| {
                    ApiError::bad_request(format!("field \"lines\": {}", Count::expected(lines)))
                })
            });
            reads::tell_logs(&app, lines.transpose()?, task, None).await
        }
        Said::Sessions => reads::tell_sessions(&app, None).await,
        Said::Help => Ok(reads::tell_help(&app)),
    }
}

/// Loads a task file into a session.
///
/// A session that is still open is in the way, unless it is to be replaced.
#[utoipa::path(post, path = "/start", request_body = Start, responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn start(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Start { task_file, replace, again } = call.read()?;
    let (replace, again) = (replace.unwrap_or_default().into(), again.unwrap_or_default());
    let source = task_file.map_or(Source::Today, Source::Named);
    say(&app, &call, "start", Wish::Start { source, replace, again }).await
}

/// Answers the open gate with its positive choice.
#[utoipa::path(post, path = "/approve", request_body = Approve, responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn approve(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Approve { gate, note } = call.read()?;
    let command = Command::Approve { gate: gate.as_deref().map(GateId::named), note: words(note) };
    say(&app, &call, "approve", Wish::Tell(command)).await
}

/// Answers the open gate with no.
///
/// Starts nothing; the feedback is kept for the task's next run.
#[utoipa::path(post, path = "/reject", request_body = Reject, responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn reject(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Reject { gate, feedback } = call.read()?;
    let command = Command::Reject { gate: gate.as_deref().map(GateId::named), feedback: words(feedback) };
    say(&app, &call, "reject", Wish::Tell(command)).await
}

/// Starts nothing new.
#[utoipa::path(post, path = "/pause", request_body = Pause, responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn pause(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let now = call.read::<Pause>()?.now.unwrap_or_default();
    say(&app, &call, "pause", Wish::Tell(Command::Pause { now })).await
}

/// Lifts the pause, and a hold that waits for a person.
#[utoipa::path(post, path = "/resume", request_body = Plain, responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn resume(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    say(&app, &call, "resume", Wish::Tell(Command::Resume)).await
}

/// Goes on without a task.
///
/// Ends it if it is running.
#[utoipa::path(post, path = "/skip", request_body = Skip, responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn skip(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Skip { gate, task } = call.read()?;
    let command = Command::Skip { target: target(gate, task)? };
    say(&app, &call, "skip", Wish::Tell(command)).await
}

/// Runs a failed, interrupted or skipped task again.
///
/// It is that task's approval.
#[utoipa::path(post, path = "/retry", request_body = Retry, responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn retry(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Retry { gate, task, feedback } = call.read()?;
    let command = Command::Retry { target: target(gate, task)?, feedback: words(feedback) };
    say(&app, &call, "retry", Wish::Tell(command)).await
}

/// Ends the session.
///
/// Ends a live run too.
#[utoipa::path(post, path = "/stop", request_body = Stop, responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn stop(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let Stop { gate } = call.read()?;
    let gate = gate.as_deref().map(GateId::named);
    say(&app, &call, "stop", Wish::Tell(Command::Stop { gate })).await
}

pub(super) async fn say(app: &App, call: &Call, word: &str, wish: Wish) -> Result<Response, ApiError> {
    app.callers.may_say(&call.sender, word)?;
    carry_out(app, call, wish).await
}

async fn carry_out(app: &App, call: &Call, wish: Wish) -> Result<Response, ApiError> {
    let request = Request {
        wish,
        by: call.by(),
        sent_at: call.sender.sent_at.map(|sent_at| sent_at.0),
        key: call.key.clone(),
    };
    let inside = app.clone();
    let render = Box::new(move |result: &Result<engine::Done, engine::Error>, snapshot: &Snapshot| {
        render(&inside, result, snapshot)
    });
    let reply = app.engine.execute(request, render).await.map_err(|error| ApiError::from(&error))?;
    let status = StatusCode::from_u16(reply.recorded.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut response = (status, json, reply.recorded.body).into_response();
    if reply.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn render(app: &App, result: &Result<engine::Done, engine::Error>, snapshot: &Snapshot) -> Recorded {
    let session = snapshot.current();
    let hold = snapshot.hold.as_ref().filter(|hold| hold.stands(app.engine.now()));
    let scene = app.scene(session.map(AsRef::as_ref), hold);
    let situation = Situation {
        session: session.map(|session| session.id.to_string()),
        task: session.and_then(|session| session.current()).map(|task| task.number().0),
        gate: session.and_then(|session| session.gate()).map(|gate| GateView::new(gate, app.zone())),
    };
    match result {
        Ok(done) => {
            let message = done.message.clone();
            let telegram = telegram::answer(&done.events, &message, &scene).into();
            recorded(StatusCode::OK, &Done { status: Success::Ok, message, situation, telegram })
        }
        Err(error) => {
            let error = ApiError::from(error);
            let (status, mut failure) = (error.code.status(), Failure::from(&error));
            if error.code == Code::Refused || error.offer.is_some() {
                failure.telegram = telegram::refusal(&error.message, error.offer.as_ref(), &scene).into();
            }
            if error.code == Code::Refused {
                recorded(status, &Refusal { failure, situation })
            } else {
                recorded(status, &failure)
            }
        }
    }
}

fn recorded(status: StatusCode, answer: &impl Serialize) -> Recorded {
    Recorded { status: status.as_u16(), body: json!(answer).to_string() }
}

fn target(gate: Option<String>, task: Option<Loose>) -> Result<Target, ApiError> {
    match (gate, task) {
        (Some(_), Some(_)) => Err(ApiError::bad_request("name a gate or a task, not both")),
        (Some(gate), None) => Ok(Target::Gate(GateId::named(&gate))),
        (None, Some(task)) => Ok(Target::Task(task_number(&task)?)),
        (None, None) => Ok(Target::Current),
    }
}

fn words(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
