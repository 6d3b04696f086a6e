//! Everything between a phone and a model, on one machine.

use std::sync::MutexGuard;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::claude::Claude;
use crate::support::daemon::{Builder, Daemon};
use crate::support::model::{Model, Script};
use crate::support::n8n::{Addresses, N8n, NOTIFY_KEY, NOTIFY_SECRET};
use crate::support::telegram::{Phone, Telegram};

/// What stands between a phone and a model. What is used goes before what it uses.
pub struct Stage {
    pub daemon: Daemon,
    pub n8n: N8n,
    pub telegram: Telegram,
    pub model: Model,
    /// Where the model's scripts write.
    pub work: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// The chats that the daemon answers.
pub const OPERATORS: [i64; 3] = [1001, 1002, -5005];

impl Stage {
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
        let n8n = N8n::start(addresses);
        let work = tempfile::tempdir().unwrap();
        let model = Model::start(&script(&work));
        let builder = Daemon::with(Claude::real(&model))
            .on_port(addresses.daemon)
            .set("webhooks", "n8n_notify_url", n8n.notify_url())
            .set("webhooks", "notify_secret", NOTIFY_SECRET)
            .set("webhooks.notify_headers", "X-Orchestrator-Key", NOTIFY_KEY)
            .set("telegram", "chat_id", json!(["1001"]));
        let daemon = configure(builder).start();
        Self { daemon, n8n, telegram, model, work, _turn: turn }
    }

    /// The operator's phone.
    pub fn ana(&self) -> Phone<'_> {
        self.telegram.phone(1001, 1001, "Ana")
    }

    /// What the daemon itself says of its session.
    pub fn status(&self) -> Value {
        self.daemon.status()
    }
}
