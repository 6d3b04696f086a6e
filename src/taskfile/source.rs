//! A task file's bytes as text that can be pointed into.
//!
//! Line endings are `\n` from here on, whatever the file had, so that a plan doesn't depend on who saved it.

use std::ops::Range;

use super::MAX_BYTES;
use super::diagnostic::Diagnostic;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of one file and where its lines begin.
pub(super) struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Reads the bytes as UTF-8, with or without a byte order mark.
    pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<Self, Diagnostic> {
        if bytes.len() > MAX_BYTES {
            let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
            let start = String::from_utf8_lossy(&first[..first.len().min(200)]);
            let message = format!("the file is too long: {} bytes, at most {MAX_BYTES}", bytes.len());
            return Err(Self::new(name, &start).diagnostic(0, message, None));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if is_utf16(bytes) => Err(Self::new(name, text).not_utf16(0)),
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => Err(Self::undecodable(name, bytes, error.valid_up_to())),
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The 1-based number of the line that holds an offset.
    pub(super) fn line_number(&self, offset: usize) -> u32 {
        let count = self.line_starts.partition_point(|start| *start <= offset);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Points at an offset.
    pub(super) fn diagnostic(
        &self,
        offset: usize,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Diagnostic {
        let count = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[count - 1];
        let line = self.text[start..].split('\n').next().unwrap_or_default();
        let column = self.text[start..offset].chars().count() + 1;
        Diagnostic {
            file: self.name.clone(),
            line: self.line_number(offset),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            message: message.into(),
            source_line: line.to_owned(),
            help,
        }
    }

    fn new(name: &str, text: &str) -> Self {
        let text = with_newlines(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text));
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.to_owned(), text, line_starts }
    }

    fn undecodable(name: &str, bytes: &[u8], valid: usize) -> Diagnostic {
        let lossy = String::from_utf8_lossy(bytes);
        let source = Self::new(name, &lossy);
        if is_utf16(bytes) {
            return source.not_utf16(0);
        }
        let before = String::from_utf8_lossy(&bytes[..valid]);
        let offset = Self::new(name, &before).text.len();
        let message = format!("the file is not UTF-8: byte 0x{:02x}", bytes[valid]);
        source.diagnostic(offset, message, Some("save the file as UTF-8".to_owned()))
    }

    fn not_utf16(&self, offset: usize) -> Diagnostic {
        let message = "the file is UTF-16, not UTF-8";
        self.diagnostic(offset, message, Some("save the file as UTF-8".to_owned()))
    }
}

/// The lines of a part of a text with their offsets in the text, line endings left out.
pub(super) fn lines(text: &str, part: Range<usize>) -> impl Iterator<Item = (usize, &str)> {
    let mut next = part.start;
    text[part].split_inclusive('\n').map(move |line| {
        let start = next;
        next += line.len();
        (start, line.strip_suffix('\n').unwrap_or(line))
    })
}

/// Makes every line end in `\n` alone.
pub(super) fn with_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Recognises UTF-16 by its byte order mark, or by text whose every other byte is zero.
fn is_utf16(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let sample = &bytes[..bytes.len().min(64) & !1];
    let zeros = |side: usize| sample.iter().skip(side).step_by(2).all(|byte| *byte == 0);
    sample.len() >= 8 && zeros(0) != zeros(1)
}
