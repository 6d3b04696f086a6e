//! The steps that an operator's command takes.

use super::change::Effect;
use super::event::Event;
use super::gate::{About, Choice, Decision, Gate, Next, Reason, checkpoint};
use super::id::{RunId, TaskNumber};
use super::limits::Allowance;
use super::recovery::Recovery;
use super::refused::{Refused, must_offer};
use super::sentence::{one_line, waiting_sentence};
use super::session::{Why, Work};
use super::task::TaskState;
use super::turn::Turn;

/// How a task is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// As if for the first time, with what was said about it.
    FromScratch,
    /// Where its last run ended, in the same Claude session.
    Continued,
}

impl Turn<'_> {
    pub(super) fn approve(&mut self, gate: &Gate, note: Option<&String>) -> Result<(), Refused> {
        must_offer(gate, Choice::Approve)?;
        self.close(gate, Decision::Approved, note);
        if let About::Before { reasons, .. } = &gate.about {
            self.owed.retain(|owed| !reasons.contains(owed));
        }
        self.grant(gate);
        match gate.task() {
            Some(task) => {
                self.progress(task).notes.extend(note.cloned());
                self.make_ready(task, self.by.clone());
                let but = match &self.world.hold {
                    _ if self.paused.is_some() => Some("; starts after /resume".to_owned()),
                    Some(hold) => Some(format!(", but nothing may start: {}", hold.reason)),
                    None => None,
                };
                self.message = but.map(|but| format!("{}: approved{but}", self.subject(task)));
            }
            None => self.work = None,
        }
        Ok(())
    }

    /// Raises every budget that the gate says is used up, and takes the failures that it tells of as seen.
    fn grant(&mut self, gate: &Gate) {
        let About::Before { next: Next::Task(task), reasons } = &gate.about else { return };
        for reason in reasons {
            match reason {
                Reason::Spent { budget, .. } => {
                    let Some(allowance) = self.purse().raise(*budget, *task) else { continue };
                    self.raise(allowance);
                }
                Reason::Fruitless { .. } => self.fruitless = 0,
                Reason::Untold { .. } => self.untold = 0,
                Reason::Start
                | Reason::Manual
                | Reason::Required
                | Reason::Requested
                | Reason::ApproveBefore
                | Reason::Checkpoint { .. }
                | Reason::Dependency { .. }
                | Reason::Rejected { .. } => {}
            }
        }
    }

    fn raise(&mut self, allowance: Allowance) {
        let (budget, up_to, by) = (allowance.budget, allowance.up_to, self.by.clone());
        if budget.is_daily() {
            self.today.grant(up_to);
            self.effects.push(Effect::GrantForToday(self.today.day, up_to));
        } else {
            self.allowances.retain(|old| (old.budget, old.task) != (budget, allowance.task));
            self.allowances.push(allowance);
        }
        self.tell(Event::BudgetRaised { budget, up_to, by });
    }

    /// Says no: the gate closes, and the next one asks the same with the feedback among its reasons. A yes that the task had
    /// from before a limit was reached is taken back.
    pub(super) fn reject(&mut self, gate: &Gate, feedback: Option<&String>) -> Result<(), Refused> {
        must_offer(gate, Choice::Reject)?;
        let About::Before { next, reasons } = &gate.about else { return Ok(()) };
        let about = checkpoint(reasons).or(gate.task());
        self.close(gate, Decision::Rejected, feedback);
        let mut reasons: Vec<Reason> =
            reasons.iter().filter(|reason| !matches!(reason, Reason::Rejected { .. })).cloned().collect();
        if let Some(task) = about {
            self.progress(task).feedback.extend(feedback.cloned());
            reasons.push(Reason::Rejected { task, feedback: feedback.cloned() });
        }
        if let Next::Task(task) = next {
            self.progress(*task).approval = None;
        }
        self.open_gate(About::Before { next: *next, reasons });
        Ok(())
    }

    /// Answers a question that the live run asked; the run goes on either way.
    pub(super) fn answer(&mut self, gate: &Gate, yes: bool, words: Option<&String>) {
        self.close(gate, if yes { Decision::Approved } else { Decision::Rejected }, words);
        if let Some(Work::Running { gate, .. }) = &mut self.work {
            *gate = None;
        }
    }

    pub(super) fn pause(&mut self) {
        if self.paused.is_some() {
            self.already("Already paused: /resume goes on");
            return;
        }
        self.paused = Some(self.world.now);
        self.tell(Event::Paused { by: self.by.clone() });
        let rest = match &self.work {
            Some(Work::Running { task, .. }) => {
                format!(
                    "; task {} is running and goes on to its end (\"pause now\" would end its run, to be continued later)",
                    self.session.of_total(*task)
                )
            }
            Some(Work::Waiting { gate }) => format!("; gate {} stays open", gate.id),
            Some(Work::Ready { task }) => {
                format!("; task {} is approved and waits", self.session.of_total(*task))
            }
            Some(Work::Ending { .. }) | None => String::new(),
        };
        self.message = Some(format!("Paused{rest}. /resume goes on"));
    }

    pub(super) fn pause_now(&mut self, task: TaskNumber, run: RunId) {
        if self.paused.is_none() {
            self.paused = Some(self.world.now);
            self.tell(Event::Paused { by: self.by.clone() });
        }
        self.end_run(task, run, Why::Pause);
    }

    pub(super) fn resume(&mut self) {
        let (lifts, stays) = match &self.world.hold {
            Some(hold) if hold.until.is_none() => (Some(hold), None),
            hold => (None, hold.as_ref()),
        };
        if let Some(hold) = lifts {
            let ended = Event::HoldEnded { hold: hold.clone(), by: self.by.clone() };
            self.effects.push(Effect::LiftHold);
            self.tell(ended);
        }
        let held = stays
            .map_or(String::new(), |hold| format!(", but nothing may start: {}", one_line(&hold.reason)));
        if self.paused.take().is_some() {
            self.tell(Event::Resumed { by: self.by.clone() });
        } else if lifts.is_none() {
            self.already(&format!("Already going on, nothing is paused{held}"));
            return;
        }
        self.message = Some(format!("Resumed{held}. {}", self.under_way()));
    }

    /// What the session is at, as a sentence without its full stop.
    fn under_way(&self) -> String {
        match &self.work {
            Some(Work::Waiting { gate }) => {
                waiting_sentence(gate, gate.task().map(|task| self.subject(task)).as_ref())
            }
            Some(Work::Ready { task }) => format!("Next: {}", self.subject(*task)),
            Some(Work::Running { task, .. }) => format!("Running: {}", self.subject(*task)),
            Some(Work::Ending { task, run, .. }) => format!("{}: run {run} is ending", self.subject(*task)),
            None => String::new(),
        }
    }

    pub(super) fn skip_at_gate(&mut self, gate: &Gate) -> Result<(), Refused> {
        must_offer(gate, Choice::Skip)?;
        self.close(gate, Decision::Skipped, None);
        self.owe(gate);
        match gate.task() {
            Some(task) => self.mark_skipped(task, self.by.clone()),
            None => self.work = None,
        }
        Ok(())
    }

    /// Skips a task that no gate and no run is about.
    pub(super) fn skip_task(&mut self, number: TaskNumber) -> Result<(), Refused> {
        match self.known(number)?.state() {
            TaskState::Pending | TaskState::Failed | TaskState::Interrupted => {
                self.mark_skipped(number, self.by.clone());
                Ok(())
            }
            state @ (TaskState::Running | TaskState::Completed | TaskState::Skipped) => Err(Refused::NotNow(
                format!("task {number} is already {}: it can't be skipped", state.as_str()),
            )),
        }
    }

    pub(super) fn retry_at_gate(
        &mut self,
        gate: &Gate,
        feedback: Option<&String>,
        how: Again,
    ) -> Result<(), Refused> {
        let Some(task) = gate.retriable() else {
            return match how {
                Again::FromScratch => must_offer(gate, Choice::Retry),
                Again::Continued => Err(Refused::NotNow(format!(
                    "nothing to continue at gate {}: it takes {}",
                    gate.id,
                    gate.choices_in_words()
                ))),
            };
        };
        let decision = match how {
            Again::FromScratch => Decision::Retried,
            Again::Continued => {
                self.must_be_resumable(task)?;
                Decision::Continued
            }
        };
        self.close(gate, decision, feedback);
        self.owe(gate);
        self.owed.retain(|reason| !concerns(reason, task));
        self.ask_again(task, feedback, how);
        self.work = None;
        Ok(())
    }

    /// Puts an ended task back in line, approved; it runs before anything that isn't.
    pub(super) fn retry_task(
        &mut self,
        number: TaskNumber,
        feedback: Option<&String>,
        how: Again,
    ) -> Result<(), Refused> {
        let state = self.known(number)?.state();
        if how == Again::Continued {
            self.must_be_resumable(number)?;
        }
        match state {
            TaskState::Failed | TaskState::Interrupted | TaskState::Skipped => {
                self.ask_again(number, feedback, how);
                Ok(())
            }
            state @ (TaskState::Pending | TaskState::Running) => Err(Refused::NotNow(format!(
                "task {number} is {}: only a failed, interrupted or skipped task can be retried",
                state.as_str()
            ))),
            TaskState::Completed if self.is_looked_at(number) => Err(Refused::NotNow(format!(
                "task {number} is completed: /reject its checkpoint with what should be different, then /retry"
            ))),
            TaskState::Completed => Err(Refused::NotNow(format!(
                "task {number} is completed: only a failed, interrupted or skipped task can be retried"
            ))),
        }
    }

    /// Whether the open gate is this task's checkpoint.
    fn is_looked_at(&self, number: TaskNumber) -> bool {
        match &self.work {
            Some(Work::Waiting { gate: Gate { about: About::Before { reasons, .. }, .. } }) => {
                checkpoint(reasons) == Some(number)
            }
            Some(_) | None => false,
        }
    }

    pub(super) fn stop_at_gate(&mut self) {
        if let Some(Work::Waiting { gate }) = self.work.clone() {
            self.close(&gate, Decision::Stopped, None);
        }
        self.stop();
    }

    pub(super) fn stop(&mut self) {
        self.stop_by(self.by.clone());
    }

    /// Whether the last run of a task has left a Claude session that can be gone on with.
    fn must_be_resumable(&self, number: TaskNumber) -> Result<(), Refused> {
        let progress = &self.known(number)?.progress;
        if progress.recovery.as_ref().is_some_and(Recovery::is_resumable) {
            return Ok(());
        }
        Err(Refused::NotNow(match progress.state {
            TaskState::Failed | TaskState::Interrupted | TaskState::Skipped => format!(
                "task {number} has no Claude session that could be continued: /retry runs it from scratch"
            ),
            state @ (TaskState::Pending | TaskState::Running | TaskState::Completed) => {
                format!(
                    "task {number} is {}: only a failed or interrupted task can be continued",
                    state.as_str()
                )
            }
        }))
    }

    fn ask_again(&mut self, task: TaskNumber, feedback: Option<&String>, how: Again) {
        self.has_been_looked_at();
        self.progress(task).feedback.extend(feedback.cloned());
        self.ask_again_by(task, self.by.clone(), feedback.cloned(), how == Again::Continued);
    }
}

fn concerns(reason: &Reason, about: TaskNumber) -> bool {
    match reason {
        Reason::Checkpoint { after } => *after == about,
        Reason::Rejected { task, .. } => *task == about,
        Reason::Start
        | Reason::Manual
        | Reason::Required
        | Reason::Requested
        | Reason::ApproveBefore
        | Reason::Dependency { .. }
        | Reason::Spent { .. }
        | Reason::Fruitless { .. }
        | Reason::Untold { .. } => false,
    }
}
