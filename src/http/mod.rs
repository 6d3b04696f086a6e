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
mod kept;
mod listen;
mod metrics;
mod notifications;
pub mod openapi;
mod origin;
mod passage;
mod process;
mod reads;
mod replay;
mod requests;
mod routes;
mod status;
mod traffic;
mod view;
mod waiting;
mod words;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::callers::Callers;
use self::error::{ApiError, Code};
use self::kept::KeptStatus;
use self::traffic::Traffic;
pub use self::waiting::{Vestibule, wait};
use crate::domain::hold::Hold;
use crate::domain::session::Session;
use crate::engine::Engine;
use crate::files::task_folder::Comparison;
use crate::telegram::Scene;

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
    under_way: TaskTracker,
    traffic: Traffic,
    status: KeptStatus,
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
        under_way,
        traffic: Traffic::default(),
        status: KeptStatus::default(),
        started: Instant::now(),
        started_at,
    }));
    let commands = routes::commands();
    Router::new()
        .merge(commands.clone())
        .nest("/webhook", commands)
        .merge(routes::others())
        .fallback(async || ApiError::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            ApiError::new(
                Code::MethodNotAllowed,
                "this path takes another method: POST for commands, GET for /health, /events and /metrics",
            )
        })
        .layer(CatchPanicLayer::custom(passage::panicked))
        .layer(from_fn_with_state(app.clone(), passage::pass))
        .with_state(app)
}
