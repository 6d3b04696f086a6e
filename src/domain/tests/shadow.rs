//! A second opinion on what may start, written from the contract's words and not from the code's.
//!
//! It sees commands, opened gates and verdicts; it never asks how the session decided.

use std::collections::{HashMap, HashSet};

use crate::domain::change::{Effect, Transition};
use crate::domain::command::{Command, Target};
use crate::domain::gate::{About, Gate, Next, Reason};
use crate::domain::id::{GateId, RunId, TaskNumber};
use crate::domain::policy::{ApprovalMode, OnTrouble, Policy};
use crate::domain::run::Verdict;
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
                *self = Self { gates: std::mem::take(&mut self.gates), ..Self::default() };
                self.unanswered.push(Reason::Start);
            }
            Command::Approve { .. } => self.approve(gate),
            Command::Reject { feedback, .. } => self.reject(gate, feedback.clone()),
            Command::Retry { target, .. } => self.retry(before, target),
            Command::Skip { target } => self.skip(before, target),
            Command::Claim { .. } => self.claim(before, after)?,
            Command::Finish { run, outcome, .. } => {
                self.spent += outcome.usage.cost;
                self.finish(before, *run, &outcome.verdict)?;
            }
            Command::Pause { .. } | Command::Resume | Command::Stop { .. } => {}
        }
        self.account(after)
    }

    fn approve(&mut self, gate: Option<&Gate>) {
        let Some(About::Before { next, reasons }) = gate.map(|gate| &gate.about) else { return };
        self.unanswered.retain(|reason| !reasons.contains(reason));
        if let Next::Task(task) = next {
            self.approved.insert(*task, reasons.clone());
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
        let (run, number) = after.session.run().ok_or("claimed and no run is open")?;
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

    fn finish(&mut self, before: Option<&Session>, run: RunId, verdict: &Verdict) -> Result<(), String> {
        let before = before.ok_or("finished without a session")?;
        let task = *self.open_runs.get(&run).ok_or_else(|| format!("run {run} wasn't open"))?;
        let intended = before.open().and_then(|open| intent(&open.work));
        let again = |policy: OnTrouble, attempts: u32| {
            policy == OnTrouble::Retry && attempts < before.policy.max_attempts
        };
        let attempts = self.attempts.entry(task).or_default();
        let trouble = match (verdict, intended) {
            (Verdict::Completed { .. }, _) | (_, Some(Why::Skip)) => None,
            (Verdict::Failed { .. }, _) => Some(before.policy.on_failure),
            (Verdict::Lost | Verdict::NeverRan | Verdict::Unavailable { .. }, Some(Why::Pause))
            | (Verdict::NeverRan | Verdict::Unavailable { .. }, None) => {
                *attempts -= 1;
                return Ok(());
            }
            (Verdict::Lost | Verdict::NeverRan | Verdict::Unavailable { .. }, _) => {
                Some(before.policy.on_interrupted)
            }
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
                Effect::BeginHold(_) | Effect::LiftHold => {}
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
        if session.cost() != self.spent {
            return Err(format!("the session cost {}, its runs {}", session.cost(), self.spent));
        }
        Ok(())
    }
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
