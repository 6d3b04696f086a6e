//! The newest answer of `/status`, kept for as long as it would be the same: who asks often doesn't have it made anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::status::StatusView;
use crate::engine::Snapshot;

/// The newest answer, and what it was made from.
#[derive(Debug, Default)]
pub(super) struct KeptStatus(Mutex<Option<(Grounds, Bytes)>>);

/// All that the answer depends on, besides the configuration.
#[derive(Debug)]
pub(super) struct Grounds {
    pub(super) snapshot: Arc<Snapshot>,
    /// Times of another day are told with their date.
    pub(super) second: i64,
    /// As long as it is told.
    pub(super) runtime: Option<Duration>,
    /// Whether the hold of the snapshot still stands.
    pub(super) held: bool,
    pub(super) task_file_changed: bool,
}

impl Grounds {
    fn are(&self, other: &Self) -> bool {
        let Self { snapshot, second, runtime, held, task_file_changed } = other;
        Arc::ptr_eq(&self.snapshot, snapshot)
            && (&self.second, &self.runtime, &self.held, &self.task_file_changed)
                == (second, runtime, held, task_file_changed)
    }
}

impl KeptStatus {
    /// The answer on these grounds: the kept one if they are the same, and otherwise a new one.
    pub(super) fn tell(&self, grounds: Grounds, view: impl FnOnce() -> StatusView) -> Response {
        if let Some(body) = self.kept(&grounds) {
            return answer(body);
        }
        let view = view();
        let Ok(body) = serde_json::to_vec(&view).map(Bytes::from) else { return Json(view).into_response() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((grounds, body.clone()));
        answer(body)
    }

    fn kept(&self, grounds: &Grounds) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(its, _)| its.are(grounds)).map(|(_, body)| body.clone())
    }
}

fn answer(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}
