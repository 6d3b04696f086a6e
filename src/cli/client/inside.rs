//! The way without a daemon: the same request, under the daemon's lock, to the same router in this process.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Method;
use secrecy::SecretString;
use uuid::Uuid;

use super::answer::Answer;
use super::letter::Letter;
use crate::app;
use crate::config::Config;

/// Answers under the lock, which it lets go of at once.
pub(super) async fn answer(config: &Config, letter: &Letter) -> Result<Answer, app::Error> {
    let secret = config.webhooks.secret.clone().unwrap_or_else(random_secret);
    let mut request = Request::new(Body::from(letter.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = letter.path.parse().unwrap_or_default();
    *request.headers_mut() = letter.head(&config.server, Some(&secret), app::clock());
    let response = app::answer(config.clone(), secret, request).await?;
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer::of_ours(head.status.as_u16(), body))
}

/// Nobody else has to know it.
fn random_secret() -> SecretString {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()).into()
}
