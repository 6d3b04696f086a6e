//! One step of a session: what was asked for, and how far it has got.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::duration::seconds;
use super::id::TaskNumber;
use super::plan::TaskSpec;
use super::recovery::Recovery;
use super::usage::{Cost, Reported};
use super::usd::Usd;

/// A task of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What its author wrote; never changes.
    pub spec: Arc<TaskSpec>,
    /// What has come of it so far.
    pub progress: Progress,
}

impl Task {
    /// A task that nothing has happened to yet.
    pub fn new(spec: Arc<TaskSpec>) -> Self {
        Self { spec, progress: Progress::default() }
    }

    /// The number in its heading.
    pub fn number(&self) -> TaskNumber {
        self.spec.number
    }

    /// Where it stands.
    pub fn state(&self) -> TaskState {
        self.progress.state
    }
}

/// What has come of a task so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Where it stands.
    pub state: TaskState,
    /// Who said that it may run; kept until a run of it has ended for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What operators said when they approved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What operators said when they rejected it or asked for another run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<String>,
    /// How many runs were made, whatever came of them.
    pub runs: u32,
    /// How many of the runs count against the policy's limit.
    pub attempts: u32,
    /// The Claude session that its runs continue, after a `pause now`; kept until a run has ended for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What the CLI has reported for that Claude session so far: its figures go on counting when it is resumed.
    #[serde(default, skip_serializing_if = "Reported::is_nothing")]
    pub reported: Reported,
    /// What is known of its last run, where that failed or was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// What the task's check printed when it last failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_output: Option<String>,
    /// Claude's closing words, or why the last run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The cost of all its runs, as far as it was told.
    pub cost: Usd,
    /// How many of them ended without telling what they cost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: u32,
    /// The time of all its runs.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// When its latest run was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
}

impl Progress {
    /// The cost of all its runs, as far as that is known.
    pub fn cost(&self) -> Cost {
        Cost { known: self.cost, at_least: self.untold > 0 }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Not begun, or to be run again.
    #[default]
    Pending,
    /// A run of it is open.
    Running,
    /// The CLI's result says success and its check passed.
    Completed,
    /// Its last run ended with a verdict against it.
    Failed,
    /// Its last run ended without a verdict.
    Interrupted,
    /// An operator or the policy decided to go on without it.
    Skipped,
}

impl TaskState {
    /// The word used in the API, the database and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
        }
    }
}

/// A person's or the policy's yes to one run of one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who said yes.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Whether it was given by asking for another run, which comes before whatever else is to be asked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub again: bool,
}
