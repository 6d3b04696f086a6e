//! Words of the answers that come from a closed list.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::gate::{self, About, Gate};
use crate::domain::hold;
use crate::domain::run;
use crate::domain::standing;
use crate::domain::task;

/// What every success says of itself.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Success {
    Ok,
}

/// What every failure says of itself.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Failed {
    Error,
}

/// Where things stand, in a word.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// There never was a session.
    Idle,
    /// The newest session is completed.
    Completed,
    /// The newest session was stopped.
    Stopped,
    /// Work is being done, or about to be.
    Running,
    /// Nothing starts until `resume`.
    Paused,
    /// A gate waits for an answer.
    WaitingApproval,
    /// Something else keeps the approved task from starting.
    Held,
}

impl From<standing::Standing> for Standing {
    fn from(standing: standing::Standing) -> Self {
        match standing {
            standing::Standing::Idle => Self::Idle,
            standing::Standing::Completed => Self::Completed,
            standing::Standing::Stopped => Self::Stopped,
            standing::Standing::Running => Self::Running,
            standing::Standing::Paused => Self::Paused,
            standing::Standing::WaitingApproval => Self::WaitingApproval,
            standing::Standing::Held => Self::Held,
        }
    }
}

/// What a gate asks about.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum GateKind {
    Before,
    Failed,
    Interrupted,
}

impl From<&Gate> for GateKind {
    fn from(gate: &Gate) -> Self {
        match gate.about {
            About::Before { .. } => Self::Before,
            About::Failed { .. } => Self::Failed,
            About::Interrupted { .. } => Self::Interrupted,
        }
    }
}

/// An answer that a gate takes: the command that gives it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Choice {
    Approve,
    Reject,
    Retry,
    Skip,
    Stop,
}

impl From<gate::Choice> for Choice {
    fn from(choice: gate::Choice) -> Self {
        match choice {
            gate::Choice::Approve => Self::Approve,
            gate::Choice::Reject => Self::Reject,
            gate::Choice::Retry => Self::Retry,
            gate::Choice::Skip => Self::Skip,
            gate::Choice::Stop => Self::Stop,
        }
    }
}

/// What became of a gate.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    Approved,
    Rejected,
    Retried,
    Skipped,
    Stopped,
    Withdrawn,
}

impl From<gate::Decision> for Decision {
    fn from(decision: gate::Decision) -> Self {
        match decision {
            gate::Decision::Approved => Self::Approved,
            gate::Decision::Rejected => Self::Rejected,
            gate::Decision::Retried => Self::Retried,
            gate::Decision::Skipped => Self::Skipped,
            gate::Decision::Stopped => Self::Stopped,
            gate::Decision::Withdrawn => Self::Withdrawn,
        }
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Claude's own result says success, and the task's check passed.
    Completed,
    Failed,
    /// It ended without a verdict.
    Lost,
    /// A usage limit, a lost login or the like: not the task's failure.
    Unavailable,
    /// It was claimed, and no process was ever started.
    NeverRan,
}

impl From<&run::Verdict> for Verdict {
    fn from(verdict: &run::Verdict) -> Self {
        match verdict {
            run::Verdict::Completed { .. } => Self::Completed,
            run::Verdict::Failed { .. } => Self::Failed,
            run::Verdict::Lost => Self::Lost,
            run::Verdict::Unavailable { .. } => Self::Unavailable,
            run::Verdict::NeverRan => Self::NeverRan,
        }
    }
}

/// What state a task is in.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TaskState {
    Pending,
    Running,
    Completed,
    Failed,
    Interrupted,
    Skipped,
}

impl From<task::TaskState> for TaskState {
    fn from(state: task::TaskState) -> Self {
        match state {
            task::TaskState::Pending => Self::Pending,
            task::TaskState::Running => Self::Running,
            task::TaskState::Completed => Self::Completed,
            task::TaskState::Failed => Self::Failed,
            task::TaskState::Interrupted => Self::Interrupted,
            task::TaskState::Skipped => Self::Skipped,
        }
    }
}

/// What keeps every task from starting.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum HoldKind {
    UsageLimit,
    Login,
    Api,
    Launch,
    Leftover,
}

impl From<hold::HoldKind> for HoldKind {
    fn from(kind: hold::HoldKind) -> Self {
        match kind {
            hold::HoldKind::UsageLimit => Self::UsageLimit,
            hold::HoldKind::Login => Self::Login,
            hold::HoldKind::Api => Self::Api,
            hold::HoldKind::Launch => Self::Launch,
            hold::HoldKind::Leftover => Self::Leftover,
        }
    }
}

/// What state a session is in; the database has the words.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the schema alone")]
pub(super) enum SessionState {
    Open,
    Completed,
    Stopped,
}

/// What state a notification is in that was not delivered.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the schema alone")]
pub(super) enum NotificationState {
    Pending,
    Dead,
}

/// How much a notification matters.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the schema alone")]
pub(super) enum NotificationKind {
    Info,
    Success,
    Warning,
    Error,
    Approval,
}

/// How the daemon is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Health {
    Ok,
    Degraded,
}
