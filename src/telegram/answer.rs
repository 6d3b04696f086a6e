//! What the one who gave a command reads.

use super::card::Card;
use super::keyboard::{Button, Keyboard};
use super::outlook;
use super::part::Ear;
use super::text::Text;
use super::{Message, Scene, story, words};
use crate::domain::event::Event;

/// How much of an answer in words is told.
const SAID: usize = 1500;

/// What a command came to: its events, or the answer in words where nothing happened.
pub fn answer(events: &[Event], message: &str, scene: &Scene<'_>) -> Message {
    if events.is_empty() {
        let resume = if scene.is_paused() { Button::resume(scene) } else { None };
        return Message::new(
            Text::plain("ℹ️ ").and(words::sentence(message, SAID)),
            Keyboard::of([vec![resume]]),
        );
    }
    let told = story::told(events, scene, Ear::Doer);
    let Some(next) = next(events, scene) else { return Message::new(told.text, told.keyboard) };
    let divider = if next.keyboard.is_some() { words::divider() } else { Text::default() };
    let text = Text::paragraphs([told.text, divider, next.text]);
    Message::new(text, next.keyboard.or(told.keyboard))
}

/// What the session is at now, unless the events have told it.
fn next(events: &[Event], scene: &Scene<'_>) -> Option<Card> {
    let is_told = events.iter().any(|event| match event {
        Event::GateOpened { .. }
        | Event::GateReminded { .. }
        | Event::TaskStarted { .. }
        | Event::RunEnding { .. }
        | Event::RunSuspended { .. }
        | Event::RunBlocked { .. }
        | Event::HoldBegan { .. }
        | Event::Paused { .. }
        | Event::SessionCompleted { .. }
        | Event::SessionStopped { .. } => true,
        Event::SessionStarted { .. }
        | Event::GateClosed { .. }
        | Event::TaskCompleted { .. }
        | Event::TaskFailed { .. }
        | Event::TaskInterrupted { .. }
        | Event::TaskSkipped { .. }
        | Event::TaskRetried { .. }
        | Event::RunOutOfBudget { .. }
        | Event::BudgetRaised { .. }
        | Event::GotThrough { .. }
        | Event::RunNotResumed { .. }
        | Event::RunNeverRan { .. }
        | Event::Resumed { .. }
        | Event::HoldEnded { .. }
        | Event::DatabaseReplaced { .. }
        | Event::DatabaseRestored { .. } => false,
    });
    if is_told { None } else { outlook::outlook(scene) }
}
