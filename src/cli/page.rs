//! How wide a terminal is, and texts that fit into it.

use std::os::fd::AsFd;

use rustix::termios::{isatty, tcgetwinsize};
use textwrap::{Options, WordSplitter, fill};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::say::harmless;

const UNKNOWN: u16 = 80;
const NARROWEST: u16 = 20;
/// Nothing gets wider, whatever the terminal.
const WIDEST: u16 = 200;
/// Longer lines of text are hard to read.
const LONGEST_LINE: u16 = 110;

/// The lines that a text may take up; without a width they may have any length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    width: Option<u16>,
}

impl Page {
    /// The page that a terminal shows; what isn't a terminal has no width.
    pub(super) fn of(screen: impl AsFd) -> Self {
        Self::wide(isatty(&screen).then(|| columns(screen)))
    }

    /// A page of so many columns.
    pub(super) fn wide(columns: Option<u16>) -> Self {
        Self { width: columns.map(|columns| columns.clamp(NARROWEST, WIDEST)) }
    }

    /// The columns that a line may take up. One column stays free: a full line makes some terminals begin another one.
    pub(super) fn room(self) -> Option<usize> {
        self.width.map(|width| usize::from(width) - 1)
    }

    /// Whether lines are short.
    pub(super) fn is_narrow(self) -> bool {
        self.width.is_some_and(|width| width < 60)
    }

    /// Breaks a text into lines, the first one behind `first` and all others behind `then`.
    pub(super) fn fill(self, text: &str, first: &str, then: &str) -> String {
        match self.width {
            None => format!("{first}{text}"),
            Some(width) => {
                // A path that is longer is left to the terminal, which knows that it is one word when it is copied.
                let options = Options::new(usize::from(width.min(LONGEST_LINE)) - 1)
                    .initial_indent(first)
                    .subsequent_indent(then)
                    .break_words(false)
                    .word_splitter(WordSplitter::NoHyphenation);
                fill(text, options)
            }
        }
    }
}

/// The columns of a terminal.
pub(super) fn columns(screen: impl AsFd) -> u16 {
    tcgetwinsize(screen).ok().map(|size| size.ws_col).filter(|columns| *columns > 0).unwrap_or(UNKNOWN)
}

/// A text in one paragraph of at most `most` characters, safe to print.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let text = harmless(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", text[..cut].trim_end()),
        None => text,
    }
}

/// As much of a text as fits into some columns.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |character: &char| {
        let wide = character.width().unwrap_or_default();
        let fits = wide <= left;
        left = left.saturating_sub(wide);
        fits
    };
    text.chars().take_while(fits).chain((width > 0).then_some('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn lines_are_cut_by_what_they_take_up_on_the_screen() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
    }
}
