//! What keeps every task from starting, whichever session it belongs to.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run::Obstacle;

/// How long at least to wait before what stood in the way is met again.
const SHORTEST: Duration = Duration::from_mins(1);

/// A reason for which nothing may start, until a time or until a person acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What kind of thing is in the way.
    pub kind: HoldKind,
    /// When it ends by itself; without a time it waits for `resume`.
    pub until: Option<Timestamp>,
    /// What happened and what would help, as a sentence.
    pub reason: String,
}

/// What kind of thing is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// The account's usage limit is reached.
    UsageLimit,
    /// The CLI isn't logged in.
    Login,
    /// The API can't be reached.
    Api,
    /// The CLI can't be started.
    Launch,
    /// Processes of a run can't be ended.
    Leftover,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::UsageLimit, Self::Login, Self::Api, Self::Launch, Self::Leftover];

    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsageLimit => "usage_limit",
            Self::Login => "login",
            Self::Api => "api",
            Self::Launch => "launch",
            Self::Leftover => "leftover",
        }
    }
}

impl Hold {
    /// The hold that an obstacle met by a run asks for.
    pub fn for_obstacle(obstacle: &Obstacle, now: Timestamp) -> Self {
        let soon = now.saturating_add(SHORTEST).unwrap_or(now);
        let (kind, until, reason) = match obstacle {
            Obstacle::UsageLimit { resets_at, message } => {
                (HoldKind::UsageLimit, resets_at.map(|at| at.max(soon)), message.clone())
            }
            Obstacle::Login { message } => (
                HoldKind::Login,
                None,
                format!("{message} (log in with `claude` as the daemon's user, then /resume)"),
            ),
            Obstacle::Api { message } => (HoldKind::Api, Some(soon), message.clone()),
            Obstacle::Launch { message } => {
                (HoldKind::Launch, None, format!("{message}; when that is mended: /resume"))
            }
        };
        Self { kind, until, reason }
    }

    /// Whether it still stands.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
