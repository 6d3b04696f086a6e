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
    /// The same as it is shown, without its styles, for where no HTML is taken.
    #[serde(skip)]
    pub plain: String,
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
        let text = text.within(limit);
        Self { text: text.html(), parse_mode: ParseMode::Html, plain: text.shown(), reply_markup }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::telegram::Scene;
    use crate::telegram::keyboard::Button;
    use crate::telegram::quoted::units;

    #[test]
    fn below_buttons_there_is_room_for_who_pressed_one() {
        let zone = TimeZone::UTC;
        let scene =
            Scene { session: None, hold: None, now: Timestamp::UNIX_EPOCH, zone: &zone, commands: &[] };
        let long = || Text::bold("&😀".repeat(3000));
        assert_eq!(units(&Message::new(long(), None).plain), 4096);
        let buttons = Keyboard::of([vec![Button::status(&scene)]]);
        assert_eq!(units(&Message::new(long(), buttons).plain), 3896);
    }

    #[test]
    fn nothing_is_said_with_a_sign_rather_than_not_sent() {
        assert_eq!(Message::new(Text::plain(" \n"), None).text, "…");
    }
}
