//! What is asked for: the options, the configuration and the two keys of the environment, found to fit together.

use std::env;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Push, Trouble, shown};
use crate::cli::client::address;
use crate::cli::{Error, fresh_key};
use crate::config::Config;
use crate::outward::{is_here, place};

/// The header in which the daemon shows n8n who it is.
pub(in crate::cli) const KEY_HEADER: &str = "X-Orchestrator-Key";
/// Where in n8n the daemon's notifications go.
pub(in crate::cli) const NOTIFY_PATH: &str = "/webhook/orchestrator-notify";

/// One push, whole.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) config: &'a Config,
    pub(super) options: &'a Push,
    pub(super) api_key: SecretString,
    pub(super) token: SecretString,
    /// What n8n proves itself to the daemon with.
    pub(super) secret: &'a SecretString,
    /// What the daemon signs with, as n8n keeps it.
    pub(super) signing_key: SecretString,
    /// The value of the header that n8n asks for.
    pub(super) notify_key: SecretString,
    /// Whether that was made just now, so that the daemon has yet to learn it.
    pub(super) is_new_key: bool,
    pub(super) daemon_url: Url,
    pub(super) dotenv: PathBuf,
}

impl<'a> Request<'a> {
    pub(super) fn new(config: &'a Config, options: &'a Push, dotenv: PathBuf) -> Result<Self, Error> {
        let secret = config.require_secret()?;
        let webhooks = &config.webhooks;
        if webhooks.require_signature {
            return Err(Trouble::SignatureRequired.into());
        }
        let signing_key = match &webhooks.notify_secret {
            Some(own) => as_text(own, "notify_secret")?,
            None => as_text(secret, "secret")?,
        };
        let known = webhooks.notify_headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(KEY_HEADER));
        let is_new_key = known.is_none();
        let notify_key = match known {
            Some((_, key)) => key.clone(),
            None if webhooks.notify_headers.is_empty() => fresh_key()?.into(),
            None => return Err(Trouble::KeyMissing { dotenv: quoted(&dotenv) }.into()),
        };
        Ok(Self {
            config,
            options,
            api_key: variable("N8N_API_KEY", "make a key in n8n under Settings > n8n API")?,
            token: token()?,
            secret,
            signing_key,
            notify_key,
            is_new_key,
            daemon_url: allowed(config, daemon_url(config, options)?)?,
            dotenv,
        })
    }

    /// Where the daemon is to send its notifications.
    pub(super) fn notify_url(&self) -> String {
        format!("{}{NOTIFY_PATH}", shown(&self.options.url))
    }
}

/// The daemon's address, if the daemon answers to that name.
fn allowed(config: &Config, url: Url) -> Result<Url, Trouble> {
    let (hosts, host) = (&config.server.allowed_hosts, url.host_str().unwrap_or_default());
    let bare = |host: &str| host.trim_matches(['[', ']']).to_ascii_lowercase();
    let is_known = |known: &String| bare(known) == bare(host) || known.eq_ignore_ascii_case(&place(&url));
    if hosts.is_empty() || hosts.iter().any(is_known) {
        return Ok(url);
    }
    Err(Trouble::HostNotAllowed { host: host.to_owned() })
}

/// A path as it is given to a shell.
pub(super) fn quoted(path: &Path) -> String {
    shell_words::quote(&crate::cli::shown(path)).into_owned()
}

fn variable(name: &'static str, advice: &'static str) -> Result<SecretString, Trouble> {
    let value = env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    value.map(Into::into).ok_or(Trouble::NotSet { name, advice })
}

/// The bot's token. It becomes part of a path, where anything else could lead elsewhere.
fn token() -> Result<SecretString, Trouble> {
    let token = variable("TELEGRAM_BOT_TOKEN", "@BotFather makes a bot, and names its token")?;
    let is_word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let parts = token.expose_secret().split_once(':');
    let is_token = parts.is_some_and(|(id, rest)| id.parse::<u64>().is_ok() && is_word(rest));
    if is_token { Ok(token) } else { Err(Trouble::NoToken) }
}

/// A signing secret as n8n's Crypto node takes it: the key's own bytes, as text.
fn as_text(secret: &SecretString, key: &'static str) -> Result<SecretString, Trouble> {
    let Some(encoded) = secret.expose_secret().strip_prefix("whsec_") else { return Ok(secret.clone()) };
    let bytes = STANDARD.decode(encoded).map_err(|_| Trouble::BinaryKey { key })?;
    String::from_utf8(bytes).map(Into::into).map_err(|_| Trouble::BinaryKey { key })
}

/// Where n8n finds the daemon. An address of this machine is of no use to another one.
fn daemon_url(config: &Config, options: &Push) -> Result<Url, Trouble> {
    if let Some(named) = &options.daemon_url {
        return Ok(named.clone());
    }
    if config.server.port == 0 {
        return Err(Trouble::NoPort);
    }
    let text = format!("http://{}", address(&config.server));
    let out_of_reach = || Trouble::DaemonOutOfReach { n8n: place(&options.url), daemon: text.clone() };
    let url: Url = text.parse().map_err(|_| out_of_reach())?;
    if is_here(&url) && !is_here(&options.url) { Err(out_of_reach()) } else { Ok(url) }
}

#[cfg(test)]
mod tests {
    use super::as_text;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_signing_key_is_kept_as_the_bytes_that_it_stands_for() {
        let kept = |secret: &str| as_text(&secret.into(), "secret").map(|key| key.expose_secret().to_owned());
        assert_eq!(kept("test-secret-0123456789abcdef").unwrap(), "test-secret-0123456789abcdef");
        assert_eq!(kept("whsec_MDEyMzQ1Njc4OWFiY2RlZg==").unwrap(), "0123456789abcdef");
        let refused = kept("whsec_/////////////////////w==").unwrap_err();
        assert!(refused.to_string().starts_with("webhooks.secret begins with whsec_"), "{refused}");
    }
}
