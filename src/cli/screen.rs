//! What a terminal shows of a session: its story, a bar, and one line of what Claude is doing.

use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::session::Session;

/// Where the story is told. Without a terminal it is plain lines.
#[derive(Debug)]
pub(super) struct Screen {
    zone: TimeZone,
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    all: MultiProgress,
    bar: ProgressBar,
    doing: ProgressBar,
}

impl Screen {
    pub(super) fn new(zone: TimeZone, session: &Session) -> Self {
        let live = io::stderr().is_terminal().then(|| Live::new(session.tasks.len()));
        Self { zone, live }
    }

    /// Tells one line of the story.
    pub(super) fn tell(&self, at: Timestamp, line: &str) {
        let time = at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string();
        self.say(&format!("[{time}] {line}"));
    }

    /// Says something that isn't part of the story.
    pub(super) fn say(&self, text: &str) {
        match &self.live {
            Some(live) => live.all.suspend(|| println!("{text}")),
            None => println!("{text}"),
        }
    }

    /// Asks for an answer on the same line.
    pub(super) fn ask(&self, text: &str) {
        let ask = || {
            print!("{text} ");
            // A terminal that can't be written to can't be asked either; the answer won't come.
            let _ = io::stdout().flush();
        };
        match &self.live {
            Some(live) => {
                live.hide();
                ask();
            }
            None => ask(),
        }
    }

    /// Shows where the session stands.
    pub(super) fn show(&self, session: &Session, doing: Option<&str>) {
        let Some(live) = &self.live else { return };
        let counts = session.counts();
        live.bar.set_position((counts.completed + counts.skipped) as u64);
        live.bar.set_message(format!("{}", session.cost()));
        match (session.run(), session.current()) {
            (Some(_), Some(task)) => {
                let doing = doing.unwrap_or("…");
                live.doing.set_message(format!("Task {}: {doing}", session.of_total(task.number())));
            }
            (_, _) => live.doing.set_message(""),
        }
        live.doing.tick();
    }

    /// Takes the live lines away; what was told stays.
    pub(super) fn close(&self) {
        if let Some(live) = &self.live {
            live.hide();
        }
    }
}

impl Live {
    fn new(tasks: usize) -> Self {
        let all = MultiProgress::new();
        let bar = all.add(ProgressBar::new(tasks as u64));
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tasks  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let doing = all.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        doing.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { all, bar, doing }
    }

    fn hide(&self) {
        // Only the drawing fails here, if anything.
        let _ = self.all.clear();
    }
}
