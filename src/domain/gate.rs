//! The one place where work waits for a person.
//!
//! A new kind of gate is a new variant of [`About`], with its choices and its sentence: nothing else.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::id::{GateId, TaskNumber};
use super::limits::{Amount, Budget};
use super::number::count;

/// An open question to the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Its name, never used again.
    pub id: GateId,
    /// What is asked.
    pub about: About,
    /// When it was asked.
    pub opened_at: Timestamp,
}

/// What a gate asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum About {
    /// May this come next?
    Before {
        /// What would come.
        next: Next,
        /// Why a person is asked, all of it: one approval discharges them all.
        reasons: Vec<Reason>,
    },
    /// A run failed: what now?
    Failed {
        /// The task that failed.
        task: TaskNumber,
    },
    /// A run ended without a verdict: what now?
    Interrupted {
        /// The task whose run it was.
        task: TaskNumber,
    },
}

/// What an approval lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// A task.
    Task(TaskNumber),
    /// The session's end.
    End,
}

/// Why a person is asked before something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// The session is new.
    Start,
    /// Mode `manual` asks before every task.
    Manual,
    /// Mode `required` asks before this type of task.
    Required,
    /// The task file says `Requires Approval: true`.
    Requested,
    /// The type is listed in `approve_before`.
    ApproveBefore,
    /// A completed task's type is listed in `checkpoint_after`.
    Checkpoint {
        /// The completed task.
        after: TaskNumber,
    },
    /// A task on which this one depends isn't completed.
    Dependency {
        /// The task that isn't completed.
        on: TaskNumber,
    },
    /// The operator said no to the gate before.
    Rejected {
        /// The task that is to be different.
        task: TaskNumber,
        /// In the operator's words, if there were any.
        feedback: Option<String>,
    },
    /// A limit of what may be spent is reached; an approval raises it.
    Spent {
        /// Which.
        budget: Budget,
        /// How much is used up.
        used: Amount,
        /// Of how much.
        of: Amount,
        /// How much an approval adds to what is used up.
        more: Amount,
        /// Whether more may be used up than is known.
        #[serde(default, skip_serializing_if = "is_false")]
        at_least: bool,
    },
    /// Runs fail one after another and change nothing.
    Fruitless {
        /// How many did.
        failures: u32,
    },
    /// Money is limited, and runs ended without telling what they cost.
    Untold {
        /// How many did.
        runs: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Manual => f.write_str("manual"),
            Self::Required => f.write_str("required"),
            Self::Requested => f.write_str("requested"),
            Self::ApproveBefore => f.write_str("approve_before"),
            Self::Checkpoint { after } => write!(f, "checkpoint after task {after}"),
            Self::Dependency { on } => write!(f, "dependency {on}"),
            Self::Rejected { feedback: Some(feedback), .. } => write!(f, "rejected: {feedback}"),
            Self::Rejected { feedback: None, .. } => f.write_str("rejected"),
            Self::Spent { budget, used, of, at_least, .. } => {
                let (did, what) = match budget {
                    Budget::CostPerTask | Budget::CostPerSession | Budget::CostPerDay => ("spent", ""),
                    Budget::TokensPerDay => ("used", " tokens"),
                    Budget::RuntimePerSession => ("ran", ""),
                };
                let at_least = if *at_least { "at least " } else { "" };
                write!(f, "{did} {at_least}{used} of {of}{what} {}", budget.whose())
            }
            Self::Fruitless { failures } => {
                let failures = usize::try_from(*failures).unwrap_or(usize::MAX);
                write!(f, "{} in a row without a change in the project", count(failures, "failure"))
            }
            Self::Untold { runs } => {
                let (runs, whose) =
                    if *runs == 1 { ("1 run".to_owned(), "its") } else { (format!("{runs} runs"), "their") };
                write!(f, "{runs} ended without telling {whose} cost, and money is limited")
            }
        }
    }
}

impl Reason {
    /// Whether a yes that was given before the session began covers it: not what nobody could know by then.
    fn is_foreseen(&self) -> bool {
        match self {
            Self::Start
            | Self::Manual
            | Self::Required
            | Self::Requested
            | Self::ApproveBefore
            | Self::Checkpoint { .. }
            | Self::Dependency { .. } => true,
            Self::Rejected { .. } | Self::Spent { .. } | Self::Fruitless { .. } | Self::Untold { .. } => {
                false
            }
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// One of the answers that a gate offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Go on.
    Approve,
    /// Not like this.
    Reject,
    /// Run it again.
    Retry,
    /// Go on without it.
    Skip,
    /// End the session.
    Stop,
}

impl Choice {
    /// The command that gives this answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Stop => "stop",
        }
    }
}

impl Gate {
    /// The word for its kind in the API.
    pub fn kind(&self) -> &'static str {
        match self.about {
            About::Before { .. } => "before",
            About::Failed { .. } => "failed",
            About::Interrupted { .. } => "interrupted",
        }
    }

    /// The task that it stands before or after, if it isn't the session's end.
    pub fn task(&self) -> Option<TaskNumber> {
        match self.about {
            About::Before { next: Next::Task(task), .. }
            | About::Failed { task }
            | About::Interrupted { task } => Some(task),
            About::Before { next: Next::End, .. } => None,
        }
    }

    /// Why it opened, in the words of the API; a failed or interrupted task is its own reason.
    pub fn reasons(&self) -> Vec<String> {
        match &self.about {
            About::Before { reasons, .. } => reasons.iter().map(Reason::to_string).collect(),
            About::Failed { task } => vec![format!("task {task} failed")],
            About::Interrupted { task } => vec![format!("task {task} was interrupted")],
        }
    }

    /// The answers it takes, the usual one first.
    pub fn choices(&self) -> Vec<Choice> {
        let mut choices = match self.about {
            About::Before { next: Next::Task(_), .. } => {
                vec![Choice::Approve, Choice::Reject, Choice::Skip, Choice::Stop]
            }
            About::Before { next: Next::End, .. } => {
                vec![Choice::Approve, Choice::Reject, Choice::Stop]
            }
            About::Failed { .. } | About::Interrupted { .. } => {
                vec![Choice::Retry, Choice::Skip, Choice::Stop]
            }
        };
        if matches!(self.about, About::Before { .. }) && self.retriable().is_some() {
            choices.insert(2, Choice::Retry);
        }
        choices
    }

    /// Whether a yes that was given before the session began answers it: a plan, but neither a trouble nor a limit.
    pub fn takes_advance_approval(&self) -> bool {
        match &self.about {
            About::Before { reasons, .. } => reasons.iter().all(Reason::is_foreseen),
            About::Failed { .. } | About::Interrupted { .. } => false,
        }
    }

    /// The choices as a sentence part that can be typed: `/approve, /skip or /stop`.
    pub fn choices_in_words(&self) -> String {
        let words: Vec<String> =
            self.choices().iter().map(|choice| format!("/{}", choice.as_str())).collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            Some((only, _)) => only.clone(),
            None => String::new(),
        }
    }

    /// The task that `retry` would run again: the troubled one, or the one whose checkpoint was rejected.
    pub fn retriable(&self) -> Option<TaskNumber> {
        match &self.about {
            About::Failed { task } | About::Interrupted { task } => Some(*task),
            About::Before { reasons, .. } => {
                let rejected = |task| {
                    reasons.iter().any(
                        |reason| matches!(reason, Reason::Rejected { task: about, .. } if *about == task),
                    )
                };
                checkpoint(reasons).filter(|after| rejected(*after))
            }
        }
    }
}

/// The completed task that a person is to look at, if that is among the reasons.
pub fn checkpoint(reasons: &[Reason]) -> Option<TaskNumber> {
    reasons.iter().find_map(|reason| match reason {
        Reason::Checkpoint { after } => Some(*after),
        Reason::Start
        | Reason::Manual
        | Reason::Required
        | Reason::Requested
        | Reason::ApproveBefore
        | Reason::Dependency { .. }
        | Reason::Rejected { .. }
        | Reason::Spent { .. }
        | Reason::Fruitless { .. }
        | Reason::Untold { .. } => None,
    })
}

/// How a gate was closed; kept with it for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// What was decided.
    pub decision: Decision,
    /// Who decided.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// What became of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Answered yes.
    Approved,
    /// Answered no.
    Rejected,
    /// Answered by running the task again.
    Retried,
    /// Answered by going on with the task's Claude session.
    Continued,
    /// Answered by going on without the task.
    Skipped,
    /// Answered by ending the session.
    Stopped,
    /// Not answered: what it asked no longer mattered.
    Withdrawn,
}

impl Decision {
    /// The word used in the API, the database and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Retried => "retried",
            Self::Continued => "continued",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
            Self::Withdrawn => "withdrawn",
        }
    }
}
