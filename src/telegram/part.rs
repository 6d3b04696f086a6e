//! Each event as a part of a message.

use super::keyboard::{Button, Keyboard};
use super::run::{self, Spent, heading};
use super::text::Text;
use super::words::{self, numbered};
use super::{Scene, quoted};
use crate::domain::actor::Actor;
use crate::domain::duration::human;
use crate::domain::event::{Event, Figures, Subject};
use crate::domain::gate::Decision;
use crate::domain::hold::Hold;
use crate::domain::id::TaskNumber;
use crate::domain::number::count;
use crate::domain::session::Session;
use crate::domain::usage::Cost;
use crate::domain::usd::Usd;

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
                self.completed(subject, summary, Spent { took, cost: *cost }, denials)
            }
            Event::TaskFailed { subject, failure, took, cost, .. } => {
                self.failed(subject, failure, Spent { took, cost: *cost })
            }
            Event::TaskInterrupted { subject, .. } => self.interrupted(subject),
            Event::TaskSkipped { subject, by } => Text::lines([
                heading("⏭", subject, &format!("skipped{}", self.by(by))),
                words::title(&subject.title),
            ]),
            Event::TaskRetried { subject, by, feedback, continues } => {
                self.retried(subject, by, feedback.as_deref(), *continues)
            }
            Event::RunEnding { subject, why, by, .. } => self.ending(subject, *why, by),
            Event::RunSuspended { subject, continues, .. } => run::suspended(subject, *continues),
            Event::RunBlocked { subject, hold, .. } => Text::lines([
                held(hold),
                Text::plain(format!("{} waits; the attempt doesn't count", numbered(subject))),
                words::title(&subject.title),
                words::reason_and_end(hold, self.scene),
            ]),
            Event::RunOutOfBudget { subject, took, cost, continues, .. } => Text::lines([
                heading("💰", subject, "stopped at its budget"),
                words::title(&subject.title),
                run::figures(Spent { took, cost: told(*cost) }),
                Text::plain(if *continues {
                    "The attempt doesn't count, and the next run goes on where this one stopped."
                } else {
                    "The attempt doesn't count."
                }),
            ]),
            Event::RunNotResumed { subject, message, .. } => Text::lines([
                heading("🔁", subject, "begins afresh"),
                Text::plain("Its Claude session can't be continued; the attempt doesn't count."),
                Text::quote(words::capitalised(&quoted::passage(message, run::FAILURE))),
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
            Event::DatabaseReplaced { .. } => {
                Text::lines([Text::bold("🚨 A new database was begun"), Text::plain(event.sentence())])
            }
            Event::DatabaseRestored { .. } => {
                Text::lines([Text::bold("🗄 Database restored"), Text::plain(event.sentence())])
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
    pub(super) fn by(&self, actor: &Actor) -> String {
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
            let list = if self.scene.offers("tasks") { ": /tasks" } else { "" };
            found.push(Text::plain(format!("… and {} more{list}", tasks.len() - LISTED)));
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

    fn paused(&self, by: &Actor) -> Text {
        let session = self.scene.session;
        let current = session.and_then(|session| Some((session, session.current()?)));
        let now = self.events.iter().any(|event| matches!(event, Event::RunEnding { .. }));
        let running = current.filter(|(session, _)| session.run().is_some());
        let running = running.map(|(session, task)| words::task(session, task.number()));
        let goes_on = |task: &str| Text::plain(format!("{task} is running and goes on to its end."));
        let running = running.map(|task| if now { run::interrupted_by_pause(&task) } else { goes_on(&task) });
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
            run::figures(Spent { took, cost: *cost }),
            session.map(Text::plain).into(),
        ])
    }
}

/// A cost that a result told.
fn told(cost: Usd) -> Cost {
    Cost { known: cost, at_least: false }
}

/// The buttons that an event brings, where no gate is open.
pub(super) fn buttons(event: &Event, scene: &Scene<'_>) -> Option<Keyboard> {
    let row = |buttons| Keyboard::of([buttons]);
    match event {
        Event::TaskFailed { subject, .. } => row(vec![Button::output(scene, subject.task)]),
        Event::Paused { .. } => row(vec![Button::resume(scene)]),
        Event::RunBlocked { hold, .. } | Event::HoldBegan { hold } if !hold.ends_by_itself() => {
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
        | Event::DatabaseReplaced { .. }
        | Event::DatabaseRestored { .. }
        | Event::HoldEnded { .. } => None,
    }
}

fn held(hold: &Hold) -> Text {
    Text::bold(format!("⏳ On hold: {}", words::held_by(hold.kind)))
}

/// `Current: Task 2/3`
fn place(session: &Session, task: TaskNumber) -> Text {
    Text::plain(format!("Current: {}", words::task(session, task)))
}

fn completed_of(session: &Session) -> Text {
    let counts = session.counts();
    Text::plain(format!("Completed: {}/{}", counts.completed, counts.total))
}
