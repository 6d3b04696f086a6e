//! The part of every answer that goes into a chat as it is.

use serde::Serialize;
use utoipa::ToSchema;

use crate::telegram::{self, Button};

/// The same for a chat: all that Telegram's `sendMessage` needs besides the chat.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChatMessage {
    /// HTML, escaped; at most 4096 UTF-16 units once its entities are read, 3896 with buttons.
    #[schema(min_length = 1)]
    text: String,
    parse_mode: ParseMode,
    /// Its buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reply_markup: Option<Keyboard>,
}

/// How `text` is to be read.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
enum ParseMode {
    #[serde(rename = "HTML")]
    Html,
}

/// Buttons under a message.
#[derive(Debug, Serialize, ToSchema)]
struct Keyboard {
    /// Row by row.
    #[schema(min_items = 1)]
    inline_keyboard: Vec<Vec<ButtonView>>,
}

/// A button: pressing it says what it carries, as if it had been typed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Button)]
struct ButtonView {
    text: String,
    /// A command; at most 64 bytes.
    #[schema(min_length = 1, max_length = 64)]
    callback_data: String,
}

impl From<telegram::Message> for ChatMessage {
    fn from(message: telegram::Message) -> Self {
        let telegram::Message { text, parse_mode: telegram::ParseMode::Html, reply_markup, .. } = message;
        let reply_markup = reply_markup.map(|keyboard| Keyboard {
            inline_keyboard: keyboard
                .rows()
                .iter()
                .map(|row| row.iter().map(ButtonView::from).collect())
                .collect(),
        });
        Self { text, parse_mode: ParseMode::Html, reply_markup }
    }
}

impl From<&Button> for ButtonView {
    fn from(button: &Button) -> Self {
        Self { text: button.label().to_owned(), callback_data: button.says().to_owned() }
    }
}
