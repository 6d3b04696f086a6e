//! How things read in a chat: HTML that Telegram takes, and buttons. Pure.
//!
//! Whatever is quoted is escaped; no message is longer than Telegram allows. Knows events, gates and sessions, and nothing
//! of how a message gets to a phone.

mod message;
mod notice;
mod progress;

pub use self::message::{Message, ParseMode};
pub use self::notice::{Kind, Notice, notice};
pub use self::progress::{progress, progress_end};

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
