//! The listening socket: connections that are bounded in number, length and time, and a stop that lets requests under way finish.
//!
//! A caller who sends nothing, or reads nothing, costs a connection for a while and never the daemon's clean end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::{debug, error, info};

use super::connections::{Connections, Place};

/// The longest head of a request; hyper answers a longer one with 431.
const HEAD_LIMIT: usize = 32 * 1024;
/// How long the head of a request may take to arrive, and a connection may wait for its next one.
const HEAD: Duration = Duration::from_secs(10);
/// How long requests under way may take after `stop`; less than the daemon as a whole is given to drain.
const DRAIN: Duration = Duration::from_secs(16);
/// How long the last answers may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long to wait when the system has no connection to give, as when too many files are open.
const PATIENCE: Duration = Duration::from_secs(1);

/// Answers until `stop` comes, then lets what is under way finish.
pub(super) async fn answer(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    under_way: TaskTracker,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).half_close(true).max_buf_size(HEAD_LIMIT);
    let watched = GracefulShutdown::new();
    let connections = Connections::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                connect(&http, &watched, router.clone(), stream, from, connections.take(from.ip()));
            }
            Err(failure) => {
                error!("failed to accept a connection: {failure}");
                sleep(PATIENCE).await;
            }
        }
    }
    drop(listener);
    tokio::select! {
        () = watched.shutdown() => {}
        () = all_answered(&under_way) => info!("dropping connections whose callers don't read their answers"),
    }
}

/// Waits until every request under way has its answer, and those who read have had their time.
async fn all_answered(under_way: &TaskTracker) {
    under_way.close();
    // Handlers are bounded in time themselves; one that isn't done by then is dropped like a caller who doesn't read.
    let _ = timeout(DRAIN, under_way.wait()).await;
    sleep(LAST_WORDS).await;
}

fn connect(
    http: &http1::Builder,
    watched: &GracefulShutdown,
    router: Router,
    stream: TcpStream,
    from: SocketAddr,
    place: Place,
) {
    let (asking, answering) = (Arc::clone(&place.peer), Arc::clone(&place.peer));
    let service = router
        .map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(from));
            request.extensions_mut().insert(Arc::clone(&asking));
            request
        })
        .map_response(move |mut response: Response| {
            if answering.has_stayed_long() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        });
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = watched.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            ended = connection => if let Err(failure) = ended {
                debug!("the connection from {from} broke off: {failure}");
            },
            () = place.peer.must_go() => debug!("the connection from {from} was closed"),
        }
    });
}
