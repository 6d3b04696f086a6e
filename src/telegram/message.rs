//! A message as Telegram's `sendMessage` takes it.

use serde::Serialize;

use super::keyboard::Keyboard;
use super::text::Text;

/// The longest message, in UTF-16 units once its entities are read.
const LONGEST: usize = 4096;
/// What is left free in a message with buttons, for who pressed which of them.
const RESERVED: usize = 200;
/// Telegram refuses a message without a text.
const NOTHING: &str = "…";

/// A message, but for the chat that it goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// HTML, escaped; at most 4096 UTF-16 units once its entities are read, 3896 with buttons.
    pub text: String,
    /// How `text` is to be read.
    pub parse_mode: ParseMode,
    /// Its buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_markup: Option<Keyboard>,
}

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ParseMode {
    /// <https://core.telegram.org/bots/api#html-style>
    #[serde(rename = "HTML")]
    Html,
}

impl Message {
    pub(super) fn new(text: Text, reply_markup: Option<Keyboard>) -> Self {
        let limit = if reply_markup.is_some() { LONGEST - RESERVED } else { LONGEST };
        let text = if text.shown().trim().is_empty() { Text::plain(NOTHING) } else { text };
        Self { text: text.within(limit).html(), parse_mode: ParseMode::Html, reply_markup }
    }
}
