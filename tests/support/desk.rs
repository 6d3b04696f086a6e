//! A session driven through the rules themselves, with a clock and ids that can be foreseen, to see what is said of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use orchestrator::domain::actor::Actor;
use orchestrator::domain::change::{Effect, World};
use orchestrator::domain::command::{Command, Opening, Order, Target};
use orchestrator::domain::event::{Event, Subject};
use orchestrator::domain::gate::Gate;
use orchestrator::domain::hold::Hold;
use orchestrator::domain::id::{GateId, RunId, SessionId, TaskNumber};
use orchestrator::domain::limits::DayAccount;
use orchestrator::domain::plan::{Plan, TaskSpec};
use orchestrator::domain::policy::{ApprovalMode, Policy};
use orchestrator::domain::recovery::Recovery;
use orchestrator::domain::refused::Refused;
use orchestrator::domain::run::{Failure, Obstacle, Outcome, Verdict};
use orchestrator::domain::session::{Session, TaskFile};
use orchestrator::domain::transition::transition;
use orchestrator::domain::usage::Usage;
use orchestrator::domain::usd::Usd;
use orchestrator::telegram::Scene;

/// 2025-11-20 09:30:00 UTC.
const MORNING: i64 = 1_763_631_000;

static UTC: TimeZone = TimeZone::UTC;

/// The engine's part of the work, without a database.
#[derive(Clone)]
pub struct Desk {
    pub session: Option<Session>,
    pub hold: Option<Hold>,
    pub commands: Vec<String>,
    pub denials: Vec<String>,
    /// What the next run leaves to be known of it.
    pub known: Recovery,
    pub rehearsal: bool,
    pub sent_at: Option<Timestamp>,
    tasks: Vec<TaskSpec>,
    policy: Policy,
    seconds: i64,
    gates: u32,
    runs: i64,
    last_hold: Option<Hold>,
    today: DayAccount,
}

/// What a command came to.
pub struct Told {
    pub events: Vec<Event>,
    pub message: String,
}

impl Desk {
    pub fn new(tasks: Vec<TaskSpec>, policy: Policy) -> Self {
        Self {
            session: None,
            hold: None,
            commands: Vec::new(),
            denials: Vec::new(),
            known: Recovery::default(),
            rehearsal: false,
            sent_at: None,
            tasks,
            policy,
            seconds: 0,
            gates: 0,
            runs: 0,
            last_hold: None,
            today: DayAccount::new(date(2025, 11, 20)),
        }
    }

    /// A desk at which the session has begun.
    pub fn opened(tasks: Vec<TaskSpec>, policy: Policy) -> Self {
        let mut desk = Self::new(tasks, policy);
        desk.start();
        desk
    }

    /// Goes on from here, in a copy.
    #[must_use]
    pub fn then(&self, step: impl FnOnce(&mut Self)) -> Self {
        let mut desk = self.clone();
        step(&mut desk);
        desk
    }

    pub fn scene(&self) -> Scene<'_> {
        Scene {
            session: self.session.as_ref(),
            hold: self.hold.as_ref(),
            now: self.now(),
            zone: &UTC,
            commands: &self.commands,
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(MORNING + self.seconds).unwrap()
    }

    pub fn wait(&mut self, seconds: i64) {
        self.seconds += seconds;
    }

    #[track_caller]
    pub fn tell(&mut self, command: Command) -> Told {
        self.try_to(command).unwrap()
    }

    /// Carries a command out as the engine would: Ana's, or the worker's.
    pub fn try_to(&mut self, command: Command) -> Result<Told, Refused> {
        let workers = matches!(command, Command::Claim { .. } | Command::Finish { .. });
        let by = if workers { Actor::worker() } else { Actor::named("Ana") };
        let order = Order { command, by, sent_at: self.sent_at.take() };
        let world = World {
            now: self.now(),
            fresh_gate: GateId::from_random(0x8_2b1f + self.gates * 7919),
            hold: self.hold.clone(),
            last_hold: self.last_hold.clone(),
            run_open: self.session.as_ref().is_some_and(|session| session.run().is_some()),
            today: self.today,
        };
        let next = transition(self.session.as_ref(), &order, &world)?;
        self.session = Some(next.session);
        for effect in &next.effects {
            match effect {
                Effect::OpenGate(_) => self.gates += 1,
                Effect::OpenRun { .. } => self.runs += 1,
                Effect::BeginHold(hold) => {
                    self.hold = Some(hold.clone());
                    self.last_hold = Some(hold.clone());
                }
                Effect::GotThrough => self.last_hold = None,
                Effect::LiftHold => self.hold = None,
                Effect::CloseRun(_, outcome) => {
                    self.today.book(&outcome.usage);
                }
                Effect::GrantForToday(_, up_to) => self.today.grant(*up_to),
                Effect::CloseGate(..) => {}
            }
        }
        Ok(Told { events: next.events, message: next.message })
    }

    pub fn session(&self) -> &Session {
        self.session.as_ref().unwrap()
    }

    pub fn gate(&self) -> &Gate {
        self.session().gate().unwrap()
    }

    pub fn subject(&self, task: u32) -> Subject {
        let session = self.session();
        let number = TaskNumber(task);
        Subject {
            task: number,
            of_total: session.of_total(number),
            title: session.task(number).unwrap().spec.title.clone(),
            rehearsal: session.rehearsal,
        }
    }

    pub fn opening(&self) -> Command {
        Command::Start(Box::new(Opening {
            id: SessionId::new("20251120-093000"),
            task_file: TaskFile { name: "2025-11-20-tasks.md".to_owned(), digest: "c0ffee".to_owned() },
            plan: Plan { title: None, tasks: self.tasks.iter().cloned().map(Arc::new).collect() },
            policy: self.policy.clone(),
            rehearsal: self.rehearsal,
        }))
    }

    pub fn start(&mut self) -> Told {
        self.tell(self.opening())
    }

    pub fn approve(&mut self) -> Told {
        self.wait(45);
        self.tell(Command::Approve { gate: None, note: None })
    }

    pub fn claim(&mut self) -> Told {
        self.wait(1);
        self.tell(Command::Claim { run: RunId(self.runs + 1) })
    }

    pub fn finish(&mut self, verdict: Verdict) -> Told {
        self.wait(27);
        let (run, task) = self.session().run().unwrap();
        let progress = &self.session().task(task).unwrap().progress;
        let before = progress.conversation.as_ref().map(|_| progress.reported.cost).unwrap_or_default();
        let conversation = Some("a-conversation".to_owned());
        let usage = if has_no_result(&verdict) {
            Usage { input_tokens: 8000, output_tokens: 800, at_least: true, conversation, ..Usage::default() }
        } else {
            Usage { cost: Usd::from_micros(420_000) + before, conversation, ..Usage::default() }
        };
        let denials = std::mem::take(&mut self.denials);
        let known = std::mem::take(&mut self.known);
        let outcome = Box::new(Outcome {
            usage,
            denials,
            changed: known.changed,
            changes: known.changes,
            last_activity: known.last_activity,
            ..Outcome::bare(verdict)
        });
        self.tell(Command::Finish { run, outcome, took: Duration::from_secs(27) })
    }

    /// Approves, claims and ends what comes next.
    pub fn work(&mut self, verdict: Verdict) -> Told {
        self.approve();
        self.claim();
        self.finish(verdict)
    }
}

/// Whether Claude was ended before it said what it had come to.
fn has_no_result(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Lost
            | Verdict::Failed {
                failure: Failure::TimedOut { .. }
                    | Failure::WentQuiet { .. }
                    | Failure::PrintedTooMuch { .. }
            }
    )
}

/// The seed's three tasks.
pub fn baptisms() -> Vec<TaskSpec> {
    vec![
        task(1, "Create baptisms migration", "database"),
        task(2, "Create baptisms server actions", "backend"),
        task(3, "Create baptisms UI - List page", "frontend"),
    ]
}

pub fn task(number: u32, title: &str, kind: &str) -> TaskSpec {
    TaskSpec {
        number: TaskNumber(number),
        title: title.to_owned(),
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

pub fn auto() -> Policy {
    Policy { approval_mode: ApprovalMode::Auto, ..Policy::default() }
}

pub fn completed(summary: &str) -> Verdict {
    Verdict::Completed { summary: summary.to_owned() }
}

pub fn reported(message: &str) -> Verdict {
    Verdict::Failed { failure: Failure::Reported { message: message.to_owned() } }
}

pub fn unavailable(obstacle: Obstacle) -> Verdict {
    Verdict::Unavailable { obstacle }
}

pub fn skip() -> Command {
    Command::Skip { target: Target::Current }
}

pub fn retry(feedback: Option<&str>) -> Command {
    Command::Retry { target: Target::Current, feedback: feedback.map(str::to_owned) }
}

pub fn reject(feedback: Option<&str>) -> Command {
    Command::Reject { gate: None, feedback: feedback.map(str::to_owned) }
}
