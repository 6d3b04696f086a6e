//! How requests fail: each status once, with its codes and an example of each, and which endpoints answer it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ContentBuilder, Header, Object, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::http::error::{ApiError, Code, Failure, Refusal};

/// What any request may meet before a handler sees it, or while it does.
pub(in crate::http) struct MayNotBeServed;
/// As [`MayNotBeServed`], and it has to prove itself.
pub(in crate::http) struct MayBeTurnedAway;
/// That it is none of the requests that there are.
pub(in crate::http) struct MayNotBeUnderstood;
/// What a request may meet that has to prove itself and be read.
pub(in crate::http) struct MayFail;
/// As [`MayFail`], and it may name something that doesn't exist.
pub(in crate::http) struct MayNameNothing;
/// As [`MayNameNothing`], and it may be one that can't be carried out now.
pub(in crate::http) struct MayBeRefused;

impl IntoResponses for MayNotBeServed {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refer(&[Code::Forbidden, Code::Internal])
    }
}

impl IntoResponses for MayBeTurnedAway {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = MayNotBeServed::responses();
        responses.append(&mut refer(&[Code::Unauthorized, Code::TooManyAttempts, Code::Unavailable]));
        responses
    }
}

impl IntoResponses for MayNotBeUnderstood {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refer(&[Code::BadRequest])
    }
}

impl IntoResponses for MayFail {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = MayBeTurnedAway::responses();
        responses.append(&mut refer(&[Code::BadRequest, Code::TooLarge, Code::UnsupportedMediaType]));
        responses
    }
}

impl IntoResponses for MayNameNothing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = MayFail::responses();
        responses.append(&mut refer(&[Code::NotFound]));
        responses
    }
}

impl IntoResponses for MayBeRefused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = MayNameNothing::responses();
        responses.append(&mut refer(&[Code::Refused, Code::Invalid]));
        responses
    }
}

fn refer(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let refer = |code: &Code| {
        let status = code.status();
        (status.as_str().to_owned(), RefOr::Ref(Ref::from_response_name(name(status))))
    };
    codes.iter().map(refer).collect()
}

/// The answers to which operations refer.
pub(super) fn failures() -> BTreeMap<String, RefOr<Response>> {
    Code::ALL.into_iter().map(Code::status).map(|status| (name(status), failure(status).into())).collect()
}

fn failure(status: StatusCode) -> Response {
    let codes = || Code::ALL.into_iter().filter(move |code| code.status() == status);
    let schema = if status == StatusCode::CONFLICT { Refusal::name() } else { Failure::name() };
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema)));
    let mut description = Vec::new();
    for code in codes() {
        let (why, message) = told(code);
        description.push(why);
        let example = ExampleBuilder::new().value(Some(example(code, message))).build();
        content =
            content.examples_from_iter([(json!(code).as_str().unwrap_or_default().to_owned(), example)]);
    }
    let mut response = ResponseBuilder::new()
        .description(description.join("; or: "))
        .content("application/json", content.build())
        .build();
    response.headers.insert("x-request-id".to_owned(), request_id().into());
    match status {
        StatusCode::UNAUTHORIZED => {
            response.headers.insert("WWW-Authenticate".to_owned(), text("Always `Bearer`").into());
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds = HeaderBuilder::new().schema(Some(Object::with_type(Type::Integer)));
            let seconds = seconds.description(Some("Seconds to wait")).build();
            response.headers.insert("Retry-After".to_owned(), seconds.into());
        }
        StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            response.headers.insert("Idempotent-Replayed".to_owned(), replayed().into());
        }
        _ => {}
    }
    response
}

pub(super) fn request_id() -> Header {
    text("The request's own `X-Request-Id`, or a new one: the access log has it")
}

pub(super) fn replayed() -> Header {
    text("`true` if this is the recorded answer to an earlier request with the same key; else absent")
}

fn text(description: &str) -> Header {
    HeaderBuilder::new().schema(Some(Object::with_type(Type::String))).description(Some(description)).build()
}

/// The name of a status among the components: `NotFound`.
fn name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Failure").split(' ').collect()
}

fn example(code: Code, message: &str) -> Value {
    let failure = Failure::from(&ApiError::new(code, message));
    let mut example = json!(failure);
    if code == Code::Refused {
        let situation = json!({"session": "20251120-093015", "task": null, "gate": null});
        if let (Value::Object(example), Value::Object(situation)) = (&mut example, situation) {
            example.extend(situation);
        }
    }
    example
}

/// When a code is answered, and an example of its message.
fn told(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::BadRequest => (
            "It can't be understood, or asks for what is never allowed",
            "field \"lines\": expected a whole number from 1 to 1000, not 0",
        ),
        Code::Unauthorized => (
            "No proof of the secret, or a wrong one: nothing was executed",
            "this needs the secret: Authorization: Bearer …, X-Webhook-Secret, a field \"secret\", or a signature",
        ),
        Code::Forbidden => (
            "This chat, user or host name isn't let through, or the command is switched off for chats",
            "this chat may not give commands (telegram.chat_id)",
        ),
        Code::NotFound => ("It names something that doesn't exist", "there is no gate g7_k3qd"),
        Code::MethodNotAllowed => (
            "The path takes another method",
            "this path takes another method: POST for commands, GET for /health, /events and /metrics",
        ),
        Code::Refused => (
            "Legal, but not now: the message says why and what would work, and the open gate comes with it",
            "no task waits for an answer: /status tells where things stand",
        ),
        Code::TooLarge => ("The body is too large", "the body is larger than 64 KiB"),
        Code::UnsupportedMediaType => {
            ("The body isn't declared as JSON", "send the body as Content-Type: application/json")
        }
        Code::Invalid => (
            "The task file has mistakes, all of which are listed",
            "2025-11-20-tasks.md:7:1: unknown key \"Requires Aproval\": did you mean \"Requires Approval\"?",
        ),
        Code::KeyReused => (
            "The key was used for another command or body",
            "the key start-2025-11-20 was already used for another request: use a new one",
        ),
        Code::TooManyAttempts => {
            ("Too many wrong proofs from this address", "too many wrong secrets: wait a minute")
        }
        Code::Internal => (
            "Something went wrong inside, and was logged",
            "something went wrong inside, and was logged: nothing was changed",
        ),
        Code::Unavailable => (
            "The database can't be used now, or the answer took too long: repeat it with the same key",
            "the database can't be used now, so nothing was changed: repeat the request in a while, with the same key",
        ),
    }
}
