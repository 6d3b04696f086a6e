//! The events of one transition as one message: what happened in its order, what it comes to, and what is asked.

use super::card::{self, Card};
use super::keyboard::Keyboard;
use super::outlook;
use super::part::{self, Ear, Telling};
use super::rank::moves_on;
use super::text::Text;
use super::{Scene, words};
use crate::domain::event::Event;
use crate::domain::gate::{Decision, Gate};

/// Everything that happened; then what is asked.
pub(super) fn told(events: &[Event], scene: &Scene<'_>, ear: Ear) -> Card {
    let telling = Telling { scene, ear, events };
    let parts = |then: bool| {
        let these = events.iter().filter(move |event| comes_after(event) == then);
        these.map(|event| telling.part(event)).collect::<Vec<_>>()
    };
    let mut happened = parts(false);
    if events.iter().any(moves_on) {
        happened.extend(scene.session.filter(|session| session.open().is_some()).map(words::progress));
    }
    let question = asked(events).map(|gate| question(gate, events, scene));
    let mut then = parts(true);
    let keyboard = keyboard(question.as_ref(), events, scene);
    match question {
        Some(question) => then.push(question.text),
        None if ear == Ear::Others && events.iter().any(moves_on) => {
            then.extend(outlook::impeded(scene).map(|card| card.text));
        }
        None if ear == Ear::Others && events.iter().any(releases) => {
            happened.extend(outlook::released(scene).map(|card| card.text));
        }
        None => {}
    }
    Card::new(divided(happened, then, events), keyboard)
}

/// The gate that the events ask about.
pub(super) fn asked(events: &[Event]) -> Option<&Gate> {
    events.iter().rev().find_map(|event| match event {
        Event::GateOpened { gate, .. } | Event::GateReminded { gate, .. } => Some(gate),
        Event::SessionStarted { .. }
        | Event::GateClosed { .. }
        | Event::TaskStarted { .. }
        | Event::TaskCompleted { .. }
        | Event::TaskFailed { .. }
        | Event::TaskInterrupted { .. }
        | Event::TaskSkipped { .. }
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
        | Event::HoldBegan { .. }
        | Event::HoldEnded { .. }
        | Event::DatabaseReplaced { .. }
        | Event::DatabaseRestored { .. }
        | Event::SessionCompleted { .. }
        | Event::SessionStopped { .. } => None,
    })
}

/// Whether an event is what followed from the others rather than one of them.
fn comes_after(event: &Event) -> bool {
    matches!(event, Event::TaskStarted { .. } | Event::SessionCompleted { .. } | Event::SessionStopped { .. })
}

fn releases(event: &Event) -> bool {
    matches!(event, Event::HoldEnded { .. } | Event::Resumed { .. })
}

fn question(gate: &Gate, events: &[Event], scene: &Scene<'_>) -> Card {
    let any = |wanted: fn(&Event) -> bool| events.iter().any(wanted);
    if any(|event| matches!(event, Event::SessionStarted { .. })) {
        card::of_a_new_session(gate, scene)
    } else if any(|event| matches!(event, Event::TaskFailed { .. } | Event::TaskInterrupted { .. })) {
        card::after_its_cause(gate, scene)
    } else if any(|event| matches!(event, Event::GateClosed { decision: Decision::Rejected, .. })) {
        card::after_a_rejection(gate, scene)
    } else {
        card::whole(gate, scene)
    }
}

/// The answers to what is asked, and a failure's log beside them; else what the last event brings.
fn keyboard(question: Option<&Card>, events: &[Event], scene: &Scene<'_>) -> Option<Keyboard> {
    let brought = |event| part::buttons(event, scene);
    match question {
        Some(question) => {
            let failure = events.iter().find(|event| matches!(event, Event::TaskFailed { .. }));
            Keyboard::joined(question.keyboard.clone(), failure.and_then(brought))
        }
        None => events.iter().rev().find_map(brought),
    }
}

fn divided(happened: Vec<Text>, then: Vec<Text>, events: &[Event]) -> Text {
    let (happened, then) = (Text::paragraphs(happened), Text::paragraphs(then));
    let is_one = matches!(events.first(), Some(Event::SessionStarted { .. } | Event::GateReminded { .. }));
    let divider =
        if happened.is_empty() || then.is_empty() || is_one { Text::default() } else { words::divider() };
    Text::paragraphs([happened, divider, then])
}
