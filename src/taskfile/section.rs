//! Where one part of a task file ends and the next begins.
//!
//! A part runs from the end of one [`Cut`] to the next, and is a markdown document of its own: what stands before it
//! doesn't decide whether a line of it is code.

use super::heading::{self, Reading};
use super::key::{KeyLine, Place};
use super::outline::Outline;
use super::source::lines;

/// A line that ends one part and begins another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut<'a> {
    /// Where the line begins.
    pub(super) at: usize,
    /// What the line is.
    pub(super) kind: CutKind<'a>,
}

/// What a line is that ends a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CutKind<'a> {
    /// A task heading, or a heading meant as one.
    Heading(Reading<'a>),
    /// A key.
    Key(KeyLine<'a>),
}

/// Finds the next cut at or after an offset.
///
/// Reads no more than it needs: a window that grows until it holds a cut, since block structure never depends on what
/// comes later. So the whole file costs time in proportion to its length, not to its length times its keys.
pub(super) fn next_cut(text: &str, from: usize, place: Place) -> Option<Cut<'_>> {
    let mut size = 128;
    loop {
        let rest = &text[from..];
        let window = rest
            .as_bytes()
            .iter()
            .skip(size)
            .position(|byte| *byte == b'\n')
            .map_or(rest, |newline| &rest[..=size + newline]);
        let beside_key = !text[..from].is_empty() && !text[..from].ends_with('\n');
        if let Some(cut) = first_cut(window, beside_key, place) {
            return Some(Cut { at: from + cut.at, ..cut });
        }
        if window.len() == rest.len() {
            return None;
        }
        size *= 4;
    }
}

fn first_cut(window: &str, beside_key: bool, place: Place) -> Option<Cut<'_>> {
    let outline = Outline::of(window);
    let mut headings = outline.headings.iter().filter(|heading| heading.hashes).peekable();
    for (at, line) in lines(window, 0..window.len()) {
        let heading = headings.next_if(|heading| heading.line == at);
        let kind = match heading {
            Some(heading) => task_heading(line, heading.level, place),
            None if outline.is_opaque(at + blanks(line)) => None,
            None => key(line, beside_key && at == 0, place).or_else(|| unspaced(line, outline.in_list(at))),
        };
        if let Some(kind) = kind {
            return Some(Cut { at, kind });
        }
    }
    None
}

/// How many bytes of blank space a line begins with.
pub(super) fn blanks(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Tells task headings from others. Deeper headings in an instruction are its own business.
fn task_heading(line: &str, level: u8, place: Place) -> Option<CutKind<'_>> {
    if level > 2 && place == Place::Instruction {
        return None;
    }
    match heading::read(heading::content(line), level) {
        Reading::Other => None,
        reading @ (Reading::Task { .. } | Reading::Mistaken { .. }) => Some(CutKind::Heading(reading)),
    }
}

/// Tells keys from bold text: an unknown name counts only where keys may stand, and at the start of a line of the file.
fn key(line: &str, beside_key: bool, place: Place) -> Option<CutKind<'_>> {
    let key = KeyLine::read(line)?;
    let counts = key.key.is_some() || place.takes_keys() && !beside_key;
    counts.then_some(CutKind::Key(key))
}

/// Tells headings that lack a space from other text; an indented one in a list belongs to the list.
fn unspaced(line: &str, in_list: bool) -> Option<CutKind<'_>> {
    if blanks(line) > if in_list { 0 } else { 3 } {
        return None;
    }
    match heading::read_unspaced(line) {
        Reading::Other => None,
        reading @ (Reading::Task { .. } | Reading::Mistaken { .. }) => Some(CutKind::Heading(reading)),
    }
}
