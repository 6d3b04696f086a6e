//! What one transition is told as, unasked: at most one message, whatever happened in it.

use super::{Message, Scene};
use crate::domain::event::Event;
use crate::domain::id::{GateId, TaskNumber};

/// A notification, but for the chat that it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub kind: Kind,
    /// The kind of the event that gives the message its reason, such as `task_completed`.
    pub event: &'static str,
    /// What happened, as plain text.
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
pub fn notice(events: &[Event], _scene: &Scene<'_>) -> Option<Notice> {
    let told = |event: &Event| match event {
        Event::SessionStarted { .. }
        | Event::TaskStarted { .. }
        | Event::RunBlocked { .. }
        | Event::HoldBegan { .. }
        | Event::HoldEnded { .. }
        | Event::Paused { .. }
        | Event::Resumed { .. } => Some(Kind::Info),
        Event::GateOpened { .. } | Event::GateReminded { .. } => Some(Kind::Approval),
        Event::TaskCompleted { .. } | Event::SessionCompleted { .. } | Event::SessionStopped { .. } => {
            Some(Kind::Success)
        }
        Event::TaskFailed { .. } | Event::DatabaseReplaced { .. } => Some(Kind::Error),
        Event::TaskInterrupted { .. } | Event::DatabaseRestored { .. } => Some(Kind::Warning),
        Event::GateClosed { .. }
        | Event::TaskSkipped { .. }
        | Event::TaskRetried { .. }
        | Event::RunEnding { .. }
        | Event::RunSuspended { .. }
        | Event::RunNeverRan { .. } => None,
    };
    let (kind, event) = events.iter().find_map(|event| told(event).map(|kind| (kind, event)))?;
    let gate = events.iter().find_map(|event| match event {
        Event::GateOpened { gate, .. } | Event::GateReminded { gate, .. } => Some(gate.id.clone()),
        _ => None,
    });
    let message = events.iter().map(Event::sentence).collect::<Vec<_>>().join("\n");
    let telegram = Message::plain(&message);
    Some(Notice { kind, event: event.kind(), message, task: event.task(), gate, telegram })
}
