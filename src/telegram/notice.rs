//! What one transition is told as, unasked: at most one message, whatever happened in it.

use super::card::Card;
use super::part::Ear;
use super::rank::Rank;
use super::{Message, Scene, quoted, story};
use crate::domain::event::Event;
use crate::domain::id::{GateId, TaskNumber};

/// The longest text without markup that Telegram takes.
const LONGEST: usize = 4096;

/// A notification, but for the chat that it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub kind: Kind,
    /// The kind of the event that gives the message its reason, such as `task_completed`.
    pub event: &'static str,
    /// What happened, as plain text that can stand in the message's place.
    pub message: String,
    /// The task that it is about.
    pub task: Option<TaskNumber>,
    /// The gate that it asks about.
    pub gate: Option<GateId>,
    /// The same for a chat.
    pub telegram: Message,
}

/// How much a notification matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something goes on as it should.
    Info,
    /// Something is done.
    Success,
    /// Something needs a look, now or later.
    Warning,
    /// Something failed.
    Error,
    /// Somebody is asked.
    Approval,
}

impl Kind {
    /// The word used in notifications.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Approval => "approval",
        }
    }
}

/// What the events of one transition are told as, if anybody who didn't cause them has to hear of them.
///
/// The reason is what went wrong, else the session's end, else the first event that is a reason. A notice that asks is an
/// `approval`, unless it tells of a failure (`error`) or an interruption (`warning`): its gate says that it asks, too.
pub fn notice(events: &[Event], scene: &Scene<'_>) -> Option<Notice> {
    let group = |event: &Event| match Rank::of(event, events) {
        Rank::Aside => 0,
        Rank::Told(_) => 1,
        Rank::End(_) => 2,
        Rank::Trouble(_) => 3,
    };
    let reason = events.iter().reduce(|first, next| if group(next) > group(first) { next } else { first })?;
    let gate = story::asked(events);
    let kind = Rank::of(reason, events).kind(gate.is_some())?;
    let sentences = events.iter().map(Event::sentence).collect::<Vec<_>>().join("\n");
    let Card { text, keyboard } = story::told(events, scene, Ear::Others);
    Some(Notice {
        kind,
        event: reason.kind(),
        message: quoted::passage(&sentences, LONGEST),
        task: reason.task().or_else(|| events.iter().find_map(Event::task)),
        gate: gate.map(|gate| gate.id.clone()),
        telegram: Message::new(text, keyboard),
    })
}
