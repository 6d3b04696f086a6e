//! What comes next, where no event has told it: for the one who gave a command.

use super::Scene;
use super::card::{self, Card};
use super::keyboard::{Button, Keyboard};
use super::text::Text;
use super::words;
use crate::domain::id::TaskNumber;
use crate::domain::session::{Session, State, Why, Work};

/// What the session is at.
pub(super) fn outlook(scene: &Scene<'_>) -> Option<Card> {
    let session = scene.session?;
    let open = match &session.state {
        State::Open(open) => open,
        State::Completed { .. } | State::Stopped { .. } => return Some(ended(scene)),
    };
    let told = |text: String| Some(Card::new(Text::plain(text), None));
    match &open.work {
        Work::Waiting { gate } | Work::Running { gate: Some(gate), .. } => Some(card::whole(gate, scene)),
        Work::Ready { task } => Some(ready(session, *task, scene)),
        Work::Running { task, gate: None, .. } => {
            told(format!("⚙️ {} is running", words::task(session, *task)))
        }
        Work::Ending { task, why, .. } => {
            let task = words::task(session, *task);
            told(match why {
                Why::Pause => format!("⏸️ The run of {task} is being ended; it goes on after /resume"),
                Why::Skip => format!("⏭ The run of {task} is being ended; then the session goes on"),
                Why::Stop => format!("⏹ The run of {task} is being ended; then the session is over"),
            })
        }
    }
}

/// What starts now that a hold is over, if anything does.
pub(super) fn released(scene: &Scene<'_>) -> Option<Card> {
    let session = scene.session?;
    match session.open()?.work {
        Work::Ready { task } => Some(ready(session, task, scene)),
        Work::Waiting { .. } | Work::Running { .. } | Work::Ending { .. } => None,
    }
}

/// What keeps the next task from starting, if it is approved and something does.
pub(super) fn impeded(scene: &Scene<'_>) -> Option<Card> {
    let session = scene.session?;
    match session.open()?.work {
        Work::Ready { task } if scene.is_paused() || scene.hold.is_some() => {
            Some(ready(session, task, scene))
        }
        Work::Ready { .. } | Work::Waiting { .. } | Work::Running { .. } | Work::Ending { .. } => None,
    }
}

/// What an ended session offers.
pub(super) fn ended(scene: &Scene<'_>) -> Card {
    Card::new(Text::default(), Keyboard::of([vec![Button::tasks(scene), Button::story(scene)]]))
}

fn ready(session: &Session, task: TaskNumber, scene: &Scene<'_>) -> Card {
    let task = words::task(session, task);
    let waits = |text: String, button| Card::new(Text::plain(text), Keyboard::of([vec![button]]));
    match scene.hold {
        _ if scene.is_paused() => waits(format!("⏸️ {task} starts after /resume"), Button::resume(scene)),
        Some(hold) => {
            let button = if hold.ends_by_itself() { Button::status(scene) } else { Button::resume(scene) };
            let why = words::held_by(hold.kind);
            waits(format!("⏳ {task} can't start yet: {why}. {}", words::ends(hold, scene)), button)
        }
        None => Card::new(Text::plain(format!("⚙️ {task} starts now")), None),
    }
}
