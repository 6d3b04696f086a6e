//! Each leg of the way, as a finding with its remedy.

use jiff::SignedDuration;
use reqwest::Url;

use super::PUSH;
use super::answer::{Answer, Daemon, WayBack};
use crate::cli::doctor::report::Finding;
use crate::cli::health;
use crate::cli::n8n::KEY_HEADER;
use crate::cli::page::shortened;
use crate::config::Config;
use crate::domain::number::count;
use crate::outward::{self, place};

/// The workflow that takes notifications.
const TO_TELEGRAM: &str = "\"Orchestrator → Telegram\"";
/// The workflow that receives what people write.
const FROM_TELEGRAM: &str = "\"Telegram → Orchestrator\"";
/// How far two clocks may be apart for a signature to be good.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// n8n can't be reached.
pub(super) fn unreachable(url: &Url, error: &reqwest::Error) -> Finding {
    let remedy = if outward::is_untrusted(error) {
        "its certificate must come from an authority that this system knows, or from one that SSL_CERT_FILE names"
    } else if error.is_timeout() {
        "n8n's log says why; is its machine too busy, or Telegram out of its reach?"
    } else {
        "is webhooks.n8n_notify_url right, and does n8n run?"
    };
    Finding::fail("n8n", format!("{} can't be reached: {}", place(url), outward::root(error)), remedy)
}

/// Whether n8n lets notifications in.
pub(super) fn entrance(config: &Config, url: &Url, answer: &Answer) -> Vec<Finding> {
    let reached = Finding::ok("n8n", format!("the workflow answers at {}", place(url)));
    let key_right = Finding::ok("key", "n8n accepts the notify header");
    match answer.status {
        404 if answer.says("is not registered") => vec![Finding::fail(
            "n8n",
            format!("{} answers, but has no webhook {}", place(url), url.path()),
            format!("publish {TO_TELEGRAM} in n8n, or {PUSH}"),
        )],
        403 if answer.says("Authorization data is wrong") => vec![reached, key(config)],
        401 if answer.because().contains("signature") => vec![reached, key_right, signature(answer)],
        _ if answer.got_in() => {
            vec![reached, key_right, Finding::ok("signature", "n8n accepts the signature")]
        }
        500 => vec![Finding::fail(
            "n8n",
            format!("the workflow failed: {}", answer.because()),
            format!("n8n's log says why; {PUSH} brings the workflow up to date"),
        )],
        status => vec![Finding::fail(
            "n8n",
            format!("what answers at {} is not our workflow (HTTP {status})", place(url)),
            format!("is webhooks.n8n_notify_url right? If so, {PUSH}"),
        )],
    }
}

fn key(config: &Config) -> Finding {
    let has_key = config.webhooks.notify_headers.keys().any(|name| name.eq_ignore_ascii_case(KEY_HEADER));
    let message = if has_key {
        format!("n8n refuses the {KEY_HEADER} in webhooks.notify_headers: its credential holds another one")
    } else {
        format!("n8n asks for a key, and webhooks.notify_headers holds no {KEY_HEADER}")
    };
    Finding::fail("key", message, PUSH)
}

fn signature(answer: &Answer) -> Finding {
    if answer.ahead.abs() > TOLERANCE {
        let minutes = usize::try_from(answer.ahead.abs().as_mins()).unwrap_or(usize::MAX);
        let direction = if answer.ahead.is_positive() { "ahead of" } else { "behind" };
        let message = format!("n8n's clock is {} {direction} this one", count(minutes, "minute"));
        return Finding::fail("signature", message, "set both clocks, best by NTP");
    }
    Finding::fail(
        "signature",
        "n8n refuses the signature: its credential \"Orchestrator signature\" holds another key",
        PUSH,
    )
}

/// Whether Telegram put the message into a chat.
pub(super) fn chat(chat: Option<&str>, answer: &Answer) -> Finding {
    let name = chat.map_or("n8n's default chat".to_owned(), |chat| format!("chat {chat}"));
    if let Some(id) = answer.message_id() {
        return Finding::ok("telegram", format!("message {id} is in {name}"));
    }
    let because = answer.because();
    match answer.status {
        429 => Finding::fail("telegram", format!("too many messages to {name}"), "wait a minute"),
        502 => Finding::fail(
            "telegram",
            format!("n8n can't reach Telegram: {because}"),
            "see whether n8n's machine reaches api.telegram.org",
        ),
        _ => Finding::fail("telegram", format!("refuses {name}: {because}"), remedy(&because)),
    }
}

/// What helps against Telegram's commonest refusals.
fn remedy(because: &str) -> &'static str {
    if because.contains("chat not found") {
        "is telegram.chat_id right? Whoever is in that chat must write to the bot first"
    } else if because.contains("blocked") || because.contains("kicked") {
        "let the bot into the chat again"
    } else if because.contains("Unauthorized") || because.contains("Not Found") {
        "the token in n8n's credentials is no bot's: orchestrator n8n push"
    } else {
        "those are Telegram's own words"
    }
}

/// Whether what people write gets to the daemon.
pub(super) fn way_back(config: &Config, url: &Url, back: &WayBack) -> Vec<Finding> {
    let mut findings = vec![webhook(url, back)];
    findings.extend(delivery(back));
    if let Some(said) = &back.daemon {
        findings.push(daemon(config, said));
    }
    findings
}

fn webhook(url: &Url, back: &WayBack) -> Finding {
    let publish = format!("publish {FROM_TELEGRAM} in n8n, or {PUSH}");
    let Some(receiver) = &back.webhook_url else {
        let message = "n8n can't learn from Telegram where the bot's messages go";
        return Finding::warn("bot", message, "call this again in a while");
    };
    let Ok(receiver) = receiver.parse::<Url>() else {
        return Finding::fail("bot", "Telegram sends the bot's messages nowhere", publish);
    };
    let base = back.expected_base.as_deref().and_then(|base| base.parse::<Url>().ok());
    let base = base.as_ref().unwrap_or(url);
    if place(&receiver) == place(base) {
        return Finding::ok("bot", format!("Telegram sends the bot's messages to {}", place(base)));
    }
    Finding::fail(
        "bot",
        format!("Telegram sends the bot's messages to {}, not to n8n at {}", place(&receiver), place(base)),
        format!("another service uses this bot: give it one of its own, then {publish}"),
    )
}

fn delivery(back: &WayBack) -> Option<Finding> {
    let waiting = back.pending_updates.filter(|number| *number > 0);
    let waiting = waiting.map(|number| format!("{} to the bot still waiting", count(number, "message")));
    let error = back.last_error.as_deref().filter(|error| !error.is_empty());
    let error = error.map(|error| format!("Telegram's last failure: {}", shortened(error, 200)));
    let remedy = "if nothing arrives: n8n must be reached from outside by https, with a valid certificate";
    match (error, waiting) {
        (None, None) => None,
        // It is told of for ever, however long ago it was.
        (Some(error), None) => Some(Finding::ok("delivery", format!("nothing is waiting ({error})"))),
        (None, Some(waiting)) => Some(Finding::warn("delivery", waiting, remedy)),
        (Some(error), Some(waiting)) => {
            Some(Finding::warn("delivery", format!("{error}; {waiting}"), remedy))
        }
    }
}

fn daemon(config: &Config, said: &Daemon) -> Finding {
    let at = health::shown(&config.server);
    match said.status {
        200 => Finding::ok("daemon", "n8n reaches the daemon, which accepts its secret"),
        401 => Finding::fail(
            "daemon",
            "the daemon refuses n8n's secret: its credential \"Orchestrator secret\" holds another one",
            PUSH,
        ),
        0 if matches!(health::ask(&config.server), health::Answer::Nobody(_)) => Finding::fail(
            "daemon",
            format!("n8n can't reach the daemon, and nothing answers at {at}"),
            "orchestrator serve",
        ),
        0 => Finding::fail(
            "daemon",
            format!("n8n can't reach the daemon, which runs at {at}: {}", said.message()),
            "orchestrator n8n push with the --daemon-url that n8n reaches it by (docs/n8n.md: Docker, cloud)",
        ),
        status @ (500..) => Finding::fail(
            "daemon",
            format!("the daemon, or what stands before it, is not well (HTTP {status}: {})", said.message()),
            "its log says why",
        ),
        status => Finding::fail(
            "daemon",
            format!("what n8n takes for the daemon answers HTTP {status}: {}", said.message()),
            "orchestrator n8n push with the right --daemon-url",
        ),
    }
}
