//! A text with its markup, from which HTML is made that is right whatever it quotes.
//!
//! A text is a row of pieces, each in one style. Characters that mean something in HTML are escaped where the HTML is
//! written, so no piece can open or close a tag, and a text can be cut anywhere without tearing one.

use std::fmt::Write as _;

use super::quoted;

/// A text in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pieces: Vec<(Style, String)>,
}

/// How a piece is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Bold,
    Italic,
    /// To be copied by a tap.
    Code,
    /// Lines as a program printed them.
    Output,
    /// What somebody else said.
    Quote,
}

impl Style {
    fn tags(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => ("", ""),
            Self::Bold => ("<b>", "</b>"),
            Self::Italic => ("<i>", "</i>"),
            Self::Code => ("<code>", "</code>"),
            Self::Output => ("<pre>", "</pre>"),
            Self::Quote => ("<blockquote>", "</blockquote>"),
        }
    }
}

impl Text {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::of(Style::Plain, text)
    }

    pub(super) fn bold(text: impl Into<String>) -> Self {
        Self::of(Style::Bold, text)
    }

    pub(super) fn italic(text: impl Into<String>) -> Self {
        Self::of(Style::Italic, text)
    }

    /// What a tap copies.
    pub(super) fn code(text: impl Into<String>) -> Self {
        Self::of(Style::Code, text)
    }

    /// Lines as a program printed them.
    pub(super) fn output(text: impl Into<String>) -> Self {
        Self::of(Style::Output, text)
    }

    /// What somebody else said.
    pub(super) fn quote(text: impl Into<String>) -> Self {
        Self::of(Style::Quote, text)
    }

    /// Parts one below the other; empty ones leave no gap.
    pub(super) fn lines(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, "\n")
    }

    /// Parts with an empty line between them.
    pub(super) fn paragraphs(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, "\n\n")
    }

    pub(super) fn and(mut self, next: impl Into<Self>) -> Self {
        self.pieces.extend(next.into().pieces);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// As HTML for Telegram.
    pub(super) fn html(&self) -> String {
        let mut html = String::new();
        for (style, text) in &self.pieces {
            let (open, close) = style.tags();
            // Writing to a string cannot fail.
            let _ = write!(html, "{open}{}{close}", escaped(text));
        }
        html
    }

    /// As it is shown, without its styles.
    pub(super) fn shown(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The same, cut to so many UTF-16 units as Telegram counts them.
    pub(super) fn within(self, limit: usize) -> Self {
        let mut left = limit;
        let mut pieces = Vec::new();
        for (style, text) in self.pieces {
            let length = quoted::units(&text);
            if length <= left {
                left -= length;
                pieces.push((style, text));
            } else {
                pieces.push((style, quoted::shortened(&text, left)));
                break;
            }
        }
        Self { pieces }
    }

    fn of(style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { pieces: if text.is_empty() { Vec::new() } else { vec![(style, text)] } }
    }

    fn joined(parts: impl IntoIterator<Item = Self>, between: &str) -> Self {
        let mut whole = Self::default();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            whole = if whole.is_empty() { part } else { whole.and(between).and(part) };
        }
        whole
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}

impl From<Option<Text>> for Text {
    fn from(text: Option<Text>) -> Self {
        text.unwrap_or_default()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
