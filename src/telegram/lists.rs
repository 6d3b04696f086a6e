//! Tasks, sessions and gates, a line each.

use std::sync::Arc;

use super::keyboard::{Button, Keyboard};
use super::text::Text;
use super::{Message, Scene, quoted, words};
use crate::domain::gate::{Closing, Gate};
use crate::domain::number::count;
use crate::domain::session::Session;
use crate::domain::task::Task;

/// How many tasks are listed at once.
const TASKS: usize = 30;
/// How many other things are.
const LISTED: usize = 20;
/// How many notifications are.
const NOTIFICATIONS: usize = 10;
/// What a notification tells, and why it wasn't delivered.
const TOLD: usize = 120;
/// How many tasks are listed before the current one, where not all fit.
const BEFORE: usize = 5;
/// The name of a file in a list.
const FILE: usize = 80;

/// A session in a list.
#[derive(Clone, Copy, Debug)]
pub struct ListedSession<'a> {
    /// Its id.
    pub id: &'a str,
    /// `open`, `completed` or `stopped`.
    pub status: &'a str,
    /// Its task file.
    pub task_file: &'a str,
    /// How many of its tasks are completed.
    pub completed: i64,
    /// How many there are.
    pub total: i64,
}

/// A gate in a list.
#[derive(Clone, Copy, Debug)]
pub struct ListedGate<'a> {
    /// The gate.
    pub gate: &'a Gate,
    /// What became of it.
    pub closing: Option<&'a Closing>,
}

/// A notification in a list.
#[derive(Clone, Copy, Debug)]
pub struct ListedNotification<'a> {
    /// Whether it isn't tried again.
    pub given_up: bool,
    /// What it tells.
    pub message: &'a str,
    /// Why it was not delivered, the last time.
    pub error: Option<&'a str>,
}

/// The tasks of a session: where not all fit, those around the current one.
pub fn tasks(session: &Session, scene: &Scene<'_>) -> Message {
    let all = &session.tasks;
    let current = session.current().map(|task| task.number());
    let at = all.iter().position(|task| Some(task.number()) == current).unwrap_or_default();
    let first = if all.len() > TASKS { at.saturating_sub(BEFORE).min(all.len() - TASKS) } else { 0 };
    let shown = &all[first..all.len().min(first + TASKS)];
    let after = all.len() - first - shown.len();
    let line = |task: &Arc<Task>| {
        let line = format!("{} {}. {}", words::icon(task.state()), task.number(), words::listed(task));
        if Some(task.number()) == current { Text::bold(line) } else { Text::plain(line) }
    };
    let left_out = |number, where_| {
        Text::plain(if number > 0 { format!("… {number} {where_}") } else { String::new() })
    };
    let lines = Text::lines(
        [left_out(first, "before")]
            .into_iter()
            .chain(shown.iter().map(line))
            .chain([left_out(after, "more")]),
    );
    let heading = format!("📋 {}{}", count(all.len(), "task"), words::rehearsal(session.rehearsal));
    let text = Text::paragraphs([
        Text::lines([Text::bold(heading), Text::plain(format!("Session: {}", session.id))]),
        lines,
        words::progress(session),
    ]);
    Message::new(text, Keyboard::of([vec![Button::status(scene)]]))
}

/// The newest sessions, the newest first.
pub fn sessions(sessions: &[ListedSession<'_>], scene: &Scene<'_>) -> Message {
    if sessions.is_empty() {
        return Message::new(
            super::logs::none_yet(),
            Keyboard::of([vec![Button::new(scene, "▶️ Start", "start")]]),
        );
    }
    let line = |session: &ListedSession<'_>| {
        let icon = match session.status {
            "completed" => "🎉",
            "stopped" => "⏹",
            _ => "▶️",
        };
        let file = quoted::line(session.task_file, FILE);
        let ListedSession { id, completed, total, .. } = session;
        Text::plain(format!("{icon} {id}: {completed} of {total} done, {file}"))
    };
    let text = Text::paragraphs([
        Text::bold("🗂 Sessions, the newest first"),
        Text::lines(sessions.iter().take(LISTED).map(line)),
        more(sessions.len(), LISTED),
    ]);
    Message::new(text, None)
}

/// Gates and what became of them.
pub fn gates(gates: &[ListedGate<'_>], order: &str, scene: &Scene<'_>) -> Message {
    let line = |listed: &ListedGate<'_>| {
        let ListedGate { gate, closing } = listed;
        let about = gate.task().map_or("the end".to_owned(), |task| format!("task {task}"));
        let end = closing.map_or_else(
            || "open".to_owned(),
            |Closing { decision, by, at }: &Closing| {
                format!("{} by {} at {}", decision.as_str(), words::name(by), scene.clock(*at))
            },
        );
        let icon = if closing.is_some() { "☑️" } else { "❓" };
        Text::plain(format!("{icon} {} ({about}): {end}", gate.id))
    };
    let text = Text::paragraphs([
        Text::bold(format!("🚪 {}, {order}", count(gates.len(), "gate"))),
        Text::lines(gates.iter().take(LISTED).map(line)),
        more(gates.len(), LISTED),
    ]);
    Message::new(text, None)
}

/// Notifications that wait or were given up, below how many there are.
pub fn notifications(figures: &str, notifications: &[ListedNotification<'_>]) -> Message {
    let line = |listed: &ListedNotification<'_>| {
        let icon = if listed.given_up { "✖️" } else { "⏳" };
        let told = quoted::line(listed.message.lines().next().unwrap_or_default(), TOLD);
        let why = listed.error.map(|error| Text::italic(quoted::line(error, TOLD)));
        Text::lines([Text::plain(format!("{icon} {told}")), why.into()])
    };
    let text = Text::paragraphs([
        Text::bold(format!("📬 {figures}")),
        Text::lines(notifications.iter().take(NOTIFICATIONS).map(line)),
        more(notifications.len(), NOTIFICATIONS),
    ]);
    Message::new(text, None)
}

fn more(listed: usize, shown: usize) -> Text {
    let left_out = listed.saturating_sub(shown);
    Text::plain(if left_out > 0 { format!("… and {left_out} more") } else { String::new() })
}
