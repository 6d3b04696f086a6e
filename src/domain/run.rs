//! What one run came to.
//!
//! Knows nothing of processes; [`crate::claude`] judges, this is the judgement.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duration::{human, seconds};
use super::size::Size;
use super::usage::Usage;

/// A run's end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the run means for its task.
    pub verdict: Verdict,
    /// What it used up, whatever the verdict.
    pub usage: Usage,
    /// What Claude wanted to do and wasn't allowed to, one short text each: `Write notes.txt`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<String>,
    /// Whether it changed anything in the project, as far as that could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// What it changed, a short line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What it did last, on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<String>,
}

impl Outcome {
    /// A verdict, and nothing else known.
    pub fn bare(verdict: Verdict) -> Self {
        Self {
            verdict,
            usage: Usage::default(),
            denials: Vec::new(),
            changed: None,
            changes: Vec::new(),
            last_activity: None,
        }
    }
}

/// What a run means for its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// The CLI's own result says success, and the task's check passed.
    Completed {
        /// The CLI's closing words.
        summary: String,
    },
    /// The run ended with a verdict against it.
    Failed {
        /// What went wrong.
        failure: Failure,
    },
    /// The process is gone and left no result: killed from outside, by us, or by a reboot.
    Lost,
    /// Nothing of the task's: the run could not go on, and neither could any other now.
    Unavailable {
        /// What stands in the way.
        obstacle: Obstacle,
    },
    /// No process was ever started for this run, so nothing can have happened.
    NeverRan,
    /// The Claude session that it was to go on with can't be gone on with, and nothing was done.
    NotResumed {
        /// The CLI's own words.
        message: String,
    },
}

/// Why a run failed, in the terms of what a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// The CLI's result carries an error.
    #[error("Claude reported an error: {message}")]
    Reported {
        /// The CLI's own words.
        message: String,
    },
    /// The CLI stopped at its limit of turns.
    #[error("Claude stopped at a limit: {message}")]
    LimitReached {
        /// The CLI's own words.
        message: String,
    },
    /// The CLI stopped at its budget.
    #[error("Claude stopped at its budget: {message}")]
    OutOfBudget {
        /// The CLI's own words.
        message: String,
    },
    /// The CLI ended by itself without a result, as it does for a bad flag.
    #[error("claude ended with exit code {code} and no result{}", tail(.message))]
    NoResult {
        /// The exit code, 0 to 127.
        code: i32,
        /// The end of what it wrote to stderr.
        message: String,
    },
    /// The run took longer than it may.
    #[error("timed out after {}", human(.after))]
    TimedOut {
        /// The limit.
        #[serde(with = "seconds")]
        after: Duration,
    },
    /// The run printed nothing for longer than it may.
    #[error("printed nothing for {}", human(.after))]
    WentQuiet {
        /// The limit.
        #[serde(with = "seconds")]
        after: Duration,
    },
    /// The run printed more than it may.
    #[error("printed more than {limit}")]
    PrintedTooMuch {
        /// The limit.
        limit: Size,
    },
    /// The task's check did not pass.
    #[error("check \"{name}\" failed: {reason}")]
    Check {
        /// The check's name in the configuration.
        name: String,
        /// How it ended, such as `exit code 1`.
        reason: String,
        /// The end of what it printed.
        output: String,
    },
}

/// What keeps every run from going on, whichever task it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Obstacle {
    /// The account's usage limit.
    UsageLimit {
        /// When it resets, if the CLI said so.
        resets_at: Option<Timestamp>,
        /// The CLI's own words.
        message: String,
    },
    /// The CLI isn't logged in, or its login is refused.
    Login {
        /// The CLI's own words.
        message: String,
        /// What to type, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remedy: Option<String>,
    },
    /// The API can't be reached or is overloaded.
    Api {
        /// The CLI's own words.
        message: String,
    },
    /// There is no room for what a run writes.
    Disk {
        /// Where, and how much there is.
        message: String,
    },
    /// The CLI could not be started at all.
    Launch {
        /// Which program, and why not.
        message: String,
    },
}

fn tail(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
