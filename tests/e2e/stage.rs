//! Everything between a phone and a model, on one machine.

use std::sync::MutexGuard;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::SOON;
use crate::support::claude::Claude;
use crate::support::daemon::{Builder, Daemon, SECRET};
use crate::support::eventually::eventually;
use crate::support::model::{Model, Script, Turn};
use crate::support::n8n::{Addresses, N8n, NOTIFY_KEY, NOTIFY_SECRET};
use crate::support::telegram::{Phone, THROUGH_N8N, Telegram};
use crate::support::telegram_html::parse;

const SECRETS: [&str; 4] = [SECRET, NOTIFY_SECRET, NOTIFY_KEY, Telegram::TOKEN];

/// What stands between a phone and a model. What is used goes before what it uses.
pub struct Stage {
    pub daemon: Daemon,
    pub n8n: N8n,
    pub telegram: Telegram,
    _model: Model,
    /// Where the model's scripts write.
    pub work: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    /// Sets everything up for tests in which no task runs.
    pub fn idle() -> Self {
        Self::set(|_| Script::new().on("never asked", [Turn::says("Nothing.")]))
    }

    /// Sets everything up, with what the model is to say.
    pub fn set(script: impl FnOnce(&TempDir) -> Script) -> Self {
        Self::set_with(script, |builder| builder)
    }

    /// The same, with a daemon configured in its own way.
    pub fn set_with(
        script: impl FnOnce(&TempDir) -> Script,
        configure: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let (addresses, turn) = Addresses::take();
        let telegram = Telegram::at(addresses.telegram);
        for chat in [1001, 1002, -5005] {
            telegram.knows(chat);
        }
        let n8n = N8n::start(addresses);
        let work = tempfile::tempdir().unwrap();
        let model = Model::start(&script(&work));
        let builder = Daemon::with(Claude::real(&model))
            .on_port(addresses.daemon)
            .set("webhooks", "n8n_notify_url", n8n.notify_url())
            .set("webhooks", "notify_secret", NOTIFY_SECRET)
            .set("webhooks.notify_headers", "X-Orchestrator-Key", NOTIFY_KEY)
            .set("telegram", "chat_id", json!(["1001"]))
            .set("orchestrator", "timezone", "UTC");
        let daemon = configure(builder).start();
        Self { daemon, n8n, telegram, _model: model, work, _turn: turn }
    }

    /// The operator's phone.
    pub fn ana(&self) -> Phone<'_> {
        self.telegram.phone(1001, 1001, "Ana")
    }

    /// Another operator's.
    pub fn ben(&self) -> Phone<'_> {
        self.telegram.phone(1002, 1002, "Ben")
    }

    /// The name of the task file that `/start` takes.
    pub fn todays_file() -> String {
        jiff::Timestamp::now().to_zoned(TimeZone::UTC).strftime("%Y-%m-%d-tasks.md").to_string()
    }

    /// What the daemon had to tell a chat unasked, in its order, as Telegram shows it.
    pub fn notifications(&self, chat: &str) -> Vec<String> {
        let query = format!("SELECT telegram FROM notifications WHERE chat = '{chat}' ORDER BY ordinal");
        let messages = self.daemon.database().texts(&query);
        let html = |message: &String| serde_json::from_str::<Value>(message).unwrap()["text"].clone();
        messages.iter().map(|message| parse(html(message).as_str().unwrap()).unwrap().text).collect()
    }

    /// Waits until every notification is in its chat.
    #[track_caller]
    pub fn assert_all_told(&self) {
        eventually(THROUGH_N8N, "every notification to be delivered", || {
            let waiting = self.daemon.status()["notifications"].clone();
            if waiting == json!({"pending": 0, "dead": 0}) { Ok(()) } else { Err(waiting) }
        });
    }

    /// Soon nothing that n8n keeps of its executions, and nothing that it has printed, holds a secret.
    #[track_caller]
    pub fn assert_no_secret_kept(&self) {
        eventually(SOON, "n8n to keep no secret", || {
            let printed = ("its output".to_owned(), self.n8n.said());
            let kept = self.n8n.executions().into_iter().chain([printed]);
            let leaks: Vec<String> = kept
                .filter(|(_, text)| SECRETS.iter().any(|secret| text.contains(secret)))
                .map(|(place, _)| place)
                .collect();
            if leaks.is_empty() { Ok(()) } else { Err(leaks) }
        });
    }
}
