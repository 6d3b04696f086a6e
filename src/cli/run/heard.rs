//! What was told since this process began, so that nothing is told twice.

use crate::domain::event::Event;
use crate::domain::gate::{Decision, Gate};
use crate::domain::hold::Hold;
use crate::domain::id::{GateId, TaskNumber};

/// The last of each.
#[derive(Debug, Default)]
pub(super) struct Heard {
    asked: Option<GateId>,
    opened: Option<GateId>,
    failed: Option<TaskNumber>,
    blocked: Option<Hold>,
    waited_for: Option<Hold>,
}

impl Heard {
    /// Notes what is told.
    pub(super) fn note(&mut self, event: &Event) {
        if let Event::GateOpened { gate, .. } = event {
            self.opened = Some(gate.id.clone());
        } else if let Event::TaskFailed { subject, .. } = event {
            self.failed = Some(subject.task);
        } else if let Event::RunBlocked { hold, .. } = event {
            self.blocked = Some(hold.clone());
        }
    }

    /// Notes that a gate's question is put to a person; answers whether it was already.
    pub(super) fn ask(&mut self, gate: &Gate) -> bool {
        self.asked.replace(gate.id.clone()).as_ref() == Some(&gate.id)
    }

    /// Whether a gate's question was put to a person.
    pub(super) fn is_asked(&self, gate: &GateId) -> bool {
        self.asked.as_ref() == Some(gate)
    }

    /// Whether it was told that a gate opened.
    pub(super) fn is_opened(&self, gate: &Gate) -> bool {
        self.opened.as_ref() == Some(&gate.id)
    }

    /// Whether the failure that a gate is about was told.
    pub(super) fn is_failure(&self, gate: &Gate) -> bool {
        self.failed.is_some() && self.failed == gate.task()
    }

    /// Whether a hold was told.
    pub(super) fn is_hold(&self, hold: &Hold) -> bool {
        self.blocked.as_ref() == Some(hold)
    }

    /// Notes that a hold is waited for; answers whether it was already.
    pub(super) fn wait_for(&mut self, hold: &Hold) -> bool {
        self.waited_for.replace(hold.clone()).as_ref() == Some(hold)
    }

    /// Whether an event is the answer that a person has just typed.
    pub(super) fn is_answer(&self, event: &Event) -> bool {
        matches!(event, Event::GateClosed { gate, decision, .. }
            if self.is_asked(gate) && *decision != Decision::Withdrawn)
    }
}
