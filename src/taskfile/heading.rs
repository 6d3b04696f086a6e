//! Task headings, and headings that were meant to be one.

use strsim::osa_distance;

use crate::domain::id::TaskNumber;

use super::diagnostic::quoted;

/// What a heading turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading<'a> {
    /// `## Task 2: Title`; the title may be empty.
    Task { number: TaskNumber, title: &'a str },
    /// Meant as a task heading, but not written as one; the number is 0 if it can't be guessed.
    Mistaken { message: String, help: String, number: TaskNumber },
    /// Any other heading.
    Other,
}

/// What the help says when nothing better can be guessed.
pub(super) const SHAPE: &str = "a task begins with \"## Task 1: Title\"";

/// Reads the text of a heading of any level.
pub(super) fn read(text: &str, level: u8) -> Reading<'_> {
    match (exact(text), level) {
        (Some((digits, title)), 2) => numbered(digits, title),
        (Some((digits, title)), _) => mistaken("a task heading has two number signs", Some((digits, title))),
        (None, 2) => near_miss(text),
        (None, _) => Reading::Other,
    }
}

/// Whether a line would be a task heading if only it were read as a heading of the second level.
pub(super) fn names_task(line: &str) -> bool {
    line.trim_start().starts_with('#') && exact(content(line)).is_some()
}

/// Reads a line that has the number signs of a heading but no space after them, which makes it a paragraph.
pub(super) fn read_unspaced(line: &str) -> Reading<'_> {
    let line = line.trim_start_matches(' ');
    let text = line.trim_start_matches('#');
    if text.len() == line.len() || text.starts_with([' ', '\t']) {
        return Reading::Other;
    }
    match (near_miss(text), guess(text)) {
        (Reading::Mistaken { .. }, Some(meant)) => {
            mistaken("a task heading needs a space after its number signs", Some(meant))
        }
        (Reading::Mistaken { .. }, None) | (Reading::Task { .. } | Reading::Other, _) => Reading::Other,
    }
}

/// The text of a heading's line that is written with number signs, without them.
pub(super) fn content(line: &str) -> &str {
    let blank = [' ', '\t'];
    let inner = line.trim_start_matches(blank).trim_start_matches('#').trim_matches(blank);
    let open = inner.trim_end_matches('#');
    if open.is_empty() || open.ends_with(blank) { open.trim_end_matches(blank) } else { inner }
}

/// The heading's line whose [`content`] is a text.
pub(super) fn line_with(signs: &str, text: &str) -> String {
    let line = format!("{signs} {text}");
    if content(&line) == text { line } else { format!("{line} {signs}") }
}

/// Splits `Task 2: Title` into its digits and its title.
fn exact(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_at_checked("task".len())?;
    let number = rest.trim_start();
    if !word.eq_ignore_ascii_case("task") || number.len() == rest.len() {
        return None;
    }
    let after = number.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let digits = &number[..number.len() - after.len()];
    let title = after.trim_start().strip_prefix(':')?.trim();
    (!digits.is_empty()).then_some((digits, title))
}

fn numbered<'a>(digits: &str, title: &'a str) -> Reading<'a> {
    match digits.parse() {
        Ok(0) => mistaken("tasks are numbered from 1", None),
        Ok(number) => Reading::Task { number: TaskNumber(number), title },
        Err(_) => mistaken(&format!("the task number {} is too large", quoted(digits)), None),
    }
}

/// Whether the text of a second-level heading is close to that of a task.
fn near_miss(text: &str) -> Reading<'_> {
    let start = text.trim_start_matches(|mark: char| !mark.is_alphanumeric());
    let rest = start.trim_start_matches(char::is_alphabetic);
    let word = start[..start.len() - rest.len()].to_lowercase();
    let number = rest.trim_start_matches(|mark: char| !mark.is_alphanumeric());
    let has_number = number.starts_with(char::is_numeric);
    let near = osa_distance(&word, "task") <= 1 && has_number;
    if near || word == "task" || word == "tasks" {
        mistaken("this is not how a task heading is written", guess(text))
    } else {
        Reading::Other
    }
}

/// The number and title that a misspelt task heading probably has.
fn guess(text: &str) -> Option<(&str, &str)> {
    let number = &text[text.find(|digit: char| digit.is_ascii_digit())?..];
    let after = number.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let title = after.trim_matches(|mark: char| mark.is_whitespace() || ":-–—.)：#*_".contains(mark));
    (!title.is_empty()).then_some((&number[..number.len() - after.len()], title))
}

fn mistaken<'a>(message: &str, meant: Option<(&str, &str)>) -> Reading<'a> {
    let number = meant.and_then(|(digits, _)| digits.parse().ok());
    let help = meant.map_or_else(
        || SHAPE.to_owned(),
        |(digits, title)| format!("did you mean {}?", quoted(&format!("## Task {digits}: {title}"))),
    );
    Reading::Mistaken { message: message.to_owned(), help, number: TaskNumber(number.unwrap_or(0)) }
}
