//! `orchestrator n8n push`: the workflows, their credentials and their settings into an n8n, by its public API.
//!
//! Two keys come from the environment and no secret gets onto the terminal, into an argument or into an error. What n8n has
//! of ours is found by its name, so that a second call brings it up to date.

mod api;
mod bot;
mod credentials;
mod dotenv;
mod push;
mod ready;
mod request;
mod stock;
mod trouble;
mod workflow;

use clap::{Args, Subcommand};
use reqwest::Url;
use tokio::runtime::Builder;

pub(super) use self::request::KEY_HEADER;
use self::request::Request;
pub(super) use self::trouble::Trouble;
use super::{Arguments as Global, Error, Exit};

pub(super) const EXAMPLES: &str = "Examples:
  read -rs N8N_API_KEY && read -rs TELEGRAM_BOT_TOKEN && export N8N_API_KEY TELEGRAM_BOT_TOKEN
  orchestrator n8n push --url http://localhost:5678 --dry-run
  orchestrator n8n push --url https://n8n.example.com --daemon-url https://orchestrator.example.com

The API key is made in n8n under Settings > n8n API, the bot's token by @BotFather. The key by which n8n knows the daemon is \
made here, and written to .env beside the configuration. docs/n8n.md has the whole way.

Exit codes:
  0  all is in place
  1  it isn't; what was said tells what to do";

/// What is done to an n8n.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Put the workflows into an n8n, or bring them up to date, and publish them
    #[command(after_help = EXAMPLES)]
    Push(Box<Push>),
}

#[derive(Debug, Args)]
pub(super) struct Push {
    /// Where n8n is, as a browser here would reach it
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Url,
    /// Where n8n finds the daemon [default: http://, server.host and server.port]
    #[arg(long, value_name = "URL", value_parser = address)]
    daemon_url: Option<Url>,
    /// The Bot API server, if it isn't Telegram's own
    #[arg(long, value_name = "URL", value_parser = address, default_value = bot::TELEGRAM)]
    telegram_url: Url,
    /// Take the bot over from another service that receives its messages now
    #[arg(long)]
    take_bot: bool,
    /// Leave "Daily startup" unpublished, so that nothing starts by itself in the morning
    #[arg(long)]
    no_daily: bool,
    /// Only look, and say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn n8n(global: &Global, command: &Command) -> Result<Exit, Error> {
    let Command::Push(push) = command;
    let (config, dotenv) = (global.load()?, global.dotenv()?);
    let request = Request::new(&config, push, dotenv)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(push::push(&request))?;
    Ok(Exit::Ok)
}

/// An address to which paths can be added.
fn address(text: &str) -> Result<Url, &'static str> {
    let mut url: Url = text.parse().map_err(|_| "an address begins with http:// or https://")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("an address begins with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must end before the first ? or #");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// An address without the slash that an empty path gets.
fn shown(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}
