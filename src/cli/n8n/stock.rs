//! The workflows that this program brings along.

use serde_json::Value;

/// A workflow as its file has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stocked {
    pub(super) name: &'static str,
    text: &'static str,
}

impl Stocked {
    pub(super) fn content(self) -> Value {
        serde_json::from_str(self.text).unwrap_or_default()
    }
}

/// What people write and press, on its way to the daemon.
pub(super) const FROM_TELEGRAM: Stocked = Stocked {
    name: "Telegram → Orchestrator",
    text: include_str!("../../../n8n_workflows/telegram-to-orchestrator.json"),
};
/// What the daemon tells, on its way to the chat.
pub(super) const TO_TELEGRAM: Stocked = Stocked {
    name: "Orchestrator → Telegram",
    text: include_str!("../../../n8n_workflows/orchestrator-to-telegram.json"),
};
/// The session that starts by itself.
pub(super) const DAILY: Stocked =
    Stocked { name: "Daily startup", text: include_str!("../../../n8n_workflows/daily-startup.json") };

/// Those that listen to others come last: they need what answers them.
pub(super) const STOCK: [Stocked; 3] = [TO_TELEGRAM, DAILY, FROM_TELEGRAM];
