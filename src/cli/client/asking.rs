//! What each command asks the daemon, by the rules of a chat: which word is a gate, which a task, and what is said.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::command::{About, Command, Logs, NotificationWish, Retry, Start};
use crate::domain::command::Target;
use crate::domain::words;

/// How many lines are shown when nobody says how many.
const USUAL_LINES: usize = 20;

/// A request to an endpoint.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) endpoint: &'static str,
    pub(super) fields: Map<String, Value>,
}

impl Command {
    /// What is to be asked for it.
    pub(super) fn ask(&self, tasks_dir: &Path) -> Ask {
        match self {
            Self::Status(status) => Ask::of("status").with("session", status.session.as_ref()),
            Self::Start(start) => start.ask(tasks_dir),
            Self::Approve(approve) => {
                let (gate, note) = words::gate_and_words(&said(approve.gate.as_ref(), &approve.note), false);
                Ask::of("approve").with("gate", gate).with("note", note)
            }
            Self::Reject(reject) => {
                let (gate, why) = words::gate_and_words(&said(reject.gate.as_ref(), &reject.why), false);
                Ask::of("reject").with("gate", gate).with("feedback", why)
            }
            Self::Pause(pause) => {
                let now = pause.now || pause.word.is_some();
                Ask::of("pause").with("now", now.then_some(true))
            }
            Self::Resume(_) => Ask::of("resume"),
            Self::Skip(skip) => Ask::of("skip").about(skip.target.as_ref().unwrap_or(&Target::Current)),
            Self::Retry(retry) => retry.ask("retry"),
            Self::Continue(retry) => retry.ask("continue"),
            Self::Stop(stop) => Ask::of("stop").with("gate", stop.gate.as_ref()),
            Self::Tasks(_) => Ask::of("tasks"),
            Self::Sessions(sessions) => Ask::of("sessions").with("limit", sessions.limit),
            Self::Logs(logs) => logs.ask(),
            Self::Notifications(notifications) => match &notifications.wish {
                None => Ask::of("notifications").with("limit", notifications.limit),
                Some(NotificationWish::Retry(which)) => {
                    Ask::of("notifications/retry").with("id", Some(&which.id))
                }
                Some(NotificationWish::Drop(which)) => {
                    Ask::of("notifications/drop").with("id", Some(&which.id))
                }
            },
        }
    }
}

impl Retry {
    fn ask(&self, word: &'static str) -> Ask {
        let said = said(self.target.as_ref(), &self.feedback);
        let (target, feedback) = words::target_and_words(&said, false);
        Ask::of(word).about(&target).with("feedback", feedback)
    }
}

impl Start {
    fn ask(&self, tasks_dir: &Path) -> Ask {
        let says = |word: &str| self.words.iter().any(|said| said.eq_ignore_ascii_case(word));
        let (again, replace) = (self.again || says("again"), self.replace || says("replace"));
        let is_word = |said: &str| ["again", "replace"].iter().any(|word| said.eq_ignore_ascii_case(word));
        let name: Vec<&str> = self.words.iter().map(String::as_str).filter(|said| !is_word(said)).collect();
        let file = (!name.is_empty()).then(|| in_folder(&name.join(" "), tasks_dir));
        Ask::of("start")
            .with("task_file", file)
            .with("again", again.then_some(true))
            .with("replace", replace.then_some(true))
    }
}

impl Logs {
    /// How many lines are to be shown at first.
    pub(super) fn lines(&self) -> usize {
        self.asked_lines().unwrap_or(USUAL_LINES)
    }

    fn asked_lines(&self) -> Option<usize> {
        self.about.iter().rev().find_map(|about| match about {
            About::Lines(lines) => Some(*lines),
            About::Task(_) => None,
        })
    }

    fn ask(&self) -> Ask {
        let task = self.about.iter().rev().find_map(|about| match about {
            About::Task(task) => Some(task.0),
            About::Lines(_) => None,
        });
        Ask::of("logs")
            .with("lines", self.asked_lines())
            .with("task", self.task.or(task))
            .with("session", self.session.as_ref())
    }
}

impl Ask {
    /// A request that leaves everything to the daemon.
    pub(super) fn of(endpoint: &'static str) -> Self {
        Self { endpoint, fields: Map::new() }
    }

    /// The same with a field, if it has a value.
    pub(super) fn with(mut self, field: &str, value: Option<impl Serialize>) -> Self {
        if let Some(value) = value {
            self.fields.insert(field.to_owned(), json!(value));
        }
        self
    }

    fn about(self, target: &Target) -> Self {
        match target {
            Target::Current => self,
            Target::Gate(gate) => self.with("gate", Some(gate)),
            Target::Task(task) => self.with("task", Some(task)),
        }
    }
}

/// What was said, as it would have been in a chat.
fn said(first: Option<&String>, others: &[String]) -> String {
    first.into_iter().chain(others).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// A file as a shell completes it, by the name that it has in the task folder.
fn in_folder(file: &str, tasks_dir: &Path) -> String {
    let found = || {
        let path = Path::new(file).canonicalize().ok()?;
        Some(path.strip_prefix(tasks_dir.canonicalize().ok()?).ok()?.to_str()?.to_owned())
    };
    found().filter(|name| !name.is_empty()).unwrap_or_else(|| file.to_owned())
}
