//! What is answered while the daemon can't begin yet: that it lives, and what it waits for.
//!
//! There is no database then, so nothing is done and nothing is promised; whoever knows the secret learns why.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answers::HealthView;
use super::auth::{Gatekeeper, Proof};
use super::body::Object;
use super::call::arrival;
use super::error::{ApiError, Code};
use super::words::Health;
use super::{listen, passage};

/// What the door needs to know until there is an engine.
#[derive(Debug)]
pub struct Vestibule {
    /// The secrets of which a caller must know one.
    pub secrets: Vec<SecretString>,
    /// Whether only signed requests count.
    pub require_signature: bool,
    /// What is waited for, as a sentence.
    pub reason: String,
    /// Tells the time.
    pub clock: fn() -> Timestamp,
}

#[derive(Debug)]
struct Inner {
    keeper: Gatekeeper,
    reason: String,
    clock: fn() -> Timestamp,
    started: Instant,
}

type App = State<Arc<Inner>>;

/// Answers on a listener until `stop` comes.
pub async fn wait(listener: TcpListener, vestibule: Vestibule, stop: CancellationToken) {
    let Vestibule { secrets, require_signature, reason, clock } = vestibule;
    let keeper = Gatekeeper::new(secrets, require_signature);
    let app = Arc::new(Inner { keeper, reason, clock, started: Instant::now() });
    let under_way = TaskTracker::new();
    let router = Router::new()
        .route("/health", get(health))
        .fallback(not_yet)
        .layer(from_fn_with_state(under_way.clone(), passage::wait))
        .with_state(app);
    listen::answer(listener, router, stop, under_way).await;
}

async fn health(State(app): App, ConnectInfo(from): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Response {
    let proof = Proof { headers: &headers, bytes: b"", body: None, from: from.ip(), endpoint: "/health" };
    let is_known = app.keeper.knows(&proof, (app.clock)());
    let view = HealthView {
        status: Health::Degraded,
        version: env!("CARGO_PKG_VERSION"),
        uptime: app.started.elapsed().as_secs(),
        reasons: if is_known { vec![app.reason.clone()] } else { Vec::new() },
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(view)).into_response()
}

/// Every command, and whatever else is asked.
async fn not_yet(
    State(app): App,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = arrival(body).await?;
    let object = Object::parse(&bytes).ok();
    let endpoint = parts.uri.path().trim_start_matches("/webhook");
    let (headers, body, from) = (&parts.headers, object.as_ref(), from.ip());
    let proof = Proof { headers, bytes: &bytes, body, from, endpoint };
    app.keeper.admit(&proof, (app.clock)()).await?;
    Err(ApiError::new(Code::Unavailable, app.reason.clone()))
}
