//! How much each event matters to somebody who didn't cause it.

use super::notice::Kind;
use super::words;
use crate::domain::event::Event;

/// Whether an event is a reason to send a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// It is told within the notice of what follows.
    Aside,
    /// It is a reason.
    Told(Kind),
    /// It is what the whole session came to.
    End(Kind),
    /// It went wrong: that goes before everything.
    Trouble(Kind),
}

impl Rank {
    /// How much an event matters beside the others.
    pub(super) fn of(event: &Event, all: &[Event]) -> Self {
        match event {
            // Whoever stops a session ends its run.
            Event::TaskInterrupted { .. } if is_stopped_by_a_person(all) => Self::Aside,
            quiet if quiet.is_quiet() => Self::Aside,
            Event::GateClosed { .. }
            | Event::TaskSkipped { .. }
            | Event::TaskRetried { .. }
            | Event::RunEnding { .. }
            | Event::RunSuspended { .. }
            | Event::RunOutOfBudget { .. }
            | Event::BudgetRaised { .. }
            | Event::RunNotResumed { .. }
            | Event::RunNeverRan { .. } => Self::Aside,
            Event::SessionStarted { .. }
            | Event::TaskStarted { .. }
            | Event::HoldEnded { .. }
            | Event::GotThrough { .. }
            | Event::Paused { .. }
            | Event::Resumed { .. } => Self::Told(Kind::Info),
            Event::TaskCompleted { .. } => Self::Told(Kind::Success),
            Event::RunBlocked { .. } | Event::HoldBegan { .. } => Self::Told(Kind::Warning),
            Event::GateOpened { .. } | Event::GateReminded { .. } => Self::Told(Kind::Approval),
            Event::SessionCompleted { .. } => Self::End(Kind::Success),
            Event::SessionStopped { .. } => Self::End(Kind::Info),
            Event::TaskInterrupted { .. } | Event::DatabaseRestored { .. } => Self::Trouble(Kind::Warning),
            Event::TaskFailed { .. } | Event::DatabaseReplaced { .. } => Self::Trouble(Kind::Error),
        }
    }

    /// The kind of a notice for which this is the reason. Trouble stays what it is where somebody is asked about it, too.
    pub(super) fn kind(self, asks: bool) -> Option<Kind> {
        match self {
            Self::Aside => None,
            Self::Told(_) | Self::End(_) if asks => Some(Kind::Approval),
            Self::Told(kind) | Self::End(kind) | Self::Trouble(kind) => Some(kind),
        }
    }
}

/// Whether somebody ended the session, rather than the policy.
pub(super) fn is_stopped_by_a_person(events: &[Event]) -> bool {
    let by_a_person =
        |event: &Event| matches!(event, Event::SessionStopped { by, .. } if words::person(by).is_some());
    events.iter().any(by_a_person)
}

/// Whether a task was got past, so that the progress is another one.
pub(super) fn moves_on(event: &Event) -> bool {
    match event {
        Event::TaskCompleted { .. }
        | Event::TaskFailed { .. }
        | Event::TaskInterrupted { .. }
        | Event::TaskSkipped { .. } => true,
        Event::SessionStarted { .. }
        | Event::GateOpened { .. }
        | Event::GateClosed { .. }
        | Event::TaskStarted { .. }
        | Event::TaskRetried { .. }
        | Event::RunEnding { .. }
        | Event::RunSuspended { .. }
        | Event::RunBlocked { .. }
        | Event::RunOutOfBudget { .. }
        | Event::BudgetRaised { .. }
        | Event::GotThrough { .. }
        | Event::RunNotResumed { .. }
        | Event::RunNeverRan { .. }
        | Event::Paused { .. }
        | Event::Resumed { .. }
        | Event::GateReminded { .. }
        | Event::HoldBegan { .. }
        | Event::HoldEnded { .. }
        | Event::DatabaseReplaced { .. }
        | Event::DatabaseRestored { .. }
        | Event::SessionCompleted { .. }
        | Event::SessionStopped { .. } => false,
    }
}
