//! What is sent to see whether messages arrive.

use super::Message;
use super::text::Text;

/// A message that says no more than that it arrived.
pub fn probe() -> Message {
    let command = Text::code("orchestrator doctor --round-trip");
    Message::new(Text::plain("🔁 A test by ").and(command).and(": notifications arrive here."), None)
}
