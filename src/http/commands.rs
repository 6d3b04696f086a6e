//! The endpoints that change something: each turns its fields into a wish, and the engine's answer into JSON.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::body::{Count, Loose};
use super::call::Call;
use super::error::{ApiError, Code};
use super::reads;
use super::view::GateView;
use crate::domain::command::{Command, Target};
use crate::domain::id::{GateId, TaskNumber};
use crate::domain::words::{self, Said};
use crate::engine::{self, Done, Request, Snapshot, Wish};
use crate::files::task_folder::Source;
use crate::store::requests::Recorded;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

pub(super) async fn command(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Fields {
        command: String,
    }
    let Fields { command } = call.read()?;
    let said = words::understand(&command).map_err(ApiError::bad_request)?;
    app.callers.may_say(&call.sender, said.word())?;
    match said {
        Said::Start { file, again, replace } => {
            let source = file.map_or(Source::Today, Source::Named);
            carry_out(&app, &call, Wish::Start { source, replace, again }).await
        }
        Said::Tell(command) => carry_out(&app, &call, Wish::Tell(command)).await,
        Said::Status => reads::tell_status(&app, None).await,
        Said::Tasks => reads::tell_tasks(&app),
        Said::Logs { lines, task } => {
            let lines = lines.map(|lines| {
                Count::new(lines).ok_or_else(|| {
                    ApiError::bad_request(format!("field \"lines\": {}", Count::expected(lines)))
                })
            });
            reads::tell_logs(&app, lines.transpose()?, task, None).await
        }
        Said::Sessions => reads::tell_sessions(&app, None).await,
        Said::Help => Ok(reads::tell_help()),
    }
}

pub(super) async fn start(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Fields {
        task_file: Option<String>,
        replace: Option<bool>,
        again: Option<bool>,
    }
    let Fields { task_file, replace, again } = call.read()?;
    let (replace, again) = (replace.unwrap_or_default(), again.unwrap_or_default());
    let source = task_file.map_or(Source::Today, Source::Named);
    say(&app, &call, "start", Wish::Start { source, replace, again }).await
}

pub(super) async fn approve(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Fields {
        gate: Option<String>,
        note: Option<String>,
    }
    let Fields { gate, note } = call.read()?;
    let command = Command::Approve { gate: gate.as_deref().map(GateId::named), note: words(note) };
    say(&app, &call, "approve", Wish::Tell(command)).await
}

pub(super) async fn reject(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Fields {
        gate: Option<String>,
        feedback: Option<String>,
    }
    let Fields { gate, feedback } = call.read()?;
    let command = Command::Reject { gate: gate.as_deref().map(GateId::named), feedback: words(feedback) };
    say(&app, &call, "reject", Wish::Tell(command)).await
}

pub(super) async fn pause(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Fields {
        now: Option<bool>,
    }
    let now = call.read::<Fields>()?.now.unwrap_or_default();
    say(&app, &call, "pause", Wish::Tell(Command::Pause { now })).await
}

pub(super) async fn resume(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    say(&app, &call, "resume", Wish::Tell(Command::Resume)).await
}

pub(super) async fn skip(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Fields {
        gate: Option<String>,
        task: Option<Loose>,
    }
    let Fields { gate, task } = call.read()?;
    let command = Command::Skip { target: target(gate, task)? };
    say(&app, &call, "skip", Wish::Tell(command)).await
}

pub(super) async fn retry(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Fields {
        gate: Option<String>,
        task: Option<Loose>,
        feedback: Option<String>,
    }
    let Fields { gate, task, feedback } = call.read()?;
    let command = Command::Retry { target: target(gate, task)?, feedback: words(feedback) };
    say(&app, &call, "retry", Wish::Tell(command)).await
}

pub(super) async fn stop(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct Fields {
        gate: Option<String>,
    }
    let Fields { gate } = call.read()?;
    let gate = gate.as_deref().map(GateId::named);
    say(&app, &call, "stop", Wish::Tell(Command::Stop { gate })).await
}

async fn say(app: &App, call: &Call, word: &str, wish: Wish) -> Result<Response, ApiError> {
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
    let zone = app.engine.settings().timezone.clone();
    let render = Box::new(move |result: &Result<Done, engine::Error>, snapshot: &Snapshot| {
        let gate =
            snapshot.current().and_then(|session| session.gate()).map(|gate| GateView::new(gate, &zone));
        render(result, gate.as_ref(), snapshot)
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

fn render(result: &Result<Done, engine::Error>, gate: Option<&GateView>, snapshot: &Snapshot) -> Recorded {
    let session = snapshot.current();
    let (status, mut body) = match result {
        Ok(done) => (StatusCode::OK, json!({ "status": "ok", "message": done.message })),
        Err(error) => {
            let error = ApiError::from(error);
            (error.code.status(), error.body())
        }
    };
    let tells_where_it_stands = match result {
        Ok(_) => true,
        Err(error) => ApiError::from(error).code == Code::Refused,
    };
    if let (true, Value::Object(body)) = (tells_where_it_stands, &mut body) {
        body.insert("session".to_owned(), json!(session.map(|session| &session.id)));
        body.insert(
            "task".to_owned(),
            json!(session.and_then(|session| session.current()).map(|task| task.number())),
        );
        body.insert("gate".to_owned(), json!(gate));
    }
    Recorded { status: status.as_u16(), body: body.to_string() }
}

fn target(gate: Option<String>, task: Option<Loose>) -> Result<Target, ApiError> {
    match (gate, task) {
        (Some(_), Some(_)) => Err(ApiError::bad_request("name a gate or a task, not both")),
        (Some(gate), None) => Ok(Target::Gate(GateId::named(&gate))),
        (None, Some(task)) => Ok(Target::Task(task_number(&task)?)),
        (None, None) => Ok(Target::Current),
    }
}

pub(super) fn task_number(task: &Loose) -> Result<TaskNumber, ApiError> {
    words::task_number(&task.0).ok_or_else(|| {
        ApiError::bad_request(format!("field \"task\": \"{}\" is not a task's number", task.0))
    })
}

fn words(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
