//! The steps that a run takes a session through: claimed, told to end, ended.

use std::time::Duration;

use super::actor::Actor;
use super::change::Effect;
use super::event::Event;
use super::gate::Reason;
use super::hold::Hold;
use super::id::{RunId, TaskNumber};
use super::recovery::Recovery;
use super::refused::Refused;
use super::run::{Failure, Obstacle, Outcome, Verdict};
use super::sentence::denied;
use super::session::{Why, Work};
use super::task::TaskState;
use super::turn::Turn;
use super::usage::{Reported, Usage};
use super::usd::Usd;

impl Turn<'_> {
    /// Starts the ready task, or leaves it to settling to ask if a limit was reached since it became ready.
    pub(super) fn claim(&mut self, task: TaskNumber, run: RunId) -> Result<(), Refused> {
        if self.paused.is_some() {
            return Err(Refused::NotNow("the session is paused".to_owned()));
        }
        if let Some(hold) = &self.world.hold {
            return Err(Refused::NotNow(format!("nothing may start: {}", hold.reason)));
        }
        if self.world.run_open {
            return Err(Refused::NotNow("another run is still open".to_owned()));
        }
        if !self.limits_reached(task).is_empty() {
            self.work = None;
            return Ok(());
        }
        let now = self.world.now;
        let progress = self.progress(task);
        progress.state = TaskState::Running;
        progress.runs += 1;
        progress.attempts += 1;
        progress.started_at = Some(now);
        let (number, attempt) = (progress.runs, progress.attempts);
        let resume = progress.conversation.clone();
        self.work = Some(Work::Running { task, run, gate: None });
        let trial = self.world.last_hold.is_some();
        let (subject, resumed) = (self.subject(task), resume.is_some());
        let event = Event::TaskStarted { subject, run, attempt, resumed, trial };
        self.effects.push(Effect::OpenRun { run, task, number, resume });
        self.tell(event);
        Ok(())
    }

    pub(super) fn end_run(&mut self, task: TaskNumber, run: RunId, why: Why) {
        let by = self.by.clone();
        self.work = Some(Work::Ending { task, run, why, by: by.clone() });
        let event = Event::RunEnding { subject: self.subject(task), run, why, by };
        self.tell(event);
    }

    /// Takes a run's end: its cost in any case, its verdict where nothing else was intended by someone.
    pub(super) fn finish(
        &mut self,
        task: TaskNumber,
        run: RunId,
        outcome: &Outcome,
        took: Duration,
        intended: Option<(Why, &Actor)>,
    ) {
        self.work = None;
        let outcome = &self.account(task, outcome, took);
        if outcome.usage.at_least && intended.is_none() {
            self.untold = self.untold.saturating_add(1);
        }
        self.effects.push(Effect::CloseRun(run, Box::new(outcome.clone())));
        if matches!(outcome.verdict, Verdict::Completed { .. } | Verdict::Failed { .. }) {
            self.got_through();
        }
        match (&outcome.verdict, intended) {
            (Verdict::Completed { summary }, _) => self.complete(task, run, outcome, took, summary),
            (_, Some((Why::Skip, by))) => self.mark_skipped(task, by.clone()),
            (Verdict::Failed { failure: Failure::OutOfBudget { .. } }, None | Some((Why::Pause, _)))
                if self.purse().money_left(task) == Some(Usd::default()) =>
            {
                self.run_out(task, run, outcome, took);
            }
            (Verdict::Failed { failure }, None | Some((Why::Pause | Why::Stop, _))) => {
                self.fail(task, run, failure, took, outcome);
            }
            (Verdict::NotResumed { message }, None | Some((Why::Pause, _))) => {
                self.begin_afresh(task, run, message);
            }
            (Verdict::Lost | Verdict::NeverRan, Some((Why::Pause, _))) => {
                self.suspend(task, run, outcome);
            }
            (Verdict::Lost, None | Some((Why::Stop, _)))
            | (
                Verdict::NeverRan | Verdict::Unavailable { .. } | Verdict::NotResumed { .. },
                Some((Why::Stop, _)),
            ) => {
                self.interrupt(task, run, outcome, took);
            }
            (Verdict::NeverRan, None) => {
                self.uncharge(task);
                let event = Event::RunNeverRan { subject: self.subject(task), run };
                self.tell(event);
            }
            (Verdict::Unavailable { obstacle }, None | Some((Why::Pause, _))) => {
                if has_begun(obstacle, &outcome.usage) {
                    self.keep_conversation(task, outcome);
                }
                self.uncharge(task);
                let hold = Hold::for_obstacle(obstacle, self.world.last_hold.as_ref(), self.world.now);
                let event = Event::RunBlocked { subject: self.subject(task), run, hold: hold.clone() };
                self.effects.push(Effect::BeginHold(hold));
                self.tell(event);
            }
        }
        if let Some((Why::Stop, by)) = intended {
            self.stop_by(by.clone());
        }
    }

    /// Books what a run used up: on its task and on its day. A rehearsal costs nothing, however it ends.
    fn account(&mut self, task: TaskNumber, outcome: &Outcome, took: Duration) -> Outcome {
        let is_rehearsal = self.session.rehearsal;
        let progress = self.progress(task);
        let resumed = progress.conversation.is_some();
        let before = if resumed { progress.reported } else { Reported::default() };
        let mut usage = outcome.usage.beyond(&before);
        usage.at_least &= !is_rehearsal;
        progress.reported = before.after(&outcome.usage);
        progress.cost += usage.cost;
        progress.untold = (progress.untold + u32::from(usage.at_least)).saturating_sub(usage.includes);
        progress.duration += took;
        self.today.book(&usage);
        Outcome { usage, ..outcome.clone() }
    }

    fn complete(&mut self, task: TaskNumber, run: RunId, outcome: &Outcome, took: Duration, summary: &str) {
        self.fruitless = 0;
        let progress = self.end_task(task, TaskState::Completed);
        progress.summary = Some(format!("{summary}{}", denied(&outcome.denials)));
        progress.check_output = None;
        let event = Event::TaskCompleted {
            subject: self.subject(task),
            run,
            summary: summary.to_owned(),
            took,
            cost: outcome.usage.cost(),
            denials: outcome.denials.clone(),
        };
        self.tell(event);
        let checkpoint = self
            .session
            .task(task)
            .is_some_and(|task| self.session.policy.checkpoint_after.contains(&task.spec.kind));
        if checkpoint {
            self.owed.push(Reason::Checkpoint { after: task });
        }
    }

    fn fail(&mut self, task: TaskNumber, run: RunId, failure: &Failure, took: Duration, outcome: &Outcome) {
        self.count_fruitless(outcome);
        let recovery = self.recovery(task, outcome, took);
        let progress = self.end_task(task, TaskState::Failed);
        progress.recovery = Some(recovery);
        progress.summary = Some(failure.to_string());
        progress.check_output = match failure {
            Failure::Check { output, .. } => Some(output.clone()),
            Failure::Reported { .. }
            | Failure::LimitReached { .. }
            | Failure::OutOfBudget { .. }
            | Failure::NoResult { .. }
            | Failure::TimedOut { .. }
            | Failure::PrintedTooMuch { .. }
            | Failure::WentQuiet { .. } => None,
        };
        let event = Event::TaskFailed {
            subject: self.subject(task),
            run,
            failure: failure.to_string(),
            took,
            cost: outcome.usage.cost(),
        };
        self.tell(event);
    }

    /// Counts failures that changed nothing; where that can't be told, something may have been changed.
    fn count_fruitless(&mut self, outcome: &Outcome) {
        self.fruitless = if outcome.changed == Some(false) { self.fruitless.saturating_add(1) } else { 0 };
    }

    /// What a person may want to know of a run that ended badly.
    fn recovery(&mut self, task: TaskNumber, outcome: &Outcome, took: Duration) -> Recovery {
        Recovery::of(outcome, took, self.progress(task).reported)
    }

    fn interrupt(&mut self, task: TaskNumber, run: RunId, outcome: &Outcome, took: Duration) {
        self.count_fruitless(outcome);
        let recovery = self.recovery(task, outcome, took);
        self.end_task(task, TaskState::Interrupted).recovery = Some(recovery);
        let event = Event::TaskInterrupted { subject: self.subject(task), run };
        self.tell(event);
    }

    /// What kept runs from going on is gone; people hear of it where they weren't told yet.
    fn got_through(&mut self) {
        let Some(hold) = self.world.last_hold.clone() else { return };
        self.effects.push(Effect::GotThrough);
        if hold.ends_in_a_trial() {
            self.tell(Event::GotThrough { hold });
        }
    }

    /// A Claude session that can't be gone on with is forgotten: the next run is from scratch, and no attempt is charged.
    fn begin_afresh(&mut self, task: TaskNumber, run: RunId, message: &str) {
        let progress = self.progress(task);
        progress.conversation = None;
        progress.reported = Reported::default();
        self.uncharge(task);
        let event = Event::RunNotResumed { subject: self.subject(task), run, message: message.to_owned() };
        self.tell(event);
    }

    /// The run was ended for a pause: the task keeps its approval, and its Claude session if it had begun one.
    fn suspend(&mut self, task: TaskNumber, run: RunId, outcome: &Outcome) {
        self.uncharge(task);
        let continues = self.keep_conversation(task, outcome);
        let event = Event::RunSuspended { subject: self.subject(task), run, continues };
        self.tell(event);
    }

    /// The CLI stopped at what was left of a budget of ours: no failure of the task's, which goes on when there is more.
    fn run_out(&mut self, task: TaskNumber, run: RunId, outcome: &Outcome, took: Duration) {
        let continues = self.keep_conversation(task, outcome);
        self.uncharge(task);
        let (subject, cost) = (self.subject(task), outcome.usage.cost);
        self.tell(Event::RunOutOfBudget { subject, run, took, cost, continues });
    }

    /// Remembers the Claude session that a run has begun, to go on with it; answers whether there is one.
    fn keep_conversation(&mut self, task: TaskNumber, outcome: &Outcome) -> bool {
        let progress = self.progress(task);
        if outcome.usage.conversation.is_some() {
            progress.conversation.clone_from(&outcome.usage.conversation);
        }
        progress.conversation.is_some()
    }

    /// Nothing came of the run that counts: the task is ready again, with the approval it had.
    fn uncharge(&mut self, task: TaskNumber) {
        let progress = self.progress(task);
        progress.state = TaskState::Pending;
        progress.attempts = progress.attempts.saturating_sub(1);
        if self.limits_reached(task).is_empty() {
            self.work = Some(Work::Ready { task });
        }
    }
}

/// Whether there is anything in a Claude session that the next run should go on with. A run that was ended for want of room
/// printed no figures.
fn has_begun(obstacle: &Obstacle, usage: &Usage) -> bool {
    matches!(obstacle, Obstacle::Disk { .. }) || usage.tokens() > 0 || usage.cost > Usd::default()
}
