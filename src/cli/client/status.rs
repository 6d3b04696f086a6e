//! Where things stand, on one page: the session, its tasks, what it waits for, and what to type next.

use std::path::Path;
use std::time::Duration;

use super::gate::gate;
use super::tasks::{mark, tasks};
use super::view::{Hold, Status, Task, minute};
use super::ways::ways;
use crate::cli::page::{Page, shortened};
use crate::cli::say::{BOLD, DIM, GREEN, RED, YELLOW, harmless};
use crate::cli::shown;
use crate::domain::duration::human;
use crate::domain::number::count;

/// How many tasks are shown of a session that has more.
const MOST: usize = 20;
/// How many of them come before the current one.
const BEFORE: usize = 5;
const LONGEST_TEXT: usize = 400;

/// Writes the page.
pub(super) fn status(status: &Status, program: &str, logs_dir: &Path, page: Page) -> String {
    let Some(session) = &status.session else {
        let mut lines = vec!["No session yet.".to_owned()];
        lines.extend(status.hold.iter().map(|hold| held(hold, page)));
        lines.extend(ways(&next(status, program), page));
        return lines.join("\n");
    };
    let mut parts = vec![head(status, session, page), some_tasks(status, program, page), notes(status, page)];
    let next = next(status, program);
    parts.push(match &status.gate {
        Some(open) => gate(open, status, program, next, page),
        None => ways(&next, page),
    });
    parts.push(logs(status, session, logs_dir, page));
    let parts: Vec<_> =
        parts.into_iter().filter(|part| !part.is_empty()).map(|part| part.join("\n")).collect();
    parts.join("\n\n")
}

fn head(status: &Status, session: &str, page: Page) -> Vec<String> {
    let (sign, style) = mark(&status.word);
    let rehearsal = status.rehearsal.then(|| "rehearsal".to_owned());
    let title = [
        Some(format!("{style}{sign}{style:#} {BOLD}{}{BOLD:#}", word(status))),
        Some(format!("session {session}")),
        rehearsal,
    ];
    let took = Some(Duration::from_secs(status.runtime_seconds)).filter(|took| !took.is_zero());
    let facts = [
        status.task_file.as_deref().map(harmless),
        status.started_at.as_deref().map(|at| format!("since {}", minute(at))),
        took.map(|took| human(&took)),
        Some(status.cost.told().to_string()),
    ];
    let facts = facts.map(|fact| fact.map(|fact| format!("{DIM}{fact}{DIM:#}")));
    vec![listed(title, "", page), listed(facts, "  ", page), listed(progress(status, page), "  ", page)]
}

/// Several things on one line, or on more of which none ends within a thing.
fn listed<const N: usize>(things: [Option<String>; N], first: &str, page: Page) -> String {
    const GLUE: &str = "\u{a0}";
    let things: Vec<_> = things.into_iter().flatten().map(|thing| thing.replace(' ', GLUE)).collect();
    page.fill(&things.join(&format!("{GLUE}· ")), first, "  ").replace(GLUE, " ")
}

fn word(status: &Status) -> String {
    let is_question = status.gate.as_ref().is_some_and(|gate| gate.kind != "before");
    let is_next = status.current.as_ref().is_some_and(|task| task.state == "pending");
    match status.word.as_str() {
        "waiting_approval" if is_question => "Waiting for an answer".to_owned(),
        "waiting_approval" => "Waiting for approval".to_owned(),
        "running" if is_next => "About to start".to_owned(),
        word => {
            let mut letters = word.chars();
            letters.next().map_or(String::new(), |first| {
                first.to_uppercase().chain(letters).collect::<String>().replace('_', " ")
            })
        }
    }
}

fn progress(status: &Status, page: Page) -> [Option<String>; 4] {
    let room = if page.is_narrow() { 10 } else { 24 };
    let (done, total) = (status.completed + status.skipped, status.total);
    let full = (done * room).checked_div(total).unwrap_or_default().min(room);
    let (full, empty) = ("━".repeat(full), "─".repeat(room - full));
    let bar = format!("{GREEN}{full}{GREEN:#}{DIM}{empty}{DIM:#} {done}/{}", count(total, "task"));
    let failed = format!("{RED}{} failed{RED:#}", status.failed);
    [
        Some(bar),
        Some(format!("{}%", status.progress)),
        (status.skipped > 0).then(|| format!("{} skipped", status.skipped)),
        (status.failed > 0).then_some(failed),
    ]
}

/// The tasks, or of many those around the current one.
fn some_tasks(status: &Status, program: &str, page: Page) -> Vec<String> {
    let all: &[Task] = &status.tasks;
    if all.len() <= MOST {
        return tasks(all, status.gate.as_ref(), page);
    }
    let current =
        status.current.as_ref().and_then(|current| all.iter().position(|task| task.id == current.id));
    let from = current.unwrap_or(all.len()).saturating_sub(BEFORE).min(all.len() - MOST);
    let left_out = |number: usize, there: &str| {
        let text = format!("{DIM}… {number} more {there} ({program} tasks lists all){DIM:#}");
        (number > 0).then(|| page.fill(&text, "  ", "  "))
    };
    let mut lines: Vec<String> = left_out(from, "before").into_iter().collect();
    lines.extend(tasks(&all[from..from + MOST], status.gate.as_ref(), page));
    lines.extend(left_out(all.len() - from - MOST, "behind"));
    lines
}

/// What else there is to know.
fn notes(status: &Status, page: Page) -> Vec<String> {
    let mut notes = Vec::new();
    if status.paused {
        notes.push(page.fill(&format!("{YELLOW}‖{YELLOW:#} Paused: nothing new starts."), "", "  "));
    }
    notes.extend(status.hold.iter().map(|hold| held(hold, page)));
    if let (true, Some(file)) = (status.task_file_changed, &status.task_file) {
        let text = format!(
            "{YELLOW}!{YELLOW:#} {} was changed since: this session goes on with what it read at its start.",
            harmless(file)
        );
        notes.push(page.fill(&text, "", "  "));
    }
    let (pending, dead) = (status.notifications.pending, status.notifications.dead);
    if pending > 0 || dead > 0 {
        let text =
            format!("{YELLOW}!{YELLOW:#} Notifications: {pending} not yet delivered, {dead} given up.");
        notes.push(page.fill(&text, "", "  "));
    }
    notes
}

fn held(hold: &Hold, page: Page) -> String {
    let until = match hold.until.as_deref() {
        Some(at) => format!("until {}", minute(at)),
        None if hold.ends_when_mended() => "until that is over".to_owned(),
        None => "until you resume".to_owned(),
    };
    let (kind, reason) = (hold.kind.replace('_', " "), shortened(&hold.reason, LONGEST_TEXT));
    page.fill(&format!("{YELLOW}‖{YELLOW:#} On hold {until} ({kind}): {reason}"), "", "  ")
}

/// What to type besides the answers to a gate.
fn next(status: &Status, program: &str) -> Vec<(String, &'static str)> {
    let command = |words: &str, does| vec![(format!("{program} {words}"), does)];
    let waits_for_a_person =
        status.hold.as_ref().is_some_and(|hold| hold.until.is_none() && !hold.ends_when_mended());
    match status.word.as_str() {
        "idle" => command("start", "begins a session with today's task file"),
        "completed" | "stopped" => command("start", "begins the next one with today's task file"),
        _ if waits_for_a_person => command("resume", "goes on, once that is mended"),
        _ if status.paused => command("resume", "goes on"),
        _ if status.gate.is_some() => Vec::new(),
        _ => command("logs --follow", "watches it"),
    }
}

fn logs(status: &Status, session: &str, logs_dir: &Path, page: Page) -> Vec<String> {
    let Some(day) = status.last_activity.as_deref().and_then(|at| at.get(..10)) else { return Vec::new() };
    let (story, runs) = (shown(&logs_dir.join(format!("{day}.log"))), shown(&logs_dir.join(session)));
    let text = format!("{DIM}Logs: {story}, {runs}/{DIM:#}");
    vec![page.fill(&text, "  ", "  ")]
}
