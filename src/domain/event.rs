//! One thing that happened; how it reads is `super::sentence`.
//!
//! Events are the journal that people, logs and notifications read; they are never replayed into state.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::duration::seconds;
use super::gate::{Decision, Gate};
use super::hold::Hold;
use super::id::{GateId, RunId, TaskNumber};
use super::limits::{Amount, Budget};
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
        #[serde(flatten)]
        cost: Cost,
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
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}
