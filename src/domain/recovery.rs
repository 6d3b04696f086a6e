//! What is known of a run that came to no good end: what a person needs for saying how to go on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration::{human, seconds};
use super::number::grouped;
use super::run::Outcome;
use super::usage::{Cost, Reported};

/// What is known of the last run of a failed or interrupted task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// What it did last, on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<String>,
    /// How long it took.
    #[serde(with = "seconds")]
    pub took: Duration,
    /// What it cost, as far as that is known.
    #[serde(flatten)]
    pub cost: Cost,
    /// How many tokens it used, in and out; of a run without a result, as far as was seen.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tokens: u64,
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
            cost: outcome.usage.cost(),
            tokens: outcome.usage.tokens(),
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
        let tokens = self.tokens_in_words().map_or(String::new(), |tokens| format!(", {tokens}"));
        format!("{}, {}{tokens}{last}", human(&self.took), self.cost)
    }

    /// The tokens that it used, where nothing else tells how much it was: `at least 12,345 tokens`.
    pub fn tokens_in_words(&self) -> Option<String> {
        (self.cost.at_least && self.tokens > 0).then(|| format!("at least {} tokens", grouped(self.tokens)))
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
