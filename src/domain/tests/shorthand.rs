//! A session in one short line, for people who compare many of them.

use crate::domain::change::Effect;
use crate::domain::gate::{About, Gate, Next, Reason};
use crate::domain::session::{Open, Session, State, Why, Work};
use crate::domain::task::{Task, TaskState};

/// `waits before 2 (checkpoint after task 1, required)`, `runs 2`, `stopped`.
pub(super) fn at(session: &Session) -> String {
    match &session.state {
        State::Open(open) => open_at(open),
        State::Completed { .. } => "completed".to_owned(),
        State::Stopped { .. } => "stopped".to_owned(),
    }
}

/// One sign for each task: `+*.` for completed, approved, pending.
pub(super) fn tasks(session: &Session) -> String {
    session.tasks.iter().map(|task| sign(task)).collect()
}

pub(super) const SIGNS: &str =
    ". pending, * approved, > running, + completed, x failed, ! interrupted, - skipped";

fn sign(task: &Task) -> char {
    match task.state() {
        TaskState::Pending if task.progress.approval.is_some() => '*',
        TaskState::Pending => '.',
        TaskState::Running => '>',
        TaskState::Completed => '+',
        TaskState::Failed => 'x',
        TaskState::Interrupted => '!',
        TaskState::Skipped => '-',
    }
}

fn open_at(open: &Open) -> String {
    let mut line = match &open.work {
        Work::Waiting { gate } => format!("waits {}", asked(gate)),
        Work::Ready { task } => format!("ready {task}"),
        Work::Running { task, gate: None, .. } => format!("runs {task}"),
        Work::Running { task, gate: Some(gate), .. } => format!("runs {task}, asks {}", asked(gate)),
        Work::Ending { task, why, .. } => format!("ends {task} to {}", intent(*why)),
    };
    if open.paused.is_some() {
        line.push_str(", paused");
    }
    if !open.owed.is_empty() {
        let owed: Vec<String> = open.owed.iter().map(Reason::to_string).collect();
        line = format!("{line}, owed {}", owed.join(" + "));
    }
    line
}

fn asked(gate: &Gate) -> String {
    let reasons = gate.reasons().join(", ");
    match &gate.about {
        About::Before { next: Next::Task(task), .. } => format!("before {task} ({reasons})"),
        About::Before { next: Next::End, .. } => format!("before the end ({reasons})"),
        About::Failed { task } => format!("after failed {task}"),
        About::Interrupted { task } => format!("after interrupted {task}"),
    }
}

fn intent(why: Why) -> &'static str {
    match why {
        Why::Pause => "pause",
        Why::Skip => "skip",
        Why::Stop => "stop",
    }
}

/// `OpenGate g7_aaab`, `OpenRun 2 (1. of task 1)`.
pub(super) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::OpenGate(gate) => format!("OpenGate {}", gate.id),
        Effect::CloseGate(gate, closing) => format!("CloseGate {gate} {}", closing.decision.as_str()),
        Effect::OpenRun { run, task, number, resume } => {
            let resume = resume.as_ref().map_or(String::new(), |id| format!(", resumes {id}"));
            format!("OpenRun {run} (no. {number} of task {task}{resume})")
        }
        Effect::CloseRun(run, _) => format!("CloseRun {run}"),
        Effect::GrantForToday(day, up_to) => format!("GrantForToday {day} {up_to}"),
        Effect::BeginHold(hold) => format!("BeginHold {}", hold.kind.as_str()),
        Effect::LiftHold => "LiftHold".to_owned(),
        Effect::GotThrough => "GotThrough".to_owned(),
    }
}
