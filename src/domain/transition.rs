//! The chart: what each command means in each state, as one function.
//!
//! No I/O, no clock, no randomness: what it needs to know of the world comes in as [`World`]. Every change it makes
//! is told by an event, and what must be stored or asked for besides is an [`Effect`](super::change::Effect).

use super::actor::Actor;
use super::change::{Transition, World};
use super::command::{Command, Order, Target};
use super::gate::Gate;
use super::id::{RunId, TaskNumber};
use super::refused::{
    Refused, already_approved, check_gate, fence, no_question, not_open, nothing_open, still_open,
};
use super::session::{Open, Session, Why, Work};
use super::turn::Turn;

/// Decides what a command does to a session; `None` stands for a database without any.
pub fn transition(session: Option<&Session>, order: &Order, world: &World) -> Result<Transition, Refused> {
    let Some((session, open)) = session.and_then(|session| Some((session, session.open()?))) else {
        return match &order.command {
            Command::Start(opening) => Ok(Turn::begin(opening, order, world).settle().done()),
            Command::Approve { gate, .. } | Command::Reject { gate, .. } | Command::Stop { gate } => {
                Err(nothing_open(gate.as_ref()))
            }
            Command::Skip { target } | Command::Retry { target, .. } => Err(nothing_open(target.gate())),
            Command::Pause { .. } | Command::Resume | Command::Claim { .. } => Err(nothing_open(None)),
            Command::Finish { run, .. } => Err(not_open(*run)),
        };
    };
    check_gate(session, order)?;
    let mut turn = Turn::of(session, order, world);
    proceed(&mut turn, session, &Stage::of(open), &order.command)?;
    Ok(turn.settle().done())
}

/// Where an open session stands, as far as commands care.
enum Stage<'a> {
    Waiting(&'a Gate),
    Ready(TaskNumber),
    Running(TaskNumber, RunId),
    Asking(TaskNumber, RunId, &'a Gate),
    Ending(TaskNumber, RunId, Why, &'a Actor),
}

impl<'a> Stage<'a> {
    fn of(open: &'a Open) -> Self {
        match &open.work {
            Work::Waiting { gate } => Self::Waiting(gate),
            Work::Ready { task } => Self::Ready(*task),
            Work::Running { task, run, gate: None } => Self::Running(*task, *run),
            Work::Running { task, run, gate: Some(gate) } => Self::Asking(*task, *run, gate),
            Work::Ending { task, run, why, by } => Self::Ending(*task, *run, *why, by),
        }
    }
}

fn proceed(
    turn: &mut Turn<'_>,
    session: &Session,
    stage: &Stage<'_>,
    command: &Command,
) -> Result<(), Refused> {
    match (stage, command) {
        (
            Stage::Waiting(_) | Stage::Ready(_) | Stage::Running(..) | Stage::Asking(..) | Stage::Ending(..),
            Command::Start(opening),
        ) => return Err(still_open(session, opening)),

        (Stage::Waiting(gate), Command::Approve { note, .. }) => turn.approve(gate, note.as_ref())?,
        (Stage::Asking(_, _, gate), Command::Approve { note, .. }) => turn.answer(gate, true, note.as_ref()),
        (Stage::Ready(task), Command::Approve { .. }) => {
            return Err(already_approved(session, *task, turn.world));
        }
        (Stage::Running(task, _) | Stage::Ending(task, ..), Command::Approve { .. }) => {
            return Err(no_question(session, *task, "approve"));
        }

        (Stage::Waiting(gate), Command::Reject { feedback, .. }) => turn.reject(gate, feedback.as_ref())?,
        (Stage::Asking(_, _, gate), Command::Reject { feedback, .. }) => {
            turn.answer(gate, false, feedback.as_ref());
        }
        (Stage::Ready(task), Command::Reject { .. }) => {
            return Err(Refused::NotNow(format!(
                "task {task} is already approved: /skip or /stop would keep it from running"
            )));
        }
        (Stage::Running(task, _) | Stage::Ending(task, ..), Command::Reject { .. }) => {
            return Err(no_question(session, *task, "reject"));
        }

        (Stage::Waiting(_) | Stage::Ready(_) | Stage::Ending(..), Command::Pause { .. })
        | (Stage::Running(..) | Stage::Asking(..), Command::Pause { now: false }) => turn.pause(),
        (Stage::Running(task, run), Command::Pause { now: true }) => turn.pause_now(*task, *run),
        (Stage::Asking(task, run, _), Command::Pause { now: true }) => {
            turn.withdraw();
            turn.pause_now(*task, *run);
        }

        (
            Stage::Waiting(_) | Stage::Ready(_) | Stage::Running(..) | Stage::Asking(..) | Stage::Ending(..),
            Command::Resume,
        ) => turn.resume(),

        (stage, Command::Skip { target }) => skip(turn, stage, target)?,
        (stage, Command::Retry { target, feedback }) => {
            retry(turn, stage, target, feedback.as_ref())?;
        }

        (Stage::Waiting(_), Command::Stop { .. }) => turn.stop_at_gate(),
        (Stage::Ready(_), Command::Stop { .. }) => turn.stop(),
        (Stage::Running(task, run), Command::Stop { .. }) => turn.end_run(*task, *run, Why::Stop),
        (Stage::Asking(task, run, _), Command::Stop { .. }) => {
            turn.withdraw();
            turn.end_run(*task, *run, Why::Stop);
        }
        (Stage::Ending(task, run, why, _), Command::Stop { .. }) => match why {
            Why::Stop => turn.already("The session is already being stopped"),
            Why::Pause | Why::Skip => turn.end_run(*task, *run, Why::Stop),
        },

        (Stage::Ready(task), Command::Claim { run }) => turn.claim(*task, *run)?,
        (
            Stage::Waiting(_) | Stage::Running(..) | Stage::Asking(..) | Stage::Ending(..),
            Command::Claim { .. },
        ) => return Err(Refused::NotNow("no task is ready to be claimed".to_owned())),

        (Stage::Waiting(_) | Stage::Ready(_), Command::Finish { run, .. }) => {
            return Err(not_open(*run));
        }
        (Stage::Running(task, open), Command::Finish { run, outcome, took }) => {
            fence(*open, *run)?;
            turn.finish(*task, *open, outcome, *took, None);
        }
        (Stage::Asking(task, open, _), Command::Finish { run, outcome, took }) => {
            fence(*open, *run)?;
            turn.withdraw();
            turn.finish(*task, *open, outcome, *took, None);
        }
        (Stage::Ending(task, open, why, by), Command::Finish { run, outcome, took }) => {
            fence(*open, *run)?;
            turn.finish(*task, *open, outcome, *took, Some((*why, by)));
        }
    }
    Ok(())
}

fn skip(turn: &mut Turn<'_>, stage: &Stage<'_>, target: &Target) -> Result<(), Refused> {
    let named = match target {
        Target::Task(number) => Some(*number),
        Target::Current | Target::Gate(_) => None,
    };
    match stage {
        Stage::Waiting(gate) if named.is_none() || named == gate.task() => turn.skip_at_gate(gate),
        Stage::Ready(task) if named.is_none_or(|named| named == *task) => turn.skip_task(*task),
        Stage::Running(task, run) if named.is_none_or(|named| named == *task) => {
            turn.end_run(*task, *run, Why::Skip);
            Ok(())
        }
        Stage::Asking(task, run, _) if named.is_none_or(|named| named == *task) => {
            turn.withdraw();
            turn.end_run(*task, *run, Why::Skip);
            Ok(())
        }
        Stage::Ending(task, run, why, _) if named.is_none_or(|named| named == *task) => {
            match why {
                Why::Pause => turn.end_run(*task, *run, Why::Skip),
                Why::Skip => turn.already(&format!("Task {task} is already being skipped")),
                Why::Stop => turn.already("The session is already being stopped"),
            }
            Ok(())
        }
        Stage::Waiting(_) | Stage::Ready(_) | Stage::Running(..) | Stage::Asking(..) | Stage::Ending(..) => {
            named.map_or(Ok(()), |named| turn.skip_task(named))
        }
    }
}

fn retry(
    turn: &mut Turn<'_>,
    stage: &Stage<'_>,
    target: &Target,
    feedback: Option<&String>,
) -> Result<(), Refused> {
    match (stage, target) {
        (Stage::Waiting(gate), Target::Current | Target::Gate(_)) => turn.retry_at_gate(gate, feedback),
        (Stage::Waiting(gate), Target::Task(number)) if gate.retriable() == Some(*number) => {
            turn.retry_at_gate(gate, feedback)
        }
        (Stage::Waiting(_), Target::Task(number)) => {
            turn.retry_task(*number, feedback)?;
            turn.withdraw();
            Ok(())
        }
        (
            Stage::Ready(_) | Stage::Running(..) | Stage::Asking(..) | Stage::Ending(..),
            Target::Task(number),
        ) => turn.retry_task(*number, feedback),
        (
            Stage::Ready(task) | Stage::Running(task, _) | Stage::Asking(task, ..) | Stage::Ending(task, ..),
            Target::Current | Target::Gate(_),
        ) => Err(Refused::NotNow(format!(
            "nothing to retry: task {task} has not ended (\"retry #\" and a number runs a failed, interrupted or skipped task again)"
        ))),
    }
}
