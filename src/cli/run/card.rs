//! What a person needs in order to answer a gate: which task, why it waits, and what the task is about in short.

use std::path::Path;

use crate::cli::known::known;
use crate::cli::page::{Page, shortened};
use crate::cli::reason::because;
use crate::cli::say::{BOLD, DIM, YELLOW, harmless};
use crate::cli::shown;
use crate::domain::event::Subject;
use crate::domain::gate::{About, Gate, Next, checkpoint};
use crate::domain::id::TaskNumber;
use crate::domain::session::Session;
use crate::domain::task::Task;

const LONGEST_TEXT: usize = 400;
const MOST_CRITERIA: usize = 6;

/// Writes the card, without the answers; a failure that `is_told` just above isn't told again.
pub(super) fn card(session: &Session, gate: &Gate, is_told: bool, logs_dir: &Path, page: Page) -> String {
    let mut lines = vec![
        String::new(),
        page.fill(&format!("{YELLOW}?{YELLOW:#} {BOLD}{}{BOLD:#}", question(session, gate)), "", "  "),
    ];
    let mut add = |text: &str, first: &str| {
        if !text.trim().is_empty() {
            lines.push(page.fill(text, first, "    "));
        }
    };
    match &gate.about {
        About::Before { next, reasons } => {
            let why: Vec<String> = reasons.iter().map(because).collect();
            let why = why.join("; ");
            add(&format!("{DIM}Gate {}: {}.{DIM:#}", gate.id, harmless(&why)), "  ");
            if let Some(done) = checkpoint(reasons).and_then(|after| session.task(after)) {
                add(&outcome(done, &format!("Outcome of task {}", done.number())), "  ");
                add(&log(session, done, logs_dir), "  ");
            }
            if let Next::Task(task) = next
                && let Some(task) = session.task(*task)
            {
                about(task, &mut add);
                said(task, &why, &mut add);
            }
        }
        About::Failed { task } | About::Interrupted { task } => {
            if let Some(task) = session.task(*task) {
                let runs = task.progress.runs;
                add(&format!("{DIM}Gate {}: after run {runs} of this task.{DIM:#}", gate.id), "  ");
                add(&if is_told { String::new() } else { outcome(task, "Why") }, "  ");
                aftermath(task, &mut add);
                add(&log(session, task, logs_dir), "  ");
            }
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A task as sentences name it.
pub(super) fn subject(session: &Session, task: TaskNumber) -> Subject {
    let title = session.task(task).map(|task| task.spec.title.clone()).unwrap_or_default();
    Subject { task, of_total: session.of_total(task), title: harmless(&title), rehearsal: session.rehearsal }
}

fn question(session: &Session, gate: &Gate) -> String {
    match &gate.about {
        About::Before { next: Next::Task(task), .. } => {
            format!("May this start? {}", subject(session, *task))
        }
        About::Before { next: Next::End, .. } => "All tasks are done. May the session end?".to_owned(),
        About::Failed { task } => format!("What now? {} failed", subject(session, *task)),
        About::Interrupted { task } => format!("What now? {} was interrupted", subject(session, *task)),
    }
}

/// What is known of the last run, and how it can be gone on with.
fn aftermath(task: &Task, add: &mut impl FnMut(&str, &str)) {
    let Some(recovery) = &task.progress.recovery else { return };
    for paragraph in known(recovery) {
        add(&paragraph, "  ");
    }
    if recovery.is_resumable() {
        add("\"continue\" goes on in its Claude session, \"retry\" begins from scratch.", "  ");
    }
}

fn about(task: &Task, add: &mut impl FnMut(&str, &str)) {
    let spec = &task.spec;
    let text = spec.description.as_ref().or(spec.instruction.as_ref());
    add(&shortened(text.map_or("", |text| text.as_str()), LONGEST_TEXT), "  ");
    for criterion in spec.acceptance_criteria.iter().take(MOST_CRITERIA) {
        add(&shortened(criterion, LONGEST_TEXT), "  · ");
    }
    let more = spec.acceptance_criteria.len().saturating_sub(MOST_CRITERIA);
    if more > 0 {
        add(&format!("{DIM}and {more} more criteria{DIM:#}"), "  · ");
    }
}

/// What operators said about the task, but for what is among the reasons.
fn said(task: &Task, reasons: &str, add: &mut impl FnMut(&str, &str)) {
    let all = task.progress.feedback.iter().chain(&task.progress.notes);
    for said in all.filter(|said| !reasons.contains(said.as_str())) {
        add(&format!("Claude will be told: \"{}\"", shortened(said, LONGEST_TEXT)), "  ");
    }
}

fn outcome(task: &Task, label: &str) -> String {
    let summary = task.progress.summary.as_deref().unwrap_or_default();
    if summary.trim().is_empty() {
        String::new()
    } else {
        format!("{label}: {}", shortened(summary, LONGEST_TEXT))
    }
}

fn log(session: &Session, task: &Task, logs_dir: &Path) -> String {
    let name = format!("task-{}-run-{}.log", task.number(), task.progress.runs);
    let path = logs_dir.join(session.id.as_str()).join(name);
    format!("{DIM}Log: {}{DIM:#}", shown(&path))
}
