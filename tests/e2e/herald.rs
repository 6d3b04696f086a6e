//! Notifications by hand: what the daemon would post, and what it never would.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::support::SOON;
use crate::support::n8n::{N8n, NOTIFY_KEY, NOTIFY_SECRET};

/// Posts notifications to n8n in the daemon's place.
pub struct Herald {
    url: String,
    runtime: Runtime,
    client: reqwest::Client,
}

/// A notification about to be posted.
#[derive(Clone)]
pub struct Letter {
    pub body: Value,
    pub secret: &'static str,
    pub key: &'static str,
    pub age_seconds: i64,
}

/// What n8n answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Letter {
    /// A notification as it should be.
    pub fn new(id: &str, text: &str) -> Self {
        let body = json!({
            "id": id, "type": "info", "event": "task_started", "message": text, "session": null, "task": null,
            "gate": null, "chat_id": null, "occurred_at": "2025-11-20T09:30:15Z",
            "telegram": {"text": text, "parse_mode": "HTML"},
        });
        Self { body, secret: NOTIFY_SECRET, key: NOTIFY_KEY, age_seconds: 0 }
    }

    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }
}

impl Herald {
    pub fn of(n8n: &N8n) -> Self {
        let client = orchestrator::outward::client("http:").timeout(SOON).build().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { url: n8n.notify_url(), runtime, client }
    }

    pub fn posts(&self, letter: &Letter) -> Reply {
        self.runtime.block_on(self.post(letter)).unwrap()
    }

    /// Posts the same twice at a time.
    pub fn posts_twice(&self, letter: &Letter) -> [Reply; 2] {
        let both = async { tokio::join!(self.post(letter), self.post(letter)) };
        let (one, other) = self.runtime.block_on(both);
        [one.unwrap(), other.unwrap()]
    }

    /// Posts without waiting for an answer.
    pub fn starts_posting(&self, letter: &Letter) -> JoinHandle<reqwest::Result<u16>> {
        let request = self.request(letter);
        self.runtime.spawn(async { Ok(request.send().await?.status().as_u16()) })
    }

    /// Posts it again and again, also while nobody listens, until it is sent; tells what was said with a 2xx, in its order.
    pub fn keeps_posting(&self, letter: &Letter) -> JoinHandle<Vec<Value>> {
        let request = self.request(letter);
        self.runtime.spawn(async move {
            let mut said: Vec<Value> = Vec::new();
            while said.last().is_none_or(|last| last["message_id"].is_null()) {
                let reply = reply(request.try_clone().unwrap()).await;
                said.extend(reply.ok().filter(|reply| reply.status / 100 == 2).map(|reply| reply.body));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            said
        })
    }

    /// Waits for what goes on beside.
    pub fn awaits<T>(&self, task: JoinHandle<T>) -> T {
        self.runtime.block_on(task).unwrap()
    }

    async fn post(&self, letter: &Letter) -> reqwest::Result<Reply> {
        reply(self.request(letter)).await
    }

    fn request(&self, letter: &Letter) -> reqwest::RequestBuilder {
        let id = letter.body["id"].as_str().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let at = i64::try_from(now).unwrap() - letter.age_seconds;
        let body = letter.body.to_string();
        let signer = Webhook::from_bytes(letter.secret.as_bytes().to_vec()).unwrap();
        let signature = signer.sign(id, at, body.as_bytes()).unwrap();
        let request = self.client.post(&self.url).header("content-type", "application/json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", at.to_string());
        request.header("webhook-signature", signature).header("x-orchestrator-key", letter.key).body(body)
    }
}

async fn reply(request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Reply { status, retry_after: header(&headers, "retry-after"), body })
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().unwrap().to_owned())
}
