//! The tasks of a session as a table: a mark, what it is about, how it stands, what it took.

use std::time::Duration;

use anstyle::Style;

use super::table::{Cell, table};
use super::view::{Gate, Task};
use crate::cli::page::Page;
use crate::cli::say::{BOLD, CYAN, DIM, GREEN, RED, YELLOW};
use crate::domain::duration::human;

/// From how many columns on types are shown too.
const WIDE: usize = 90;
const TITLE: usize = 2;

/// Writes the tasks; that before which a gate stands is marked as the one that waits.
pub(super) fn tasks(tasks: &[Task], gate: Option<&Gate>, page: Page) -> Vec<String> {
    let asked = gate.filter(|gate| gate.kind == "before").and_then(|gate| gate.task);
    let is_wide = page.room().is_none_or(|room| room >= WIDE);
    let row = |task: &Task| {
        let (mark, style, state) = if asked == Some(task.id) {
            ("?", YELLOW, "waiting")
        } else {
            let (mark, style) = mark(&task.state);
            (mark, style, task.state.as_str())
        };
        let title = if style == DIM { DIM } else { Style::new() };
        let mut row = vec![
            Cell::new(mark, style),
            Cell::number(task.id.to_string(), DIM),
            Cell::new(&task.title, title),
        ];
        if page.is_narrow() {
            return row;
        }
        let runs = if task.runs > 1 { format!(", run {}", task.runs) } else { String::new() };
        row.push(Cell::new(if is_wide { task.r#type.as_str() } else { "" }, DIM));
        row.push(Cell::new(format!("{state}{runs}"), style));
        let told = |text: String| Cell::number(if task.runs > 0 { text } else { String::new() }, DIM);
        let took = Duration::from_secs(task.duration_seconds);
        row.push(told(if took.is_zero() { String::new() } else { human(&took) }));
        row.push(told(task.cost.told().to_string()));
        row
    };
    table(&tasks.iter().map(row).collect::<Vec<_>>(), TITLE, page)
}

/// The sign and the colour of a state.
pub(super) fn mark(state: &str) -> (&'static str, Style) {
    match state {
        "running" => ("▶", CYAN),
        "completed" => ("✓", GREEN),
        "failed" => ("✗", RED),
        "interrupted" | "stopped" => ("!", YELLOW),
        "waiting_approval" => ("?", YELLOW),
        "paused" | "held" => ("‖", YELLOW),
        "skipped" => ("–", DIM),
        "pending" | "idle" => ("·", DIM),
        _ => ("●", BOLD),
    }
}
