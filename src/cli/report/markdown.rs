//! Texts of others as parts of a markdown page: none of them can add a heading, a row, a link or HTML to it.

use std::ops::Range;

use pulldown_cmark::{Event, Parser};

/// A text on one line that reads as what it is, in a heading, a table or a list.
pub(super) fn inline(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let means_something = match character {
            '\\' | '`' | '*' | '[' | ']' | '<' | '|' | '~' => true,
            '_' => !(ends_in_a_word(&text[..at]) && next.is_some_and(char::is_alphanumeric)),
            '&' => next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '#'),
            '#' => text[at..].bytes().all(|byte| byte == b'#'),
            _ => false,
        };
        if means_something {
            escaped.push('\\');
        }
        escaped.push(if character.is_control() { '\u{fffd}' } else { character });
    }
    escaped
}

/// A text on one line that is code: the name of a file, a path.
pub(super) fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let marks = "`".repeat(longest_run(&text, '`') + 1);
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{marks}{space}{text}{space}{marks}")
}

/// A block that is shown as it was printed.
pub(super) fn fenced(text: &str) -> String {
    let fence = "`".repeat(2.max(longest_run(text, '`')) + 1);
    let text = plain(text.trim_end_matches('\n'));
    format!("{fence}text\n{text}\n{fence}")
}

/// A text that is markdown itself, as a quotation; HTML in it is shown rather than meant.
pub(super) fn quotation(text: &str) -> String {
    let text = plain(text.trim());
    let quoted: Vec<String> = text.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
    without_html(quoted.join("\n"))
}

/// A block below an item of a list.
pub(super) fn indented(text: &str) -> String {
    let indent = |line: &str| if line.is_empty() { String::new() } else { format!("  {line}") };
    text.lines().map(indent).collect::<Vec<_>>().join("\n")
}

/// Escapes until nothing is HTML any more: a block of it that is escaped becomes a paragraph, in which there may be more.
fn without_html(mut text: String) -> String {
    loop {
        let html: Vec<Range<usize>> = Parser::new(&text)
            .into_offset_iter()
            .filter(|(event, _)| matches!(event, Event::Html(_) | Event::InlineHtml(_)))
            .map(|(_, range)| range)
            .filter(|range| text[range.clone()].contains('<'))
            .collect();
        if html.is_empty() {
            return text;
        }
        for range in html.into_iter().rev() {
            let escaped = text[range.clone()].replace('<', "\\<");
            text.replace_range(range, &escaped);
        }
    }
}

/// A text whose only control characters are the ends of its lines, and tabs.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "\u{fffd}")
}

fn ends_in_a_word(text: &str) -> bool {
    text.ends_with(char::is_alphanumeric)
}

fn longest_run(text: &str, mark: char) -> usize {
    text.split(|c| c != mark).map(str::len).max().unwrap_or_default()
}
