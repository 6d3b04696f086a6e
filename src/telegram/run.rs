//! The parts that a task's runs bring to a message: how they began and what they came to.

use std::time::Duration;

use super::part::Telling;
use super::rank::is_stopped_by_a_person;
use super::text::Text;
use super::words::{self, numbered};
use super::{Scene, quoted};
use crate::domain::actor::Actor;
use crate::domain::duration::human;
use crate::domain::event::{Event, Subject};
use crate::domain::id::TaskNumber;
use crate::domain::session::Why;
use crate::domain::usage::Cost;

/// Claude's closing words.
const SUMMARY: usize = 1200;
/// What Claude wanted to do and wasn't allowed to.
const DENIALS: usize = 300;
/// Why a run failed.
pub(super) const FAILURE: usize = 800;
/// The end of what a check printed.
const OUTPUT: usize = 600;

/// What a run used up.
#[derive(Clone, Copy)]
pub(super) struct Spent<'a> {
    pub(super) took: &'a Duration,
    pub(super) cost: Cost,
}

impl Telling<'_> {
    pub(super) fn task_started(&self, subject: &Subject, attempt: u32, resumed: bool) -> Text {
        let verb = match (resumed, subject.rehearsal) {
            (true, _) => "Continuing",
            (false, true) => "Rehearsing",
            (false, false) => "Executing",
        };
        let task = self.scene.session.and_then(|session| session.task(subject.task));
        let approved = task
            .and_then(|task| task.progress.approval.as_ref())
            .and_then(|approval| words::person(&approval.by))
            .map_or(String::new(), |name| format!("Approved by {name}"));
        let attempt = if attempt > 1 { format!("Attempt {attempt}") } else { String::new() };
        Text::paragraphs([
            Text::lines([
                Text::bold(format!("⚙️ {verb} {}", numbered(subject))),
                task.map_or_else(|| words::title(&subject.title), |task| words::described(task)),
                Text::plain(approved),
                Text::plain(attempt),
            ]),
            Text::plain("Please wait…"),
        ])
    }

    pub(super) fn completed(
        &self,
        subject: &Subject,
        summary: &str,
        spent: Spent<'_>,
        denials: &[String],
    ) -> Text {
        let denied = if denials.is_empty() {
            Text::default()
        } else {
            Text::plain(format!("🚫 Was not allowed to: {}", quoted::line(&denials.join(", "), DENIALS)))
        };
        Text::paragraphs([
            Text::lines([heading("✅", subject, "Complete!"), words::title(&subject.title), figures(spent)]),
            Text::lines([
                Text::quote(quoted::passage(summary, SUMMARY)),
                rest(subject.task, summary, SUMMARY, self.scene),
                denied,
            ]),
        ])
    }

    pub(super) fn failed(&self, subject: &Subject, failure: &str, spent: Spent<'_>) -> Text {
        let output = self
            .scene
            .session
            .and_then(|session| session.task(subject.task))
            .and_then(|task| task.progress.check_output.as_deref())
            .map(|output| quoted::last_lines(output, OUTPUT).0);
        Text::paragraphs([
            Text::lines([heading("❌", subject, "failed"), words::title(&subject.title), figures(spent)]),
            Text::lines([
                Text::quote(words::capitalised(&quoted::passage(failure, FAILURE))),
                output.map(Text::output).into(),
                rest(subject.task, failure, FAILURE, self.scene),
            ]),
        ])
    }

    /// A run that ended without a verdict: by itself, or because somebody stopped the session.
    pub(super) fn interrupted(&self, subject: &Subject) -> Text {
        let why = if is_stopped_by_a_person(self.events) {
            "Its run was ended. What it changed so far is still there."
        } else {
            "Its process is gone and left no result. What it changed so far is still there."
        };
        Text::lines([
            heading("⚠️", subject, "was interrupted"),
            words::title(&subject.title),
            Text::plain(why),
        ])
    }

    pub(super) fn retried(
        &self,
        subject: &Subject,
        by: &Actor,
        feedback: Option<&str>,
        continues: bool,
    ) -> Text {
        let (icon, what) = if continues { ("▶️", "is continued") } else { ("🔁", "runs again") };
        Text::lines([
            heading(icon, subject, &format!("{what}{}", self.asked(by))),
            feedback.map(words::feedback).into(),
        ])
    }

    pub(super) fn ending(&self, subject: &Subject, why: Why, by: &Actor) -> Text {
        let by = self.by(by);
        let task = numbered(subject);
        match why {
            // The pause itself says so.
            Why::Pause if self.pauses() => Text::default(),
            Why::Pause => interrupted_by_pause(&task),
            Why::Skip => Text::lines([
                Text::bold(format!("⏭ Skipping {task}{by}")),
                words::title(&subject.title),
                Text::plain("Its run is being ended first."),
            ]),
            Why::Stop => Text::lines([
                Text::bold(format!("⏹ Stopping the session{by}")),
                Text::plain(format!("The run of {task} is being ended first.")),
            ]),
        }
    }

    fn asked(&self, by_whom: &Actor) -> String {
        match self.by(by_whom) {
            by if by.is_empty() => by,
            by if *by_whom == Actor::policy() => format!(",{by}"),
            by => format!(", asked{by}"),
        }
    }

    fn pauses(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Paused { .. }))
    }
}

/// `✅ Task 1/3 complete!`
pub(super) fn heading(icon: &str, subject: &Subject, what: &str) -> Text {
    Text::bold(format!("{icon} {} {what}{}", numbered(subject), words::rehearsal(subject.rehearsal)))
}

pub(super) fn figures(spent: Spent<'_>) -> Text {
    Text::plain(format!("⏱ {} · {}", human(spent.took), spent.cost))
}

pub(super) fn suspended(subject: &Subject, continues: bool) -> Text {
    let next = if continues { "goes on where it was" } else { "starts afresh" };
    Text::plain(format!("⏸️ The run of {} has ended for the pause; the next one {next}", numbered(subject)))
}

pub(super) fn interrupted_by_pause(task: &str) -> Text {
    Text::plain(format!("The run of {task} is being ended; after /resume it goes on where it was."))
}

/// Where the rest is of what is told in part.
fn rest(task: TaskNumber, words: &str, told: usize, scene: &Scene<'_>) -> Text {
    if quoted::units(words) <= told || !scene.offers("logs") {
        return Text::default();
    }
    Text::plain("The rest: ").and(Text::code(format!("/logs 100 #{task}")))
}
