//! What every request passes on its way in, and its answer on its way out: one function, so that it costs little.

use std::any::Any;
use std::borrow::Cow;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info, info_span};
use uuid::Builder;

use super::App;
use super::error::{ApiError, Code};

/// How long a request may take, its body's arrival included; less than requests under way are given at the end.
const TIMEOUT: Duration = Duration::from_secs(15);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a caller.
pub(super) const REQUEST_ID_LIMIT: usize = 128;
/// How much of a method and of a path the access log shows, so that strangers can't push everything else out of it.
const METHOD_SHOWN: usize = 20;
const PATH_SHOWN: usize = 200;

/// Answers a request of the daemon's door.
pub(super) async fn pass(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = id(&request);
    let work = app.under_way.clone().track_future(counted(app, id.clone(), request, next));
    with_id(to_its_end(work).await, id)
}

/// Answers a request while there is no door yet.
pub(super) async fn wait(State(under_way): State<TaskTracker>, request: Request, next: Next) -> Response {
    let (id, seen) = (id(&request), Seen::of(&request));
    let response = under_way.track_future(in_time(next.run(request))).await;
    seen.log(&id, response.status());
    with_id(response, id)
}

async fn counted(app: App, id: HeaderValue, request: Request, next: Next) -> Response {
    let seen = Seen::of(&request);
    let span = info_span!("request", id = id.to_str().unwrap_or("-"));
    let response = in_time(right_host(&app, request, next)).instrument(span).await;
    seen.log(&id, response.status());
    let endpoint = seen.endpoint.as_ref().map(MatchedPath::as_str);
    app.traffic.answered(endpoint, response.status().as_u16(), seen.began.elapsed());
    response
}

/// What a request is remembered by.
struct Seen {
    began: Instant,
    from: Option<IpAddr>,
    method: Method,
    uri: Uri,
    endpoint: Option<MatchedPath>,
}

impl Seen {
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        Self {
            began: Instant::now(),
            from: extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
            method: request.method().clone(),
            uri: request.uri().clone(),
            endpoint: extensions.get::<MatchedPath>().cloned(),
        }
    }

    /// One line for each request: who, what, how it ended, and the id by which other lines can be found.
    fn log(&self, id: &HeaderValue, status: StatusCode) {
        let from = self.from.map_or("-".to_owned(), |from| from.to_string());
        let (method, path) =
            (shortened(self.method.as_str(), METHOD_SHOWN), shortened(self.uri.path(), PATH_SHOWN));
        let (status, took) = (status.as_u16(), self.began.elapsed().as_millis());
        let id = id.to_str().unwrap_or("-");
        info!(target: "access", "{from} {method} {path} {status} {took}ms {id}");
    }
}

fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(most) else { return Cow::Borrowed(text) };
    format!("{}…", &text[..end]).into()
}

/// The id that the caller gave, unless a line of a log couldn't hold it as one word; a new one otherwise. It only has to be
/// told from others, so it is not worth asking the system for something that can't be guessed.
fn id(request: &Request) -> HeaderValue {
    let is_plain = |id: &&HeaderValue| {
        !id.is_empty() && id.len() <= REQUEST_ID_LIMIT && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if let Some(given) = request.headers().get(REQUEST_ID).filter(is_plain) {
        return given.clone();
    }
    let mut text = [0; 36];
    let made = Builder::from_random_bytes(fastrand::u128(..).to_le_bytes()).into_uuid();
    HeaderValue::from_str(made.hyphenated().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static("-"))
}

fn with_id(mut response: Response, id: HeaderValue) -> Response {
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Sees a request that has arrived to its end, into the log and the figures, also when its sender has hung up. What can be
/// answered at once is answered where it is; what has to wait goes on in a task of its own.
async fn to_its_end(work: impl Future<Output = Response> + Send + 'static) -> Response {
    let mut work = Box::pin(work);
    if let Poll::Ready(response) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        return response;
    }
    tokio::spawn(work).await.unwrap_or_else(|_| {
        ApiError::new(Code::Internal, "the request was interrupted: ask /status before you repeat it")
            .into_response()
    })
}

async fn in_time(work: impl Future<Output = Response>) -> Response {
    tokio::time::timeout(TIMEOUT, work).await.unwrap_or_else(|_| {
        let message = format!(
            "no answer within {} s: ask /status whether it was done, or repeat the request with the same key",
            TIMEOUT.as_secs()
        );
        ApiError::new(Code::Unavailable, message).into_response()
    })
}

/// What is answered where a handler panicked.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    ApiError::new(Code::Internal, "something went wrong inside, and was logged").into_response()
}

/// Refuses names that this isn't known by, so that a page elsewhere can't rebind its own name to it.
async fn right_host(app: &App, request: Request, next: Next) -> Response {
    if app.allowed_hosts.is_empty() || is_known(&app.allowed_hosts, &request) {
        next.run(request).await
    } else {
        ApiError::new(Code::Forbidden, "this host name isn't served here (server.allowed_hosts)")
            .into_response()
    }
}

fn is_known(allowed_hosts: &[String], request: &Request) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = host.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@'));
    let name = authority.map_or_else(String::new, |authority| authority.host().to_owned());
    allowed_hosts.iter().any(|allowed| {
        allowed.eq_ignore_ascii_case(host)
            || without_brackets(allowed).eq_ignore_ascii_case(without_brackets(&name))
    })
}

/// An IPv6 address, however it is written.
fn without_brackets(name: &str) -> &str {
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}
