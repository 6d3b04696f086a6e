//! What comes next when nothing is under way: run a task, ask a person, or finish.

use std::sync::Arc;

use super::actor::Actor;
use super::event::Event;
use super::gate::{About, Next, Reason};
use super::id::TaskNumber;
use super::policy::{ApprovalMode, OnTrouble, Policy};
use super::purse::Reached;
use super::session::{Session, State};
use super::task::{Task, TaskState};
use super::turn::Turn;

/// The first thing that wants a decision, in the order in which they are decided.
enum Candidate {
    Approved(TaskNumber),
    Limited(TaskNumber, Vec<Reason>),
    Troubled(TaskNumber, OnTrouble, About),
    Pending(Arc<Task>),
    None,
}

impl Turn<'_> {
    /// Finds what comes next, unless something is under way already.
    pub(super) fn settle(mut self) -> Self {
        while self.work.is_none() && self.ended.is_none() {
            match self.candidate() {
                Candidate::Approved(task) => self.make_ready(task, Actor::policy()),
                Candidate::Limited(task, reasons) => {
                    self.open_gate(About::Before { next: Next::Task(task), reasons });
                }
                Candidate::Troubled(_, OnTrouble::Ask, about) => self.open_gate(about),
                Candidate::Troubled(task, OnTrouble::Retry, about) => self.retry_by_policy(task, about),
                Candidate::Troubled(task, OnTrouble::Skip, _) => self.mark_skipped(task, Actor::policy()),
                Candidate::Troubled(_, OnTrouble::Stop, _) => self.stop_by(Actor::policy()),
                Candidate::Pending(task) => self.ask_or_go(&task),
                Candidate::None => self.ask_or_complete(),
            }
        }
        self
    }

    fn candidate(&self) -> Candidate {
        let mut first_pending = None;
        let mut limited = None;
        let mut troubled = None;
        for task in &self.session.tasks {
            let number = task.number();
            match task.state() {
                TaskState::Pending if self.may_run(task) => {
                    let reasons = self.limits_reached(number);
                    if reasons.is_empty() {
                        return Candidate::Approved(number);
                    }
                    limited = limited.or(Some((number, reasons)));
                }
                TaskState::Pending => first_pending = first_pending.or(Some(task)),
                TaskState::Failed => {
                    troubled = troubled.or(Some((
                        number,
                        self.session.policy.on_failure,
                        About::Failed { task: number },
                    )));
                }
                TaskState::Interrupted => {
                    troubled = troubled.or(Some((
                        number,
                        self.session.policy.on_interrupted,
                        About::Interrupted { task: number },
                    )));
                }
                TaskState::Running | TaskState::Completed | TaskState::Skipped => {}
            }
        }
        match (limited, troubled, first_pending) {
            (Some((task, reasons)), _, _) => Candidate::Limited(task, reasons),
            (None, Some((task, policy, about)), _) => Candidate::Troubled(task, policy, about),
            (None, None, Some(task)) => Candidate::Pending(Arc::clone(task)),
            (None, None, None) => Candidate::None,
        }
    }

    /// Whether it has a yes to everything that is to be asked before it. One from before a limit kept it waiting is none to
    /// what has come up since.
    fn may_run(&self, task: &Task) -> bool {
        task.progress.approval.as_ref().is_some_and(|approval| approval.again || self.owed.is_empty())
    }

    /// The limits that keep a task from running, whoever approved it, until a person grants more.
    pub(super) fn limits_reached(&self, task: TaskNumber) -> Vec<Reason> {
        let reached = self.purse().reached(task).into_iter();
        let mut reasons: Vec<Reason> = reached
            .filter_map(|Reached { budget, used, of, at_least }| {
                let more = self.session.policy.limits.of(budget)?;
                Some(Reason::Spent { budget, used, of, more, at_least })
            })
            .collect();
        let failures = self.fruitless;
        if self.session.policy.limits.failures_in_a_row.is_some_and(|most| failures >= most) {
            reasons.push(Reason::Fruitless { failures });
        }
        // A limit of money can't be kept to by what nobody knows.
        if self.untold > 0 && self.session.policy.limits.are_of_money() {
            reasons.push(Reason::Untold { runs: self.untold });
        }
        reasons
    }

    fn retry_by_policy(&mut self, task: TaskNumber, about: About) {
        let attempts = self.session.task(task).map_or(0, |task| task.progress.attempts);
        if attempts < self.session.policy.max_attempts {
            self.ask_again_by(task, Actor::policy(), None, false);
        } else {
            self.open_gate(about);
        }
    }

    fn ask_or_go(&mut self, task: &Task) {
        let mut reasons = std::mem::take(&mut self.owed);
        if self.session.policy.approval_mode == ApprovalMode::Auto {
            reasons.retain(|reason| *reason != Reason::Start);
        }
        reasons.extend(own_reasons(&self.session, task));
        reasons.extend(self.limits_reached(task.number()));
        if reasons.is_empty() {
            self.make_ready(task.number(), Actor::policy());
        } else {
            self.open_gate(About::Before { next: Next::Task(task.number()), reasons });
        }
    }

    fn ask_or_complete(&mut self) {
        let mut reasons = std::mem::take(&mut self.owed);
        reasons.retain(|reason| *reason != Reason::Start);
        if !reasons.is_empty() {
            self.open_gate(About::Before { next: Next::End, reasons });
            return;
        }
        self.ended = Some(State::Completed { at: self.world.now });
        let figures = self.figures();
        self.tell(Event::SessionCompleted { figures });
    }
}

/// The reasons that lie in the task itself, in the order in which they are told.
fn own_reasons(session: &Session, task: &Task) -> Vec<Reason> {
    let spec = &task.spec;
    let policy = &session.policy;
    let listed = |list: &[String]| list.contains(&spec.kind);
    let mut reasons = Vec::new();
    reasons.extend(mode_reason(policy, spec.requires_approval, &spec.kind));
    if spec.requires_approval == Some(true) {
        reasons.push(Reason::Requested);
    }
    if listed(&policy.approve_before) {
        reasons.push(Reason::ApproveBefore);
    }
    let completed = |number| session.task(number).is_some_and(|task| task.state() == TaskState::Completed);
    reasons.extend(
        spec.depends_on
            .iter()
            .filter(|number| !completed(**number))
            .map(|number| Reason::Dependency { on: *number }),
    );
    reasons
}

fn mode_reason(policy: &Policy, requires_approval: Option<bool>, kind: &str) -> Option<Reason> {
    match policy.approval_mode {
        ApprovalMode::Manual => Some(Reason::Manual),
        ApprovalMode::Required => {
            let waived = requires_approval == Some(false)
                || policy.auto_approve.iter().any(|approved| approved == kind);
            (!waived).then_some(Reason::Required)
        }
        ApprovalMode::Auto => None,
    }
}
