//! What a session can be told to do, and by whom.

use jiff::Timestamp;
use std::time::Duration;

use super::actor::Actor;
use super::id::{GateId, RunId, SessionId, TaskNumber};
use super::plan::Plan;
use super::policy::Policy;
use super::run::Outcome;
use super::session::TaskFile;

/// One command, with what the decision about it needs to know of its sender.
#[derive(Clone, Debug)]
pub struct Order {
    /// What is to be done.
    pub command: Command,
    /// Who asks for it.
    pub by: Actor,
    /// When its sender sent it, if that is known: an old answer must not meet a new gate.
    pub sent_at: Option<Timestamp>,
}

/// Everything that changes a session, whether a person or the worker says it.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open a session.
    Start(Box<Opening>),
    /// Answer a gate with yes.
    Approve {
        /// The gate that is meant; the open one if not named.
        gate: Option<GateId>,
        /// Words for Claude.
        note: Option<String>,
    },
    /// Answer a gate with no.
    Reject {
        /// The gate that is meant; the open one if not named.
        gate: Option<GateId>,
        /// What should be different, for Claude.
        feedback: Option<String>,
    },
    /// Start nothing new.
    Pause {
        /// Also end the live run, to be continued later.
        now: bool,
    },
    /// Lift the pause, or a hold that waits for a person.
    Resume,
    /// Go on without a task.
    Skip {
        /// Which.
        target: Target,
    },
    /// Run a task again.
    Retry {
        /// Which.
        target: Target,
        /// What should be different, for Claude.
        feedback: Option<String>,
    },
    /// End the session.
    Stop {
        /// The gate that is meant, when it was a gate's button.
        gate: Option<GateId>,
    },
    /// The worker is about to start the approved task.
    Claim {
        /// The id of the run to open.
        run: RunId,
    },
    /// The worker saw a run's end, and that nothing of it is left.
    Finish {
        /// The run that ended.
        run: RunId,
        /// What came of it.
        outcome: Box<Outcome>,
        /// How long it took.
        took: Duration,
    },
}

/// What a new session is made of; nothing of it changes later.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its id.
    pub id: SessionId,
    /// Where the plan came from.
    pub task_file: TaskFile,
    /// What is to be done.
    pub plan: Plan,
    /// Under which rules.
    pub policy: Policy,
    /// Whether the agent is played by this binary.
    pub rehearsal: bool,
}

/// Which open session a new one may take the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replace {
    /// None.
    No,
    /// Whichever is open.
    Any,
    /// This one and no other: what was meant stays meant, however often it is said.
    Only(SessionId),
}

impl From<bool> for Replace {
    fn from(replace: bool) -> Self {
        if replace { Self::Any } else { Self::No }
    }
}

/// Which task a command means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The one that matters now.
    Current,
    /// The one that this gate is about.
    Gate(GateId),
    /// The one with this number.
    Task(TaskNumber),
}

impl Target {
    /// The gate that is named, if one is.
    pub fn gate(&self) -> Option<&GateId> {
        match self {
            Self::Gate(gate) => Some(gate),
            Self::Current | Self::Task(_) => None,
        }
    }
}
