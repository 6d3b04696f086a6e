//! The description of this interface for programs: OpenAPI 3.1, put together from the handlers and their own types.
//!
//! Handlers say what they take and answer; what all of them share (proofs, keys, ids, failures, the second name) is
//! added here, once.

mod every;
pub(super) mod outcomes;
pub mod postman;
mod proofs;
mod shapes;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;
use utoipa::openapi::server::Server;
use utoipa::openapi::{Components, Info, License, OpenApi, Paths};

use self::outcomes::MayNotBeServed;
use super::body::Sender;
use super::error::{Failure, Refusal};
use super::events::{EventView, ResetView};
use super::routes;

const ABOUT: &str = "\
Works through a task file with Claude Code, one task at a time, and asks its operator before anything that matters.

**Names.** Every command answers at `/<name>` and, identically, at `/webhook/<name>`.

**Proofs.** A command needs one of four proofs of the secret: the header `Authorization: Bearer <secret>`, the header \
`X-Webhook-Secret`, the field `secret` of the body, or a Standard Webhooks signature. Where `require_signature` is set, \
only the signature counts. After ten wrong proofs a minute an address is answered 429; a right one always gets in.

**Once.** A request that changes something and carries a key (`Idempotency-Key`, else `webhook-id`, else the field \
`request_id`) is executed once: repeated within 24 hours it gets the recorded first answer, with \
`Idempotent-Replayed: true`. The same key with another command or body is a 422 `key_reused`.

**Fields.** Unknown fields are ignored, a wrong type is a 400 that names the field, and `null` is the same as nothing.";

static TEXT: LazyLock<String> = LazyLock::new(|| describe().to_pretty_json().unwrap_or_default());

/// The document as it is served; it is the same for as long as the program is.
pub fn text() -> &'static str {
    &TEXT
}

/// The document.
pub fn document() -> serde_json::Value {
    serde_json::json!(describe())
}

/// Describes this interface: this document.
#[utoipa::path(get, path = "/openapi.json", responses(
    (status = 200, description = "The document", body = Object, content_type = "application/json"),
    MayNotBeServed,
))]
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text()).into_response()
}

fn describe() -> OpenApi {
    let mut commands = routes::described_commands().into_openapi();
    let mut others = routes::described_others().into_openapi();
    let mut components = Components::new();
    for part in [&mut commands, &mut others] {
        components.schemas.extend(part.components.take().unwrap_or_default().schemas);
    }
    components.responses = outcomes::failures();
    add::<Sender>(&mut components);
    add::<Failure>(&mut components);
    add::<Refusal>(&mut components);
    add::<EventView>(&mut components);
    add::<ResetView>(&mut components);
    components.security_schemes = proofs::schemes();

    let mut paths = Paths::new();
    for (path, item) in commands.paths.paths {
        let item = every::command(item, &mut components);
        paths.paths.insert(format!("/webhook{path}"), every::second_name(item.clone()));
        paths.paths.insert(path, item);
    }
    for (path, item) in others.paths.paths {
        paths.paths.insert(path, every::other(item, &components));
    }
    let mut document = OpenApi::new(info(), paths);
    document.components = Some(components);
    document.servers = Some(vec![Server::new("http://127.0.0.1:5000")]);
    document
}

/// Adds the schema of a type and of all it is made of.
fn add<T: ToSchema>(components: &mut Components) {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    components.schemas.extend(schemas);
}

fn info() -> Info {
    let mut info = Info::new("orchestrator", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    let mut license = License::new(env!("CARGO_PKG_LICENSE"));
    license.identifier = Some(env!("CARGO_PKG_LICENSE").to_owned());
    info.license = Some(license);
    info
}
