//! Short texts for people: bounded, on one line, without control characters.

use std::borrow::Cow;

use super::json::Json;

const TELLING: [&str; 11] = [
    "file_path",
    "notebook_path",
    "command",
    "path",
    "pattern",
    "url",
    "query",
    "skill",
    "description",
    "prompt",
    "name",
];
const LONGEST_ABOUT: usize = 500;

/// At most `most` characters; an ellipsis says that there were more.
pub(super) fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most || text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let mut rest = text.chars();
    if let Some(last) = most.checked_sub(2) {
        rest.nth(last);
    }
    let kept = &text[..text.len() - rest.as_str().len()];
    kept.trim_end().to_owned() + "…"
}

/// The last of a text, at most `most` bytes of it.
pub(super) fn ending(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    &text[text.ceil_char_boundary(from)..]
}

/// Replaces what could move a terminal's cursor or change its colours.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if text.bytes().fold(false, |found, byte| found | may_begin_control(byte)) {
        Cow::Owned(text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Finds in nearly every text, and much faster than by its characters, that it has no control characters.
fn may_begin_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\n' && byte != b'\t') || byte == 0x7F || byte == 0xC2
}

/// The first line with something on it.
pub(super) fn first_line(text: &str) -> &str {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| !line.is_empty()).unwrap_or_default()
}

/// What a tool call is about: the most telling of its arguments.
pub(super) fn about_tool(input: Json<'_>) -> String {
    let telling = TELLING.iter().find_map(|key| input.get(key).text());
    bounded(first_line(&telling.unwrap_or_default()), LONGEST_ABOUT)
}
