//! Where a session stands, in a word.

use super::session::{Session, State, Work};

/// Where things stand, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
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

impl Standing {
    /// The first that holds.
    pub fn of(session: &Session, held: bool) -> Self {
        let open = match &session.state {
            State::Completed { .. } => return Self::Completed,
            State::Stopped { .. } => return Self::Stopped,
            State::Open(open) => open,
        };
        match &open.work {
            Work::Running { gate: None, .. } | Work::Ending { .. } => Self::Running,
            _ if open.paused.is_some() => Self::Paused,
            Work::Waiting { .. } | Work::Running { gate: Some(_), .. } => Self::WaitingApproval,
            Work::Ready { .. } if held => Self::Held,
            Work::Ready { .. } => Self::Running,
        }
    }

    /// The word among other words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::WaitingApproval => "waiting approval",
            Self::Held => "held",
        }
    }
}
