//! The whole round trip, driven from Telegram's side only: phone → Telegram → the real n8n → the daemon → the real Claude
//! CLI, and back. Only Telegram and the model are doubles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod daily;
mod dialogue;
mod herald;
mod notifications;
mod once;
mod outages;
mod push;
mod stage;
mod strangers;
