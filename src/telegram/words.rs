//! Phrases that many messages share, and how much of other people's words each may take.

use super::quoted;
use super::scene::Scene;
use super::text::Text;
use crate::domain::actor::Actor;
use crate::domain::event::Subject;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::id::TaskNumber;
use crate::domain::session::Session;
use crate::domain::task::{Task, TaskState};

/// A title where it is what the message is about.
const TITLE: usize = 200;
/// A title in a list.
const LISTED: usize = 80;
/// A task's type.
const KIND: usize = 40;
/// A person's name.
const NAME: usize = 64;
/// Why nothing may start.
const REASON: usize = 400;
/// What an operator wrote.
const FEEDBACK: usize = 400;

/// Between what happened and what comes next.
pub(super) fn divider() -> Text {
    Text::plain("────────────────")
}

pub(super) fn rehearsal(is_one: bool) -> &'static str {
    if is_one { " (rehearsal)" } else { "" }
}

/// `📝 Create baptisms migration`
pub(super) fn title(title: &str) -> Text {
    Text::plain(format!("📝 {}", quoted::line(title, TITLE)))
}

/// The title and the type of a task.
pub(super) fn described(task: &Task) -> Text {
    Text::lines([title(&task.spec.title), Text::plain(format!("Type: {}", kind(task)))])
}

/// `Create baptisms migration (database)`
pub(super) fn listed(task: &Task) -> String {
    format!("{} ({})", quoted::line(&task.spec.title, LISTED), kind(task))
}

pub(super) fn kind(task: &Task) -> String {
    quoted::line(&task.spec.kind, KIND)
}

pub(super) fn name(actor: &Actor) -> String {
    if *actor == Actor::policy() { "the policy".to_owned() } else { quoted::line(&actor.name, NAME) }
}

/// A person, rather than a part of this program.
pub(super) fn person(actor: &Actor) -> Option<String> {
    let is_part = *actor == Actor::policy() || *actor == Actor::worker();
    (!is_part).then(|| quoted::line(&actor.name, NAME))
}

/// What an operator wrote.
pub(super) fn feedback(words: &str) -> Text {
    Text::quote(quoted::passage(words, FEEDBACK))
}

/// A fragment as a sentence of its own, whose taps end nothing: `/stop` is to be copied or typed.
pub(super) fn sentence(message: &str, limit: usize) -> Text {
    const STOP: &str = "/stop";
    let message = capitalised(&quoted::passage(message, limit));
    let mut parts = message.split(STOP);
    let first = Text::plain(parts.next().unwrap_or_default());
    parts.fold(first, |text, part| text.and(Text::code(STOP)).and(part))
}

/// Begins with a capital letter, unless with a name or a number.
pub(super) fn capitalised(message: &str) -> String {
    let first = message.split_whitespace().next().unwrap_or_default();
    let is_word = first.trim_end_matches([',', ':']).chars().all(char::is_alphabetic);
    let mut characters = message.chars();
    match characters.next().filter(|_| is_word) {
        Some(initial) => initial.to_uppercase().chain(characters).collect(),
        None => message.to_owned(),
    }
}

/// A task as sentences name it: `Task 2/3`.
pub(super) fn task(session: &Session, number: TaskNumber) -> String {
    format!("Task {}", session.of_total(number))
}

/// A task as an event's sentences name it.
pub(super) fn numbered(subject: &Subject) -> String {
    format!("Task {}", subject.of_total)
}

/// `📊 Progress: 1/3 (33%)`
pub(super) fn progress(session: &Session) -> Text {
    let counts = session.counts();
    let done = counts.completed + counts.skipped;
    Text::plain(format!("📊 Progress: {done}/{} ({}%)", counts.total, counts.progress()))
}

pub(super) fn icon(state: TaskState) -> &'static str {
    match state {
        TaskState::Pending => "▫️",
        TaskState::Running => "⚙️",
        TaskState::Completed => "✅",
        TaskState::Failed => "❌",
        TaskState::Interrupted => "⚠️",
        TaskState::Skipped => "⏭",
    }
}

/// What is in the way, in a word or two.
pub(super) fn held_by(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::UsageLimit => "usage limit",
        HoldKind::Login => "not logged in",
        HoldKind::Api => "the API is not available",
        HoldKind::Launch => "Claude can't be started",
        HoldKind::Leftover => "processes are left over",
        HoldKind::Disk => "the disk is nearly full",
    }
}

/// What happened and what would help.
fn reason(hold: &Hold) -> Text {
    Text::quote(quoted::passage(&hold.reason, REASON))
}

/// What happened, and when work goes on, unless that is part of it.
pub(super) fn reason_and_end(hold: &Hold, scene: &Scene<'_>) -> Text {
    let told = hold.until.is_none() && (hold.ends_by_itself() || hold.reason.contains("/resume"));
    let end = if told { String::new() } else { ends(hold, scene) };
    Text::lines([reason(hold), Text::plain(end)])
}

/// When work goes on: `Goes on by itself at 15:00`.
pub(super) fn ends(hold: &Hold, scene: &Scene<'_>) -> String {
    match hold.until {
        Some(until) => format!("Goes on by itself at {}", scene.clock(until)),
        None if hold.ends_by_itself() => "Goes on by itself when that is over".to_owned(),
        None => "Goes on after /resume".to_owned(),
    }
}
