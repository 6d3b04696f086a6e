//! Acceptance criteria: the items of a markdown list, each as a text of its own.
//!
//! An item's text is what remains without its marker and its indentation, so that it can be rendered in another list.

use std::ops::Range;

use super::outline::Outline;
use super::source::lines;

/// One item of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Criterion {
    /// Where the item begins in the text that holds the list.
    pub(super) at: usize,
    /// The item's markdown; empty for an empty item.
    pub(super) text: String,
}

/// Takes the items of all lists of a text, or gives the offset of the first text that is in none.
pub(super) fn read(text: &str, outline: &Outline) -> Result<Vec<Criterion>, usize> {
    let end = outline.content_end(text);
    let mut content = lines(text, 0..end)
        .filter(|(at, line)| !line.trim().is_empty() && !outline.is_rule(*at))
        .map(|(at, line)| at + line.len() - line.trim_start().len())
        .filter(|at| !outline.is_comment(*at));
    if let Some(stray) = content.find(|at| !outline.in_list(*at)) {
        return if text[..stray].trim().is_empty() && content.next().is_none() {
            Ok(vec![Criterion { at: stray, text: text[..end].trim().to_owned() }])
        } else {
            Err(stray)
        };
    }
    let items = outline.items.iter().filter(|item| item.start < end);
    Ok(items.map(|item| Criterion { at: item.start, text: item_text(text, item.clone()) }).collect())
}

/// Writes a criterion as an item of a list.
pub(super) fn write(criterion: &str) -> String {
    let first = criterion.lines().next().unwrap_or_default();
    let dashes_only = first.chars().all(|mark| matches!(mark, '-' | ' ' | '\t'));
    let mut item = String::new();
    for (index, line) in criterion.split('\n').enumerate() {
        let lead = match (index, dashes_only) {
            (0, false) => "- ",
            // A list of dashes behind a dash would be a thematic break.
            (0, true) => "* ",
            _ if line.is_empty() => "",
            _ => "  ",
        };
        item.push_str(lead);
        item.push_str(line);
        item.push('\n');
    }
    item
}

fn item_text(text: &str, item: Range<usize>) -> String {
    let start = super::outline::line_start(text, item.start);
    let before = columns(&text[start..item.start]);
    let mut lines = text[item.clone()].split('\n');
    let first = lines.next().unwrap_or_default();
    let marker = marker_length(first);
    let content = first[marker..].trim_start_matches([' ', '\t']);
    let after_marker = before + columns(&first[..marker]);
    let gap = columns_from(&first[marker..first.len() - content.len()], after_marker);
    let width = after_marker + if content.is_empty() || gap > 4 { 1 } else { gap };
    let mut kept = vec![content.to_owned()];
    kept.extend(lines.map(|line| dedented(line, width)));
    kept.join("\n").trim_matches([' ', '\t', '\n']).to_owned()
}

/// The length of `-` or `12.` at the start of an item.
fn marker_length(line: &str) -> usize {
    let after = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    line.len() - after.len() + usize::from(!after.is_empty())
}

/// Takes up to a number of columns of indentation from a line, and writes what is left of it as spaces.
fn dedented(line: &str, width: usize) -> String {
    let content = line.trim_start_matches([' ', '\t']);
    let indent = columns(&line[..line.len() - content.len()]);
    if content.is_empty() {
        return String::new();
    }
    format!("{}{content}", " ".repeat(indent.saturating_sub(width)))
}

/// How many columns a text takes at the start of a line, with tab stops of four.
fn columns(text: &str) -> usize {
    columns_from(text, 0)
}

fn columns_from(text: &str, start: usize) -> usize {
    let end = text.chars().fold(start, |column, character| match character {
        '\t' => column + 4 - column % 4,
        _ => column + 1,
    });
    end - start
}
