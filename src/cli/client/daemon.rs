//! The running daemon, over HTTP. A connection that breaks is tried again with the same key, so that nothing is done twice.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use tokio::time::sleep;

use super::answer::Answer;
use super::letter::{Letter, address};
use super::unreachable::Unreachable;
use crate::config::Config;
use crate::outward::{self, is_refused, root};

/// How long it may take to answer: longer than it allows itself.
const ANSWERED: Duration = Duration::from_secs(30);
/// How long one event stream is listened to before another is opened.
const LISTENED: Duration = Duration::from_hours(1);
/// How often a request is sent whose connection breaks.
const ATTEMPTS: u32 = 4;
/// How long to wait before it is sent again.
const PAUSE: Duration = Duration::from_millis(250);

/// The daemon that the configuration describes.
#[derive(Debug)]
pub(super) struct Daemon<'a> {
    config: &'a Config,
    client: reqwest::Client,
    pub(super) url: String,
}

impl<'a> Daemon<'a> {
    pub(super) fn new(config: &'a Config) -> Result<Self, Unreachable> {
        let url = format!("http://{}", address(&config.server));
        let client = outward::client(&url)
            .pool_max_idle_per_host(0)
            .timeout(ANSWERED)
            .build()
            .map_err(|error| Unreachable::Silent { url: url.clone(), why: root(&error) })?;
        Ok(Self { config, client, url })
    }

    /// Its answer; `None` if nobody listens there.
    pub(super) async fn ask(&self, letter: &Letter) -> Result<Option<Answer>, Unreachable> {
        let mut attempt = 1;
        loop {
            let url = self.url.clone();
            match self.send(letter).await {
                Ok((status, body)) => {
                    let answer = Answer::read(status, body);
                    return answer.map(Some).ok_or(Unreachable::Stranger { url, status });
                }
                Err(error) if is_refused(&error) => return Ok(None),
                Err(error) if error.is_connect() || error.is_builder() => {
                    return Err(Unreachable::Silent { url, why: root(&error) });
                }
                Err(error) if error.is_timeout() || attempt == ATTEMPTS => {
                    return Err(Unreachable::BrokenOff { url, why: root(&error) });
                }
                Err(_) => {
                    attempt += 1;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Its event stream, if it gives one.
    pub(super) async fn listen(&self) -> Option<reqwest::Response> {
        let stream = self.request(Method::GET, &Letter::to_listen()).timeout(LISTENED).send().await.ok()?;
        stream.status().is_success().then_some(stream)
    }

    async fn send(&self, letter: &Letter) -> reqwest::Result<(u16, String)> {
        let response = self.request(Method::POST, letter).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    fn request(&self, method: Method, letter: &Letter) -> RequestBuilder {
        let secret = self.config.webhooks.secret.as_ref();
        self.client
            .request(method, format!("{}{}", self.url, letter.path))
            .headers(letter.head(&self.config.server, secret, crate::app::clock()))
            .body(letter.body.clone())
    }
}
