//! A second opinion on what may start, written from the contract's words and not from the code's.
//!
//! It sees commands, opened gates and verdicts; it never asks how the session decided.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::change::{Effect, Transition};
use crate::domain::command::{Command, Target};
use crate::domain::gate::{About, Gate, Next, Reason};
use crate::domain::id::{GateId, RunId, TaskNumber};
use crate::domain::limits::Limits;
use crate::domain::policy::{ApprovalMode, OnTrouble, Policy};
use crate::domain::run::{Failure, Outcome, Verdict};
use crate::domain::session::{Session, Why, Work};
use crate::domain::task::TaskState;
use crate::domain::usd::Usd;

#[derive(Default)]
pub(super) struct Shadow {
    /// Gates that were opened, and those of them that are open.
    gates: HashSet<GateId>,
    open_gates: HashSet<GateId>,
    open_runs: HashMap<RunId, TaskNumber>,
    /// What nobody has answered yet, whichever task comes next.
    unanswered: Vec<Reason>,
    /// For each task, the reasons that an approval of it answered.
    approved: HashMap<TaskNumber, Vec<Reason>>,
    /// Tasks that someone asked to run again.
    retried: HashSet<TaskNumber>,
    attempts: HashMap<TaskNumber, u32>,
    spent: Usd,
    purse: Purse,
}

/// What was used up of each budget, in millionths, tokens or seconds, and what people granted beyond the limits.
#[derive(Default)]
struct Purse {
    /// The newest figure of each of the CLI's own sessions, which goes on counting when one is resumed.
    told: HashMap<String, (i64, i64)>,
    tasks: HashMap<TaskNumber, i64>,
    session: i64,
    seconds: i64,
    days: HashMap<Date, (i64, i64)>,
    granted: HashMap<(&'static str, Option<TaskNumber>, Option<Date>), i64>,
    fruitless: u32,
    today: Option<Date>,
}

impl Purse {
    /// Whether one of the budgets that are counted in money has nothing left.
    fn is_out_of_money(&self, limits: &Limits, task: TaskNumber, day: Option<Date>) -> bool {
        let budgets = self.budgets(limits, task, day.unwrap_or_default());
        budgets.iter().any(|looked| looked.key.0.starts_with("cost") && looked.used >= looked.allowed)
    }

    fn book(&mut self, task: TaskNumber, day: Date, outcome: &Outcome, took: Duration) {
        self.today = Some(day);
        let usage = &outcome.usage;
        let now = (usage.cost.micros(), i64::try_from(usage.tokens()).unwrap());
        let before = self.told.insert(usage.conversation.clone().unwrap(), now).unwrap_or_default();
        let (cost, tokens) = (now.0 - before.0, now.1 - before.1);
        *self.tasks.entry(task).or_default() += cost;
        self.session += cost;
        self.seconds += i64::try_from(took.as_secs()).unwrap();
        let of_day = self.days.entry(day).or_default();
        *of_day = (of_day.0 + cost, of_day.1 + tokens);
    }

    /// For each budget that is limited: its word, whose it is, how much is used and how much is allowed.
    fn budgets(&self, limits: &Limits, task: TaskNumber, day: Date) -> Vec<Looked> {
        let (cost, tokens) = self.days.get(&day).copied().unwrap_or_default();
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap();
        let rows = [
            (
                "cost_per_task",
                Some(task),
                None,
                self.tasks.get(&task).copied().unwrap_or(0),
                limits.cost_per_task.map(Usd::micros),
            ),
            ("cost_per_session", None, None, self.session, limits.cost_per_session.map(Usd::micros)),
            ("cost_per_day", None, Some(day), cost, limits.cost_per_day.map(Usd::micros)),
            ("tokens_per_day", None, Some(day), tokens, limits.tokens_per_day.map(u64::cast_signed)),
            ("runtime_per_session", None, None, self.seconds, limits.runtime_per_session.map(seconds)),
        ];
        let limited = rows.into_iter().filter_map(|(word, task, day, used, limit)| {
            let key = (word, task, day);
            Some(Looked { key, used, limit: limit?, allowed: *self.granted.get(&key).unwrap_or(&limit?) })
        });
        limited.collect()
    }

    /// An approval of a gate that says which budgets are used up grants each once more.
    fn grant(&mut self, limits: &Limits, reasons: &[Reason], task: TaskNumber, day: Date) {
        for reason in reasons {
            match reason {
                Reason::Spent { budget, .. } => {
                    for looked in self.budgets(limits, task, day) {
                        if looked.key.0 == budget.as_str() && looked.used >= looked.allowed {
                            self.granted.insert(looked.key, looked.used + looked.limit);
                        }
                    }
                }
                Reason::Fruitless { .. } => self.fruitless = 0,
                _ => {}
            }
        }
    }
}

struct Looked {
    key: (&'static str, Option<TaskNumber>, Option<Date>),
    used: i64,
    limit: i64,
    allowed: i64,
}

impl Shadow {
    /// Takes in one command that was carried out; complains about what must never happen.
    pub(super) fn see(
        &mut self,
        before: Option<&Session>,
        command: &Command,
        after: &Transition,
    ) -> Result<(), String> {
        let gate = before.and_then(Session::gate);
        match command {
            Command::Start(_) => {
                let days = std::mem::take(&mut self.purse.days);
                let told = std::mem::take(&mut self.purse.told);
                let mut granted = std::mem::take(&mut self.purse.granted);
                granted.retain(|(_, _, day), _| day.is_some());
                *self = Self {
                    gates: std::mem::take(&mut self.gates),
                    purse: Purse { told, days, granted, ..Purse::default() },
                    ..Self::default()
                };
                self.unanswered.push(Reason::Start);
            }
            Command::Approve { .. } => {
                self.approve(gate);
                if let Some(About::Before { next: Next::Task(task), reasons }) = gate.map(|gate| &gate.about)
                {
                    self.purse.grant(&after.session.policy.limits, reasons, *task, day_of(after));
                }
            }
            Command::Reject { feedback, .. } => self.reject(gate, feedback.clone()),
            Command::Retry { target, .. } | Command::Continue { target, .. } => self.retry(before, target),
            Command::Skip { target } => self.skip(before, target),
            Command::Claim { .. } => self.claim(before, after)?,
            Command::Finish { run, outcome, took } => {
                let task = *self.open_runs.get(run).ok_or_else(|| format!("run {run} wasn't open"))?;
                self.purse.book(task, day_of(after), outcome, *took);
                self.spent = Usd::from_micros(self.purse.session);
                self.finish(before, task, outcome)?;
            }
            Command::Pause { .. } | Command::Resume | Command::Stop { .. } => {}
        }
        self.account(after)
    }

    fn approve(&mut self, gate: Option<&Gate>) {
        let Some(About::Before { next, reasons }) = gate.map(|gate| &gate.about) else { return };
        self.unanswered.retain(|reason| !reasons.contains(reason));
        if let Next::Task(task) = next {
            self.approved.entry(*task).or_default().extend(reasons.iter().cloned());
        }
    }

    /// A no stands until something is approved, or until its task is run again or skipped.
    fn reject(&mut self, gate: Option<&Gate>, feedback: Option<String>) {
        let Some(About::Before { next, reasons }) = gate.map(|gate| &gate.about) else { return };
        let looked_at = reasons.iter().find_map(checkpoint);
        let next = match next {
            Next::Task(task) => Some(*task),
            Next::End => None,
        };
        self.unanswered.retain(|reason| rejected(reason).is_none());
        if let Some(task) = looked_at.or(next) {
            self.unanswered.push(Reason::Rejected { task, feedback });
        }
    }

    fn retry(&mut self, before: Option<&Session>, target: &Target) {
        self.purse.fruitless = 0;
        let task = match target {
            Target::Task(task) => Some(*task),
            Target::Current | Target::Gate(_) => before.and_then(Session::gate).and_then(Gate::retriable),
        };
        if let Some(task) = task {
            self.retried.insert(task);
            self.settled(task);
        }
    }

    fn skip(&mut self, before: Option<&Session>, target: &Target) {
        let asked = before.and_then(Session::gate);
        let at_it = |gate: &Gate| match target {
            Target::Task(task) => gate.task() == Some(*task),
            Target::Current | Target::Gate(_) => true,
        };
        if asked.is_some_and(|gate| gate.kind() != "before" && at_it(gate)) {
            self.purse.fruitless = 0;
        }
        let current = || before.and_then(Session::current).map(|task| task.number());
        let task = match target {
            Target::Task(task) => Some(*task),
            Target::Current | Target::Gate(_) => current(),
        };
        let running = before.and_then(Session::run).map(|(_, task)| task);
        if let Some(task) = task.filter(|task| Some(*task) != running) {
            self.gone_past(task);
        }
    }

    /// Nobody needs to look at this task's last result any more.
    fn settled(&mut self, task: TaskNumber) {
        self.unanswered.retain(|reason| checkpoint(reason) != Some(task) && rejected(reason) != Some(task));
    }

    fn gone_past(&mut self, task: TaskNumber) {
        self.unanswered.retain(|reason| rejected(reason) != Some(task));
        self.retried.remove(&task);
        self.approved.remove(&task);
    }

    fn claim(&mut self, before: Option<&Session>, after: &Transition) -> Result<(), String> {
        let before = before.ok_or("claimed without a session")?;
        let day = day_of(after);
        let limits = &before.policy.limits;
        let Some((run, number)) = after.session.run() else {
            let asks = after.session.gate().is_some_and(|gate| {
                let About::Before { reasons, .. } = &gate.about else { return false };
                reasons.iter().any(|reason| matches!(reason, Reason::Spent { .. }))
            });
            return if asks { Ok(()) } else { Err("claimed, and neither ran nor asked".to_owned()) };
        };
        if let Some(looked) =
            self.purse.budgets(limits, number, day).iter().find(|looked| looked.used >= looked.allowed)
        {
            let Looked { key: (word, ..), used, allowed, .. } = looked;
            return Err(format!("task {number} started with {used} of {allowed} used up of {word}"));
        }
        if limits.failures_in_a_row.is_some_and(|most| self.purse.fruitless >= most) {
            return Err(format!("task {number} started after {} failures", self.purse.fruitless));
        }
        if !self.open_runs.is_empty() {
            return Err(format!("run {run} was claimed beside another"));
        }
        *self.attempts.entry(number).or_default() += 1;
        if self.retried.contains(&number) {
            return Ok(());
        }
        let auto = before.policy.approval_mode == ApprovalMode::Auto;
        let unanswered = self.unanswered.iter().filter(|reason| !auto || **reason != Reason::Start);
        let answered = self.approved.get(&number);
        let demanded = demanded(before, number);
        let own = demanded.iter().filter(|reason| !answered.is_some_and(|reasons| reasons.contains(reason)));
        match unanswered.chain(own).next() {
            Some(reason) => Err(format!("task {number} started though nobody answered \"{reason}\"")),
            None => Ok(()),
        }
    }

    fn finish(
        &mut self,
        before: Option<&Session>,
        task: TaskNumber,
        outcome: &Outcome,
    ) -> Result<(), String> {
        let (before, verdict) = (before.ok_or("finished without a session")?, &outcome.verdict);
        let intended = before.open().and_then(|open| intent(&open.work));
        let again = |policy: OnTrouble, attempts: u32| {
            policy == OnTrouble::Retry && attempts < before.policy.max_attempts
        };
        let attempts = self.attempts.entry(task).or_default();
        let trouble = match (verdict, intended) {
            (Verdict::Failed { failure: Failure::OutOfBudget { .. } }, None | Some(Why::Pause))
                if self.purse.is_out_of_money(&before.policy.limits, task, self.purse.today) =>
            {
                *attempts -= 1;
                return Ok(());
            }
            (Verdict::Completed { .. }, _) | (_, Some(Why::Skip)) => None,
            (Verdict::Failed { .. }, _) => Some(before.policy.on_failure),
            (
                Verdict::Lost | Verdict::NeverRan | Verdict::NotResumed { .. } | Verdict::Unavailable { .. },
                Some(Why::Pause),
            )
            | (Verdict::NeverRan | Verdict::NotResumed { .. } | Verdict::Unavailable { .. }, None) => {
                *attempts -= 1;
                return Ok(());
            }
            (
                Verdict::Lost | Verdict::NeverRan | Verdict::NotResumed { .. } | Verdict::Unavailable { .. },
                _,
            ) => Some(before.policy.on_interrupted),
        };
        self.purse.fruitless = match trouble {
            Some(_) if outcome.changed == Some(false) => self.purse.fruitless + 1,
            None if matches!(verdict, Verdict::Completed { .. }) => 0,
            None => self.purse.fruitless,
            Some(_) => 0,
        };
        let retried = trouble.is_some_and(|policy| again(policy, *attempts));
        self.gone_past(task);
        if retried {
            self.retried.insert(task);
        }
        if matches!(verdict, Verdict::Completed { .. }) && is_checkpoint(before, task) {
            self.unanswered.push(Reason::Checkpoint { after: task });
        }
        Ok(())
    }

    /// Keeps the books of gates, runs and money, and compares them with the session.
    fn account(&mut self, after: &Transition) -> Result<(), String> {
        for effect in &after.effects {
            match effect {
                Effect::OpenGate(gate) => {
                    if !self.gates.insert(gate.id.clone()) {
                        return Err(format!("gate {} was opened twice", gate.id));
                    }
                    self.open_gates.insert(gate.id.clone());
                }
                Effect::CloseGate(gate, _) => {
                    if !self.open_gates.remove(gate) {
                        return Err(format!("gate {gate} was closed and wasn't open"));
                    }
                }
                Effect::OpenRun { run, task, .. } => {
                    self.open_runs.insert(*run, *task);
                }
                Effect::CloseRun(run, _) => {
                    if self.open_runs.remove(run).is_none() {
                        return Err(format!("run {run} was closed and wasn't open"));
                    }
                }
                Effect::GrantForToday(..) | Effect::BeginHold(_) | Effect::LiftHold | Effect::GotThrough => {}
            }
        }
        let session = &after.session;
        let open: HashSet<GateId> = session.gate().map(|gate| gate.id.clone()).into_iter().collect();
        let runs: HashMap<RunId, TaskNumber> = session.run().into_iter().collect();
        let running: Vec<TaskNumber> = session
            .tasks
            .iter()
            .filter(|task| task.state() == TaskState::Running)
            .map(|task| task.number())
            .collect();
        if open != self.open_gates {
            return Err(format!("the session's gate is {open:?}, the effects say {:?}", self.open_gates));
        }
        if runs != self.open_runs {
            return Err(format!("the session's run is {runs:?}, the effects say {:?}", self.open_runs));
        }
        if running != runs.into_values().collect::<Vec<_>>() {
            return Err(format!("running are {running:?}, open are {:?}", self.open_runs));
        }
        if session.cost().known != self.spent {
            return Err(format!("the session cost {}, its runs {}", session.cost(), self.spent));
        }
        Ok(())
    }
}

fn day_of(after: &Transition) -> Date {
    after.session.last_activity.to_zoned(TimeZone::UTC).date()
}

fn checkpoint(reason: &Reason) -> Option<TaskNumber> {
    if let Reason::Checkpoint { after } = reason { Some(*after) } else { None }
}

fn rejected(reason: &Reason) -> Option<TaskNumber> {
    if let Reason::Rejected { task, .. } = reason { Some(*task) } else { None }
}

fn intent(work: &Work) -> Option<Why> {
    if let Work::Ending { why, .. } = work { Some(*why) } else { None }
}

fn is_checkpoint(session: &Session, number: TaskNumber) -> bool {
    session.task(number).is_some_and(|task| session.policy.checkpoint_after.contains(&task.spec.kind))
}

/// What the contract's page "When a gate opens" demands for this task alone.
fn demanded(session: &Session, number: TaskNumber) -> Vec<Reason> {
    let Some(task) = session.task(number) else { return Vec::new() };
    let Policy { approval_mode, approve_before, auto_approve, .. } = &session.policy;
    let (spec, kind) = (&task.spec, &task.spec.kind);
    let mut reasons = Vec::new();
    if *approval_mode == ApprovalMode::Manual {
        reasons.push(Reason::Manual);
    }
    if *approval_mode == ApprovalMode::Required
        && !auto_approve.contains(kind)
        && spec.requires_approval != Some(false)
    {
        reasons.push(Reason::Required);
    }
    if spec.requires_approval == Some(true) {
        reasons.push(Reason::Requested);
    }
    if approve_before.contains(kind) {
        reasons.push(Reason::ApproveBefore);
    }
    for on in &spec.depends_on {
        if session.task(*on).is_none_or(|task| task.state() != TaskState::Completed) {
            reasons.push(Reason::Dependency { on: *on });
        }
    }
    reasons
}
