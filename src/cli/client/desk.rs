//! Where a command is answered: by the running daemon, or where there is none, here.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::answer::Answer;
use super::bell::Bell;
use super::daemon::Daemon;
use super::inside;
use super::letter::Letter;
use super::unreachable::Unreachable;
use crate::app::{self, Console};
use crate::cli::page::Page;
use crate::cli::{Arguments as Global, Error, say};
use crate::config::Config;
use crate::store::LockError;
use crate::telemetry;

/// How long to wait for a daemon that has its lock but not yet, or no longer, its port.
const PATIENCE: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_millis(100);

/// One caller's place.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    config: &'a Config,
    console: Console,
    /// How this program was called, for commands that are to be typed next.
    program: &'a str,
    daemon: Daemon<'a>,
    logging: Option<telemetry::Guard>,
    told_how: bool,
}

impl<'a> Desk<'a> {
    pub(super) fn new(global: &Global, config: &'a Config, program: &'a str) -> Result<Self, Error> {
        let console = if global.log.is_some() { Console::WithoutStory } else { Console::Errors };
        Ok(Self { config, console, program, daemon: Daemon::new(config)?, logging: None, told_how: false })
    }

    /// Has it answered, once, by whoever can.
    pub(super) async fn ask(&mut self, letter: &Letter) -> Result<Answer, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = self.ask_daemon(letter).await? {
                return Ok(answer);
            }
            self.start_logging()?;
            match inside::answer(self.config, letter).await {
                Ok(answer) => {
                    self.say_how();
                    return Ok(answer);
                }
                Err(app::Error::Lock(LockError::Held { .. })) if Instant::now() < deadline => {
                    sleep(INTERVAL).await;
                }
                Err(app::Error::Lock(LockError::Held { database })) => {
                    let url = self.daemon.url.clone();
                    return Err(Unreachable::Held { url, database }.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Has the daemon answer; `None` if none runs.
    pub(super) async fn ask_daemon(&self, letter: &Letter) -> Result<Option<Answer>, Unreachable> {
        let answer = self.daemon.ask(letter).await?;
        Ok(answer.map(|answer| if answer.status == 401 { self.with_remedy(answer) } else { answer }))
    }

    /// Waits until the daemon may have news.
    pub(super) async fn wait_for_news(&self, bell: &mut Bell) {
        bell.rung(&self.daemon).await;
    }

    /// The story is written by whoever does what it tells.
    fn start_logging(&mut self) -> Result<(), Error> {
        if self.logging.is_none() {
            self.logging = Some(app::start_logging(self.config, self.console)?);
        }
        Ok(())
    }

    fn say_how(&mut self) {
        if !std::mem::replace(&mut self.told_how, true) {
            let program = self.program;
            let note = format!(
                "note: no daemon is running, so the database was used directly; `{program} serve` carries on the work"
            );
            say::err(Page::of(io::stderr()).fill(&note, "", "  "));
        }
    }

    fn with_remedy(&self, answer: Answer) -> Answer {
        let url = &self.daemon.url;
        let message = if self.config.webhooks.secret.is_some() {
            format!(
                "the daemon at {url} doesn't accept this configuration's secret: name the configuration that it was \
                 started with (--config FILE), or restart it if webhooks.secret was changed since"
            )
        } else {
            format!(
                "the daemon at {url} wants a secret and none is configured here: name the configuration that it was \
                 started with (--config FILE), or set WEBHOOK_SECRET to its secret"
            )
        };
        Answer { message, ..answer }
    }
}
