//! Columns that line up, whatever the letters' widths; one of them gives way where there isn't room for all.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::page::{Page, cut};
use crate::cli::say::harmless;

const GAP: usize = 2;
/// What the column that gives way keeps.
const LEAST: usize = 8;

/// What stands in one column of one row.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
    is_number: bool,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        let text = harmless(&text.into()).replace('\n', " ");
        Self { text, style, is_number: false }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Style::new())
    }

    /// A cell that stands to the right.
    pub(super) fn number(text: impl Into<String>, style: Style) -> Self {
        Self { is_number: true, ..Self::new(text, style) }
    }
}

/// Writes rows of equally many cells, indented by two; the column `elastic` is cut where it must be.
pub(super) fn table(rows: &[Vec<Cell>], elastic: usize, page: Page) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let mut widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].text.width()).max().unwrap_or_default())
        .collect();
    if let (Some(room), Some(width)) = (page.room(), widths.get(elastic).copied()) {
        let all = widths.iter().filter(|width| **width > 0).map(|width| width + GAP).sum::<usize>();
        widths[elastic] = width.saturating_sub(all.saturating_sub(room)).max(LEAST.min(width));
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[Cell], widths: &[usize]) -> String {
    let mut line = String::new();
    let mut owed = 0;
    for (cell, width) in row.iter().zip(widths).filter(|(_, width)| **width > 0) {
        let text = cut(&cell.text, *width);
        let padding = width - text.width();
        let (before, after) = if cell.is_number { (padding, 0) } else { (0, padding) };
        owed += GAP + before;
        if !text.is_empty() {
            let style = cell.style;
            let _ = write!(line, "{}{style}{text}{style:#}", " ".repeat(owed));
            owed = 0;
        }
        owed += after;
    }
    line
}
