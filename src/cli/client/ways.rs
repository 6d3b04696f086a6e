//! Commands to be typed next, one a line, and what each does where there is room to say it.

use unicode_width::UnicodeWidthStr as _;

use crate::cli::page::Page;
use crate::cli::say::{BOLD, DIM};

const INDENT: usize = 4;
const GAP: usize = 3;

/// Writes the commands, exactly as they can be typed.
pub(super) fn ways(ways: &[(String, &str)], page: Page) -> Vec<String> {
    let widest = |text: fn(&(String, &str)) -> usize| ways.iter().map(text).max().unwrap_or_default();
    let width = widest(|(command, _)| command.width());
    let all = INDENT + width + GAP + widest(|(_, does)| does.width());
    let has_room = page.room().is_none_or(|room| all <= room);
    ways.iter()
        .map(|(command, does)| {
            let command_line = format!("{}{BOLD}{command}{BOLD:#}", " ".repeat(INDENT));
            if has_room {
                let padding = " ".repeat(width - command.width() + GAP);
                format!("{command_line}{padding}{DIM}{does}{DIM:#}")
            } else {
                command_line
            }
        })
        .collect()
}
