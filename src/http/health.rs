//! `GET /health`: whether the daemon lives, for anyone; why it isn't well, for those who know the secret.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::App;
use super::auth::Proof;

pub(super) async fn health(
    State(app): State<App>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let mut reasons = Vec::new();
    reasons.extend(app.worker.borrow().clone());
    reasons.extend(app.engine.store().ping().await.err().map(|error| error.to_string()));
    let (status, word) = if reasons.is_empty() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded")
    };
    let mut body = json!({
        "status": word,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime": app.started.elapsed().as_secs(),
    });
    let proof = Proof { headers: &headers, bytes: b"", body: None, from: from.ip() };
    if !reasons.is_empty() && app.keeper.knows(&proof, app.engine.now()) {
        body["reasons"] = json!(reasons);
    }
    (status, Json(body)).into_response()
}
