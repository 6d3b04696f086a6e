//! The two lines that are written over: what the run is doing, and how far the session is.
//!
//! They are redrawn in one write, so they don't flicker, and erased by the rows that they take up now: a terminal that
//! was made narrower meanwhile has broken them into more.

use std::io::{self, Write as _};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::page::columns;
use super::say::{CYAN, DIM, GREEN, harmless};
use crate::domain::duration::human;
use crate::domain::hold::Hold;
use crate::domain::session::{Session, Work};

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const NARROW: usize = 60;

/// The lines on stderr, shown or not.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// The widths of the lines that stand there.
    shown: Vec<usize>,
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
    /// Draws the lines, over those that stand there.
    pub(super) fn draw(&mut self, glance: &Glance) {
        let columns = usize::from(columns(io::stderr()));
        let lines = glance.lines(columns.saturating_sub(1), SPINNER[self.frame % SPINNER.len()]);
        self.frame += 1;
        let erase = self.erasure(columns);
        self.shown = lines.iter().map(|line| strip_str(line).to_string().width()).collect();
        write(&format!("{erase}{}", lines.join("\r\n")));
    }

    /// Takes the lines away.
    pub(super) fn clear(&mut self) {
        let erase = self.erasure(usize::from(columns(io::stderr())));
        self.shown.clear();
        write(&erase);
    }

    fn erasure(&self, columns: usize) -> String {
        match rows(&self.shown, columns) {
            0 => String::new(),
            1 => "\r\x1b[J".to_owned(),
            rows => format!("\r\x1b[{}A\x1b[J", rows - 1),
        }
    }
}

/// The rows that lines of these widths take up.
fn rows(widths: &[usize], columns: usize) -> usize {
    widths.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum()
}

/// A terminal that is gone has no lines to be drawn.
fn write(text: &str) {
    if !text.is_empty() {
        let mut stderr = io::stderr();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

impl Glance {
    fn lines(&self, width: usize, spinner: char) -> Vec<String> {
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
        lines.into_iter().map(|line| if plain { strip_str(&line).to_string() } else { line }).collect()
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
    use super::{cut, rows};

    #[test]
    fn lines_are_cut_by_what_they_take_up_on_the_screen() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_narrower_terminal_breaks_lines_into_rows() {
        assert_eq!(rows(&[], 80), 0);
        assert_eq!(rows(&[79, 40], 80), 2);
        assert_eq!(rows(&[79, 40], 40), 3);
        assert_eq!(rows(&[79, 0], 20), 5);
    }
}
