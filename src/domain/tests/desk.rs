//! A session being driven: the engine's part of the work, with a clock and ids that can be foreseen.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::actor::Actor;
use crate::domain::change::{Effect, Transition, World};
use crate::domain::command::{Command, Opening, Order, Target};
use crate::domain::gate::Gate;
use crate::domain::hold::Hold;
use crate::domain::id::{GateId, RunId, SessionId, TaskNumber};
use crate::domain::limits::DayAccount;
use crate::domain::plan::{Plan, TaskSpec};
use crate::domain::policy::{ApprovalMode, Policy};
use crate::domain::refused::Refused;
use crate::domain::run::{Failure, Obstacle, Outcome, Verdict};
use crate::domain::session::{Open, Session, State, TaskFile, Work};
use crate::domain::transition::transition;
use crate::domain::usage::{Tokens, Usage};
use crate::domain::usd::Usd;

/// 2025-11-20 09:30:00 UTC.
const MORNING: i64 = 1_763_631_000;

#[derive(Clone)]
pub(super) struct Desk {
    pub(super) session: Option<Session>,
    pub(super) hold: Option<Hold>,
    last_hold: Option<Hold>,
    pub(super) sent_at: Option<Timestamp>,
    opening: Opening,
    seconds: i64,
    gates: u32,
    runs: i64,
    /// What each run costs, how many tokens it uses and how long it takes, and whether it changes the project.
    pub(super) price: Usd,
    pub(super) tokens: u64,
    pub(super) took: Duration,
    pub(super) changes: Option<bool>,
    /// Whether runs end without telling what they cost.
    pub(super) untold: bool,
    today: DayAccount,
    /// What the CLI has reported for each of its sessions, and which one the open run continues.
    reported: HashMap<String, (Usd, u64)>,
    resumes: Option<String>,
}

impl Desk {
    pub(super) fn new(tasks: Vec<TaskSpec>, policy: Policy) -> Self {
        let opening = Opening {
            id: SessionId::new("20251120-093000"),
            task_file: TaskFile { name: "2025-11-20-tasks.md".to_owned(), digest: "c0ffee".to_owned() },
            plan: Plan { title: None, tasks: tasks.into_iter().map(Arc::new).collect() },
            policy,
            rehearsal: false,
        };
        Self {
            session: None,
            hold: None,
            last_hold: None,
            sent_at: None,
            opening,
            seconds: 0,
            gates: 0,
            runs: 0,
            price: Usd::from_micros(420_000),
            tokens: 0,
            took: Duration::from_secs(27),
            changes: None,
            untold: false,
            today: DayAccount::new(day_of(MORNING)),
            reported: HashMap::new(),
            resumes: None,
        }
    }

    /// A desk at which the session has begun.
    pub(super) fn opened(tasks: Vec<TaskSpec>, policy: Policy) -> Self {
        Self::new(tasks, policy).then(Self::start)
    }

    /// Goes on from here, for chains.
    pub(super) fn then(mut self, step: impl FnOnce(&mut Self)) -> Self {
        step(&mut self);
        self
    }

    /// Gives a command a second after the one before, and keeps what the store would keep.
    pub(super) fn tell(&mut self, command: Command) -> Result<Transition, Refused> {
        self.pass(Duration::from_secs(1));
        let workers = matches!(command, Command::Claim { .. } | Command::Finish { .. });
        let by = if workers { Actor::worker() } else { Actor::named("ann") };
        let order = Order { command, by, sent_at: self.sent_at.take() };
        let transition = transition(self.session.as_ref(), &order, &self.world())?;
        self.session = Some(transition.session.clone());
        for effect in &transition.effects {
            match effect {
                Effect::OpenGate(_) => self.gates += 1,
                Effect::OpenRun { resume, .. } => {
                    self.runs += 1;
                    self.resumes.clone_from(resume);
                }
                Effect::BeginHold(hold) => {
                    self.hold = Some(hold.clone());
                    self.last_hold = Some(hold.clone());
                }
                Effect::GotThrough => self.last_hold = None,
                Effect::LiftHold => self.hold = None,
                Effect::CloseRun(_, outcome) => {
                    let usage = &outcome.usage;
                    self.today.book(usage);
                    let reported = self.reported.entry(usage.conversation.clone().unwrap()).or_default();
                    *reported = (reported.0 + usage.cost, reported.1 + usage.tokens());
                }
                Effect::GrantForToday(_, up_to) => self.today.grant(*up_to),
                Effect::CloseGate(..) => {}
            }
        }
        Ok(transition)
    }

    fn world(&self) -> World {
        World {
            now: self.now(),
            fresh_gate: GateId::from_random(self.gates),
            hold: self.hold.clone(),
            last_hold: self.last_hold.clone(),
            run_open: self.session.as_ref().is_some_and(|session| session.run().is_some()),
            today: self.today,
        }
    }

    /// Lets time go by.
    pub(super) fn pass(&mut self, time: Duration) {
        self.seconds += i64::try_from(time.as_secs()).unwrap();
        let today = day_of(MORNING + self.seconds);
        if self.today.day != today {
            self.today = DayAccount::new(today);
        }
    }

    pub(super) fn today(&self) -> DayAccount {
        self.today
    }

    /// Another session's run ends today.
    pub(super) fn spend_elsewhere(&mut self, cost: Usd) {
        self.today.cost += cost;
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_second(MORNING + self.seconds).unwrap()
    }

    pub(super) fn opening(&self) -> Command {
        Command::Start(Box::new(self.opening.clone()))
    }

    pub(super) fn claiming(&self) -> Command {
        Command::Claim { run: RunId(self.runs + 1) }
    }

    /// The end of the open run, or of one that isn't open when there is none.
    pub(super) fn finishing(&self, verdict: Verdict) -> Command {
        let run = self.session.as_ref().and_then(Session::run).map_or(RunId(99), |(run, _)| run);
        let conversation = self.resumes.clone().unwrap_or_else(|| format!("conversation-{run}"));
        let (cost, tokens) = self.reported.get(&conversation).copied().unwrap_or_default();
        let seen = Tokens { input: self.tokens, output: 0 };
        let told = Usage {
            cost: cost + self.price,
            input_tokens: tokens + self.tokens,
            conversation: Some(conversation),
            seen,
            ..Usage::default()
        };
        let usage = if self.untold {
            Usage { cost: Usd::default(), input_tokens: self.tokens, at_least: true, ..told }
        } else {
            told
        };
        let outcome = Outcome { usage, changed: self.changes, ..Outcome::bare(verdict) };
        Command::Finish { run, outcome: Box::new(outcome), took: self.took }
    }

    pub(super) fn gate(&self) -> Option<&Gate> {
        self.session.as_ref().and_then(Session::gate)
    }

    pub(super) fn session(&self) -> &Session {
        self.session.as_ref().unwrap()
    }

    /// Bends the open gate into what no command makes of it.
    pub(super) fn change_gate(&mut self, change: impl FnOnce(&mut Gate)) {
        if let Some(State::Open(Open { work: Work::Waiting { gate }, .. })) =
            self.session.as_mut().map(|session| &mut session.state)
        {
            change(gate);
        }
    }

    /// The answer to a command that must be carried out.
    pub(super) fn told(&mut self, command: Command) -> String {
        self.tell(command).unwrap().message
    }

    /// The sentence with which a command must be refused.
    pub(super) fn refused(&mut self, command: Command) -> String {
        self.tell(command).unwrap_err().to_string()
    }

    pub(super) fn start(&mut self) {
        self.told(self.opening());
    }

    pub(super) fn approve(&mut self) {
        self.told(approve());
    }

    /// Claims the ready task; the run stays open.
    pub(super) fn claim(&mut self) {
        self.told(self.claiming());
    }

    pub(super) fn finish(&mut self, verdict: Verdict) {
        self.told(self.finishing(verdict));
    }

    /// Claims the ready task and completes it.
    pub(super) fn work(&mut self) {
        self.claim();
        self.finish(completed());
    }
}

fn day_of(second: i64) -> Date {
    Timestamp::from_second(second).unwrap().to_zoned(TimeZone::UTC).date()
}

pub(super) fn task(number: u32, kind: &str) -> TaskSpec {
    TaskSpec {
        number: TaskNumber(number),
        title: format!("Do the {kind} part"),
        kind: kind.to_owned(),
        priority: None,
        requires_approval: None,
        description: None,
        acceptance_criteria: Vec::new(),
        instruction: Some("Do it".to_owned()),
        model: None,
        timeout: None,
        idle_timeout: None,
        check: None,
        depends_on: Vec::new(),
    }
}

pub(super) fn auto() -> Policy {
    Policy { approval_mode: ApprovalMode::Auto, ..Policy::default() }
}

pub(super) fn approve() -> Command {
    Command::Approve { gate: None, note: None }
}

pub(super) fn reject(feedback: &str) -> Command {
    Command::Reject { gate: None, feedback: Some(feedback.to_owned()) }
}

pub(super) fn pause() -> Command {
    Command::Pause { now: false }
}

pub(super) fn pause_now() -> Command {
    Command::Pause { now: true }
}

pub(super) fn skip() -> Command {
    Command::Skip { target: Target::Current }
}

pub(super) fn skip_task(number: u32) -> Command {
    Command::Skip { target: Target::Task(TaskNumber(number)) }
}

pub(super) fn retry() -> Command {
    Command::Retry { target: Target::Current, feedback: None }
}

pub(super) fn retry_task(number: u32) -> Command {
    Command::Retry { target: Target::Task(TaskNumber(number)), feedback: None }
}

/// Goes on with the current task's Claude session.
pub(super) fn proceed() -> Command {
    Command::Continue { target: Target::Current, feedback: None }
}

pub(super) fn proceed_with(number: u32) -> Command {
    Command::Continue { target: Target::Task(TaskNumber(number)), feedback: None }
}

pub(super) fn stop() -> Command {
    Command::Stop { gate: None }
}

pub(super) fn finish(run: RunId, verdict: Verdict) -> Command {
    let cost = Usd::from_micros(420_000);
    let usage = Usage { cost, conversation: Some(format!("conversation-{run}")), ..Usage::default() };
    let outcome = Box::new(Outcome { usage, ..Outcome::bare(verdict) });
    Command::Finish { run, outcome, took: Duration::from_secs(27) }
}

pub(super) fn completed() -> Verdict {
    Verdict::Completed { summary: "Done.".to_owned() }
}

pub(super) fn failed() -> Verdict {
    Verdict::Failed { failure: Failure::Reported { message: "no such table".to_owned() } }
}

pub(super) fn out_of_budget() -> Verdict {
    let message = "Reached maximum budget ($0.05)".to_owned();
    Verdict::Failed { failure: Failure::OutOfBudget { message } }
}

pub(super) fn usage_limit() -> Verdict {
    let message = "usage limit reached".to_owned();
    Verdict::Unavailable { obstacle: Obstacle::UsageLimit { resets_at: None, message } }
}
