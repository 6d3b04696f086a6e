//! The commands, to be tapped.

use super::text::Text;
use super::{Message, Scene};
use crate::domain::words::COMMANDS;

/// The commands that may be given in a chat.
pub fn help(scene: &Scene<'_>) -> Message {
    let line = |(word, arguments, what): &(&str, &str, &str)| {
        let arguments = if arguments.is_empty() {
            Text::default()
        } else {
            Text::plain(" ").and(Text::italic(*arguments))
        };
        Text::plain(format!("/{word}")).and(arguments).and(format!(" – {what}"))
    };
    let offered = COMMANDS.iter().filter(|(word, ..)| scene.offers(word)).map(line);
    Message::new(Text::paragraphs([Text::bold("🤖 Commands"), Text::lines(offered)]), None)
}
