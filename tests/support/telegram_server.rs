//! The double's two threads: one answers the bot, the other brings it the updates.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::listen;
use super::telegram::{Failure, Shared, Telegram};
use super::telegram_api::{Delivery, Refusal, Webhook};

/// How long Telegram waits before it brings an update again.
const AGAIN: Duration = Duration::from_millis(200);

/// The open port; dropped, it is closed and every connection with it.
pub(super) struct Door {
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    pub(super) fn open(address: SocketAddr, shared: Arc<Shared>) -> Self {
        let (close, closed) = oneshot::channel();
        let listener = listen(address);
        listener.set_nonblocking(true).unwrap();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = Router::new().fallback(answer).with_state(shared);
                tokio::select! {
                    served = axum::serve(listener, router).into_future() => served.unwrap(),
                    _ = closed => {}
                }
            });
        });
        Self { close: Some(close), thread: Some(thread) }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.close.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, axum::Json<Value>) {
    let answered = call(&shared, uri.path(), &headers, &body).await;
    match answered {
        Ok(result) => (StatusCode::OK, axum::Json(json!({"ok": true, "result": result}))),
        Err((Refusal { code, description }, retry_after)) => {
            let mut refusal = json!({"ok": false, "error_code": code, "description": description});
            if let Some(seconds) = retry_after {
                refusal["parameters"] = json!({"retry_after": seconds});
            }
            (StatusCode::from_u16(code).unwrap(), axum::Json(refusal))
        }
    }
}

type Refused = (Refusal, Option<u64>);

async fn call(shared: &Shared, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refused> {
    let refused = |code, description: &str| (Refusal { code, description: description.into() }, None);
    let rest = path.strip_prefix("/bot").ok_or_else(|| refused(404, "Not Found"))?;
    let (token, method) = rest.split_once('/').ok_or_else(|| refused(404, "Not Found"))?;
    if token != Telegram::TOKEN {
        return Err(refused(401, "Unauthorized"));
    }
    let parameters =
        parameters(headers, body).ok_or_else(|| refused(400, "Bad Request: can't parse the body"))?;
    match trouble(shared, method, &parameters) {
        None => {}
        Some(Failure::Busy(seconds)) => {
            let description = format!("Too Many Requests: retry after {seconds}");
            return Err((Refusal { code: 429, description }, Some(seconds)));
        }
        Some(Failure::Error(code, description)) => return Err(refused(code, description)),
        Some(Failure::NoHtml) => {
            return Err(refused(
                400,
                "Bad Request: can't parse entities: Unsupported start tag \"rig\" at byte offset 0",
            ));
        }
        Some(Failure::Silence(time)) => {
            tokio::time::sleep(time).await;
            return Err(refused(504, "Gateway Timeout"));
        }
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let result = shared.books().call(method, &parameters, now.try_into().unwrap());
    shared.changed.notify_all();
    result.map_err(|refusal| (refusal, None))
}

fn parameters(headers: &HeaderMap, body: &[u8]) -> Option<Map<String, Value>> {
    let kind = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap_or_default());
    if body.is_empty() {
        return Some(Map::new());
    }
    if !kind.starts_with("application/json") {
        return None;
    }
    serde_json::from_slice(body).ok()
}

fn trouble(shared: &Shared, method: &str, parameters: &Map<String, Value>) -> Option<Failure> {
    let mut troubles = shared.troubles.lock().unwrap();
    let is_html = parameters.get("parse_mode").is_some();
    let found = troubles.iter_mut().find(|trouble| {
        trouble.times > 0
            && trouble.method == method
            && (is_html || !matches!(trouble.failure, Failure::NoHtml))
    })?;
    found.times -= 1;
    Some(found.failure.clone())
}

/// Brings updates to the webhook, in their order, until the end.
pub(super) fn deliver(shared: &Shared) {
    let runtime = runtime();
    let client = orchestrator::outward::client("http:").timeout(Duration::from_secs(30)).build().unwrap();
    while let Some((webhook, delivery)) = next(shared) {
        let posts = (0..delivery.copies).map(|_| post(&client, &webhook, &delivery.update));
        let error = runtime.block_on(join_all(posts)).into_iter().find_map(Result::err);
        let mut books = shared.books();
        if error.is_none() {
            books.waiting.pop_front();
        }
        books.last_error.clone_from(&error);
        shared.changed.notify_all();
        if error.is_some() {
            // Ended early by any change; a retry too many is no harm.
            drop(shared.changed.wait_timeout(books, AGAIN).unwrap());
        }
    }
}

/// The update that is to be brought next, and where; nothing at the end.
fn next(shared: &Shared) -> Option<(Webhook, Delivery)> {
    let mut books = shared.books();
    loop {
        if *shared.ended.lock().unwrap() {
            return None;
        }
        if *shared.away.lock().unwrap() {
            books = shared.changed.wait(books).unwrap();
            continue;
        }
        let wanted = |webhook: &Webhook, delivery: &Delivery| {
            webhook.allowed.is_empty()
                || webhook.allowed.iter().any(|kind| delivery.update.get(kind.as_str()).is_some())
        };
        match (books.webhook.clone(), books.waiting.front().cloned()) {
            (Some(webhook), Some(delivery)) if wanted(&webhook, &delivery) => {
                return Some((webhook, delivery));
            }
            (Some(_), Some(_)) => drop(books.waiting.pop_front()),
            _ => books = shared.changed.wait(books).unwrap(),
        }
    }
}

async fn post(client: &reqwest::Client, webhook: &Webhook, update: &Value) -> Result<(), String> {
    let request = client.post(&webhook.url).json(update);
    let request = request.header("x-telegram-bot-api-secret-token", &webhook.secret);
    match request.send().await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("Wrong response from the webhook: {}", response.status())),
        Err(error) => Err(format!("Connection failed: {error}")),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
