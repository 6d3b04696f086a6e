//! The steps that a run takes a session through: claimed, told to end, ended.

use std::time::Duration;

use super::actor::Actor;
use super::change::Effect;
use super::event::{Event, denied};
use super::gate::Reason;
use super::hold::Hold;
use super::id::{RunId, TaskNumber};
use super::refused::Refused;
use super::run::{Failure, Outcome, Verdict};
use super::session::{Why, Work};
use super::task::TaskState;
use super::turn::Turn;

impl Turn<'_> {
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
        let now = self.world.now;
        let progress = self.progress(task);
        progress.state = TaskState::Running;
        progress.runs += 1;
        progress.attempts += 1;
        progress.started_at = Some(now);
        let (number, attempt) = (progress.runs, progress.attempts);
        let resume = progress.conversation.clone();
        self.work = Some(Work::Running { task, run, gate: None });
        let event =
            Event::TaskStarted { subject: self.subject(task), run, attempt, resumed: resume.is_some() };
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
        self.effects.push(Effect::CloseRun(run, Box::new(outcome.clone())));
        let progress = self.progress(task);
        progress.cost += outcome.usage.cost;
        progress.duration += took;
        match (&outcome.verdict, intended) {
            (Verdict::Completed { summary }, _) => self.complete(task, run, outcome, took, summary),
            (_, Some((Why::Skip, by))) => self.mark_skipped(task, by.clone()),
            (Verdict::Failed { failure }, None | Some((Why::Pause | Why::Stop, _))) => {
                self.fail(task, run, failure, took, outcome);
            }
            (Verdict::Lost | Verdict::NeverRan, Some((Why::Pause, _))) => {
                self.suspend(task, run, outcome);
            }
            (Verdict::Lost, None | Some((Why::Stop, _)))
            | (Verdict::NeverRan | Verdict::Unavailable { .. }, Some((Why::Stop, _))) => {
                self.interrupt(task, run);
            }
            (Verdict::NeverRan, None) => {
                self.uncharge(task);
                let event = Event::RunNeverRan { subject: self.subject(task), run };
                self.tell(event);
            }
            (Verdict::Unavailable { obstacle }, None | Some((Why::Pause, _))) => {
                self.uncharge(task);
                let hold = Hold::for_obstacle(obstacle, self.world.now);
                let event = Event::RunBlocked { subject: self.subject(task), run, hold: hold.clone() };
                self.effects.push(Effect::BeginHold(hold));
                self.tell(event);
            }
        }
        if let Some((Why::Stop, by)) = intended {
            self.stop_by(by.clone());
        }
    }

    fn complete(&mut self, task: TaskNumber, run: RunId, outcome: &Outcome, took: Duration, summary: &str) {
        let progress = self.end_task(task, TaskState::Completed);
        progress.summary = Some(format!("{summary}{}", denied(&outcome.denials)));
        progress.check_output = None;
        let event = Event::TaskCompleted {
            subject: self.subject(task),
            run,
            summary: summary.to_owned(),
            took,
            cost: outcome.usage.cost,
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
        let progress = self.end_task(task, TaskState::Failed);
        progress.summary = Some(failure.to_string());
        progress.check_output = match failure {
            Failure::Check { output, .. } => Some(output.clone()),
            Failure::Reported { .. }
            | Failure::LimitReached { .. }
            | Failure::NoResult { .. }
            | Failure::TimedOut { .. }
            | Failure::WentQuiet { .. } => None,
        };
        let event = Event::TaskFailed {
            subject: self.subject(task),
            run,
            failure: failure.to_string(),
            took,
            cost: outcome.usage.cost,
        };
        self.tell(event);
    }

    fn interrupt(&mut self, task: TaskNumber, run: RunId) {
        self.end_task(task, TaskState::Interrupted);
        let event = Event::TaskInterrupted { subject: self.subject(task), run };
        self.tell(event);
    }

    /// The run was ended for a pause: the task keeps its approval, and its Claude session if it had begun one.
    fn suspend(&mut self, task: TaskNumber, run: RunId, outcome: &Outcome) {
        self.uncharge(task);
        let progress = self.progress(task);
        if outcome.usage.conversation.is_some() {
            progress.conversation.clone_from(&outcome.usage.conversation);
        }
        let continues = progress.conversation.is_some();
        let event = Event::RunSuspended { subject: self.subject(task), run, continues };
        self.tell(event);
    }

    /// Nothing came of the run that counts: the task is ready again, with the approval it had.
    fn uncharge(&mut self, task: TaskNumber) {
        let progress = self.progress(task);
        progress.state = TaskState::Pending;
        progress.attempts = progress.attempts.saturating_sub(1);
        self.work = Some(Work::Ready { task });
    }
}
