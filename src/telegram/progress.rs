//! One message a running task, edited as it goes.

use std::time::Duration;

use super::text::Text;
use super::{Message, quoted, words};
use crate::domain::duration::human;
use crate::domain::session::Session;
use crate::domain::task::{Task, TaskState};

/// What a run is at.
const ACTIVITY: usize = 200;

/// What a running task is at. Without buttons: an edit would bring those back that somebody has pressed.
pub fn progress(session: &Session, task: &Task, activity: &str, elapsed: Duration) -> Message {
    let heading = format!(
        "⚙️ {}{} · {}",
        words::task(session, task.number()),
        words::rehearsal(session.rehearsal),
        human(&elapsed)
    );
    let text = Text::lines([
        Text::bold(heading),
        words::title(&task.spec.title),
        Text::code(quoted::line(activity, ACTIVITY)),
    ]);
    Message::new(text, None)
}

/// What has become of a task that was running, in one line.
pub fn progress_end(session: &Session, task: &Task) -> Message {
    let number = format!("{}{}", words::task(session, task.number()), words::rehearsal(session.rehearsal));
    let icon = words::icon(task.state());
    let figures = format!("{}, {}", human(&task.progress.duration), task.progress.cost());
    let end = match task.state() {
        TaskState::Completed => format!("done in {figures}"),
        TaskState::Failed => format!("failed after {figures}"),
        TaskState::Interrupted => "interrupted".to_owned(),
        TaskState::Skipped => "skipped".to_owned(),
        TaskState::Pending if session.open().is_some_and(|open| open.paused.is_some()) => {
            "ended for the pause".to_owned()
        }
        TaskState::Pending => "waits to run again".to_owned(),
        TaskState::Running => "running".to_owned(),
    };
    let title = words::listed(task);
    Message::new(Text::plain(format!("{icon} {number} {end}: {title}")), None)
}
