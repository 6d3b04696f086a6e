//! What is said to whoever called. Nobody listening any more (`| head -1`, a closed terminal) is no reason to end.

use std::fmt::Display;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};

use crate::domain::plain::misleads;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();

/// Says a line on stdout; its colours are left out where they would not be seen or are not wanted.
pub(super) fn out(line: impl Display) {
    let _ = writeln!(anstream::stdout(), "{line}");
}

/// Says a line on stdout; answers whether somebody may have heard it.
pub(super) fn out_if_heard(line: impl Display) -> bool {
    writeln!(anstream::stdout(), "{line}").is_ok()
}

/// Says the beginning of a line on stdout.
pub(super) fn out_unended(text: impl Display) {
    let mut stdout = anstream::stdout();
    let _ = write!(stdout, "{text}");
    let _ = stdout.flush();
}

/// Says a whole document on stdout, byte for byte.
pub(super) fn document(bytes: &[u8]) {
    let _ = std::io::stdout().write_all(bytes);
}

/// Says a line on stderr.
pub(super) fn err(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Says on stderr what went wrong.
pub(super) fn error(what: impl Display) {
    let mark = RED.bold();
    err(format_args!("{mark}error:{mark:#} {what}"));
}

/// A text without what could move a terminal's cursor, change its colours, or turn what is read around.
pub(super) fn harmless(text: &str) -> String {
    text.replace(|c: char| misleads(c) && c != '\n', "\u{fffd}")
}
