//! Stands where n8n would: takes notifications on loopback, answers as a test says, and keeps a ledger of what came.
//!
//! Signatures are verified by the published crate of Standard Webhooks, not by ours.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::chat_message;
use super::daemon::SECRET;
use super::eventually::eventually;
use super::{free_port, listen};

/// What a test answers to one delivery.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    after: Duration,
}

impl Reply {
    /// The chat has it.
    pub fn accepted() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: json!({"message_id": 17}).to_string(),
            after: Duration::ZERO,
        }
    }

    /// Any status, with what a proxy might say to it.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: "<html>no</html>".to_owned(), after: Duration::ZERO }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// … and not before.
    #[must_use]
    pub fn after(mut self, silence: Duration) -> Self {
        self.after = silence;
        self
    }
}

/// One POST, as it came and as it was answered.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub at: Instant,
    pub headers: HeaderMap,
    pub letter: Value,
    pub answered: u16,
}

impl Delivery {
    pub fn id(&self) -> &str {
        self.letter["id"].as_str().expect("an id")
    }

    pub fn event(&self) -> &str {
        self.letter["event"].as_str().expect("an event")
    }

    pub fn chat(&self) -> Option<&str> {
        self.letter["chat_id"].as_str()
    }
}

type Script = Box<dyn FnMut(&Value, usize) -> Reply + Send>;

struct Inner {
    ledger: Vec<Delivery>,
    script: Script,
}

/// The receiver; `close` is n8n being down.
pub struct Receiver {
    port: u16,
    inner: Arc<Mutex<Inner>>,
    runtime: Runtime,
    serving: Option<JoinHandle<()>>,
}

impl Receiver {
    /// A receiver that accepts everything.
    pub fn start() -> Self {
        Self::scripted(|_, _| Reply::accepted())
    }

    /// A receiver whose answer depends on what came and on how many came before it.
    pub fn scripted(script: impl FnMut(&Value, usize) -> Reply + Send + 'static) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let inner = Arc::new(Mutex::new(Inner { ledger: Vec::new(), script: Box::new(script) }));
        let mut receiver = Self { port: free_port(), inner, runtime, serving: None };
        receiver.open();
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/webhook/orchestrator-notify", self.port)
    }

    /// Answers differently from now on.
    pub fn answers(&self, script: impl FnMut(&Value, usize) -> Reply + Send + 'static) {
        self.inner.lock().unwrap().script = Box::new(script);
    }

    /// Listens, again if it was closed.
    pub fn open(&mut self) {
        let router = Router::new().fallback(take).with_state(Arc::clone(&self.inner));
        let listener = listen((Ipv4Addr::LOCALHOST, self.port).into());
        listener.set_nonblocking(true).unwrap();
        self.serving = Some(self.runtime.spawn(async move {
            axum::serve(TcpListener::from_std(listener).unwrap(), router).await.unwrap();
        }));
    }

    /// Listens no more: connections are refused.
    pub fn close(&mut self) {
        let serving = self.serving.take().expect("it listens");
        serving.abort();
        let _ = self.runtime.block_on(serving);
    }

    /// Everything that came, in the order of its arrival.
    pub fn ledger(&self) -> Vec<Delivery> {
        self.inner.lock().unwrap().ledger.clone()
    }

    /// What was accepted: the first of each id, in order.
    pub fn accepted(&self) -> Vec<Delivery> {
        let mut seen = BTreeSet::new();
        let mut accepted = self.ledger();
        accepted.retain(|delivery| delivery.answered == 200 && seen.insert(delivery.id().to_owned()));
        accepted
    }

    /// Waits until something has come.
    #[track_caller]
    pub fn await_that(
        &self,
        deadline: Duration,
        what: &str,
        holds: impl Fn(&[Delivery]) -> bool,
    ) -> Vec<Delivery> {
        eventually(deadline, what, || {
            let ledger = self.ledger();
            let seen = |ledger: &[Delivery]| -> Vec<String> {
                ledger
                    .iter()
                    .map(|each| format!("{} {} → {}", each.id(), each.event(), each.answered))
                    .collect()
            };
            if holds(&ledger) { Ok(ledger) } else { Err(seen(&ledger)) }
        })
    }

    /// Waits until an event was accepted in a chat, or in the receiver's own.
    #[track_caller]
    pub fn await_event(&self, deadline: Duration, event: &str, chat: Option<&str>) -> Delivery {
        let is_it = |delivery: &&Delivery| delivery.event() == event && delivery.chat() == chat;
        self.await_that(deadline, &format!("{event} in {chat:?}"), |_| {
            self.accepted().iter().any(|each| is_it(&each))
        });
        self.accepted().iter().find(is_it).cloned().expect("it was there a moment ago")
    }
}

async fn take(State(inner): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: Bytes) -> Response {
    let at = Instant::now();
    let webhook = Webhook::from_bytes(SECRET.as_bytes().to_vec()).unwrap();
    webhook.verify(&body, &headers).expect("a signature that the published crate accepts");
    let letter: Value = serde_json::from_slice(&body).expect("a JSON body");
    assert_eq!(headers["webhook-id"], letter["id"].as_str().expect("an id"));
    chat_message::check(&letter["telegram"]).expect("Telegram takes it");
    let reply = {
        let mut inner = inner.lock().unwrap();
        let before = inner.ledger.len();
        let reply = (inner.script)(&letter, before);
        inner.ledger.push(Delivery { at, headers, letter, answered: reply.status });
        reply
    };
    tokio::time::sleep(reply.after).await;
    let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
