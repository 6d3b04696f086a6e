//! What a task file means: an ordered list of task specs, frozen when a session starts.
//!
//! Knows neither markdown (see [`crate::taskfile`]) nor how far a session has got (see [`super::task`]).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration::whole_seconds;
use super::id::TaskNumber;

/// Everything that a task file asks for, in the order in which it is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The text of the file's first-level heading, if it has one.
    pub title: Option<String>,
    /// The tasks in file order, which is the order of execution; their numbers are unique.
    pub tasks: Vec<Arc<TaskSpec>>,
}

/// One task as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The number in the heading; unique in its plan.
    pub number: TaskNumber,
    /// The heading's text after the number.
    pub title: String,
    /// Free text in lower case that policies refer to, such as `database`; `general` unless given.
    #[serde(rename = "type")]
    pub kind: String,
    /// Informational only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// `Some(true)` opens a gate in every mode; `Some(false)` waives the one that mode `required` opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_approval: Option<bool>,
    /// What the task is about; stands in for the instruction when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The conditions that Claude is told to meet, one markdown text each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acceptance_criteria: Vec<String>,
    /// What Claude is told to do, as markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// The model to use instead of the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The longest that one run may take in all, instead of the configured limit.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "whole_seconds")]
    pub timeout: Option<Duration>,
    /// The longest that one run may print nothing, instead of the configured limit.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "whole_seconds")]
    pub idle_timeout: Option<Duration>,
    /// The name of a configured check that must pass before the task counts as completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Earlier tasks that should be completed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<TaskNumber>,
}
