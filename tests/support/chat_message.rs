//! What goes into a chat, held to Telegram's rules and to our own: whoever asks for anything in a test, gets it checked.

use orchestrator::domain::words::understand;
use serde_json::Value;

use super::telegram_html::{parse, units};

/// The longest text of a message with buttons: below it, who pressed one of them is written.
const WITH_BUTTONS: usize = 3896;

/// Checks what would be sent; the error says what is wrong with it.
pub fn check(message: &Value) -> Result<(), String> {
    let text = message["text"].as_str().ok_or("it has no text")?;
    let parsed = parse(text).map_err(|error| format!("{error}: {text}"))?;
    let Some(keyboard) = message.get("reply_markup") else { return Ok(()) };
    if units(&parsed.text) > WITH_BUTTONS {
        return Err(format!("no room is left below its {} units", units(&parsed.text)));
    }
    let rows = keyboard["inline_keyboard"].as_array().ok_or("it has no rows")?;
    for button in rows.iter().flat_map(|row| row.as_array().into_iter().flatten()) {
        let says = button["callback_data"].as_str().ok_or("a button says nothing")?;
        if says.len() > 64 {
            return Err(format!("a button can't carry {says:?}"));
        }
        understand(says).map_err(|error| format!("a button isn't understood: {error}"))?;
    }
    Ok(())
}
