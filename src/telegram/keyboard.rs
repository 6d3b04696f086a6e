//! Buttons under a message.

use serde::Serialize;

use super::Scene;
use crate::domain::gate::{Choice, Gate};
use crate::domain::id::TaskNumber;

/// How much a button can carry, in bytes.
const CARRIES: usize = 64;
/// How many buttons stand beside each other.
const BESIDE: usize = 2;

/// Buttons under a message, row by row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Keyboard {
    inline_keyboard: Vec<Vec<Button>>,
}

/// A button: pressing it says what it carries, as if it had been typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Button {
    text: String,
    callback_data: String,
}

impl Keyboard {
    /// The rows that have buttons, if there is one.
    pub(super) fn of(rows: impl IntoIterator<Item = Vec<Option<Button>>>) -> Option<Self> {
        let rows = rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>());
        let inline_keyboard: Vec<_> = rows.filter(|row| !row.is_empty()).collect();
        (!inline_keyboard.is_empty()).then_some(Self { inline_keyboard })
    }

    /// One keyboard below another.
    pub(super) fn joined(above: Option<Self>, below: Option<Self>) -> Option<Self> {
        match (above, below) {
            (Some(mut above), Some(below)) => {
                above.inline_keyboard.extend(below.inline_keyboard);
                Some(above)
            }
            (above, below) => above.or(below),
        }
    }

    /// The buttons, row by row.
    pub fn rows(&self) -> &[Vec<Button>] {
        &self.inline_keyboard
    }
}

impl Button {
    /// A button for a command that may be offered and that a button can carry.
    pub(super) fn new(
        scene: &Scene<'_>,
        text: impl Into<String>,
        command: impl Into<String>,
    ) -> Option<Self> {
        let callback_data = command.into();
        let word = callback_data.split([':', ' ']).next().unwrap_or_default();
        let fits = (1..=CARRIES).contains(&callback_data.len()) && scene.offers(word);
        fits.then(|| Self { text: text.into(), callback_data })
    }

    pub(super) fn status(scene: &Scene<'_>) -> Option<Self> {
        Self::new(scene, "📊 Status", "status")
    }

    pub(super) fn resume(scene: &Scene<'_>) -> Option<Self> {
        Self::new(scene, "▶️ Resume", "resume")
    }

    pub(super) fn tasks(scene: &Scene<'_>) -> Option<Self> {
        Self::new(scene, "📋 Tasks", "tasks")
    }

    /// The newest lines of the story.
    pub(super) fn story(scene: &Scene<'_>) -> Option<Self> {
        Self::new(scene, "📜 Logs", "logs")
    }

    /// The newest lines of what a task printed.
    pub(super) fn output(scene: &Scene<'_>, task: TaskNumber) -> Option<Self> {
        Self::new(scene, format!("📜 Log of task {task}"), format!("logs:20 #{task}"))
    }

    /// Skips this task and no other, however often it is pressed.
    pub(super) fn skip(scene: &Scene<'_>, task: TaskNumber) -> Option<Self> {
        Self::new(scene, format!("⏭ Skip task {task}"), format!("skip:#{task}"))
    }

    /// The text on it.
    pub fn label(&self) -> &str {
        &self.text
    }

    /// What it says when it is pressed.
    pub fn says(&self) -> &str {
        &self.callback_data
    }

    fn answer(scene: &Scene<'_>, gate: &Gate, choice: Choice) -> Option<Self> {
        let label = match choice {
            Choice::Approve => "✅ Approve",
            Choice::Reject => "✏️ Reject",
            Choice::Retry => "🔁 Retry",
            Choice::Skip => "⏭ Skip",
            Choice::Stop => "⏹ Stop",
        };
        Self::new(scene, label, format!("{}:{}", choice.as_str(), gate.id))
    }
}

/// A gate's answers, each for this gate and no other.
pub(super) fn answers(gate: &Gate, scene: &Scene<'_>) -> Option<Keyboard> {
    let choices = gate.choices();
    let row =
        |choices: &[Choice]| choices.iter().map(|choice| Button::answer(scene, gate, *choice)).collect();
    Keyboard::of(choices.chunks(BESIDE).map(row).collect::<Vec<_>>())
}
