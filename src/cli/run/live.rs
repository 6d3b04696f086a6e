//! The two lines that are written over: what the run is doing, and how far the session is.
//!
//! Between two drawings the cursor stands at their beginning. So whatever else is written to the terminal stays there,
//! with the lines drawn anew below it, and a terminal that breaks them because it was made narrower is no special case.

use std::io::{self, Write as _};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::page::{columns, cut};
use crate::cli::say::{CYAN, DIM, GREEN, harmless};
use crate::domain::duration::human;
use crate::domain::hold::Hold;
use crate::domain::session::{Session, Work};

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const NARROW: usize = 60;

/// Scrolls if the cursor is in the last row, and comes back to the beginning of its row.
const ROOM_FOR_TWO: &str = "\r\n\x1b[A";
const SAVE: &str = "\x1b7";
const RESTORE: &str = "\x1b8";
/// Erases the rest of the row.
const END: &str = "\x1b[K";
/// Erases what follows.
const ERASE: &str = "\x1b[J";

/// The lines on stderr, shown or not.
#[derive(Debug, Default)]
pub(super) struct Live {
    shown: bool,
    frame: usize,
}

/// What they tell.
#[derive(Debug)]
pub(super) struct Glance {
    doing: String,
    aside: String,
    done: usize,
    total: usize,
}

impl Live {
    /// Draws the lines, over those that stand there, in one write so that they don't flicker.
    pub(super) fn draw(&mut self, glance: &Glance) {
        let columns = usize::from(columns(io::stderr()));
        let spinner = SPINNER[self.frame % SPINNER.len()];
        let [doing, progress] = glance.lines(columns.saturating_sub(1), spinner);
        write(&format!("{ROOM_FOR_TWO}{SAVE}{doing}{END}\r\n{progress}{END}{ERASE}{RESTORE}"));
        self.frame += 1;
        self.shown = true;
    }

    /// Takes the lines away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            write(&format!("\r{ERASE}"));
        }
    }
}

/// A terminal that is gone has no lines to be drawn.
fn write(text: &str) {
    let mut stderr = io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

impl Glance {
    fn lines(&self, width: usize, spinner: char) -> [String; 2] {
        let (room, tasks) = if width < NARROW { (8, "") } else { (24, " tasks") };
        let full = (self.done * room).checked_div(self.total).unwrap_or_default();
        let (full, empty) = ("━".repeat(full), "─".repeat(room - full));
        let doing = cut(&self.doing, width.saturating_sub(2));
        let far = format!(" {}/{}{tasks}", self.done, self.total);
        let aside = cut(&self.aside, width.saturating_sub(room + far.width()));
        let lines = [
            format!("{CYAN}{spinner}{CYAN:#} {doing}"),
            format!("{GREEN}{full}{GREEN:#}{DIM}{empty}{DIM:#}{far}{DIM}{aside}{DIM:#}"),
        ];
        let plain = AutoStream::choice(&io::stderr()) == ColorChoice::Never;
        lines.map(|line| if plain { strip_str(&line).to_string() } else { line })
    }

    /// What there is to see while nobody is asked; `None` if nothing is under way.
    pub(super) fn at(
        session: &Session,
        doing: Option<&str>,
        hold: Option<&Hold>,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Option<Self> {
        let open = session.open()?;
        let since =
            |from: Timestamp| human(&Duration::try_from(now.duration_since(from)).unwrap_or_default());
        let doing = match (&open.work, hold) {
            (Work::Waiting { .. }, _) => return None,
            (Work::Ending { task, .. }, _) => {
                format!("Task {}: ending its run, until nothing of it is left", session.of_total(*task))
            }
            (Work::Running { task, .. }, _) => {
                let begun = session.task(*task).and_then(|task| task.progress.started_at);
                let for_long = begun.map_or(String::new(), |begun| format!(" · {}", since(begun)));
                let doing = doing.unwrap_or("starting");
                format!("Task {}{for_long} · {doing}", session.of_total(*task))
            }
            (Work::Ready { .. }, Some(Hold { until: Some(until), reason, .. })) => {
                let until = until.to_zoned(zone.clone()).strftime("%H:%M:%S");
                format!("Held until {until}: {reason}")
            }
            (Work::Ready { task }, _) => format!("Task {}: next", session.of_total(*task)),
        };
        let counts = session.counts();
        let rehearsal = if session.rehearsal { " · rehearsal" } else { "" };
        Some(Self {
            doing: harmless(&doing).replace('\n', " "),
            aside: format!(" · {} · {}{rehearsal}", session.cost(), since(session.started_at)),
            done: counts.completed + counts.skipped,
            total: counts.total,
        })
    }
}
