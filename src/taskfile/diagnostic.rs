//! Mistakes in a task file, and the lines that point at them.
//!
//! A [`Diagnostic`] carries the line it is about, so it can be shown after the file is gone. Whatever the file holds,
//! nothing shown here moves the cursor, rings the bell or reverses the reading direction of the terminal.

use std::fmt::{self, Write as _};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The most mistakes that fit an answer to a request.
const MOST_EXPLAINED: usize = 100;
/// How many characters of a long line are shown on each side of the column.
const NEIGHBOURHOOD: usize = 60;

/// Everything that is wrong with a file, in the order in which it stands there; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

/// One mistake and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as the person gave it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// The line's text without its line ending.
    pub source_line: String,
    /// What to write instead, where that can be guessed.
    pub help: Option<String>,
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostics {
    /// Writes one `file:line:column: message` a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl Diagnostics {
    /// One `file:line:column: message (help)` a line, for where there is no terminal to draw in; a hundred at most.
    pub fn explained(&self) -> String {
        let mut each: Vec<String> = self.0.iter().take(MOST_EXPLAINED).map(Diagnostic::explained).collect();
        let left_out = self.0.len().saturating_sub(MOST_EXPLAINED);
        if left_out > 0 {
            each.push(format!("and {left_out} more, which `orchestrator check` lists"));
        }
        each.join("\n")
    }

    /// All of them as a compiler would print them, an empty line between two.
    pub fn annotated(&self) -> String {
        let each: Vec<String> = self.0.iter().map(Diagnostic::annotated).collect();
        each.join("\n")
    }
}

impl fmt::Display for Diagnostic {
    /// Writes `file:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, .. } = self;
        write!(f, "{}:{line}:{column}: {}", printable(file), printable(&self.message))
    }
}

impl Diagnostic {
    fn explained(&self) -> String {
        let help = self.help.as_ref().map_or(String::new(), |help| format!(" ({})", printable(help)));
        format!("{self}{help}")
    }

    /// The mistake as a compiler would print it: the line, a caret under the column, and the help.
    pub fn annotated(&self) -> String {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let (shown, indent) = self.excerpt();
        let mut text = format!("{self}\n {gutter} |\n {number} | {shown}\n {gutter} | {indent}^\n");
        if let Some(help) = &self.help {
            // Writing to a string cannot fail.
            let _ = writeln!(text, " {gutter} = help: {}", printable(help));
        }
        text
    }

    /// The neighbourhood of the column, safe to print, and the blank text that is as wide as what precedes the column.
    fn excerpt(&self) -> (String, String) {
        let before = usize::try_from(self.column).unwrap_or(usize::MAX).saturating_sub(1);
        let cut = before.saturating_sub(NEIGHBOURHOOD);
        let mut rest = self.source_line.chars().skip(cut);
        let mut left: String = rest.by_ref().take(before - cut).collect();
        if cut > 0 {
            left.insert(0, '…');
        }
        let left = printable(&left);
        let mut right: String = rest.by_ref().take(NEIGHBOURHOOD).collect();
        if rest.next().is_some() {
            right.push('…');
        }
        let indent = " ".repeat(left.width());
        let shown = format!("{left}{}", printable(&right));
        (shown.trim_end().to_owned(), indent)
    }
}

/// Puts a text of the file in quotation marks for use in a message, shortened if it is long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    format!("\"{}\"", printable(&short))
}

/// Replaces what would disturb a terminal: a tab by a space, anything else that has no width of its own by `\u{fffd}`.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            _ if character.width().is_none() || redirects(character) => char::REPLACEMENT_CHARACTER,
            _ => character,
        })
        .collect()
}

/// Whether a character separates lines or overrides the reading direction, so that a line would show as something else.
fn redirects(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
