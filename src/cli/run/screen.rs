//! What a terminal shows: the story, questions, and below them the live lines; plain lines where there is no terminal.

use std::io;

use jiff::tz::TimeZone;
use rustix::stdio::{stderr, stdout};
use rustix::termios::isatty;

use super::live::{Glance, Live};
use super::story;
use crate::cli::page::Page;
use crate::cli::say;
use crate::store::events::Told;

/// Where everything is shown. Whatever is said takes the live lines away until they are drawn again.
#[derive(Debug)]
pub(super) struct Screen {
    zone: TimeZone,
    live: Option<Live>,
    asking: bool,
    gone: bool,
}

impl Screen {
    /// A screen; `live` says whether it may have lines that are written over.
    pub(super) fn new(zone: TimeZone, live: bool) -> Self {
        let live = (live && isatty(stderr()) && !is_dumb()).then(Live::default);
        Self { zone, live, asking: false, gone: false }
    }

    /// Whether the live lines are to be kept moving.
    pub(super) fn is_live(&self) -> bool {
        self.live.is_some() && !self.asking
    }

    /// Whether what is said here is seen on a terminal.
    pub(super) fn is_terminal() -> bool {
        isatty(stdout())
    }

    /// The room for a text.
    pub(super) fn page() -> Page {
        Page::of(io::stdout())
    }

    /// Tells one event.
    pub(super) fn tell(&mut self, told: &Told) {
        let line = if Self::is_terminal() {
            story::line(told, &self.zone, Self::page())
        } else {
            story::plain(told, &self.zone)
        };
        self.say(&line);
    }

    /// Says something that isn't part of the story.
    pub(super) fn say(&mut self, text: &str) {
        self.make_room();
        if !self.gone {
            let page = Self::page();
            let lines: Vec<String> = text.split('\n').map(|line| page.fill(line, "", "")).collect();
            say::out(lines.join("\n"));
        }
    }

    /// Asks for an answer on the same line.
    pub(super) fn ask(&mut self, text: &str) {
        self.make_room();
        say::out_unended(text);
        self.asking = true;
    }

    /// The question was answered, and the line ended with it.
    pub(super) fn answered(&mut self) {
        self.asking = false;
    }

    /// Draws the live lines, unless a question stands there.
    pub(super) fn show(&mut self, glance: Option<Glance>) {
        match (&mut self.live, glance) {
            (Some(live), Some(glance)) if !self.asking => live.draw(&glance),
            (Some(live), None) => live.clear(),
            (Some(_), Some(_)) | (None, _) => {}
        }
    }

    /// The terminal is gone: nothing is shown any more.
    pub(super) fn hang_up(&mut self) {
        self.live = None;
        self.gone = true;
    }

    /// Takes the live lines away; what was told stays.
    pub(super) fn close(&mut self) {
        self.make_room();
    }

    fn make_room(&mut self) {
        if let Some(live) = &mut self.live {
            live.clear();
        }
        if std::mem::take(&mut self.asking) {
            say::out("");
        }
    }
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb")
}
