//! A message as Telegram's `sendMessage` takes it.

use serde::Serialize;

/// A message, but for the chat that it goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// HTML, escaped; at most 4096 UTF-16 units once its entities are read.
    pub text: String,
    /// How `text` is to be read.
    pub parse_mode: ParseMode,
}

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ParseMode {
    /// <https://core.telegram.org/bots/api#html-style>
    #[serde(rename = "HTML")]
    Html,
}

impl Message {
    /// A text as it is.
    pub fn plain(text: &str) -> Self {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        Self { text, parse_mode: ParseMode::Html }
    }
}
