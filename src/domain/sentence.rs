//! What happened, as a sentence that a person can read.

use std::fmt;

use super::duration::human;
use super::event::{Event, Figures, Subject};
use super::gate::{About, Decision, Gate, Next, Reason};
use super::limits::Budget;
use super::number::count;
use super::plain::misleads;
use super::session::Why;

impl Event {
    /// What happened, as a sentence without its full stop, fit for a line of a log whatever words it quotes.
    pub fn sentence(&self) -> String {
        self.told().replace(misleads, " ")
    }

    fn told(&self) -> String {
        match self {
            Self::SessionStarted { task_file, tasks, rehearsal, by } => format!(
                "Session started by {by}: {} from {task_file}{}",
                count(*tasks, "task"),
                if *rehearsal { " (rehearsal: nothing will be changed)" } else { "" }
            ),
            Self::GateOpened { gate, subject } => waiting_sentence(gate, subject.as_ref()),
            Self::GateClosed { gate, subject, decision, by, words } => {
                let about = subject.as_ref().map_or("the session's end".to_owned(), Subject::to_string);
                format!("Gate {gate} {} by {by}: {about}{}", done_with(*decision), quoted(words.as_ref()))
            }
            Self::TaskStarted { subject, run, attempt, resumed, .. } => format!(
                "Task {} {}{}: {} (run {run}{})",
                subject.of_total,
                if *resumed { "continued" } else { "started" },
                if subject.rehearsal { " as a rehearsal" } else { "" },
                subject.title,
                if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() },
            ),
            Self::TaskCompleted { subject, summary, took, cost, denials, .. } => format!(
                "{subject}: completed in {}, {cost}{}{}",
                human(took),
                denied(denials),
                closing_words(summary)
            ),
            Self::TaskFailed { subject, failure, took, cost, .. } => {
                format!("{subject}: failed after {}, {cost}: {}", human(took), one_line(failure))
            }
            Self::TaskInterrupted { subject, .. } => {
                format!("{subject}: interrupted, its process is gone and left no result")
            }
            Self::TaskSkipped { subject, by } => format!("{subject}: skipped by {by}"),
            Self::TaskRetried { subject, by, feedback, continues } => {
                let what = if *continues { "to be continued" } else { "to run again" };
                format!("{subject}: {what}, asked by {by}{}", quoted(feedback.as_ref()))
            }
            Self::RunEnding { subject, run, why, by } => format!(
                "{subject}: ending run {run} to {}, asked by {by}",
                match why {
                    Why::Pause => "pause",
                    Why::Skip => "skip the task",
                    Why::Stop => "stop the session",
                }
            ),
            Self::RunSuspended { subject, run, continues } => {
                format!("{subject}: run {run} ended for the pause; the next one {}", goes_on(*continues))
            }
            Self::RunBlocked { subject, hold, .. } => format!(
                "{subject}: held, no attempt counted ({}): {}",
                hold.kind.as_str().replace('_', " "),
                one_line(&hold.reason)
            ),
            Self::RunOutOfBudget { subject, run, took, cost, continues } => format!(
                "{subject}: run {run} stopped at its budget after {}, {cost}; no attempt counted, the next run {}",
                human(took),
                goes_on(*continues)
            ),
            Self::RunNotResumed { subject, run, message } => format!(
                "{subject}: run {run} could not continue its Claude session; no attempt counted, the next run starts \
                 afresh: {}",
                one_line(message)
            ),
            Self::RunNeverRan { subject, run } => {
                format!("{subject}: run {run} was claimed but never started; ready again")
            }
            Self::Paused { by } => format!("Paused by {by}"),
            Self::Resumed { by } => format!("Resumed by {by}"),
            Self::GateReminded { gate, subject, waited } => {
                format!("Still waiting after {}: {}", human(waited), waiting_sentence(gate, subject.as_ref()))
            }
            Self::HoldBegan { hold } => {
                format!("Held ({}): {}", hold.kind.as_str().replace('_', " "), one_line(&hold.reason))
            }
            Self::HoldEnded { hold, by } => {
                format!("Hold ended by {by} ({})", hold.kind.as_str().replace('_', " "))
            }
            Self::GotThrough { hold } => {
                format!("A run got through: the hold is over ({})", hold.kind.as_str().replace('_', " "))
            }
            Self::BudgetRaised { budget, up_to, by } => {
                let unit = if *budget == Budget::TokensPerDay { " tokens" } else { "" };
                format!("Budget raised by {by}: up to {up_to}{unit} {}", budget.whose())
            }
            Self::DatabaseReplaced { set_aside } => format!(
                "The database could not be read and was put aside as {set_aside}: a new one was begun, which knows nothing \
                 of earlier sessions"
            ),
            Self::DatabaseRestored { made_at } => format!(
                "The database was restored{}: what happened since then is not in it",
                made_at.map_or(String::from(" from a copy"), |at| {
                    at.strftime(" from a backup of %Y-%m-%d %H:%M UTC").to_string()
                })
            ),
            Self::SessionCompleted { figures } => {
                format!("Session completed{}: {figures}", marked(figures.rehearsal))
            }
            Self::SessionStopped { figures, by } => {
                format!("Session stopped by {by}{}: {figures}", marked(figures.rehearsal))
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task {}, {}{}", self.of_total, self.title, marked(self.rehearsal))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = done(self.completed, self.skipped, self.total);
        write!(f, "{done}, {}, {}", human(&self.took), self.cost)
    }
}

/// A gate's question, as a sentence without its full stop.
pub fn waiting_sentence(gate: &Gate, subject: Option<&Subject>) -> String {
    let subject = subject.map_or(String::new(), Subject::to_string);
    let choices = gate.choices_in_words();
    let id = &gate.id;
    match &gate.about {
        About::Before { next, reasons } => {
            let asked = match next {
                Next::Task(_) => format!("{subject}: waiting for approval"),
                Next::End => "All tasks are done: waiting for a last look".to_owned(),
            };
            let again =
                gate.retriable().map_or(String::new(), |task| format!(" (/retry runs task {task} again)"));
            let more = granted(reasons).map_or(String::new(), |more| format!(" (/approve allows {more})"));
            let reasons = one_line(&gate.reasons().join(", "));
            format!("{asked} ({reasons}); gate {id}: {choices}{again}{more}")
        }
        About::Failed { .. } => format!("{subject}: failed, what now? Gate {id}: {choices}"),
        About::Interrupted { .. } => format!("{subject}: interrupted, what now? Gate {id}: {choices}"),
    }
}

/// What an approval would grant, as a sentence part: `$5.00 more today`.
pub fn granted(reasons: &[Reason]) -> Option<String> {
    let granted = reasons.iter().filter_map(|reason| match reason {
        Reason::Spent { budget, more, .. } => {
            let unit = if *budget == Budget::TokensPerDay { " tokens" } else { "" };
            Some(format!("{more}{unit} more {}", budget.whose()))
        }
        Reason::Start
        | Reason::Manual
        | Reason::Required
        | Reason::Requested
        | Reason::ApproveBefore
        | Reason::Checkpoint { .. }
        | Reason::Dependency { .. }
        | Reason::Rejected { .. }
        | Reason::Fruitless { .. }
        | Reason::Untold { .. } => None,
    });
    let granted: Vec<String> = granted.collect();
    (!granted.is_empty()).then(|| granted.join(" and "))
}

fn done(completed: usize, skipped: usize, total: usize) -> String {
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    format!("{completed} of {} done{skipped}", count(total, "task"))
}

fn quoted(words: Option<&String>) -> String {
    words.map_or(String::new(), |words| format!(" (\"{}\")", one_line(words)))
}

/// What became of a gate, as a participle: an answer that means something else for the task says so.
fn done_with(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "approved",
        Decision::Rejected => "rejected",
        Decision::Retried => "answered with retry",
        Decision::Continued => "answered with continue",
        Decision::Skipped => "answered with skip",
        Decision::Stopped => "answered with stop",
        Decision::Withdrawn => "withdrawn",
    }
}

fn goes_on(continues: bool) -> &'static str {
    if continues { "continues its Claude session" } else { "starts afresh" }
}

fn marked(rehearsal: bool) -> &'static str {
    if rehearsal { " (rehearsal)" } else { "" }
}

/// What Claude wanted to do and wasn't allowed to, to be added to what it says it did.
pub(super) fn denied(denials: &[String]) -> String {
    if denials.is_empty() { String::new() } else { format!(" (was not allowed to: {})", denials.join(", ")) }
}

fn closing_words(summary: &str) -> String {
    let summary = one_line(summary);
    if summary.is_empty() { summary } else { format!(". {summary}") }
}

/// A text on one line, and a long one cut short.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}
