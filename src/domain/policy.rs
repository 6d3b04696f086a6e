//! When work waits for a person and what happens when it goes wrong; snapshotted into a session at its start.

use serde::{Deserialize, Serialize};

use super::limits::Limits;

/// The rules of one session. Later changes of the configuration do not reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Which tasks wait for an approval.
    pub approval_mode: ApprovalMode,
    /// Task types after whose completion a person looks, in every mode.
    pub checkpoint_after: Vec<String>,
    /// Task types before which a person is asked, in every mode.
    pub approve_before: Vec<String>,
    /// Task types that mode `required` lets through.
    pub auto_approve: Vec<String>,
    /// What follows a failed run.
    pub on_failure: OnTrouble,
    /// What follows a run that ended without a verdict.
    pub on_interrupted: OnTrouble,
    /// How many charged runs a task gets before [`OnTrouble::Retry`] asks instead.
    pub max_attempts: u32,
    /// What may be spent before a person is asked.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            approval_mode: ApprovalMode::Required,
            checkpoint_after: Vec::new(),
            approve_before: Vec::new(),
            auto_approve: Vec::new(),
            on_failure: OnTrouble::Ask,
            on_interrupted: OnTrouble::Ask,
            max_attempts: 3,
            limits: Limits::default(),
        }
    }
}

/// Which tasks wait for an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalMode {
    /// Every task.
    Manual,
    /// Every task whose type isn't auto-approved and that doesn't waive it.
    Required,
    /// None, not even the session's start, but for what a task or the policy asks for in every mode.
    Auto,
}

/// What follows a run that did not complete its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTrouble {
    /// Open a gate.
    Ask,
    /// Run the task again while attempts last, then ask.
    Retry,
    /// Skip the task and go on.
    Skip,
    /// End the session.
    Stop,
}
