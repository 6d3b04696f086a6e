//! `GET /health`: whether the daemon lives, for anyone; why it isn't well, for those who know the secret.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::App;
use super::answers::HealthView;
use super::auth::Proof;
use super::openapi::outcomes::MayNotBeServed;
use super::words::Health;

/// Tells whether the daemon is well.
///
/// Why it isn't, only to those who know the secret.
#[utoipa::path(get, path = "/health", responses(
    (status = 200, description = "It is well", body = HealthView),
    (status = 503, description = "It isn't well", body = HealthView),
    MayNotBeServed,
))]
pub(super) async fn health(
    State(app): State<App>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let mut reasons = Vec::new();
    reasons.extend(app.worker.borrow().clone());
    reasons.extend(app.engine.store().damage().map(|damage| format!("the database is damaged: {damage}")));
    reasons.extend(app.engine.store().ping().await.err().map(|error| error.to_string()));
    let (code, status) = if reasons.is_empty() {
        (StatusCode::OK, Health::Ok)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Health::Degraded)
    };
    let proof = Proof { headers: &headers, bytes: b"", body: None, from: from.ip(), endpoint: "/health" };
    if !app.keeper.knows(&proof, app.engine.now()) {
        reasons.clear();
    }
    let uptime = app.started.elapsed().as_secs();
    (code, Json(HealthView { status, version: env!("CARGO_PKG_VERSION"), uptime, reasons })).into_response()
}
