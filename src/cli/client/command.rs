//! The commands as a command line has them: the words and arguments of a chat.

use std::ops::RangeInclusive;

use clap::{Args, Subcommand};

use super::help;
use crate::domain::command::Target;
use crate::domain::id::{GateId, TaskNumber};
use crate::domain::words;

/// How many lines of a log can be had.
pub(super) const LINES: RangeInclusive<usize> = 1..=1000;

/// What a person at a command line can tell the daemon.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Show where things stand: the session, its tasks, and what it waits for
    #[command(after_help = help::STATUS)]
    Status(Status),
    /// Begin a session with a task file: today's, or the one that is named
    #[command(after_help = help::START)]
    Start(Start),
    /// Say yes to the open gate
    #[command(after_help = help::APPROVE)]
    Approve(Approve),
    /// Say no to the open gate, and what should be different
    #[command(after_help = help::REJECT)]
    Reject(Reject),
    /// Start nothing new, and with "now" also end the live run
    #[command(after_help = help::PAUSE)]
    Pause(Pause),
    /// Lift the pause, or a hold that waits for a person
    #[command(after_help = help::RESUME)]
    Resume(Plain),
    /// Go on without a task; if it is running, end it
    #[command(after_help = help::SKIP)]
    Skip(Skip),
    /// Run a failed, interrupted or skipped task again
    #[command(after_help = help::RETRY)]
    Retry(Retry),
    /// Go on with a failed or interrupted task in the Claude session of its last run
    #[command(after_help = help::CONTINUE)]
    Continue(Retry),
    /// End the session, and the live run if there is one
    #[command(after_help = help::STOP)]
    Stop(Stop),
    /// List the tasks of the session
    #[command(after_help = help::TASKS)]
    Tasks(Plain),
    /// List the sessions so far, the newest first
    #[command(after_help = help::SESSIONS)]
    Sessions(Sessions),
    /// Show the newest lines of the story, or of what a task's run printed
    #[command(after_help = help::LOGS)]
    Logs(Logs),
    /// List the notifications that wait or were given up; send them again, or drop them
    #[command(after_help = help::NOTIFICATIONS, args_conflicts_with_subcommands = true)]
    Notifications(Notifications),
}

/// What is to be done with notifications.
#[derive(Debug, Args)]
pub(in crate::cli) struct Notifications {
    #[command(subcommand)]
    pub(super) wish: Option<NotificationWish>,
    /// How many at most [default: 20]
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<i64>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Subcommand)]
pub(super) enum NotificationWish {
    /// Send one again at once, or "all" that were given up
    Retry(Which),
    /// Never send one
    Drop(Which),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Its id, as the list shows it
    pub(super) id: String,
    #[command(flatten)]
    shape: Shape,
}

/// How the answer is wanted.
#[derive(Clone, Copy, Debug, Args)]
pub(in crate::cli) struct Shape {
    /// Print the daemon's answer as it is, as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Plain {
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    /// Another session than the current one
    #[arg(long, value_name = "ID")]
    pub(super) session: Option<String>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Start {
    /// The task file, by its name in the task folder or its path [default: today's]
    #[arg(value_name = "FILE")]
    pub(super) words: Vec<String>,
    /// Even if it was completed before and hasn't changed since
    #[arg(long)]
    pub(super) again: bool,
    /// Stop the session that is open, and begin this one
    #[arg(long)]
    pub(super) replace: bool,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Approve {
    /// The gate's id, as `status` shows it [default: the open gate's]
    pub(super) gate: Option<String>,
    /// What Claude is to be told besides
    pub(super) note: Vec<String>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Reject {
    /// The gate's id, as `status` shows it [default: the open gate's]
    pub(super) gate: Option<String>,
    /// What should be different; kept for the task's next run
    pub(super) why: Vec<String>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Pause {
    /// Also end the live run; it is continued after `resume`
    #[arg(value_parser = ["now"], ignore_case = true, value_name = "now")]
    pub(super) word: Option<String>,
    /// The same as the word "now"
    #[arg(long)]
    pub(super) now: bool,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Skip {
    /// A gate's id or a task's number, such as 2 or '#2' [default: what is up now]
    #[arg(value_name = "GATE|#TASK", value_parser = target)]
    pub(super) target: Option<Target>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Retry {
    /// A gate's id or a task's number, such as 2 or '#2' [default: what is up now]
    #[arg(value_name = "GATE|#TASK")]
    pub(super) target: Option<String>,
    /// What Claude is to do differently
    pub(super) feedback: Vec<String>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Stop {
    /// Only if this gate is still open
    #[arg(value_parser = gate)]
    pub(super) gate: Option<GateId>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Sessions {
    /// How many at most [default: 20]
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<i64>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Logs {
    /// How many lines [default: 20], and whose output instead of the story: 50, '#2'
    #[arg(value_name = "LINES|#TASK", num_args = 0..=2, value_parser = about)]
    pub(super) about: Vec<About>,
    /// The task whose output is wanted, without a # that a shell takes for a comment
    #[arg(long, value_name = "N")]
    pub(super) task: Option<u32>,
    /// Another session than the current one
    #[arg(long, value_name = "ID")]
    pub(super) session: Option<String>,
    /// Go on with what is said next, until the session ends or Ctrl-C
    #[arg(long, short, conflicts_with = "json")]
    pub(super) follow: bool,
    #[command(flatten)]
    shape: Shape,
}

/// A word behind `logs`.
#[derive(Clone, Copy, Debug)]
pub(super) enum About {
    Lines(usize),
    Task(TaskNumber),
}

impl Command {
    /// How the answer is wanted.
    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Resume(Plain { shape }) | Self::Tasks(Plain { shape }) => *shape,
            Self::Status(status) => status.shape,
            Self::Start(start) => start.shape,
            Self::Approve(approve) => approve.shape,
            Self::Reject(reject) => reject.shape,
            Self::Pause(pause) => pause.shape,
            Self::Skip(skip) => skip.shape,
            Self::Retry(retry) | Self::Continue(retry) => retry.shape,
            Self::Stop(stop) => stop.shape,
            Self::Sessions(sessions) => sessions.shape,
            Self::Logs(logs) => logs.shape,
            Self::Notifications(notifications) => match &notifications.wish {
                Some(NotificationWish::Retry(which) | NotificationWish::Drop(which)) => which.shape,
                None => notifications.shape,
            },
        }
    }
}

fn target(text: &str) -> Result<Target, String> {
    match words::target_and_words(text, false) {
        (target @ (Target::Gate(_) | Target::Task(_)), None) => Ok(target),
        (Target::Current | Target::Gate(_) | Target::Task(_), _) => {
            Err("it is neither a gate (g7_…) nor a task (2 or '#2')".to_owned())
        }
    }
}

fn gate(text: &str) -> Result<GateId, String> {
    match words::gate_and_words(text, false) {
        (Some(gate), None) => Ok(gate),
        (Some(_) | None, _) => Err("it is no gate (g7_…)".to_owned()),
    }
}

fn about(text: &str) -> Result<About, String> {
    let task = text.strip_prefix('#').and_then(words::task_number).map(About::Task);
    let lines = text.parse().ok().filter(|lines| LINES.contains(lines)).map(About::Lines);
    task.or(lines).ok_or_else(|| "it is neither a number of lines (1 to 1000) nor a task ('#2')".to_owned())
}
