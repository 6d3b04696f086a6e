//! Notifications that wait or were given up: what there is, and what is to become of it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::App;
use super::answers::{Done, NotificationList};
use super::call::Call;
use super::commands::say;
use super::error::ApiError;
use super::openapi::outcomes::{MayBeRefused, MayFail};
use super::reads::LISTED;
use super::requests::{DropNotification, List, RetryNotification};
use super::view::NotificationView;
use super::words::Success;
use crate::domain::number::count;
use crate::engine::{Delivery, Wish};
use crate::store::outbox::{self, Notification};
use crate::telegram::{self, ListedNotification};

/// Means every notification that was given up.
const ALL: &str = "all";

/// Lists the notifications that wait to be delivered or were given up, the newest first.
#[utoipa::path(post, path = "/notifications", request_body = List,
    responses((status = 200, body = NotificationList), MayFail))]
pub(super) async fn notifications(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    app.callers.may_say(&call.sender, "notifications")?;
    let List { limit } = call.read()?;
    let listed = outbox::undelivered(app.engine.store().readers(), limit.unwrap_or(LISTED).0).await?;
    let counts = app.engine.snapshot().notifications;
    let message = match (counts.pending, counts.dead) {
        (0, 0) => "Everything was delivered".to_owned(),
        (pending, dead) => format!("{} on the way, {dead} given up", count_of(pending)),
    };
    let shown: Vec<_> = listed.iter().map(shown).collect();
    let telegram = telegram::notifications(&message, &shown).into();
    let notifications = listed.into_iter().map(|listed| NotificationView::new(listed, app.zone())).collect();
    Ok(Json(NotificationList { status: Success::Ok, message, notifications, telegram }).into_response())
}

/// Has a notification that waits or was given up tried again at once.
#[utoipa::path(post, path = "/notifications/retry", operation_id = "retry_notification", request_body = RetryNotification,
    responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn retry(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let RetryNotification { id } = call.read()?;
    let delivery = if id == ALL { Delivery::RetryDead } else { Delivery::Retry(id) };
    say(&app, &call, "notifications", Wish::Deliver(delivery)).await
}

/// Has a notification that waits or was given up never be delivered.
#[utoipa::path(post, path = "/notifications/drop", operation_id = "drop_notification", request_body = DropNotification,
    responses((status = 200, body = Done), MayBeRefused))]
pub(super) async fn drop(State(app): State<App>, call: Call) -> Result<Response, ApiError> {
    let DropNotification { id } = call.read()?;
    say(&app, &call, "notifications", Wish::Deliver(Delivery::Drop(id))).await
}

fn shown(listed: &Notification) -> ListedNotification<'_> {
    ListedNotification {
        given_up: listed.state == "dead",
        message: &listed.message,
        error: listed.error.as_deref(),
    }
}

fn count_of(pending: u64) -> String {
    count(usize::try_from(pending).unwrap_or(usize::MAX), "notification")
}
