//! The Telegram bot, asked directly: who it is, who receives its messages, who has written to it.
//!
//! The token is part of the address: no error of a request may be shown as it is.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::api::unreachable;
use super::shown;
use super::trouble::Trouble;
use crate::cli::page::shortened;
use crate::outward;

/// Telegram's own Bot API server.
pub(super) const TELEGRAM: &str = "https://api.telegram.org";

const ANSWERED: Duration = Duration::from_secs(20);
const LONGEST_MESSAGE: usize = 200;

/// A bot, by its token.
#[derive(Debug)]
pub(super) struct Bot<'a> {
    client: Client,
    url: &'a Url,
    token: &'a SecretString,
}

/// Who a bot is.
#[derive(Debug, Deserialize)]
pub(super) struct Identity {
    pub(super) username: String,
}

/// Where its messages go; nowhere if empty.
#[derive(Debug, Deserialize)]
pub(super) struct Webhook {
    pub(super) url: String,
}

/// A chat that somebody has written in.
#[derive(Debug, Deserialize)]
pub(super) struct Chat {
    pub(super) id: i64,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
}

impl Chat {
    pub(super) fn name(&self) -> String {
        let name = self.title.as_deref().or(self.first_name.as_deref()).unwrap_or("somebody");
        shortened(name, 40)
    }
}

#[derive(Deserialize)]
struct Update {
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    chat: Chat,
}

#[derive(Deserialize)]
struct Answer<T> {
    result: Option<T>,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    description: String,
}

impl<'a> Bot<'a> {
    pub(super) fn new(url: &'a Url, token: &'a SecretString) -> Result<Self, Trouble> {
        let client = outward::client(url.as_str()).timeout(ANSWERED).build();
        Ok(Self { client: client.map_err(|error| unreachable("Telegram", url, &error))?, url, token })
    }

    pub(super) async fn identity(&self) -> Result<Identity, Trouble> {
        self.ask("getMe", json!({})).await
    }

    pub(super) async fn webhook(&self) -> Result<Webhook, Trouble> {
        self.ask("getWebhookInfo", json!({})).await
    }

    /// The chats that wrote lately. Telegram tells only while no service receives the bot's messages.
    pub(super) async fn chats(&self) -> Vec<Chat> {
        let updates: Vec<Update> = self.ask("getUpdates", json!({})).await.unwrap_or_default();
        let mut chats: Vec<Chat> =
            updates.into_iter().filter_map(|update| update.message).map(|message| message.chat).collect();
        chats.sort_by_key(|chat| chat.id);
        chats.dedup_by_key(|chat| chat.id);
        chats
    }

    /// Lets Telegram forget what was written so far, which it would otherwise bring to whoever receives messages next.
    pub(super) async fn forget(&self) -> Result<(), Trouble> {
        self.ask::<bool>("deleteWebhook", json!({ "drop_pending_updates": true })).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, method: &str, parameters: Value) -> Result<T, Trouble> {
        let url = format!("{}/bot{}/{method}", shown(self.url), self.token.expose_secret());
        let failed = |error| unreachable("Telegram", self.url, &error);
        let request = self.client.post(url).header(CONTENT_TYPE, "application/json");
        let response = request.body(parameters.to_string()).send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(failed)?;
        let answer: Answer<T> = serde_json::from_str(&text)
            .map_err(|_| Trouble::NotTelegram { at: shown(self.url).to_owned(), status })?;
        answer.result.ok_or_else(|| Trouble::UnknownBot {
            status: if answer.error_code == 0 { status } else { answer.error_code },
            message: shortened(&answer.description, LONGEST_MESSAGE),
        })
    }
}
