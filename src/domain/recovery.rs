//! What is known of a run that came to no good end: what a person needs for saying how to go on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration::{human, seconds};
use super::run::{Outcome, Reported};
use super::usd::Usd;

/// What is known of the last run of a failed or interrupted task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// What it did last, on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<String>,
    /// How long it took.
    #[serde(with = "seconds")]
    pub took: Duration,
    /// What it cost.
    pub cost: Usd,
    /// Whether anything in the project is different from what it was at its start, as far as that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// What is different, a short line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// The Claude session that can be gone on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What the CLI has reported for it so far.
    #[serde(default, skip_serializing_if = "Reported::is_nothing")]
    pub reported: Reported,
}

impl Recovery {
    /// What a run left to know.
    pub fn of(outcome: &Outcome, took: Duration, reported: Reported) -> Self {
        Self {
            last_activity: outcome.last_activity.clone(),
            took,
            cost: outcome.usage.cost,
            changed: outcome.changed,
            changes: outcome.changes.clone(),
            conversation: outcome.usage.conversation.clone(),
            reported,
        }
    }

    /// Whether its Claude session can be gone on with.
    pub fn is_resumable(&self) -> bool {
        self.conversation.is_some()
    }

    /// How far it got: `27s, $0.42, last: Edit src/lib.rs`.
    pub fn how_far(&self) -> String {
        let last = self.last_activity.as_ref().map_or(String::new(), |last| format!(", last: {last}"));
        format!("{}, {}{last}", human(&self.took), self.cost)
    }

    /// What it changed, as a sentence part, if that is known.
    pub fn what_changed(&self) -> Option<String> {
        match (self.changed, self.changes.as_slice()) {
            (None, []) => None,
            (Some(false), _) => Some("nothing in the project was changed".to_owned()),
            (_, []) => Some("the project was changed".to_owned()),
            (_, changes) => Some(changes.join("; ")),
        }
    }
}
