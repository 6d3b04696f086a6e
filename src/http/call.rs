//! A request to a command endpoint, proven, bounded and read. A [`Call`] exists only for someone who knows the secret.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest, MatchedPath, Request};
use axum::http::{Extensions, HeaderMap, header};
use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::App;
use super::auth::Proof;
use super::body::{Object, Sender};
use super::connections::Peer;
use super::error::{ApiError, Code};
use crate::domain::actor::Actor;
use crate::domain::plain::misleads;
use crate::store::requests::Key;

/// The longest body that is read.
pub(super) const BODY_LIMIT: usize = 64 * 1024;
/// How much of a longer body is let pass unread before its connection is closed.
const LET_PASS: usize = 8 * 1024 * 1024;
/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// The longest name by which someone is known.
const NAME_LIMIT: usize = 64;
/// The longest key that is remembered.
pub(super) const KEY_LIMIT: usize = 255;

/// A request to a command endpoint by someone who may call.
pub(super) struct Call {
    pub(super) object: Object,
    pub(super) sender: Sender,
    pub(super) key: Option<Key>,
}

impl Call {
    /// Reads the fields that an endpoint knows.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        self.object.read()
    }

    /// Whoever sent it, by the name they are known by.
    pub(super) fn by(&self) -> Actor {
        let chat = self.sender.chat_id.as_ref().map(|chat| chat.0.clone());
        let name = self.sender.user.as_deref().map(on_one_line).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| match &chat {
            Some(chat) => on_one_line(&format!("chat {chat}")),
            None => "the API".to_owned(),
        });
        Actor { name, chat }
    }
}

impl FromRequest<App> for Call {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let endpoint = endpoint(request.extensions());
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        let (parts, body) = request.into_parts();
        let bytes = arrival(body).await?;
        let parsed = Object::parse(&bytes);
        let from = from.ok_or_else(|| ApiError::new(Code::Internal, "the connection has no address"))?;
        let body = parsed.as_ref().ok();
        let proof = Proof { headers: &parts.headers, bytes: &bytes, body, from, endpoint: &endpoint };
        app.keeper.admit(&proof, app.engine.now()).await?;
        peer.inspect(|peer| peer.prove());
        must_be_json(&parts.headers, &bytes)?;
        let object = parsed?;
        let sender: Sender = object.read()?;
        app.callers.admit(&sender)?;
        let key = key(&parts.headers, &sender, &object, &endpoint)?;
        Ok(Self { object, sender, key })
    }
}

/// What a request asks for; what has two names, by the first.
pub(super) fn endpoint(extensions: &Extensions) -> String {
    let path = extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    path.strip_prefix("/webhook").unwrap_or(path).to_owned()
}

/// Reads a body. What is too long is let pass for a while, because who is still sending can't hear an answer.
pub(super) async fn arrival(mut body: Body) -> Result<Bytes, ApiError> {
    let reading = async {
        let (mut bytes, mut length) = (BytesMut::new(), 0);
        // Who asks for more than there is waits for the connection's task to say so.
        while !body.is_end_stream()
            && let Some(frame) = body.frame().await
        {
            let frame = frame.map_err(|_| ApiError::bad_request("the body broke off"))?;
            let Ok(data) = frame.into_data() else { continue };
            length += data.len();
            if length <= BODY_LIMIT {
                bytes.extend_from_slice(&data);
            } else if length > LET_PASS {
                break;
            }
        }
        if length <= BODY_LIMIT { Ok(bytes.freeze()) } else { Err(too_large()) }
    };
    tokio::time::timeout(ARRIVAL, reading).await.unwrap_or_else(|_| {
        let message = format!("the body did not arrive within {} s", ARRIVAL.as_secs());
        Err(ApiError::bad_request(message))
    })
}

fn too_large() -> ApiError {
    ApiError::new(Code::TooLarge, format!("the body is larger than {} KiB", BODY_LIMIT / 1024))
}

/// A name that can't end a line of the story, fill it, or turn it around.
fn on_one_line(name: &str) -> String {
    let printable = |character: char| if misleads(character) { ' ' } else { character };
    let words = name.chars().map(printable).collect::<String>();
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NAME_LIMIT).collect()
}

fn must_be_json(headers: &HeaderMap, bytes: &[u8]) -> Result<(), ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or(kind).trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/json") => Ok(()),
        None if bytes.is_empty() => Ok(()),
        Some(_) | None => {
            Err(ApiError::new(Code::UnsupportedMediaType, "send the body as Content-Type: application/json"))
        }
    }
}

fn key(
    headers: &HeaderMap,
    sender: &Sender,
    object: &Object,
    endpoint: &str,
) -> Result<Option<Key>, ApiError> {
    let header = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let given =
        [header("idempotency-key"), header("webhook-id"), sender.request_id.as_ref().map(|id| id.0.clone())];
    let Some(key) = given.into_iter().flatten().find(|key| !key.is_empty()) else { return Ok(None) };
    if key.len() > KEY_LIMIT {
        return Err(ApiError::bad_request(format!("the key is longer than {KEY_LIMIT} bytes")));
    }
    Ok(Some(Key { key, fingerprint: fingerprint(endpoint, object) }))
}

/// What a repeated request has to have in common with the first. JSON objects are compared without regard to order.
fn fingerprint(endpoint: &str, object: &Object) -> String {
    let mut fields = object.0.clone();
    fields.remove("secret");
    fields.remove("sent_at");
    fields.remove("request_id");
    let asked = serde_json::Value::Object(fields).to_string();
    let digest = Sha256::new().chain_update(endpoint).chain_update("\n").chain_update(asked).finalize();
    digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
