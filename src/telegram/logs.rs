//! The newest lines of a story or of a task's output.

use super::keyboard::{Button, Keyboard};
use super::text::Text;
use super::{Message, Scene, quoted};
use crate::domain::id::TaskNumber;
use crate::domain::number::count;
use crate::domain::session::Session;

/// How much of the lines fits beside what is said of them.
const LINES: usize = 3400;
/// The name of a file.
const FILE: usize = 200;

/// Lines of a log, the newest last.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a> {
    /// The lines.
    pub lines: &'a str,
    /// The task that printed them; none for the session's story.
    pub task: Option<TaskNumber>,
    /// Where all of them are.
    pub file: Option<&'a str>,
}

/// The newest lines; where not all of them fit, the oldest are left out.
pub fn logs(log: &Log<'_>, scene: &Scene<'_>) -> Message {
    let of = log.task.map_or("Recent logs".to_owned(), |task| format!("Log of task {task}"));
    let running = scene.session.and_then(Session::run).map(|(_, task)| task);
    let live = running.filter(|task| log.task.is_none_or(|shown| shown == *task));
    let buttons = live.map(|task| Button::output(scene, task));
    let full = log.file.map(|file| Text::plain("Full logs: ").and(Text::code(quoted::line(file, FILE))));
    let text = if log.lines.trim().is_empty() {
        Text::lines([Text::bold(format!("📜 {of}")), Text::plain("Nothing is logged yet.")])
    } else {
        let (lines, shown) = quoted::last_lines(log.lines, LINES);
        let left_out = log.lines.trim_end().lines().count().saturating_sub(shown);
        let of_them =
            if left_out > 0 { format!(", {left_out} older ones don't fit here") } else { String::new() };
        Text::lines([
            Text::bold(format!("📜 {of} (last {}{of_them})", count(shown, "line"))),
            Text::output(lines),
            full.into(),
        ])
    };
    Message::new(text, Keyboard::of(buttons.map(|button| vec![button])))
}

/// Where there is nothing else to be said of a session.
pub(super) fn none_yet() -> Text {
    Text::plain("No session yet: /start begins one")
}
