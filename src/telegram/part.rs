//! Each event as a part of a message.

use super::keyboard::{Button, Keyboard};
use super::text::Text;
use super::words::{self, numbered};
use super::{Scene, quoted};
use crate::domain::actor::Actor;
use crate::domain::duration::human;
use crate::domain::event::{Event, Figures, Subject, count};
use crate::domain::gate::Decision;
use crate::domain::hold::Hold;
use crate::domain::id::TaskNumber;
use crate::domain::session::{Session, Why};
use crate::domain::usd::Usd;
use std::time::Duration;

/// Claude's closing words.
const SUMMARY: usize = 1200;
/// What Claude wanted to do and wasn't allowed to.
const DENIALS: usize = 300;
/// Why a run failed.
const FAILURE: usize = 800;
/// The end of what a check printed.
const OUTPUT: usize = 600;
/// The name of a file.
const FILE: usize = 200;
/// How many tasks of a new session are listed.
const LISTED: usize = 15;

/// To whom it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ear {
    /// Someone who didn't ask: who did it is part of it.
    Others,
    /// The one who did it.
    Doer,
}

/// Which events happened beside one another: what one tells, another needn't.
pub(super) struct Telling<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) ear: Ear,
    pub(super) events: &'a [Event],
}

impl Telling<'_> {
    /// What an event adds to the message; gates are asked about in a card of their own.
    pub(super) fn part(&self, event: &Event) -> Text {
        match event {
            Event::SessionStarted { task_file, rehearsal, by, .. } => {
                self.session_started(task_file, *rehearsal, by)
            }
            Event::GateOpened { .. } => Text::default(),
            Event::GateClosed { subject, decision, by, words, gate } => {
                self.gate_closed(subject.as_ref(), *decision, by, words.as_deref(), gate.as_str())
            }
            Event::TaskStarted { subject, attempt, resumed, .. } => {
                self.task_started(subject, *attempt, *resumed)
            }
            Event::TaskCompleted { subject, summary, took, cost, denials, .. } => {
                completed(subject, summary, took, *cost, denials)
            }
            Event::TaskFailed { subject, failure, took, cost, .. } => {
                self.failed(subject, failure, took, *cost)
            }
            Event::TaskInterrupted { subject, .. } => Text::lines([
                heading("⚠️", subject, "was interrupted"),
                words::title(&subject.title),
                Text::plain("Its process is gone and left no result. What it changed so far is still there."),
            ]),
            Event::TaskSkipped { subject, by } => Text::lines([
                heading("⏭", subject, &format!("skipped{}", self.by(by))),
                words::title(&subject.title),
            ]),
            Event::TaskRetried { subject, by, feedback, continues } => {
                self.retried(subject, by, feedback.as_deref(), *continues)
            }
            Event::RunEnding { subject, why, by, .. } => self.ending(subject, *why, by),
            Event::RunSuspended { subject, continues, .. } => suspended(subject, *continues),
            Event::RunBlocked { subject, hold, .. } => Text::lines([
                held(hold),
                Text::plain(format!("{} waits; the attempt doesn't count", numbered(subject))),
                words::title(&subject.title),
                words::reason_and_end(hold, self.scene),
            ]),
            Event::RunOutOfBudget { subject, took, cost, continues, .. } => Text::lines([
                heading("💰", subject, "stopped at its budget"),
                words::title(&subject.title),
                figures(took, *cost),
                Text::plain(if *continues {
                    "The attempt doesn't count, and the next run goes on where this one stopped."
                } else {
                    "The attempt doesn't count."
                }),
            ]),
            Event::RunNotResumed { subject, message, .. } => Text::lines([
                heading("🔁", subject, "begins afresh"),
                Text::plain("Its Claude session can't be continued; the attempt doesn't count."),
                Text::quote(words::capitalised(&quoted::passage(message, FAILURE))),
            ]),
            Event::GotThrough { hold } => {
                Text::plain(format!("▶️ The hold is over ({})", words::held_by(hold.kind)))
            }
            Event::BudgetRaised { .. } => {
                let sentence = event.sentence();
                Text::plain(format!("💰 {sentence}"))
            }
            Event::RunNeverRan { subject, .. } => Text::lines([
                heading("🔁", subject, "is started again"),
                Text::plain("Its run was to begin when the daemon ended, and never did."),
            ]),
            Event::Paused { by } => self.paused(by),
            Event::Resumed { by } => self.resumed(by),
            Event::GateReminded { waited, .. } => {
                Text::bold(format!("🔔 Still waiting, for {} now", human(waited)))
            }
            Event::HoldBegan { hold } => Text::lines([held(hold), words::reason_and_end(hold, self.scene)]),
            Event::HoldEnded { hold, by } => {
                let (by, why) = (self.by(by), words::held_by(hold.kind));
                let what = if by.is_empty() { "The hold is over" } else { "Hold lifted" };
                Text::bold(format!("▶️ {what}{by} ({why})"))
            }
            Event::SessionCompleted { figures } => Text::lines([
                Text::bold(format!("🎉 Session complete!{}", words::rehearsal(figures.rehearsal))),
                self.ended("✅", figures),
            ]),
            Event::SessionStopped { figures, by } => Text::lines([
                Text::bold(format!(
                    "⏹ Session stopped{}{}",
                    self.by(by),
                    words::rehearsal(figures.rehearsal)
                )),
                self.ended("📊", figures),
            ]),
        }
    }

    /// ` by Ana`, to those who can't know; nobody needs to hear that the worker did it.
    fn by(&self, actor: &Actor) -> String {
        let told = *actor == Actor::policy() || (self.ear == Ear::Others && *actor != Actor::worker());
        if told { format!(" by {}", words::name(actor)) } else { String::new() }
    }

    fn session_started(&self, task_file: &str, rehearsal: bool, by: &Actor) -> Text {
        let tasks = self.scene.session.map(|session| session.tasks.as_slice()).unwrap_or_default();
        let mut found = vec![Text::plain(format!("Found {}:", count(tasks.len(), "task")))];
        found.extend(
            tasks
                .iter()
                .take(LISTED)
                .map(|task| Text::plain(format!("{}. {}", task.number(), words::listed(task)))),
        );
        if tasks.len() > LISTED {
            found.push(Text::plain(format!("… and {} more: /tasks", tasks.len() - LISTED)));
        }
        let by = self.by(by);
        Text::paragraphs([
            Text::lines([
                Text::bold("🤖 Orchestrator Starting…"),
                Text::plain(if by.is_empty() { String::new() } else { format!("Started{by}") }),
                Text::plain(if rehearsal { "🎭 A rehearsal: nothing will be changed" } else { "" }),
            ]),
            Text::plain(format!("📋 Loading tasks from: {}", quoted::line(task_file, FILE))),
            Text::lines(found),
        ])
    }

    fn gate_closed(
        &self,
        subject: Option<&Subject>,
        decision: Decision,
        by: &Actor,
        said: Option<&str>,
        gate: &str,
    ) -> Text {
        let about = subject.map_or("the session's end".to_owned(), numbered);
        let by = self.by(by);
        let heading = match decision {
            Decision::Approved => format!("✅ Approved{by}: {about}"),
            Decision::Rejected => format!("✏️ Rejected{by}: {about}"),
            Decision::Withdrawn => {
                return Text::plain(format!(
                    "Question {gate} about {about} is withdrawn, and asked again later"
                ));
            }
            // The event beside it says so.
            Decision::Retried | Decision::Continued | Decision::Skipped | Decision::Stopped => {
                return Text::default();
            }
        };
        let title = subject.filter(|_| decision == Decision::Approved);
        let wordless = decision == Decision::Rejected && said.is_none();
        let hint = if wordless { "Nothing was said about what should be different." } else { "" };
        Text::lines([
            Text::bold(heading),
            title.map(|subject| words::title(&subject.title)).into(),
            said.map(words::feedback).into(),
            Text::plain(hint),
        ])
    }

    fn task_started(&self, subject: &Subject, attempt: u32, resumed: bool) -> Text {
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

    fn failed(&self, subject: &Subject, failure: &str, took: &Duration, cost: Usd) -> Text {
        let output = self
            .scene
            .session
            .and_then(|session| session.task(subject.task))
            .and_then(|task| task.progress.check_output.as_deref())
            .map(|output| quoted::last_lines(output, OUTPUT).0);
        Text::paragraphs([
            Text::lines([
                heading("❌", subject, "failed"),
                words::title(&subject.title),
                figures(took, cost),
            ]),
            Text::lines([
                Text::quote(words::capitalised(&quoted::passage(failure, FAILURE))),
                output.map(Text::output).into(),
                rest_of(subject.task, failure, FAILURE),
            ]),
        ])
    }

    fn retried(&self, subject: &Subject, by: &Actor, feedback: Option<&str>, continues: bool) -> Text {
        let (icon, what) = if continues { ("▶️", "is continued") } else { ("🔁", "runs again") };
        Text::lines([
            heading(icon, subject, &format!("{what}{}", self.asked(by))),
            feedback.map(words::feedback).into(),
        ])
    }

    fn asked(&self, by_whom: &Actor) -> String {
        match self.by(by_whom) {
            by if by.is_empty() => by,
            by if *by_whom == Actor::policy() => format!(",{by}"),
            by => format!(", asked{by}"),
        }
    }

    fn ending(&self, subject: &Subject, why: Why, by: &Actor) -> Text {
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

    fn pauses(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Paused { .. }))
    }

    fn paused(&self, by: &Actor) -> Text {
        let session = self.scene.session;
        let current = session.and_then(|session| Some((session, session.current()?)));
        let now = self.events.iter().any(|event| matches!(event, Event::RunEnding { .. }));
        let running = current.filter(|(session, _)| session.run().is_some());
        let running = running.map(|(session, task)| words::task(session, task.number()));
        let running = running.map(|task| match now {
            true => interrupted_by_pause(&task),
            false => Text::plain(format!("{task} is running and goes on to its end.")),
        });
        Text::paragraphs([
            Text::bold(format!("⏸️ Orchestrator Paused{}", self.by(by))),
            Text::lines([
                current.map(|(session, task)| place(session, task.number())).into(),
                session.map(completed_of).into(),
            ]),
            running.into(),
            Text::plain("State saved. Use /resume to continue."),
        ])
    }

    fn resumed(&self, by: &Actor) -> Text {
        let current = self.scene.session.and_then(|session| Some((session, session.current()?)));
        let continuing = current.map(|(session, task)| {
            let place = Text::plain(format!("Continuing from: {}", words::task(session, task.number())));
            Text::lines([place, words::title(&task.spec.title)])
        });
        // The doer reads what comes next as a whole; others, that a task starts.
        let waits = self.scene.session.is_some_and(|session| session.gate().is_some());
        let continuing = continuing.filter(|_| self.ear == Ear::Others && waits);
        Text::paragraphs([Text::bold(format!("▶️ Orchestrator Resumed{}", self.by(by))), continuing.into()])
    }

    fn ended(&self, icon: &str, figures: &Figures) -> Text {
        let skipped =
            if figures.skipped > 0 { format!(", {} skipped", figures.skipped) } else { String::new() };
        let Figures { completed, total, took, cost, .. } = figures;
        let session = self.scene.session.map(|session| format!("Session: {}", session.id));
        Text::lines([
            Text::plain(format!("{icon} {completed} of {} done{skipped}", count(*total, "task"))),
            self::figures(took, *cost),
            session.map(Text::plain).into(),
        ])
    }
}

/// The buttons that an event brings, where no gate is open.
pub(super) fn buttons(event: &Event, scene: &Scene<'_>) -> Option<Keyboard> {
    let row = |buttons| Keyboard::of([buttons]);
    match event {
        Event::TaskFailed { subject, .. } => row(vec![Button::output(scene, subject.task)]),
        Event::Paused { .. } => row(vec![Button::resume(scene)]),
        Event::RunBlocked { hold, .. } | Event::HoldBegan { hold } if hold.until.is_none() => {
            row(vec![Button::resume(scene)])
        }
        Event::RunBlocked { .. } | Event::HoldBegan { .. } => row(vec![Button::status(scene)]),
        Event::SessionCompleted { .. } | Event::SessionStopped { .. } => {
            row(vec![Button::tasks(scene), Button::story(scene)])
        }
        Event::SessionStarted { .. }
        | Event::GateOpened { .. }
        | Event::GateClosed { .. }
        | Event::TaskStarted { .. }
        | Event::TaskCompleted { .. }
        | Event::TaskInterrupted { .. }
        | Event::TaskSkipped { .. }
        | Event::TaskRetried { .. }
        | Event::RunEnding { .. }
        | Event::RunSuspended { .. }
        | Event::RunOutOfBudget { .. }
        | Event::BudgetRaised { .. }
        | Event::GotThrough { .. }
        | Event::RunNotResumed { .. }
        | Event::RunNeverRan { .. }
        | Event::Resumed { .. }
        | Event::GateReminded { .. }
        | Event::HoldEnded { .. } => None,
    }
}

/// `✅ Task 1/3 complete!`
fn heading(icon: &str, subject: &Subject, what: &str) -> Text {
    Text::bold(format!("{icon} {} {what}{}", numbered(subject), words::rehearsal(subject.rehearsal)))
}

fn figures(took: &Duration, cost: Usd) -> Text {
    Text::plain(format!("⏱ {} · {cost}", human(took)))
}

fn completed(subject: &Subject, summary: &str, took: &Duration, cost: Usd, denials: &[String]) -> Text {
    let denied = if denials.is_empty() {
        Text::default()
    } else {
        Text::plain(format!("🚫 Was not allowed to: {}", quoted::line(&denials.join(", "), DENIALS)))
    };
    Text::paragraphs([
        Text::lines([heading("✅", subject, "Complete!"), words::title(&subject.title), figures(took, cost)]),
        Text::lines([
            Text::quote(quoted::passage(summary, SUMMARY)),
            rest_of(subject.task, summary, SUMMARY),
            denied,
        ]),
    ])
}

/// Where the rest is of what is told in part.
fn rest_of(task: TaskNumber, words: &str, told: usize) -> Text {
    if quoted::units(words) <= told {
        return Text::default();
    }
    Text::plain("The rest: ").and(Text::code(format!("/logs 100 #{task}")))
}

fn suspended(subject: &Subject, continues: bool) -> Text {
    let next = if continues { "goes on where it was" } else { "starts afresh" };
    Text::plain(format!("⏸️ The run of {} has ended for the pause; the next one {next}", numbered(subject)))
}

fn held(hold: &Hold) -> Text {
    Text::bold(format!("⏳ On hold: {}", words::held_by(hold.kind)))
}

fn interrupted_by_pause(task: &str) -> Text {
    Text::plain(format!("The run of {task} is being ended; after /resume it goes on where it was."))
}

/// `Current: Task 2/3`
fn place(session: &Session, task: TaskNumber) -> Text {
    Text::plain(format!("Current: {}", words::task(session, task)))
}

fn completed_of(session: &Session) -> Text {
    let counts = session.counts();
    Text::plain(format!("Completed: {}/{}", counts.completed, counts.total))
}
