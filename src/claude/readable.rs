//! A run's messages as a person reads them, in a file and as a live line.
//!
//! Pure and deterministic: the same output always renders to the same bytes, so that a log which a dead daemon began is
//! gone on with by skipping what it already holds.

use std::borrow::Cow;

use super::result::RunResult;
use super::stream::{Complaint, Message, RateLimit};
use super::text::{bounded, first_line, harmless};

const LONGEST_ANSWER: usize = 200;
const LONGEST_ACTIVITY: usize = 100;

/// What a run is doing, on one short line such as `Edit src/lib.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity(pub String);

/// Renders one run.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    folder: Option<String>,
}

impl Reader {
    /// Adds to the log what it says of a message, each line with its end.
    pub(super) fn tell(&mut self, message: &Message, log: &mut String) {
        let text = match message {
            Message::Began { model, cwd, .. } => {
                self.folder = cwd.as_ref().map(|cwd| format!("{cwd}/"));
                format!("Claude begins ({})", model.as_deref().unwrap_or("unknown model")).into()
            }
            Message::Said { text, .. } => Cow::Borrowed(text.trim()),
            Message::Called { name, about } => format!("● {}", self.call(name, about)).into(),
            Message::Answered { text, is_error } => answer(text, *is_error).into(),
            Message::Retrying { attempt, of, error } => {
                format!("… {error}, trying again ({attempt} of {of})").into()
            }
            Message::Denied { what, message } => format!("✗ {what} was not allowed: {message}").into(),
            Message::Noted { text } => format!("… {text}").into(),
            Message::Complained(complaint) => format!("✗ {}", complaint.text).into(),
            Message::RateLimit(RateLimit { rejected: true, resets_at: Some(_) }) => {
                "✗ usage limit reached".into()
            }
            Message::RateLimit(_) | Message::Used { .. } => "".into(),
            Message::Result(result) => conclusion(result).into(),
        };
        if !text.is_empty() {
            log.push_str(&harmless(&text));
            log.push('\n');
        }
    }

    /// Whether a message says what is being done: of thousands that come at once only the last is put into words.
    pub(super) fn tells_activity(message: &Message) -> bool {
        match message {
            Message::Called { .. } | Message::Retrying { .. } => true,
            Message::Said { text, .. }
            | Message::Noted { text }
            | Message::Complained(Complaint { text, .. }) => !text.trim().is_empty(),
            Message::Began { .. }
            | Message::Used { .. }
            | Message::Answered { .. }
            | Message::Denied { .. }
            | Message::RateLimit(_)
            | Message::Result(_) => false,
        }
    }

    /// What a message says about what is being done.
    pub(super) fn activity(&self, message: &Message) -> Option<Activity> {
        let text = match message {
            Message::Called { name, about } => self.call(name, about),
            Message::Retrying { attempt, of, error } => format!("{error}, retry {attempt} of {of}"),
            Message::Said { text, .. }
            | Message::Noted { text }
            | Message::Complained(Complaint { text, .. }) => first_line(text).to_owned(),
            Message::Began { .. }
            | Message::Used { .. }
            | Message::Answered { .. }
            | Message::Denied { .. }
            | Message::RateLimit(_)
            | Message::Result(_) => return None,
        };
        (!text.is_empty()).then(|| Activity(harmless(&bounded(&text, LONGEST_ACTIVITY)).into_owned()))
    }

    fn call(&self, name: &str, about: &str) -> String {
        let folder = self.folder.as_deref().unwrap_or("\0");
        let about = about.strip_prefix(folder).unwrap_or(about);
        let name = name.strip_prefix("mcp__").unwrap_or(name).replace("__", " ");
        format!("{name} {about}").trim_end().to_owned()
    }
}

fn answer(text: &str, is_error: bool) -> String {
    let sign = if is_error { "✗" } else { "⎿" };
    let more = memchr::memchr_iter(b'\n', text.trim().as_bytes()).count();
    let first = bounded(first_line(text), LONGEST_ANSWER);
    match (first.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("  {sign} {first}"),
        (false, more) => format!("  {sign} {first} (+{more} lines)"),
    }
}

fn conclusion(result: &RunResult) -> String {
    let cost = result.cost.map_or_else(|| "cost unknown".to_owned(), |cost| cost.to_string());
    if result.is_success() {
        format!("■ Done, {cost}")
    } else {
        format!("■ Failed, {cost}: {}", bounded(result.text.trim(), 2000))
    }
}
