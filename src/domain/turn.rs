//! The steps that a transition is made of: each changes the session and tells it in the same breath.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::actor::Actor;
use super::change::{Effect, Transition, World};
use super::command::{Opening, Order};
use super::event::{Event, Figures, Subject};
use super::gate::{About, Closing, Decision, Gate, Reason};
use super::id::TaskNumber;
use super::limits::{Allowance, DayAccount};
use super::purse::Purse;
use super::refused::Refused;
use super::session::{Open, Session, State, Work};
use super::task::{Approval, Progress, Task, TaskState};
use super::usage::Reported;

/// A transition in the making. While `work` is `None`, [`super::settle`] has to find what comes next.
pub(super) struct Turn<'a> {
    pub(super) session: Session,
    pub(super) work: Option<Work>,
    pub(super) paused: Option<Timestamp>,
    pub(super) owed: Vec<Reason>,
    pub(super) allowances: Vec<Allowance>,
    pub(super) fruitless: u32,
    pub(super) untold: u32,
    /// What the world knows of, and what this turn adds.
    pub(super) today: DayAccount,
    pub(super) ended: Option<State>,
    pub(super) world: &'a World,
    pub(super) by: &'a Actor,
    pub(super) events: Vec<Event>,
    pub(super) effects: Vec<Effect>,
    pub(super) message: Option<String>,
}

impl<'a> Turn<'a> {
    pub(super) fn begin(opening: &Opening, order: &'a Order, world: &'a World) -> Self {
        let session = Session {
            id: opening.id.clone(),
            task_file: opening.task_file.clone(),
            policy: opening.policy.clone(),
            rehearsal: opening.rehearsal,
            started_at: world.now,
            last_activity: world.now,
            tasks: opening.plan.tasks.iter().map(|spec| Arc::new(Task::new(spec.clone()))).collect(),
            state: State::Completed { at: world.now },
        };
        let mut turn = Self::new(session, order, world);
        turn.owed = vec![Reason::Start];
        turn.tell(Event::SessionStarted {
            task_file: opening.task_file.name.clone(),
            tasks: opening.plan.tasks.len(),
            rehearsal: opening.rehearsal,
            by: order.by.clone(),
        });
        turn
    }

    pub(super) fn of(session: &Session, order: &'a Order, world: &'a World) -> Self {
        let mut turn = Self::new(session.clone(), order, world);
        if let Some(Open { work, paused, owed, allowances, fruitless, untold }) = session.open() {
            turn.work = Some(work.clone());
            turn.paused = *paused;
            turn.owed.clone_from(owed);
            turn.allowances.clone_from(allowances);
            turn.fruitless = *fruitless;
            turn.untold = *untold;
        }
        turn
    }

    fn new(session: Session, order: &'a Order, world: &'a World) -> Self {
        Self {
            session,
            work: None,
            paused: None,
            owed: Vec::new(),
            allowances: Vec::new(),
            fruitless: 0,
            untold: 0,
            today: world.today,
            ended: None,
            world,
            by: &order.by,
            events: Vec::new(),
            effects: Vec::new(),
            message: None,
        }
    }

    /// Closes the turn: the state is put together again, and the answer with it.
    pub(super) fn done(mut self) -> Transition {
        self.session.state = match (self.ended, self.work) {
            (Some(ended), _) => ended,
            (None, Some(work)) => State::Open(Open {
                work,
                paused: self.paused,
                owed: self.owed,
                allowances: self.allowances,
                fruitless: self.fruitless,
                untold: self.untold,
            }),
            (None, None) => State::Completed { at: self.world.now },
        };
        if !self.events.is_empty() {
            self.session.last_activity = self.world.now;
        }
        let told = || self.events.iter().map(Event::sentence).collect::<Vec<_>>().join("\n");
        let message = self.message.unwrap_or_else(told);
        Transition { session: self.session, events: self.events, effects: self.effects, message }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Nothing to do, and that is fine.
    pub(super) fn already(&mut self, message: &str) {
        self.message = Some(message.to_owned());
    }

    pub(super) fn stop_by(&mut self, by: Actor) {
        self.ended = Some(State::Stopped { at: self.world.now });
        let figures = self.figures();
        self.tell(Event::SessionStopped { figures, by });
    }

    /// What the session has come to by now.
    pub(super) fn figures(&self) -> Figures {
        let counts = self.session.counts();
        let took = self.world.now.duration_since(self.session.started_at);
        Figures {
            rehearsal: self.session.rehearsal,
            completed: counts.completed,
            skipped: counts.skipped,
            total: counts.total,
            took: Duration::try_from(took).unwrap_or_default(),
            cost: self.session.cost(),
        }
    }

    /// Closes the open gate, whose question no longer matters; what it was owed for stays owed.
    pub(super) fn withdraw(&mut self) {
        match self.work.take() {
            Some(Work::Waiting { gate }) => {
                self.close(&gate, Decision::Withdrawn, None);
                self.owe(&gate);
            }
            Some(Work::Running { task, run, gate: Some(gate) }) => {
                self.close(&gate, Decision::Withdrawn, None);
                self.work = Some(Work::Running { task, run, gate: None });
            }
            other => self.work = other,
        }
    }

    pub(super) fn mark_skipped(&mut self, task: TaskNumber, by: Actor) {
        self.end_task(task, TaskState::Skipped);
        self.owed.retain(|reason| !matches!(reason, Reason::Rejected { task: about, .. } if *about == task));
        let at_it = match &self.work {
            Some(Work::Waiting { gate }) => gate.task() == Some(task),
            Some(Work::Ready { task: ready }) => *ready == task,
            Some(Work::Running { .. } | Work::Ending { .. }) | None => false,
        };
        if at_it {
            self.work = None;
        }
        let event = Event::TaskSkipped { subject: self.subject(task), by };
        self.tell(event);
    }

    pub(super) fn make_ready(&mut self, task: TaskNumber, by: Actor) {
        let at = self.world.now;
        self.progress(task).approval.get_or_insert(Approval { by, at, again: false });
        self.work = Some(Work::Ready { task });
    }

    /// What the session may still spend.
    pub(super) fn purse(&self) -> Purse<'_> {
        Purse { session: &self.session, allowances: &self.allowances, today: self.today }
    }

    pub(super) fn open_gate(&mut self, about: About) {
        let gate = Gate { id: self.world.fresh_gate.clone(), about, opened_at: self.world.now };
        let subject = gate.task().map(|task| self.subject(task));
        self.effects.push(Effect::OpenGate(gate.clone()));
        self.tell(Event::GateOpened { gate: gate.clone(), subject });
        self.work = Some(Work::Waiting { gate });
    }

    pub(super) fn subject(&self, number: TaskNumber) -> Subject {
        Subject {
            task: number,
            of_total: self.session.of_total(number),
            title: self.session.task(number).map_or(String::new(), |task| task.spec.title.clone()),
            rehearsal: self.session.rehearsal,
        }
    }

    /// Puts an ended task in line again; being asked for is its approval. It goes on with its Claude session, if that is
    /// what is wanted, or begins from scratch.
    pub(super) fn ask_again_by(
        &mut self,
        task: TaskNumber,
        by: Actor,
        feedback: Option<String>,
        continues: bool,
    ) {
        let at = self.world.now;
        let progress = self.progress(task);
        progress.state = TaskState::Pending;
        progress.approval = Some(Approval { by: by.clone(), at, again: true });
        let recovery = progress.recovery.take();
        if let Some(recovery) = recovery.filter(|_| continues) {
            progress.conversation = recovery.conversation;
            progress.reported = recovery.reported;
        }
        let event = Event::TaskRetried { subject: self.subject(task), by, feedback, continues };
        self.tell(event);
    }

    pub(super) fn close(&mut self, gate: &Gate, decision: Decision, words: Option<&String>) {
        if matches!(gate.about, About::Failed { .. } | About::Interrupted { .. })
            && decision != Decision::Withdrawn
        {
            self.has_been_looked_at();
        }
        let closing = Closing { decision, by: self.by.clone(), at: self.world.now };
        self.effects.push(Effect::CloseGate(gate.id.clone(), closing));
        let event = Event::GateClosed {
            gate: gate.id.clone(),
            subject: gate.task().map(|task| self.subject(task)),
            decision,
            by: self.by.clone(),
            words: words.cloned(),
        };
        self.tell(event);
    }

    /// A person has seen what the last runs came to: what follows is counted anew.
    pub(super) fn has_been_looked_at(&mut self) {
        (self.fruitless, self.untold) = (0, 0);
    }

    /// Hands on those reasons of a closed gate that wouldn't be found again: what lies in a task itself would be.
    pub(super) fn owe(&mut self, gate: &Gate) {
        let About::Before { reasons, .. } = &gate.about else { return };
        let outlives = |reason: &&Reason| match reason {
            Reason::Start | Reason::Checkpoint { .. } | Reason::Rejected { .. } => true,
            Reason::Manual
            | Reason::Required
            | Reason::Requested
            | Reason::ApproveBefore
            | Reason::Dependency { .. }
            | Reason::Spent { .. }
            | Reason::Fruitless { .. }
            | Reason::Untold { .. } => false,
        };
        self.owed.extend(reasons.iter().filter(outlives).cloned());
    }

    pub(super) fn known(&self, number: TaskNumber) -> Result<&Task, Refused> {
        self.session.task(number).map(AsRef::as_ref).ok_or_else(|| {
            let numbers: Vec<String> =
                self.session.tasks.iter().map(|task| task.number().to_string()).collect();
            Refused::Unknown(format!(
                "there is no task {number} in this session: it has {}",
                match numbers.as_slice() {
                    [only] => format!("task {only} only"),
                    [first, .., last] if numbers.len() > 12 => {
                        format!("{} tasks, {first} to {last}", numbers.len())
                    }
                    numbers => format!("tasks {}", numbers.join(", ")),
                }
            ))
        })
    }

    pub(super) fn end_task(&mut self, task: TaskNumber, state: TaskState) -> &mut Progress {
        let progress = self.progress(task);
        progress.state = state;
        progress.approval = None;
        progress.conversation = None;
        progress.reported = Reported::default();
        progress.recovery = None;
        progress
    }

    /// The one way to change a task: what isn't touched stays shared with the session before.
    pub(super) fn progress(&mut self, number: TaskNumber) -> &mut Progress {
        let at = self.session.tasks.iter().position(|task| task.number() == number).unwrap_or_default();
        &mut Arc::make_mut(&mut self.session.tasks[at]).progress
    }
}
