//! What Claude would have been told, after a task was rehearsed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::cli::page::{Page, shortened};
use crate::cli::say::DIM;
use crate::cli::shown;
use crate::domain::id::{SessionId, TaskNumber};

const MOST_LINES: usize = 8;
const LONGEST_LINE: usize = 200;

/// The beginning of a task's prompt, and where all of it is; `None` if there is none to be read.
pub(super) fn told(session: &SessionId, task: TaskNumber, logs_dir: &Path, page: Page) -> Option<String> {
    let folder = logs_dir.join(session.as_str());
    let prompts = (1..).map(|run| folder.join(format!("task-{task}-run-{run}.prompt.md")));
    let path = prompts.take_while(|path| path.exists()).last()?;
    let prompt = fs::read_to_string(&path).ok()?;
    let lines: Vec<&str> = prompt.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut text = format!("{DIM}  Claude would be told ({}):{DIM:#}", shown(&path));
    for line in lines.iter().take(MOST_LINES) {
        let line = format!("{DIM}{}{DIM:#}", shortened(line, LONGEST_LINE));
        text.push('\n');
        text.push_str(&page.fill(&line, "  │ ", "  │ "));
    }
    if let Some(more) = lines.len().checked_sub(MOST_LINES).filter(|more| *more > 0) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  │ {DIM}… and {more} more lines{DIM:#}");
    }
    Some(text)
}
