//! An open gate: what is asked, why, and the commands that answer it.

use super::view::{Gate, Status, Task};
use super::ways::ways;
use crate::cli::known::known;
use crate::cli::page::{Page, shortened};
use crate::cli::reason::because;
use crate::cli::say::{BOLD, DIM, YELLOW};
use crate::domain::event::Subject;
use crate::domain::gate::Reason;
use crate::domain::id::TaskNumber;
use crate::domain::recovery::Recovery;

const LONGEST_TEXT: usize = 400;

/// Writes the gate, its answers, and what else can be typed.
pub(super) fn gate(
    gate: &Gate,
    status: &Status,
    program: &str,
    besides: Vec<(String, &'static str)>,
    page: Page,
) -> Vec<String> {
    let position = status.tasks.iter().position(|task| Some(task.id) == gate.task);
    let about = position.map(|position| &status.tasks[position]);
    let question = position.map_or("All tasks are done. May the session end?".to_owned(), |position| {
        question(gate, &status.tasks[position], position + 1, status.total)
    });
    let question = format!("{YELLOW}?{YELLOW:#} {BOLD}{question}{BOLD:#}");
    let mut lines = vec![page.fill(&question, "", "  "), page.fill(&why(gate), "  ", "    ")];
    let summary = about.and_then(|task| task.summary.as_deref()).filter(|_| gate.kind != "before");
    if let Some(summary) = summary {
        lines.push(page.fill(&format!("Why: {}", shortened(summary, LONGEST_TEXT)), "  ", "    "));
    }
    let recovery = gate.recovery.as_ref().map(Recovery::from);
    for paragraph in recovery.iter().flat_map(known) {
        lines.push(page.fill(&paragraph, "  ", "    "));
    }
    let answers = answers(gate, program).into_iter().chain(besides).collect::<Vec<_>>();
    lines.extend(ways(&answers, page));
    lines
}

fn question(gate: &Gate, task: &Task, position: usize, total: usize) -> String {
    // As `Session::of_total` counts.
    let of_total = if usize::try_from(task.id) == Ok(position) {
        format!("{position}/{total}")
    } else {
        format!("{} ({position}/{total})", task.id)
    };
    let subject = Subject {
        task: TaskNumber(task.id),
        of_total,
        title: shortened(&task.title, LONGEST_TEXT),
        rehearsal: false,
    };
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
    let continues = gate
        .recovery
        .as_ref()
        .filter(|known| known.resumable)
        .map(|_| (format!("{program} continue {}", gate.id), "go on in its Claude session"));
    let choices = gate.choices.iter().map(|choice| {
        let does = match choice.as_str() {
            "approve" => "yes; a note for Claude may follow",
            "reject" => "no; say what should be different",
            "retry" if gate.kind != "before" => "from scratch; say what to do differently",
            "retry" => "again; say what to do differently",
            "skip" => "go on without it",
            "stop" => "end the session",
            _ => "",
        };
        (format!("{program} {choice} {}", gate.id), does)
    });
    continues.into_iter().chain(choices).collect()
}
