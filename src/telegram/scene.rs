//! What a message is told from, besides what happened.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::hold::Hold;
use crate::domain::session::Session;

/// What a message is told from, besides what happened.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The session that it is about, as it is now.
    pub session: Option<&'a Session>,
    /// What keeps every task from starting.
    pub hold: Option<&'a Hold>,
    /// The time.
    pub now: Timestamp,
    /// The zone in which times are told.
    pub zone: &'a TimeZone,
    /// The commands that may be offered as buttons; empty means all.
    pub commands: &'a [String],
}

impl Scene<'_> {
    /// Whether a command may be offered.
    pub(super) fn offers(&self, word: &str) -> bool {
        self.commands.is_empty() || self.commands.iter().any(|command| command == word)
    }

    /// A time of day, with its date if that isn't today's.
    pub(super) fn clock(&self, at: Timestamp) -> String {
        let (at, now) = (at.to_zoned(self.zone.clone()), self.now.to_zoned(self.zone.clone()));
        let form = if at.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        at.strftime(form).to_string()
    }

    /// Whether nothing may start until somebody resumes.
    pub(super) fn is_paused(&self) -> bool {
        self.session.and_then(Session::open).is_some_and(|open| open.paused.is_some())
    }
}
