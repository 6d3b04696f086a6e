//! The story as a terminal shows it: the events' own sentences, with a mark to each.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use anstyle::Style;

use crate::cli::page::Page;
use crate::cli::say::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, harmless};
use crate::domain::event::Event;
use crate::store::events::Told;

/// One event on lines of its own.
pub(super) fn line(told: &Told, zone: &TimeZone, page: Page) -> String {
    let (style, mark) = mark(&told.event);
    let at = time(told.at, zone);
    let indent = " ".repeat(if page.is_narrow() { 2 } else { at.len() + 3 });
    let text = format!("{DIM}{at}{DIM:#} {style}{mark}{style:#} {}", harmless(&told.message));
    page.fill(&text, "", &indent)
}

/// One event as the log has it.
pub(super) fn plain(told: &Told, zone: &TimeZone) -> String {
    format!("[{}] {}", time(told.at, zone), harmless(&told.message))
}

fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

fn mark(event: &Event) -> (Style, char) {
    match event {
        Event::SessionStarted { .. } => (BOLD, '●'),
        Event::TaskStarted { .. } => (CYAN, '▶'),
        Event::TaskCompleted { .. } | Event::SessionCompleted { .. } => (GREEN, '✓'),
        Event::TaskFailed { .. } => (RED, '✗'),
        Event::TaskInterrupted { .. }
        | Event::RunBlocked { .. }
        | Event::RunOutOfBudget { .. }
        | Event::RunNotResumed { .. }
        | Event::HoldBegan { .. }
        | Event::DatabaseReplaced { .. }
        | Event::DatabaseRestored { .. }
        | Event::RunNeverRan { .. }
        | Event::SessionStopped { .. } => (YELLOW, '!'),
        Event::GateOpened { .. } | Event::GateReminded { .. } => (YELLOW, '?'),
        Event::GateClosed { .. }
        | Event::TaskSkipped { .. }
        | Event::TaskRetried { .. }
        | Event::RunEnding { .. }
        | Event::RunSuspended { .. }
        | Event::Paused { .. }
        | Event::Resumed { .. }
        | Event::BudgetRaised { .. }
        | Event::GotThrough { .. }
        | Event::HoldEnded { .. } => (DIM, '·'),
    }
}
