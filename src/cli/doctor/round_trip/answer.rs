//! What n8n said to the message.

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use serde::Deserialize;

use crate::cli::page::shortened;

const LONGEST: usize = 200;

/// n8n's answer, as far as it is understood.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// How far n8n's clock is ahead of ours.
    pub(super) ahead: SignedDuration,
    said: Option<Said>,
    text: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    message_id: Option<i64>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    round_trip: Option<WayBack>,
}

/// What n8n found out about the way from the bot to the daemon.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WayBack {
    /// Where Telegram sends the bot's messages: nowhere if empty, and nobody knows if missing.
    #[serde(default)]
    pub(super) webhook_url: Option<String>,
    /// How n8n is called from outside.
    #[serde(default)]
    pub(super) expected_base: Option<String>,
    #[serde(default)]
    pub(super) pending_updates: Option<usize>,
    #[serde(default)]
    pub(super) last_error: Option<String>,
    #[serde(default)]
    pub(super) daemon: Option<Daemon>,
}

/// What the daemon said to n8n; status 0 is no answer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Daemon {
    #[serde(default)]
    pub(super) status: u16,
    #[serde(default)]
    message: Option<String>,
}

impl Daemon {
    pub(super) fn message(&self) -> String {
        let message = self.message.as_deref().filter(|message| !message.is_empty());
        shortened(message.unwrap_or("no reason given"), LONGEST)
    }
}

impl Answer {
    pub(super) fn new(status: u16, date: Option<&str>, now: Timestamp, text: &str) -> Self {
        let theirs = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        let ahead = theirs.map_or(SignedDuration::ZERO, |theirs| theirs.duration_since(now));
        Self { status, ahead, said: serde_json::from_str(text).ok(), text: text.to_owned() }
    }

    /// The message in the chat, if Telegram took it.
    pub(super) fn message_id(&self) -> Option<i64> {
        self.said.as_ref().filter(|_| self.status == 200)?.message_id
    }

    /// Whether it was the workflow that answered, after it had found the message to be ours.
    pub(super) fn got_in(&self) -> bool {
        match self.status {
            200 => self.message_id().is_some(),
            400 | 429 | 502 => self.said.as_ref().is_some_and(|said| said.error.is_some()),
            _ => false,
        }
    }

    /// Whether n8n itself said this, and not something before it.
    pub(super) fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    /// What was said against it.
    pub(super) fn because(&self) -> String {
        let error = self.said.as_ref().and_then(|said| said.error.as_deref().or(said.message.as_deref()));
        shortened(error.unwrap_or(&self.text), LONGEST)
    }

    pub(super) fn way_back(&self) -> Option<WayBack> {
        self.said.as_ref()?.round_trip.clone()
    }
}
