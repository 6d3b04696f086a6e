//! One execution of one plan: what it is made of and what can be read off it.
//!
//! How it changes is [`super::transition`]; what comes next is `super::settle`.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::gate::{Gate, Reason};
use super::id::{RunId, SessionId, TaskNumber};
use super::limits::Allowance;
use super::policy::Policy;
use super::task::{Task, TaskState};
use super::usage::Cost;

/// A session as it stands after its last transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Where the plan came from.
    pub task_file: TaskFile,
    /// The rules it was started under.
    pub policy: Policy,
    /// Whether the agent is played by this binary: nothing is changed, nothing is paid.
    pub rehearsal: bool,
    /// When it was started.
    pub started_at: Timestamp,
    /// When something last happened to it.
    pub last_activity: Timestamp,
    /// Its tasks, in the order of execution.
    pub tasks: Vec<Arc<Task>>,
    /// Where it stands.
    pub state: State,
}

/// Where a plan came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFile {
    /// The file's name below the task folder, or its path when it was named in a terminal.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum State {
    /// There is something left to do or to decide.
    Open(Open),
    /// Nothing is left to do.
    Completed {
        /// Since when.
        at: Timestamp,
    },
    /// An operator or the policy ended it early.
    Stopped {
        /// Since when.
        at: Timestamp,
    },
}

/// The state of a session that hasn't ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// What it is at.
    pub work: Work,
    /// Since when nothing new may start, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Timestamp>,
    /// Reasons that no gate carries yet: the next one takes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<Reason>,
    /// What was granted beyond the limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowances: Vec<Allowance>,
    /// How many runs have failed one after another without a change in the project, since a person last looked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fruitless: u32,
    /// How many runs have ended without telling what they cost, since a person last looked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What an open session is at. There is no idle state: settling always finds one of these or the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Work {
    /// It waits for a person.
    Waiting {
        /// The question.
        gate: Gate,
    },
    /// The task is approved and may be claimed.
    Ready {
        /// Which.
        task: TaskNumber,
    },
    /// A run is open.
    Running {
        /// Of which task.
        task: TaskNumber,
        /// Which run.
        run: RunId,
        /// A question that the run itself asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate: Option<Gate>,
    },
    /// A run is open and is to end: it is over only when its processes are gone.
    Ending {
        /// Of which task.
        task: TaskNumber,
        /// Which run.
        run: RunId,
        /// What is intended.
        why: Why,
        /// Who intends it.
        by: Actor,
    },
}

/// Why a run is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// To be continued later.
    Pause,
    /// To go on without the task.
    Skip,
    /// To end the session.
    Stop,
}

/// How many tasks are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// Completed.
    pub completed: usize,
    /// Failed, and not decided about.
    pub failed: usize,
    /// Skipped.
    pub skipped: usize,
    /// Interrupted, and not decided about.
    pub interrupted: usize,
}

impl Counts {
    /// Completed and skipped tasks, in whole percent of all, rounded down.
    pub fn progress(&self) -> usize {
        ((self.completed + self.skipped) * 100).checked_div(self.total).unwrap_or(100)
    }
}

impl Session {
    /// The state, if the session hasn't ended.
    pub fn open(&self) -> Option<&Open> {
        match &self.state {
            State::Open(open) => Some(open),
            State::Completed { .. } | State::Stopped { .. } => None,
        }
    }

    /// The gate that waits for an answer.
    pub fn gate(&self) -> Option<&Gate> {
        match &self.open()?.work {
            Work::Waiting { gate } => Some(gate),
            Work::Running { gate, .. } => gate.as_ref(),
            Work::Ready { .. } | Work::Ending { .. } => None,
        }
    }

    /// The run that is open, and its task.
    pub fn run(&self) -> Option<(RunId, TaskNumber)> {
        match &self.open()?.work {
            Work::Running { run, task, .. } | Work::Ending { run, task, .. } => Some((*run, *task)),
            Work::Waiting { .. } | Work::Ready { .. } => None,
        }
    }

    /// Whether the session is only waiting for its last run to be gone.
    pub fn is_stopping(&self) -> bool {
        matches!(self.open().map(|open| &open.work), Some(Work::Ending { why: Why::Stop, .. }))
    }

    /// The task with this number.
    pub fn task(&self, number: TaskNumber) -> Option<&Arc<Task>> {
        self.tasks.iter().find(|task| task.number() == number)
    }

    /// The task that the session is at: running, ready or asked about; none before its end.
    pub fn current(&self) -> Option<&Arc<Task>> {
        let open = self.open()?;
        let at = match &open.work {
            Work::Waiting { gate } => gate.task(),
            Work::Ready { task } | Work::Running { task, .. } | Work::Ending { task, .. } => Some(*task),
        };
        self.task(at?)
    }

    /// `2/5` for a number as the file's author counts, by position if the numbers have gaps: `20 (2/5)`.
    pub fn of_total(&self, number: TaskNumber) -> String {
        let total = self.tasks.len();
        let position = self.tasks.iter().position(|task| task.number() == number).map_or(0, |at| at + 1);
        if u32::try_from(position).is_ok_and(|position| position == number.0) {
            format!("{number}/{total}")
        } else {
            format!("{number} ({position}/{total})")
        }
    }

    /// How many tasks are in which state.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { total: self.tasks.len(), ..Counts::default() };
        for task in &self.tasks {
            match task.state() {
                TaskState::Completed => counts.completed += 1,
                TaskState::Failed => counts.failed += 1,
                TaskState::Skipped => counts.skipped += 1,
                TaskState::Interrupted => counts.interrupted += 1,
                TaskState::Pending | TaskState::Running => {}
            }
        }
        counts
    }

    /// The cost of all its runs, as far as that is known.
    pub fn cost(&self) -> Cost {
        Cost {
            known: self.tasks.iter().map(|task| task.progress.cost).sum(),
            at_least: self.tasks.iter().any(|task| task.progress.untold > 0),
        }
    }

    /// When it ended, if it has.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Open(_) => None,
            State::Completed { at } | State::Stopped { at } => Some(at),
        }
    }
}
