//! The way from the daemon through n8n to the chat, and from the bot through n8n back: one signed message, whose answer
//! tells of every leg.

mod answer;
mod legs;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Url, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use self::answer::Answer;
use super::report::Finding;
use crate::app::clock;
use crate::config::Config;
use crate::{outward, signature, telegram};

/// Longer than n8n takes for four calls to Telegram and one to a daemon that doesn't answer.
const PATIENCE: Duration = Duration::from_secs(45);
pub(super) const PUSH: &str = "orchestrator n8n push";

/// Sends the message to each chat; what is the same for all of them is told once.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let webhooks = &config.webhooks;
    let (Some(url), Some(secret)) = (&webhooks.n8n_notify_url, &webhooks.secret) else {
        let message = "no notifications are sent: webhooks.n8n_notify_url or webhooks.secret is not set";
        return vec![Finding::fail("n8n", message, PUSH)];
    };
    let Ok(url) = url.parse::<Url>() else {
        return vec![Finding::fail("n8n", "webhooks.n8n_notify_url is no address", "correct it")];
    };
    let key = webhooks.notify_secret.as_ref().unwrap_or(secret);
    let (mut findings, mut back) = (Vec::new(), None);
    for (index, chat) in chats(config).into_iter().enumerate() {
        let answer = match send(config, &url, key, chat).await {
            Ok(answer) => answer,
            Err(error) => {
                findings.push(legs::unreachable(&url, &error));
                break;
            }
        };
        if index == 0 {
            findings.extend(legs::entrance(config, &url, &answer));
        }
        if !answer.got_in() {
            break;
        }
        findings.push(legs::chat(chat, &answer));
        back = back.or_else(|| answer.way_back());
    }
    findings.extend(back.iter().flat_map(|back| legs::way_back(config, &url, back)));
    findings
}

/// The chats that are notified; `None` is the one that n8n has for its own.
fn chats(config: &Config) -> Vec<Option<&str>> {
    let chats: Vec<_> = config.telegram.chat_id.iter().map(|chat| Some(chat.as_str())).collect();
    if chats.is_empty() { vec![None] } else { chats }
}

async fn send(config: &Config, url: &Url, key: &SecretString, chat: Option<&str>) -> reqwest::Result<Answer> {
    let (id, now) = (Uuid::now_v7().to_string(), clock());
    let body = body(&id, now, chat);
    let client = outward::client(url.as_str()).timeout(PATIENCE).build()?;
    let mut request = client
        .post(url.clone())
        .header(header::CONTENT_TYPE, "application/json")
        .header(signature::ID, &id)
        .header(signature::TIMESTAMP, now.as_second())
        .header(signature::SIGNATURE, signature::sign(key, &id, now, body.as_bytes()).unwrap_or_default());
    for (name, value) in &config.webhooks.notify_headers {
        request = request.header(name, value.expose_secret());
    }
    let response = request.body(body).send().await?;
    let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    Ok(Answer::new(status, date.as_deref(), now, &response.text().await?))
}

fn body(id: &str, now: Timestamp, chat: Option<&str>) -> String {
    let probe = telegram::probe();
    json!({
        "id": id,
        "type": "info",
        "message": probe.plain,
        "event": "round_trip",
        "session": null,
        "task": null,
        "gate": null,
        "chat_id": chat,
        "occurred_at": now,
        "telegram": probe,
    })
    .to_string()
}
