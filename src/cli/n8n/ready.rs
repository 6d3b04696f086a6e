//! Waits until the workflows listen. n8n publishes after it has answered, tries again by itself, and its API doesn't tell
//! how that went: those who are listened to do.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use super::api::{Api, Workflow, unreachable};
use super::bot::Bot;
use super::request::Request;
use super::stock::{FROM_TELEGRAM, TO_TELEGRAM};
use super::trouble::Trouble;
use super::workflow::telegram_webhook;
use crate::cli::say;
use crate::outward::{self, place};

/// Longer than n8n takes to try three times.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

/// The workflow that listens to Telegram.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) workflow: Workflow,
    /// Whether it was published just now.
    pub(super) is_fresh: bool,
}

pub(super) async fn wait(
    api: &Api<'_>,
    request: &Request<'_>,
    bot: Option<&Bot<'_>>,
    listener: &Listener,
) -> Result<(), Trouble> {
    let deadline = Instant::now() + PATIENCE;
    let mut missing = Vec::new();
    if !until(deadline, || takes_notifications(request)).await? {
        missing.push(format!("{:?} takes no notifications at {}", TO_TELEGRAM.name, request.notify_url()));
    }
    if let Some(bot) = bot
        && !receives(api, bot, listener, deadline).await?
    {
        let url = bot.webhook().await?.url;
        let instead = url.parse().map_or_else(|_| "nowhere".to_owned(), |url| format!("to {}", place(&url)));
        missing.push(format!(
            "{:?} receives no messages, for Telegram sends them {instead} (n8n's own address, N8N_WEBHOOK_URL, must be \
             one that Telegram reaches by https)",
            FROM_TELEGRAM.name
        ));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Trouble::NotListening { seconds: PATIENCE.as_secs(), what: missing.join("; ") })
}

/// n8n asks for the key where the webhook is there, and knows of nothing where it isn't.
async fn takes_notifications(request: &Request<'_>) -> Result<bool, Trouble> {
    let url = &request.options.url;
    let failed = |error| unreachable("n8n", url, &error);
    let client = outward::client(url.as_str()).timeout(PATIENCE).build().map_err(failed)?;
    let answer = client.post(request.notify_url()).body("{}").send().await.map_err(failed)?;
    Ok(answer.status() != StatusCode::NOT_FOUND)
}

/// Whether Telegram sends the bot's messages to the workflow. If they go elsewhere although it has been published, such as
/// with another bot's token, it is published anew: n8n leaves alone what hasn't changed.
async fn receives(
    api: &Api<'_>,
    bot: &Bot<'_>,
    listener: &Listener,
    deadline: Instant,
) -> Result<bool, Trouble> {
    let workflow = &listener.workflow;
    let Some(id) = telegram_webhook(workflow) else { return Ok(true) };
    let arrives = async || Ok(bot.webhook().await?.url.contains(id));
    if listener.is_fresh || arrives().await? {
        return until(deadline, arrives).await;
    }
    api.unpublish(workflow).await?;
    // n8n does both when it gets to them, and neither if it finds that the one takes back the other.
    until(Instant::now() + PATIENCE / 2, async || Ok(bot.webhook().await?.url.is_empty())).await?;
    api.publish(workflow).await?;
    let deadline = Instant::now() + PATIENCE;
    let is_in_place = until(deadline, arrives).await?;
    if is_in_place {
        say::out(format_args!("published workflow {} again, for the bot's messages", FROM_TELEGRAM.name));
    }
    Ok(is_in_place)
}

async fn until<F>(deadline: Instant, condition: impl Fn() -> F) -> Result<bool, Trouble>
where
    F: Future<Output = Result<bool, Trouble>>,
{
    while !condition().await? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(true)
}
