//! Files of runs that a restored database doesn't know: they happened after the backup was made, and have the names that
//! its next runs will get. They are moved, not deleted.

use std::fs;
use std::io;
use std::path::Path;

use crate::domain::id::TaskNumber;
use crate::domain::session::Session;
use crate::files::{free, private};
use crate::upkeep::sweep::BEFORE_RESTORE;

/// Moves the files of runs that the session doesn't know out of the way of those to come; says how many there were.
pub(super) fn move_away(logs_dir: &Path, session: &Session) -> io::Result<usize> {
    let folder = logs_dir.join(session.id.as_str());
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let unknown: Vec<_> = entries
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| name.to_str().and_then(run_of).is_some_and(|(task, run)| !knows(session, task, run)))
        .collect();
    if unknown.is_empty() {
        return Ok(0);
    }
    let place = free(&folder.join(BEFORE_RESTORE), "");
    private::create_dir(&place)?;
    for name in &unknown {
        fs::rename(folder.join(name), place.join(name))?;
    }
    Ok(unknown.len())
}

fn knows(session: &Session, task: TaskNumber, run: u32) -> bool {
    session.task(task).is_some_and(|task| run <= task.progress.runs)
}

/// The task and the number of the run that a file belongs to: `task-2-run-1.log`, or `.task-2-run-1.control`.
fn run_of(name: &str) -> Option<(TaskNumber, u32)> {
    let (task, rest) = name.trim_start_matches('.').strip_prefix("task-")?.split_once("-run-")?;
    let run = rest.split('.').next()?;
    Some((TaskNumber(task.parse().ok()?), run.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::run_of;
    use crate::domain::id::TaskNumber;

    #[test]
    fn a_file_says_which_run_it_is_of() {
        let of = |task, run| Some((TaskNumber(task), run));
        for (name, run) in [
            ("task-2-run-13.log", of(2, 13)),
            ("task-2-run-13.check-1.ndjson", of(2, 13)),
            (".task-20-run-1.control", of(20, 1)),
            ("task-2-run-x.log", None),
            ("task-2.log", None),
            ("notes.md", None),
        ] {
            assert_eq!(run_of(name), run, "{name}");
        }
    }
}
