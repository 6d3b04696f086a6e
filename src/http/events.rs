//! `GET /events`: everything that happens, as server-sent events that can be resumed without loss.
//!
//! Level-triggered like every reader of the journal: a stream asks for what comes after the last event it gave, and only
//! when there is nothing does it wait for the doorbell, whose ring it has listened for since before it asked. A reader who
//! takes their time is waited for: no more than one batch is in memory.
//!
//! The format is that of <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, Uri};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tracing::error;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, Code};
use super::insider::Insider;
use super::openapi::outcomes::{MayBeTurnedAway, MayNotBeUnderstood};
use crate::domain::instant::instant;
use crate::engine::Snapshot;
use crate::store;
use crate::store::events::{self, Stored};

/// How many streams may be open at once.
pub(super) const STREAMS: usize = 64;
/// How many events are read at once.
const BATCH: i64 = 100;
/// How often a stream on which nothing happens shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client that was cut off is asked to wait before it comes again.
const RETRY: Duration = Duration::from_secs(2);

const EXAMPLE: &str = "\
retry: 2000\nid: 5d2c9a-41\n\n\
id: 5d2c9a-42\nevent: paused\ndata: {\"id\":42,\"kind\":\"paused\",\"session\":\"20251120-093015\",\"task\":null,\
\"at\":\"2025-11-20T09:31:02.456+01:00\",\"message\":\"Paused by Ana\",\"event\":{\"kind\":\"paused\"}}\n\n";

/// Streams what happens from now on, or everything after the event that the client names as the last it has seen, in the
/// header `Last-Event-ID` or else as `?last_event_id=`.
///
/// A client that names none, as a browser that opens a page, hears of what happens from now on; the stream begins by
/// telling it where it stands, so that it loses nothing if it is cut off before the first event. One that names an event
/// of another database, or what was never an event's id (such as `0`), gets `event: reset` and then everything.
#[utoipa::path(get, path = "/events",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was seen"),
        ("last_event_id" = Option<String>, Query, description = "The same, for those who can't set a header"),
    ),
    responses(
        (status = 200, description = "Server-sent events, whose data is an `EventView`, or a `ResetView` for the event `reset`",
            body = String, content_type = "text/event-stream", example = json!(EXAMPLE)),
        MayBeTurnedAway,
        MayNotBeUnderstood,
    ),
)]
pub(super) async fn events(
    State(app): State<App>,
    _: Insider,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    let place = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        let message = format!("{STREAMS} event streams are open, and no more are served: close one");
        ApiError::new(Code::Unavailable, message)
    })?;
    let last_seen = last_seen(&headers, &uri)?;
    let bell = app.engine.doorbell();
    let database = app.engine.store();
    let newest = events::newest(database.readers()).await?;
    let beginning = Beginning::choose(last_seen.as_deref(), database.epoch(), newest);
    let mut feed = Feed { after: beginning.after(), ready: VecDeque::new(), bell, app, _place: place };
    feed.ready.push_back(feed.greeting(beginning));
    let stream = stream::unfold(feed, Feed::next);
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))).into_response())
}

/// The id that the client has seen last. An `EventSource` that comes again has the newer one in the header.
fn last_seen(headers: &HeaderMap, uri: &Uri) -> Result<Option<String>, ApiError> {
    #[derive(Deserialize)]
    struct Asked {
        last_event_id: Option<String>,
    }
    let header = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let Query(asked) = Query::<Asked>::try_from_uri(uri)
        .map_err(|error| ApiError::bad_request(format!("the query can't be read: {error}")))?;
    Ok(header.or(asked.last_event_id).filter(|id| !id.is_empty()))
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// With what happens from now on, after the newest event.
    Now(i64),
    /// After the event that the client has seen last.
    After(i64),
    /// With the first event, because what the client has seen is not of this journal.
    Reset,
}

impl Beginning {
    fn choose(last_seen: Option<&str>, epoch: &str, newest: i64) -> Self {
        let Some(last_seen) = last_seen else { return Self::Now(newest) };
        let id = last_seen
            .strip_prefix(epoch)
            .and_then(|rest| rest.strip_prefix('-'))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok());
        match id {
            Some(id) if id <= newest => Self::After(id),
            Some(_) | None => Self::Reset,
        }
    }

    fn after(self) -> i64 {
        match self {
            Self::Now(id) | Self::After(id) => id,
            Self::Reset => 0,
        }
    }
}

/// One open stream.
struct Feed {
    app: App,
    bell: watch::Receiver<Arc<Snapshot>>,
    /// The last event that was read.
    after: i64,
    ready: VecDeque<sse::Event>,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// What comes before the first event: no event itself, unless the client has to forget what it has seen.
    fn greeting(&self, beginning: Beginning) -> sse::Event {
        let event = sse::Event::default().retry(RETRY);
        match beginning {
            Beginning::After(_) => event,
            Beginning::Now(newest) => event.id(self.id(newest)),
            Beginning::Reset => {
                let message = "the last event you have seen is not of this database: everything follows, from the beginning";
                let reset = ResetView { epoch: self.app.engine.store().epoch().to_owned(), message };
                event.event("reset").id(self.id(0)).data(json!(reset).to_string())
            }
        }
    }

    /// The next event, waited for; `None` when the daemon ends or the database fails, and the client is to come again.
    async fn next(mut self) -> Option<(Result<sse::Event, Infallible>, Self)> {
        while !self.app.stop.is_cancelled() {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            self.bell.mark_unchanged();
            if let Err(failure) = self.read_on().await {
                error!("an event stream ends: failed to read what follows event {}: {failure}", self.after);
                return None;
            }
            if self.ready.is_empty() {
                tokio::select! {
                    () = self.app.stop.cancelled() => {}
                    rung = self.bell.changed() => rung.ok()?,
                }
            }
        }
        None
    }

    async fn read_on(&mut self) -> Result<(), store::Error> {
        let batch = events::since(self.app.engine.store().readers(), self.after, BATCH).await?;
        for stored in batch {
            self.after = stored.id;
            let event = sse::Event::default().id(self.id(stored.id)).event(&stored.kind);
            let data = serde_json::to_string(&EventView::new(stored, self.app.zone()))
                .map_err(|error| store::Error::Corrupt { table: "events", reason: error.to_string() })?;
            self.ready.push_back(event.data(data));
        }
        Ok(())
    }

    fn id(&self, event: i64) -> String {
        format!("{}-{event}", self.app.engine.store().epoch())
    }
}

/// What a reader is told whose last event was of another database, before everything follows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResetView {
    /// What the ids of this database's events begin with.
    epoch: String,
    message: &'static str,
}

/// An event as its readers see it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventView {
    id: i64,
    kind: String,
    #[schema(required)]
    session: Option<String>,
    /// The number of the task that it is about.
    #[schema(required)]
    task: Option<i64>,
    #[schema(format = DateTime)]
    at: String,
    /// What happened, for a person.
    message: String,
    /// What happened, with all that the journal keeps of it.
    #[schema(value_type = Object)]
    event: Box<RawValue>,
}

impl EventView {
    fn new(stored: Stored, zone: &TimeZone) -> Self {
        let Stored { id, kind, session, task, at, message, event } = stored;
        Self { id, kind, session, task, at: instant(at, zone), message, event }
    }
}

#[cfg(test)]
mod tests {
    use super::Beginning;

    #[test]
    fn a_stream_begins_where_the_client_left_off_or_anew() {
        for (last_seen, beginning) in [
            (None, Beginning::Now(7)),
            (Some("e1-0"), Beginning::After(0)),
            (Some("e1-7"), Beginning::After(7)),
            (Some("e1-8"), Beginning::Reset),
            (Some("e2-3"), Beginning::Reset),
            (Some("e1-"), Beginning::Reset),
            (Some("e1--1"), Beginning::Reset),
            (Some("e1-+1"), Beginning::Reset),
            (Some("e1-99999999999999999999"), Beginning::Reset),
            (Some("0"), Beginning::Reset),
        ] {
            assert_eq!(Beginning::choose(last_seen, "e1", 7), beginning, "{last_seen:?}");
        }
    }
}
