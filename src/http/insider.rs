//! Someone who showed by a request's headers alone that they know the secret: all that a GET can do.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use super::App;
use super::auth::Proof;
use super::call::endpoint;
use super::connections::Peer;
use super::error::{ApiError, Code};

/// Proof that the caller knows the secret; a signature is one over an empty body.
pub(super) struct Insider;

impl FromRequestParts<App> for Insider {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Some(ConnectInfo(from)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
            return Err(ApiError::new(Code::Internal, "the connection has no address"));
        };
        let endpoint = endpoint(&parts.extensions);
        let proof =
            Proof { headers: &parts.headers, bytes: b"", body: None, from: from.ip(), endpoint: &endpoint };
        app.keeper.admit(&proof, app.engine.now()).await?;
        if let Some(peer) = parts.extensions.get::<Arc<Peer>>() {
            peer.prove();
        }
        Ok(Self)
    }
}
