//! What this program reads of the answers; what it doesn't know, or isn't told, does no harm.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::recovery::Recovery;
use crate::domain::usage;
use crate::domain::usd::Usd;

/// Where things stand.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    #[serde(rename = "status")]
    pub(super) word: String,
    pub(super) total: usize,
    pub(super) completed: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
    pub(super) progress: usize,
    pub(super) session: Option<String>,
    pub(super) task_file: Option<String>,
    pub(super) task_file_changed: bool,
    pub(super) rehearsal: bool,
    pub(super) current: Option<Task>,
    pub(super) gate: Option<Gate>,
    pub(super) paused: bool,
    pub(super) hold: Option<Hold>,
    pub(super) started_at: Option<String>,
    pub(super) last_activity: Option<String>,
    pub(super) runtime_seconds: u64,
    #[serde(flatten)]
    pub(super) cost: Cost,
    pub(super) notifications: Notifications,
    pub(super) tasks: Vec<Task>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Task {
    pub(super) id: u32,
    pub(super) title: String,
    pub(super) r#type: String,
    pub(super) state: String,
    pub(super) runs: u32,
    #[serde(flatten)]
    pub(super) cost: Cost,
    pub(super) duration_seconds: u64,
    pub(super) summary: Option<String>,
}

/// What something cost, as far as that is known.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cost {
    cost_usd: Usd,
    cost_at_least: bool,
}

impl Cost {
    pub(super) fn told(self) -> usage::Cost {
        usage::Cost { known: self.cost_usd, at_least: self.cost_at_least }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Gate {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) task: Option<u32>,
    pub(super) reasons: Vec<String>,
    pub(super) choices: Vec<String>,
    pub(super) recovery: Option<Known>,
}

/// What is known of the run that failed or was interrupted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    pub(super) resumable: bool,
    last_activity: Option<String>,
    duration_seconds: u64,
    #[serde(flatten)]
    cost: Cost,
    tokens: u64,
    changed: Option<bool>,
    changes: Vec<String>,
}

impl From<&Known> for Recovery {
    fn from(known: &Known) -> Self {
        Self {
            last_activity: known.last_activity.clone(),
            took: Duration::from_secs(known.duration_seconds),
            cost: known.cost.told(),
            tokens: known.tokens,
            changed: known.changed,
            changes: known.changes.clone(),
            ..Self::default()
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Hold {
    pub(super) kind: String,
    pub(super) until: Option<String>,
    pub(super) reason: String,
}

impl Hold {
    /// Whether the daemon sees by itself when it is over.
    pub(super) fn ends_when_mended(&self) -> bool {
        matches!(self.kind.as_str(), "disk" | "leftover")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Notifications {
    pub(super) pending: u64,
    pub(super) dead: u64,
}

/// The notifications that are not delivered.
#[derive(Debug, Deserialize)]
pub(super) struct Outbox {
    pub(super) notifications: Vec<Notification>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Notification {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) message: String,
    pub(super) occurred_at: String,
    pub(super) attempts: u32,
    pub(super) error: Option<String>,
}

/// The tasks of a session.
#[derive(Debug, Deserialize)]
pub(super) struct Tasks {
    pub(super) tasks: Vec<Task>,
}

/// The sessions so far.
#[derive(Debug, Deserialize)]
pub(super) struct Sessions {
    pub(super) sessions: Vec<Session>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Session {
    #[serde(rename = "session")]
    pub(super) id: String,
    pub(super) task_file: String,
    pub(super) status: String,
    pub(super) total: i64,
    pub(super) completed: i64,
    pub(super) started_at: String,
}

/// Lines of a log.
#[derive(Debug, Deserialize)]
pub(super) struct Logs {
    pub(super) session: String,
    pub(super) logs: String,
}

/// An instant as a person reads it: its date and its minute, in the zone that it was told in.
pub(super) fn minute(instant: &str) -> String {
    match (instant.get(..10), instant.get(11..16)) {
        (Some(date), Some(time)) => format!("{date} {time}"),
        (Some(_) | None, _) => instant.to_owned(),
    }
}
