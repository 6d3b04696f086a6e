//! What a decision is made from and what it comes to, besides the session itself.

use jiff::Timestamp;
use jiff::civil::Date;

use super::event::Event;
use super::gate::{Closing, Gate};
use super::hold::Hold;
use super::id::{GateId, RunId, TaskNumber};
use super::limits::{Amount, DayAccount};
use super::run::Outcome;
use super::session::Session;

/// What the decision needs to know beyond the session.
#[derive(Clone, Debug)]
pub struct World {
    /// The time.
    pub now: Timestamp,
    /// The id of a gate that is opened; a transition opens one at most.
    pub fresh_gate: GateId,
    /// What keeps every task from starting.
    pub hold: Option<Hold>,
    /// The last hold, if no run has got through since.
    pub last_hold: Option<Hold>,
    /// Whether a run is open in any session.
    pub run_open: bool,
    /// Today's account, whichever session its runs belong to.
    pub today: DayAccount,
}

/// What a command came to.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The session as it is now.
    pub session: Session,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What is to be done in the same transaction.
    pub effects: Vec<Effect>,
    /// The answer to the one who gave the command.
    pub message: String,
}

/// What must be stored or asked for besides the session itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A gate was opened.
    OpenGate(Gate),
    /// A gate was closed.
    CloseGate(GateId, Closing),
    /// A run was claimed.
    OpenRun {
        /// Its id.
        run: RunId,
        /// Its task.
        task: TaskNumber,
        /// Which of the task's runs it is, from 1.
        number: u32,
        /// The Claude session that it continues.
        resume: Option<String>,
    },
    /// A run ended.
    CloseRun(RunId, Box<Outcome>),
    /// A person granted so much for this day, to whichever session.
    GrantForToday(Date, Amount),
    /// Nothing may start.
    BeginHold(Hold),
    /// A person says that the hold's cause is gone.
    LiftHold,
    /// A run has got through: the next hold is the first of its kind.
    GotThrough,
}
