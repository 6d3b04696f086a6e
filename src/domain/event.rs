//! One thing that happened, with a sentence that a person can read.
//!
//! Events are the journal that people, logs and notifications read; they are never replayed into state.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::duration::{human, seconds};
use super::gate::{About, Decision, Gate, Next, Reason};
use super::hold::Hold;
use super::id::{GateId, RunId, TaskNumber};
use super::limits::{Amount, Budget};
use super::number::count;
use super::plain::misleads;
use super::session::{Session, Why};
use super::task::Task;
use super::usage::Cost;
use super::usd::Usd;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants' fields are the nouns of their sentences")]
pub enum Event {
    /// A task file became a session.
    SessionStarted { task_file: String, tasks: usize, rehearsal: bool, by: Actor },
    /// Work waits for a person.
    GateOpened { gate: Gate, subject: Option<Subject> },
    /// A gate was answered, or withdrawn.
    GateClosed {
        gate: GateId,
        subject: Option<Subject>,
        decision: Decision,
        by: Actor,
        words: Option<String>,
    },
    /// A run was claimed.
    TaskStarted {
        subject: Subject,
        run: RunId,
        attempt: u32,
        resumed: bool,
        /// Whether it is to show that a hold is over.
        #[serde(default, skip_serializing_if = "is_false")]
        trial: bool,
    },
    /// A run ended well.
    TaskCompleted {
        subject: Subject,
        run: RunId,
        summary: String,
        #[serde(with = "seconds")]
        took: Duration,
        cost: Usd,
        denials: Vec<String>,
    },
    /// A run ended with a verdict against it.
    TaskFailed {
        subject: Subject,
        run: RunId,
        failure: String,
        #[serde(with = "seconds")]
        took: Duration,
        #[serde(flatten)]
        cost: Cost,
    },
    /// A run ended without a verdict.
    TaskInterrupted { subject: Subject, run: RunId },
    /// A task is gone past.
    TaskSkipped { subject: Subject, by: Actor },
    /// A task is to run again.
    TaskRetried {
        subject: Subject,
        by: Actor,
        feedback: Option<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        continues: bool,
    },
    /// A live run is to end.
    RunEnding { subject: Subject, run: RunId, why: Why, by: Actor },
    /// A run was ended to be continued later.
    RunSuspended { subject: Subject, run: RunId, continues: bool },
    /// A run ended for a reason that isn't its task's.
    RunBlocked { subject: Subject, run: RunId, hold: Hold },
    /// A run stopped where a budget of ours ended, to be continued when there is more.
    RunOutOfBudget {
        subject: Subject,
        run: RunId,
        #[serde(with = "seconds")]
        took: Duration,
        cost: Usd,
        continues: bool,
    },
    /// The Claude session that a run was to go on with could not be gone on with.
    RunNotResumed { subject: Subject, run: RunId, message: String },
    /// A claimed run turned out never to have been started.
    RunNeverRan { subject: Subject, run: RunId },
    /// Nothing new may start.
    Paused { by: Actor },
    /// Work may go on.
    Resumed { by: Actor },
    /// An open gate is asked again.
    GateReminded {
        gate: Gate,
        subject: Option<Subject>,
        #[serde(with = "seconds")]
        waited: Duration,
    },
    /// Something keeps every task from starting that no run met.
    HoldBegan { hold: Hold },
    /// A hold ended.
    HoldEnded { hold: Hold, by: Actor },
    /// What had kept runs from going on is over: one has got through.
    GotThrough { hold: Hold },
    /// A person granted more than a limit allows.
    BudgetRaised { budget: Budget, up_to: Amount, by: Actor },
    /// A database that couldn't be read was put aside for a new one.
    DatabaseReplaced { set_aside: String },
    /// The database is a copy from earlier.
    DatabaseRestored { made_at: Option<Timestamp> },
    /// Every task is done with.
    SessionCompleted {
        #[serde(flatten)]
        figures: Figures,
    },
    /// The session was ended early.
    SessionStopped {
        #[serde(flatten)]
        figures: Figures,
        by: Actor,
    },
}

/// What a session came to, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Whether it was only rehearsed.
    pub rehearsal: bool,
    /// How many tasks are completed.
    pub completed: usize,
    /// How many were skipped.
    pub skipped: usize,
    /// How many there are.
    pub total: usize,
    /// From its start to its end.
    #[serde(with = "seconds")]
    pub took: Duration,
    /// What its runs cost.
    #[serde(flatten)]
    pub cost: Cost,
}

/// The task that an event is about, as its sentences name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its number.
    pub task: TaskNumber,
    /// Its number among all, such as `2/5`.
    pub of_total: String,
    /// Its title.
    pub title: String,
    /// Whether it is only rehearsed.
    pub rehearsal: bool,
}

impl Subject {
    /// A session's task as its sentences name it.
    pub fn of(session: &Session, task: &Task) -> Self {
        Self {
            task: task.number(),
            of_total: session.of_total(task.number()),
            title: task.spec.title.clone(),
            rehearsal: session.rehearsal,
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

impl Event {
    /// Its kind, as the database and the event stream name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SessionStarted { .. } => "session_started",
            Self::GateOpened { .. } => "gate_opened",
            Self::GateClosed { .. } => "gate_closed",
            Self::TaskStarted { .. } => "task_started",
            Self::TaskCompleted { .. } => "task_completed",
            Self::TaskFailed { .. } => "task_failed",
            Self::TaskInterrupted { .. } => "task_interrupted",
            Self::TaskSkipped { .. } => "task_skipped",
            Self::TaskRetried { .. } => "task_retried",
            Self::RunEnding { .. } => "run_ending",
            Self::RunSuspended { .. } => "run_suspended",
            Self::RunBlocked { .. } => "run_blocked",
            Self::RunOutOfBudget { .. } => "run_out_of_budget",
            Self::RunNotResumed { .. } => "run_not_resumed",
            Self::RunNeverRan { .. } => "run_never_ran",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::GateReminded { .. } => "gate_reminded",
            Self::HoldBegan { .. } => "hold_began",
            Self::HoldEnded { .. } => "hold_ended",
            Self::GotThrough { .. } => "got_through",
            Self::BudgetRaised { .. } => "budget_raised",
            Self::DatabaseReplaced { .. } => "database_replaced",
            Self::DatabaseRestored { .. } => "database_restored",
            Self::SessionCompleted { .. } => "session_completed",
            Self::SessionStopped { .. } => "session_stopped",
        }
    }

    /// The task that it is about, if it is about one.
    pub fn task(&self) -> Option<TaskNumber> {
        match self {
            Self::GateOpened { subject, .. }
            | Self::GateClosed { subject, .. }
            | Self::GateReminded { subject, .. } => subject.as_ref().map(|subject| subject.task),
            Self::TaskStarted { subject, .. }
            | Self::TaskCompleted { subject, .. }
            | Self::TaskFailed { subject, .. }
            | Self::TaskInterrupted { subject, .. }
            | Self::TaskSkipped { subject, .. }
            | Self::TaskRetried { subject, .. }
            | Self::RunEnding { subject, .. }
            | Self::RunSuspended { subject, .. }
            | Self::RunBlocked { subject, .. }
            | Self::RunOutOfBudget { subject, .. }
            | Self::RunNotResumed { subject, .. }
            | Self::RunNeverRan { subject, .. } => Some(subject.task),
            Self::SessionStarted { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::HoldBegan { .. }
            | Self::HoldEnded { .. }
            | Self::GotThrough { .. }
            | Self::BudgetRaised { .. }
            | Self::DatabaseReplaced { .. }
            | Self::DatabaseRestored { .. }
            | Self::SessionCompleted { .. }
            | Self::SessionStopped { .. } => None,
        }
    }

    /// Whether it is for the journal alone: one more of what people have heard of already, or the beginning of a trial.
    pub fn is_quiet(&self) -> bool {
        match self {
            Self::RunBlocked { hold, .. } | Self::HoldBegan { hold } => hold.is_repeated(),
            Self::HoldEnded { hold, by } => *by == Actor::worker() && hold.ends_in_a_trial(),
            Self::TaskStarted { trial, .. } => *trial,
            Self::SessionStarted { .. }
            | Self::GateOpened { .. }
            | Self::GateClosed { .. }
            | Self::TaskCompleted { .. }
            | Self::TaskFailed { .. }
            | Self::TaskInterrupted { .. }
            | Self::TaskSkipped { .. }
            | Self::TaskRetried { .. }
            | Self::RunEnding { .. }
            | Self::RunSuspended { .. }
            | Self::RunOutOfBudget { .. }
            | Self::RunNotResumed { .. }
            | Self::RunNeverRan { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::GateReminded { .. }
            | Self::GotThrough { .. }
            | Self::BudgetRaised { .. }
            | Self::SessionCompleted { .. }
            | Self::DatabaseReplaced { .. }
            | Self::DatabaseRestored { .. }
            | Self::SessionStopped { .. } => false,
        }
    }

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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
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
