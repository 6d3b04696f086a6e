//! What a live run's message says while it goes on, and in the end.

use std::time::Duration;

use super::Message;
use crate::domain::duration::human;
use crate::domain::event::Subject;
use crate::domain::session::Session;
use crate::domain::task::Task;

/// What a run is doing.
pub fn progress(session: &Session, task: &Task, activity: &str, elapsed: Duration) -> Message {
    Message::plain(&format!("⚙️ {} · {} · {activity}", Subject::of(session, task), human(&elapsed)))
}

/// How a run ended.
pub fn progress_end(session: &Session, task: &Task) -> Message {
    Message::plain(&format!("{}: {}", Subject::of(session, task), task.state().as_str()))
}
