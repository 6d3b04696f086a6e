//! A line of JSON as it stands: one pass finds where its values are, and only what is asked for is read.
//!
//! Strict about everything but what stands in strings: nobody has asked for most of them, so they aren't checked. Whatever in
//! one isn't text, such as bytes that aren't UTF-8 or half of a surrogate pair, reads as a replacement character.

use std::borrow::Cow;

use super::scan::{Node, Scan};

/// As many values as the lines of a run hold that aren't extraordinary.
const NODES_KEPT: usize = 4096;

/// Reads one line after the other.
#[derive(Debug, Default)]
pub(super) struct Lines {
    nodes: Vec<Node>,
    open: Vec<u32>,
}

/// A value in a line, or that there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a> {
    line: &'a [u8],
    nodes: &'a [Node],
}

impl Lines {
    /// The line's value; nothing if the line isn't JSON from its beginning to its end, or is longer than 4 GiB.
    pub(super) fn read<'a>(&'a mut self, line: &'a [u8]) -> Option<Json<'a>> {
        self.nodes.clear();
        self.nodes.shrink_to(NODES_KEPT);
        self.open.clear();
        self.open.shrink_to(NODES_KEPT);
        Scan::new(line, &mut self.nodes, &mut self.open)?.value()?;
        Some(Json { line, nodes: &self.nodes })
    }
}

impl<'a> Json<'a> {
    /// A member of an object; its name is compared as it is written. Of several with the same name, the first.
    pub(super) fn get(self, key: &str) -> Self {
        let found = self.members().find(|(name, _)| name.quoted() == Some(key.as_bytes()));
        found.map_or(Self { nodes: &[], ..self }, |(_, value)| value)
    }

    /// The members of an object, as they come.
    pub(super) fn members(self) -> impl Iterator<Item = (Self, Self)> {
        let mut inner = self.inside(b'{');
        std::iter::from_fn(move || inner.next().zip(inner.next()))
    }

    /// The items of an array.
    pub(super) fn items(self) -> impl Iterator<Item = Self> {
        self.inside(b'[')
    }

    /// A string.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        Some(unescaped(self.quoted()?))
    }

    /// Whether it is this string, written without escapes.
    pub(super) fn is(self, text: &str) -> bool {
        self.quoted() == Some(text.as_bytes())
    }

    /// A string that is kept for longer than its line.
    pub(super) fn owned(self) -> Option<String> {
        self.text().map(Cow::into_owned)
    }

    /// A count, or none where there is something else.
    pub(super) fn number(self) -> u64 {
        self.parsed().unwrap_or(0)
    }

    /// A value that its own type reads as JSON writes it, such as a number or `true`.
    pub(super) fn parsed<T: std::str::FromStr>(self) -> Option<T> {
        str::from_utf8(self.raw()).ok()?.parse().ok()
    }

    /// The value as it is written; empty if there is none.
    pub(super) fn raw(self) -> &'a [u8] {
        self.nodes.first().map_or(&[], |node| &self.line[node.start as usize..node.end as usize])
    }

    /// What stands between a string's quotes.
    fn quoted(self) -> Option<&'a [u8]> {
        self.raw().strip_prefix(b"\"")?.strip_suffix(b"\"")
    }

    fn inside(self, bracket: u8) -> impl Iterator<Item = Self> {
        let holds = self.raw().first() == Some(&bracket);
        let mut rest = if holds { &self.nodes[1..] } else { &[] };
        std::iter::from_fn(move || {
            let (value, others) = rest.split_at(rest.first()?.span as usize);
            rest = others;
            Some(Self { nodes: value, ..self })
        })
    }
}

fn unescaped(quoted: &[u8]) -> Cow<'_, str> {
    let text = match simdutf8::basic::from_utf8(quoted) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(quoted),
    };
    match memchr::memchr(b'\\', text.as_bytes()) {
        None => text,
        Some(first) => Cow::Owned(without_escapes(&text, first)),
    }
}

fn without_escapes(mut text: &str, first: usize) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut escape = Some(first);
    while let Some(at) = escape {
        plain.push_str(&text[..at]);
        let (character, rest) = escaped(&text[at + 1..]);
        plain.push(character);
        text = rest;
        escape = memchr::memchr(b'\\', text.as_bytes());
    }
    plain + text
}

/// The character that is written behind a backslash, and what comes after it.
fn escaped(text: &str) -> (char, &str) {
    let mut rest = text.chars();
    let character = match rest.next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('u') => return by_number(rest.as_str()),
        Some(itself @ ('"' | '\\' | '/')) => itself,
        Some(_) | None => char::REPLACEMENT_CHARACTER,
    };
    (character, rest.as_str())
}

/// A character by its number, which may be in two halves with an escape of its own each.
fn by_number(text: &str) -> (char, &str) {
    let unit = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
    let Some(first) = unit(text) else { return (char::REPLACEMENT_CHARACTER, text) };
    let rest = &text[4..];
    let second = rest.strip_prefix("\\u").and_then(unit);
    match char::decode_utf16([first].into_iter().chain(second)).next() {
        Some(Ok(character)) => (character, &rest[6 * (character.len_utf16() - 1)..]),
        Some(Err(_)) | None => (char::REPLACEMENT_CHARACTER, rest),
    }
}

#[cfg(test)]
mod tests;
