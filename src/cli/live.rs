//! The two lines that are written over: what the run is doing, and how far the session is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::stdio::stderr;

use super::page::columns;
use super::say::harmless;
use crate::domain::duration::human;
use crate::domain::hold::Hold;
use crate::domain::session::{Session, Work};

const NARROW: u16 = 60;
const WIDE_STYLE: &str = "{spinner:.cyan} {wide_msg}\n{bar:24.green/dim} {pos}/{len} tasks{prefix:.dim}";
const NARROW_STYLE: &str = "{spinner:.cyan} {wide_msg}\n{bar:8.green/dim} {pos}/{len}{prefix:.dim}";

/// The lines, shown or not.
#[derive(Debug, Default)]
pub(super) struct Live {
    shown: Option<(u16, ProgressBar)>,
}

/// What they tell.
#[derive(Debug)]
pub(super) struct Glance {
    doing: String,
    aside: String,
    done: u64,
    total: u64,
}

impl Live {
    /// Draws the lines, or draws them anew.
    pub(super) fn draw(&mut self, glance: Glance) {
        let width = columns(stderr());
        if self.shown.as_ref().is_some_and(|(before, _)| *before != width) {
            self.clear();
        }
        let (_, bar) = self.shown.get_or_insert_with(|| (width, bar(width, glance.total)));
        bar.set_prefix(glance.aside);
        bar.set_message(glance.doing);
        bar.set_position(glance.done);
        bar.tick();
    }

    /// Takes the lines away.
    pub(super) fn clear(&mut self) {
        if let Some((_, bar)) = self.shown.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(width: u16, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(if width < NARROW { NARROW_STYLE } else { WIDE_STYLE });
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─"));
    bar
}

impl Glance {
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
            done: (counts.completed + counts.skipped) as u64,
            total: counts.total as u64,
        })
    }
}
