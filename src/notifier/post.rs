//! One POST to n8n: what is sent, how it is signed, and what the answer means.
//!
//! Standard Webhooks, <https://www.standardwebhooks.com>; a 2xx means that the chat has it,
//! unless n8n says with it that it is only starting.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::instant::instant;
use crate::outward;
use crate::signature;
use crate::store::outbox::Notification;

/// How long an answer may take, the connection included.
const ANSWERED: Duration = Duration::from_secs(10);
/// How much of an answer is read.
const ANSWER_LIMIT: usize = 16 * 1024;
/// How much of what was answered is told.
const QUOTED: usize = 200;
/// What n8n answers, with a 200, to whatever comes while it opens its database; it keeps nothing of that (`abstract-server.ts`,
/// `setupHealthCheck`).
const STARTING_UP: &str = "n8n is starting up";
/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// Where notifications go, and by what it is known who sends them.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Where they are posted.
    pub url: String,
    /// What they are signed with.
    pub secret: SecretString,
    /// What is sent along.
    pub headers: BTreeMap<String, SecretString>,
}

/// The receiver can't be written to as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A header can't be sent.
    #[error("webhooks.notify_headers: {0} is no header, or its value holds what no header can")]
    Header(String),
    /// The client can't be made.
    #[error("notifications can't be sent: {0}")]
    Client(String),
}

/// Posts to one receiver.
#[derive(Debug)]
pub(super) struct Post {
    client: Client,
    receiver: Receiver,
    headers: HeaderMap,
    zone: TimeZone,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It has arrived.
    Accepted { message_id: Option<i64> },
    /// Nothing is to be sent there any more.
    Gone(String),
    /// This very notification isn't wanted.
    Refused(String),
    /// It may work later.
    Failed { error: String, retry_after: Option<Duration> },
}

/// What is posted.
#[derive(Debug, Serialize)]
pub(super) struct Letter<'a> {
    pub(super) id: &'a str,
    pub(super) r#type: &'a str,
    pub(super) message: &'a str,
    pub(super) event: &'a str,
    pub(super) session: Option<&'a str>,
    pub(super) task: Option<i64>,
    pub(super) gate: Option<&'a str>,
    pub(super) chat_id: Option<&'a str>,
    pub(super) occurred_at: String,
    pub(super) telegram: &'a RawValue,
    /// Telegram's number of the message that this is the new text of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_id: Option<i64>,
}

#[derive(Default, Deserialize)]
struct Accepted {
    message_id: Option<Value>,
}

impl Accepted {
    /// Telegram's number of the message, which workflows give as a text, too.
    fn message_id(&self) -> Option<i64> {
        let told = self.message_id.as_ref()?;
        told.as_i64().or_else(|| told.as_str()?.parse().ok())
    }
}

impl Post {
    pub(super) fn new(receiver: Receiver, zone: TimeZone) -> Result<Self, Unusable> {
        let unusable = |error: reqwest::Error| Unusable::Client(outward::root(&error));
        let client = outward::client(&receiver.url).timeout(ANSWERED).build().map_err(unusable)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &receiver.headers {
            let no_header = || Unusable::Header(name.clone());
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| no_header())?;
            value.set_sensitive(true);
            headers.insert(name.parse::<HeaderName>().map_err(|_| no_header())?, value);
        }
        Ok(Self { client, receiver, headers, zone })
    }

    /// Sends a notification of the outbox.
    pub(super) async fn send(&self, notification: &Notification, now: Timestamp) -> Heard {
        let letter = Letter {
            id: &notification.id,
            r#type: &notification.kind,
            message: &notification.message,
            event: &notification.event,
            session: notification.session.as_deref(),
            task: notification.task,
            gate: notification.gate.as_deref(),
            chat_id: notification.chat.as_deref(),
            occurred_at: self.instant(notification.at),
            telegram: &notification.telegram,
            message_id: None,
        };
        self.post(&letter, now).await
    }

    /// A point in time as receivers read it.
    pub(super) fn instant(&self, at: Timestamp) -> String {
        instant(at, &self.zone)
    }

    /// Sends anything, signed.
    pub(super) async fn post(&self, letter: &Letter<'_>, now: Timestamp) -> Heard {
        let failed = |error: String| Heard::Failed { error, retry_after: None };
        let body = match serde_json::to_vec(letter) {
            Ok(body) => body,
            Err(error) => return failed(format!("it can't be written: {error}")),
        };
        let Some(signature) = signature::sign(&self.receiver.secret, letter.id, now, &body) else {
            return failed("it can't be signed: the secret is no key".to_owned());
        };
        let sent = self
            .client
            .post(&self.receiver.url)
            .headers(self.headers.clone())
            .header(signature::ID, letter.id)
            .header(signature::TIMESTAMP, now.as_second().to_string())
            .header(signature::SIGNATURE, signature)
            .body(body)
            .send()
            .await;
        match sent {
            Ok(response) => hear(response, now).await,
            Err(error) => failed(format!("n8n can't be reached: {}", outward::root(&error))),
        }
    }
}

async fn hear(response: Response, now: Timestamp) -> Heard {
    let status = response.status();
    let retry_after = retry_after(response.headers(), now);
    let answer = match read(response).await {
        Ok(answer) => answer,
        // Whoever says 2xx has it, whatever becomes of the rest of the answer.
        Err(_) if status.is_success() => String::new(),
        Err(error) => outward::root(&error),
    };
    if status.is_success() && answer.starts_with(STARTING_UP) {
        return Heard::Failed { error: said(status, &answer), retry_after };
    }
    if status.is_success() {
        let accepted: Accepted = serde_json::from_str(&answer).unwrap_or_default();
        return Heard::Accepted { message_id: accepted.message_id() };
    }
    let error = said(status, &answer);
    match status {
        StatusCode::GONE => Heard::Gone(error),
        StatusCode::NOT_FOUND
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => Heard::Failed { error, retry_after },
        status if status.is_client_error() => Heard::Refused(error),
        _ => Heard::Failed { error, retry_after },
    }
}

async fn read(mut response: Response) -> reqwest::Result<String> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        answer.extend_from_slice(&chunk);
        if answer.len() > ANSWER_LIMIT {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// What n8n said, on one line and not at length.
fn said(status: StatusCode, answer: &str) -> String {
    let printable = answer.replace(|character: char| character.is_control(), " ");
    let words = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted: String = words.chars().take(QUOTED).collect();
    let hint = match status {
        StatusCode::NOT_FOUND => " (is the workflow active, and webhooks.n8n_notify_url its address?)",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            " (do webhooks.notify_headers and the secret match n8n's credentials?)"
        }
        status if status.is_redirection() => {
            " (redirections are not followed: webhooks.n8n_notify_url has to be the address itself)"
        }
        _ => "",
    };
    if quoted.is_empty() {
        format!("n8n answered {status}{hint}")
    } else {
        format!("n8n answered {status}{hint}: {quoted}")
    }
}

/// In seconds or as a date, RFC 9110 section 10.2.3.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = if let Ok(seconds) = value.parse() {
        Duration::from_secs(seconds)
    } else {
        let at = rfc2822::parse(value).ok()?.timestamp();
        Duration::try_from(at.duration_since(now)).unwrap_or_default()
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_date() {
        let now = Timestamp::from_second(784_111_777 - 30).unwrap();
        let pause = |value: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]), now)
        };
        assert_eq!(pause("17"), Some(Duration::from_secs(17)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(pause("Sat, 06 Nov 1993 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(pause("99999999999"), Some(LONGEST_PAUSE));
        assert_eq!(pause("soon"), None);
    }

    #[test]
    fn a_messages_number_may_come_as_a_text() {
        let told = |answer| serde_json::from_str::<Accepted>(answer).unwrap_or_default().message_id();
        assert_eq!((told(r#"{"message_id":17}"#), told(r#"{"message_id":"17"}"#)), (Some(17), Some(17)));
        assert_eq!((told(r#"{"message_id":null}"#), told("[]"), told("ok")), (None, None, None));
    }

    #[test]
    fn what_was_said_is_told_on_one_line() {
        assert_eq!(said(StatusCode::BAD_GATEWAY, ""), "n8n answered 502 Bad Gateway");
        assert!(said(StatusCode::FOUND, "").contains("redirections are not followed"));
        let told = said(StatusCode::BAD_REQUEST, "{\"error\":\n\t\"chat\u{7} not found\"}");
        assert_eq!(told, r#"n8n answered 400 Bad Request: {"error": "chat not found"}"#);
        assert!(said(StatusCode::BAD_REQUEST, &"long ".repeat(1000)).len() < 300);
    }
}
