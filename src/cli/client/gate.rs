//! An open gate: what is asked, why, and the commands that answer it.

use super::super::card::because;
use super::super::page::{Page, shortened};
use super::super::say::{BOLD, DIM, YELLOW, harmless};
use super::view::{Gate, Status, Task};
use super::ways::ways;
use crate::domain::gate::Reason;
use crate::domain::id::TaskNumber;

const LONGEST_TEXT: usize = 400;

/// Writes the gate and its answers.
pub(super) fn gate(gate: &Gate, status: &Status, program: &str, page: Page) -> Vec<String> {
    let about = status.tasks.iter().find(|task| Some(task.id) == gate.task);
    let question = format!("{YELLOW}?{YELLOW:#} {BOLD}{}{BOLD:#}", question(gate, about, status.total));
    let mut lines = vec![page.fill(&question, "", "  "), page.fill(&why(gate), "  ", "    ")];
    let summary = about.and_then(|task| task.summary.as_deref()).filter(|_| gate.kind != "before");
    if let Some(summary) = summary {
        lines.push(page.fill(&format!("Why: {}", shortened(summary, LONGEST_TEXT)), "  ", "    "));
    }
    lines.extend(ways(&answers(gate, program), page));
    lines
}

fn question(gate: &Gate, about: Option<&Task>, total: usize) -> String {
    let Some(task) = about else { return "All tasks are done. May the session end?".to_owned() };
    let subject = format!("Task {}/{total}, {}", task.id, harmless(&task.title).replace('\n', " "));
    match gate.kind.as_str() {
        "failed" => format!("What now? {subject} failed"),
        "interrupted" => format!("What now? {subject} was interrupted"),
        _ => format!("May this start? {subject}"),
    }
}

fn why(gate: &Gate) -> String {
    let reasons: Vec<String> = gate
        .reasons
        .iter()
        .map(|reason| named(reason).map_or_else(|| reason.clone(), |reason| because(&reason)))
        .collect();
    format!("{DIM}Gate {}: {}.{DIM:#}", gate.id, shortened(&reasons.join("; "), LONGEST_TEXT))
}

/// The reason that the API has this word for; the others are sentence parts as they are.
fn named(word: &str) -> Option<Reason> {
    let number = |prefix| word.strip_prefix(prefix).and_then(|rest: &str| rest.parse().ok()).map(TaskNumber);
    Some(match word {
        "start" => Reason::Start,
        "manual" => Reason::Manual,
        "required" => Reason::Required,
        "requested" => Reason::Requested,
        "approve_before" => Reason::ApproveBefore,
        _ => match (number("checkpoint after task "), number("dependency ")) {
            (Some(after), _) => Reason::Checkpoint { after },
            (None, Some(on)) => Reason::Dependency { on },
            (None, None) => return None,
        },
    })
}

fn answers(gate: &Gate, program: &str) -> Vec<(String, &'static str)> {
    gate.choices
        .iter()
        .map(|choice| {
            let does = match choice.as_str() {
                "approve" => "yes; a note for Claude may follow",
                "reject" => "no; say why behind it",
                "retry" => "run it again; what to do differently may follow",
                "skip" => "go on without it",
                "stop" => "end the session",
                _ => "",
            };
            (format!("{program} {choice} {}", gate.id), does)
        })
        .collect()
}
