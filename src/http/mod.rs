//! HTTP: the one door. Reads go through [`crate::store`] and the snapshot, writes only through [`crate::engine`].
//!
//! Nothing below this floor knows JSON bodies, headers or status codes.

mod answers;
mod auth;
mod body;
mod call;
mod callers;
mod chat;
mod commands;
mod connections;
mod error;
mod events;
mod exposition;
mod failures;
mod health;
mod insider;
mod listen;
mod metrics;
mod notifications;
pub mod openapi;
mod origin;
mod process;
mod reads;
mod replay;
mod requests;
mod status;
mod traffic;
mod view;
mod waiting;
mod words;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_request};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tracing::{Instrument, info, info_span};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::callers::Callers;
use self::error::{ApiError, Code};
use self::traffic::Traffic;
pub use self::waiting::{Vestibule, wait};
use crate::domain::hold::Hold;
use crate::domain::session::Session;
use crate::engine::Engine;
use crate::files::task_folder::Comparison;
use crate::telegram::Scene;

/// How long a request may take, its body's arrival included; less than requests under way are given at the end.
const TIMEOUT: Duration = Duration::from_secs(15);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a caller.
const REQUEST_ID_LIMIT: usize = 128;
/// How much of a method and of a path the access log shows, so that strangers can't push everything else out of it.
const METHOD_SHOWN: usize = 20;
const PATH_SHOWN: usize = 200;

/// What the door needs to know.
#[derive(Debug)]
pub struct Door {
    /// Who does the work.
    pub engine: Arc<Engine>,
    /// The secrets of which a caller must know one.
    pub secrets: Vec<SecretString>,
    /// Whether only signed requests count.
    pub require_signature: bool,
    /// Which chats, users and commands are let through.
    pub callers: Callers,
    /// The names under which this may be called; empty means any.
    pub allowed_hosts: Vec<String>,
    /// Where the runs' logs are.
    pub logs_dir: PathBuf,
    /// Whether the worker is well, and if not, why.
    pub worker: watch::Receiver<Option<String>>,
    /// Comes when the daemon is to end; open streams end with it.
    pub stop: CancellationToken,
}

/// What every handler shares; cheap to clone.
#[derive(Clone, Debug)]
struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Arc<Engine>,
    keeper: auth::Gatekeeper,
    callers: Callers,
    allowed_hosts: Vec<String>,
    logs_dir: PathBuf,
    worker: watch::Receiver<Option<String>>,
    task_file: Comparison,
    stop: CancellationToken,
    streams: Arc<Semaphore>,
    traffic: Traffic,
    started: Instant,
    started_at: Timestamp,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    fn zone(&self) -> &TimeZone {
        &self.engine.settings().timezone
    }

    /// What messages are told from.
    fn scene<'a>(&'a self, session: Option<&'a Session>, hold: Option<&'a Hold>) -> Scene<'a> {
        let (now, zone) = (self.engine.now(), self.zone());
        Scene { session, hold, now, zone, commands: &self.callers.commands }
    }
}

/// Answers on a listener until `stop` comes, then lets what is under way finish.
pub async fn serve(listener: TcpListener, door: Door, stop: CancellationToken) {
    let under_way = TaskTracker::new();
    let router = router(door, under_way.clone());
    listen::answer(listener, router, stop, under_way).await;
}

/// Answers a request from within this process as it would be answered on a listener.
pub async fn inside(door: Door, mut request: Request) -> Response {
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
    let Ok(response) = router(door, TaskTracker::new()).oneshot(request).await;
    response
}

fn router(door: Door, under_way: TaskTracker) -> Router {
    let started_at = door.engine.now();
    let app = App(Arc::new(Inner {
        engine: door.engine,
        keeper: auth::Gatekeeper::new(door.secrets, door.require_signature),
        callers: door.callers,
        allowed_hosts: door.allowed_hosts,
        logs_dir: door.logs_dir,
        worker: door.worker,
        task_file: Comparison::default(),
        stop: door.stop,
        streams: Arc::new(Semaphore::new(events::STREAMS)),
        traffic: Traffic::default(),
        started: Instant::now(),
        started_at,
    }));
    let (commands, _) = commands().split_for_parts();
    let (others, _) = others().split_for_parts();
    Router::new()
        .merge(commands.clone())
        .nest("/webhook", commands)
        .merge(others)
        .fallback(async || ApiError::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            ApiError::new(
                Code::MethodNotAllowed,
                "this path takes another method: POST for commands, GET for /health, /events and /metrics",
            )
        })
        .layer(from_fn_with_state(app.clone(), right_host))
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request handler panicked");
            ApiError::new(Code::Internal, "something went wrong inside, and was logged").into_response()
        }))
        .layer(from_fn(in_time))
        .layer(from_fn(log))
        .layer(from_fn_with_state(app.clone(), traffic::count))
        .layer(from_fn(move |request, next: Next| under_way.track_future(next.run(request))))
        .layer(from_fn(to_its_end))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .layer(map_request(plain_request_id))
        .with_state(app)
}

/// What answers at `/…` and at `/webhook/…`.
fn commands() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(commands::command))
        .routes(routes!(commands::start))
        .routes(routes!(commands::approve))
        .routes(routes!(commands::reject))
        .routes(routes!(commands::pause))
        .routes(routes!(commands::resume))
        .routes(routes!(commands::skip))
        .routes(routes!(commands::retry))
        .routes(routes!(commands::continue_))
        .routes(routes!(commands::stop))
        .routes(routes!(reads::status))
        .routes(routes!(reads::tasks))
        .routes(routes!(reads::sessions))
        .routes(routes!(reads::gates))
        .routes(routes!(reads::logs))
        .routes(routes!(notifications::notifications))
        .routes(routes!(notifications::retry))
        .routes(routes!(notifications::drop))
}

/// What has one name.
fn others() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(events::events))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::openapi))
}

/// Refuses names that this isn't known by, so that a page elsewhere can't rebind its own name to it.
async fn right_host(State(app): State<App>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = host.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@'));
    let name = authority.map_or_else(String::new, |authority| authority.host().to_owned());
    let known = |allowed: &String| {
        allowed.eq_ignore_ascii_case(host)
            || without_brackets(allowed).eq_ignore_ascii_case(without_brackets(&name))
    };
    if app.allowed_hosts.is_empty() || app.allowed_hosts.iter().any(known) {
        next.run(request).await
    } else {
        ApiError::new(Code::Forbidden, "this host name isn't served here (server.allowed_hosts)")
            .into_response()
    }
}

/// An IPv6 address, however it is written.
fn without_brackets(name: &str) -> &str {
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

/// Forgets a request id that a line of a log couldn't hold as one word.
async fn plain_request_id(mut request: Request) -> Request {
    let is_plain = |id: &HeaderValue| {
        !id.is_empty() && id.len() <= REQUEST_ID_LIMIT && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if request.headers().get(REQUEST_ID).is_some_and(|id| !is_plain(id)) {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

/// Sees a request that has arrived to its end, into the log and the figures, also when its sender has hung up.
async fn to_its_end(request: Request, next: Next) -> Response {
    tokio::spawn(next.run(request)).await.unwrap_or_else(|_| {
        ApiError::new(Code::Internal, "the request was interrupted: ask /status before you repeat it")
            .into_response()
    })
}

async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(TIMEOUT, next.run(request)).await.unwrap_or_else(|_| {
        let message = format!(
            "no answer within {} s: ask /status whether it was done, or repeat the request with the same key",
            TIMEOUT.as_secs()
        );
        ApiError::new(Code::Unavailable, message).into_response()
    })
}

/// One line for each request: who, what, how it ended, and the id by which other lines can be found.
async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-").to_owned();
    let method = shortened(request.method().as_str(), METHOD_SHOWN);
    let path = shortened(request.uri().path(), PATH_SHOWN);
    let response = next.run(request).instrument(info_span!("request", id)).await;
    let from = from.map_or("-".to_owned(), |from| from.to_string());
    let (status, took) = (response.status().as_u16(), began.elapsed().as_millis());
    info!(target: "access", "{from} {method} {path} {status} {took}ms {id}");
    response
}

fn shortened(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    format!("{}…", &text[..end])
}
