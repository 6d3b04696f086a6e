//! Why a command is not carried out, in words that a person can act on.

use jiff::Timestamp;

use super::change::World;
use super::command::{Command, Opening, Order, Target};
use super::gate::{Choice, Gate};
use super::id::{GateId, RunId, SessionId, TaskNumber};
use super::session::Session;

/// Why a command is not carried out, in words that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Legal, but not now.
    #[error("{0}")]
    NotNow(String),
    /// It names something that doesn't exist.
    #[error("{0}")]
    Unknown(String),
    /// Another session is in the way of a new one.
    #[error(
        "session {session} is still open: go on with it, /stop it, or \"start --replace\" to stop it and start this one"
    )]
    StillOpen {
        /// The session that is in the way.
        session: SessionId,
        /// The task file of the new one.
        file: String,
    },
    /// It names a gate that isn't the open one: what became of that gate is for the store to say.
    #[error("gate {0} isn't open")]
    NotTheOpenGate(GateId),
}

/// What would work instead of what was refused: more words, for one who means them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Ending the open session first, if it still is this one.
    Replace {
        /// The task file to begin with.
        file: String,
        /// The session that is in the way.
        session: SessionId,
    },
    /// Saying that a completed file is meant to be done once more.
    Again {
        /// The task file.
        file: String,
    },
    /// Beginning with one of these.
    Start {
        /// Task files, the likeliest first.
        files: Vec<String>,
    },
}

/// An answer that names a gate must mean the open one, and an older answer without a name must not meet a newer gate.
pub(super) fn check_gate(session: &Session, order: &Order) -> Result<(), Refused> {
    let (named, answers_unnamed) = match &order.command {
        Command::Approve { gate, .. } | Command::Reject { gate, .. } => (gate.as_ref(), gate.is_none()),
        Command::Skip { target } | Command::Retry { target, .. } => {
            (target.gate(), *target == Target::Current)
        }
        Command::Stop { gate } => (gate.as_ref(), false),
        Command::Start(_)
        | Command::Pause { .. }
        | Command::Resume
        | Command::Claim { .. }
        | Command::Finish { .. } => (None, false),
    };
    match (named, session.gate(), order.sent_at) {
        (Some(named), open, _) if open.is_none_or(|open| open.id != *named) => {
            Err(Refused::NotTheOpenGate(named.clone()))
        }
        (_, Some(open), Some(sent_at)) if answers_unnamed && is_before(sent_at, open.opened_at) => {
            let gate = &open.id;
            Err(Refused::NotNow(format!(
                "this was sent before gate {gate} opened, so it was meant for the one before: name the gate to answer it ({gate})"
            )))
        }
        _ => Ok(()),
    }
}

/// Whether something was sent before a time, for senders whose clock counts whole seconds, as Telegram's does.
fn is_before(sent_at: Timestamp, time: Timestamp) -> bool {
    if sent_at.subsec_nanosecond() == 0 { sent_at.as_second() < time.as_second() } else { sent_at < time }
}

pub(super) fn fence(open: RunId, finished: RunId) -> Result<(), Refused> {
    if open == finished { Ok(()) } else { Err(not_open(finished)) }
}

/// Refuses an answer that the gate doesn't offer, and says which ones it does.
pub(super) fn must_offer(gate: &Gate, choice: Choice) -> Result<(), Refused> {
    if gate.choices().contains(&choice) {
        return Ok(());
    }
    Err(Refused::NotNow(format!(
        "gate {} ({}) can't be answered with /{}: it takes {}",
        gate.id,
        gate.reasons().join(", "),
        choice.as_str(),
        gate.choices_in_words()
    )))
}

pub(super) fn not_open(run: RunId) -> Refused {
    Refused::NotNow(format!("run {run} isn't open"))
}

pub(super) fn nothing_open(gate: Option<&GateId>) -> Refused {
    match gate {
        Some(gate) => Refused::NotTheOpenGate(gate.clone()),
        None => Refused::NotNow("no session is open: /start begins one".to_owned()),
    }
}

pub(super) fn still_open(session: &Session, opening: &Opening) -> Refused {
    Refused::StillOpen { session: session.id.clone(), file: opening.task_file.name.clone() }
}

pub(super) fn already_approved(session: &Session, task: TaskNumber, world: &World) -> Refused {
    let paused = session.open().is_some_and(|open| open.paused.is_some());
    let but = match &world.hold {
        _ if paused => ": it starts after /resume".to_owned(),
        Some(hold) => format!(", but nothing may start: {}", hold.reason),
        None => ": it is about to start".to_owned(),
    };
    Refused::NotNow(format!("task {task} is already approved{but}"))
}

pub(super) fn no_question(session: &Session, task: TaskNumber, word: &str) -> Refused {
    Refused::NotNow(format!(
        "nothing to {word}: task {} is running, and no gate is open (/status shows what it is at)",
        session.of_total(task)
    ))
}
