//! One run, from its process to its outcome: started or found again, seen through, checked.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::{debug, info};
use uuid::Uuid;

use super::fingerprint::Fingerprint;
use super::{Trouble, Worker, outcome};
use crate::claude::{
    self, Activity, Birthplace, Check, Checked, Conversation, Found, Invocation, LaunchError, Limits, Marker,
    Process, RunFiles,
};
use crate::domain::id::SessionId;
use crate::domain::purse::Purse;
use crate::domain::run::{Failure, Obstacle, Outcome, Verdict};
use crate::domain::session::Session;
use crate::domain::task::Task;
use crate::domain::usd::Usd;
use crate::store::runs::Run;
use crate::store::sessions;
use crate::taskfile::{CheckOutput, DayLog, PromptParts, continue_prompt, prompt};

impl Worker {
    pub(super) async fn see_to_its_end(
        &self,
        run: &Run,
        fresh: bool,
        session: &Session,
        task: &Task,
        unwanted: &CancellationToken,
    ) -> Result<Outcome, Trouble> {
        let files = files(run);
        let marker = Marker::from(run.marker);
        let process = if fresh {
            match self.spawn(run, session, task, files.clone()).await? {
                Ok(process) => process,
                Err(refusal) => return Ok(unavailable(&refusal)),
            }
        } else {
            let birthplace =
                Birthplace { boot_id: run.boot_id.clone(), pid_namespace: run.pid_namespace.clone() };
            match claude::find(files.clone(), marker, &birthplace).await? {
                Found::NeverRan => return Ok(outcome(Verdict::NeverRan)),
                Found::Adopted(process) => {
                    info!("run {} was found alive and is adopted", run.id);
                    process
                }
                Found::Gone(process) => process,
            }
        };
        let limits = Limits {
            total: task.spec.timeout.unwrap_or(self.settings.limits.total),
            idle: task.spec.idle_timeout.unwrap_or(self.settings.limits.idle),
            ..self.settings.limits
        };
        let activity = self.activity.clone();
        let ended = claude::see_through(process, &limits, run.resumed, unwanted, move |doing| {
            activity.send_replace(Some(doing));
        })
        .await?;
        if ended.left_behind > 0 {
            info!("run {} left {} processes behind, which were ended", run.id, ended.left_behind);
        }
        let outcome = match (&ended.outcome.verdict, &task.spec.check) {
            (Verdict::Completed { .. }, Some(check)) if !session.rehearsal => {
                self.check(check, &files, marker, ended.outcome.clone(), unwanted).await?
            }
            _ => ended.outcome,
        };
        Ok(self.with_what_is_known(outcome, &files, session, task).await)
    }

    /// Adds what a person will want to know where a run came to no good end.
    async fn with_what_is_known(
        &self,
        mut outcome: Outcome,
        files: &RunFiles,
        session: &Session,
        task: &Task,
    ) -> Outcome {
        match &mut outcome.verdict {
            Verdict::Failed { .. } | Verdict::Lost => {
                let project = &self.settings.project_dir;
                if let Some(before) = Fingerprint::kept(&files.before()) {
                    let user = self.settings.claude.user.as_ref();
                    outcome.changed = Fingerprint::of(project, user).await.map(|after| after != before);
                    if outcome.changed == Some(true) {
                        outcome.changes = before.changes(project, user).await;
                    }
                }
            }
            Verdict::Unavailable { obstacle: Obstacle::Login { remedy, .. } } => {
                let conversation = Conversation::New(Uuid::nil());
                let invocation = self.invocation(session, task, conversation, None);
                *remedy = Some(claude::login_remedy(&invocation));
            }
            Verdict::Completed { .. }
            | Verdict::Unavailable { .. }
            | Verdict::NeverRan
            | Verdict::NotResumed { .. } => {}
        }
        outcome
    }

    fn invocation(
        &self,
        session: &Session,
        task: &Task,
        conversation: Conversation,
        budget: Option<Usd>,
    ) -> Invocation {
        let settings = claude::Settings {
            model: task.spec.model.clone().or_else(|| self.settings.claude.model.clone()),
            ..self.settings.claude.clone()
        };
        let settings = if session.rehearsal { settings.rehearsal("/proc/self/exe") } else { settings };
        let (folder, environment) = (self.settings.project_dir.clone(), self.settings.environment.clone());
        Invocation::of_claude(&settings, conversation, budget, folder, environment)
    }

    async fn spawn(
        &self,
        run: &Run,
        session: &Session,
        task: &Task,
        files: RunFiles,
    ) -> Result<Result<Process, LaunchError>, Trouble> {
        let conversation = if run.resumed {
            Conversation::Resume(run.conversation)
        } else {
            Conversation::New(run.conversation)
        };
        let budget = Purse::of(session, self.engine.account()).money_left(task.number());
        let invocation = self.invocation(session, task, conversation, budget);
        let prompt = self.prompt(run, session, task).await?;
        self.look_at_the_project(session, &files).await;
        let marker = Marker::from(run.marker);
        Ok(claude::spawn(&self.launcher, &invocation, &prompt, files, marker))
    }

    /// Keeps what the project looks like before a run, to tell afterwards whether it changed anything. Without it that stays
    /// unknown, which keeps no run from starting.
    async fn look_at_the_project(&self, session: &Session, files: &RunFiles) {
        if session.rehearsal {
            return;
        }
        if let Some(before) =
            Fingerprint::of(&self.settings.project_dir, self.settings.claude.user.as_ref()).await
            && let Err(error) = before.keep(&files.before())
        {
            debug!("failed to keep what the project looked like: {error}");
        }
    }

    async fn prompt(&self, run: &Run, session: &Session, task: &Task) -> Result<String, Trouble> {
        let day = self.day(&session.id).await?;
        let progress = &task.progress;
        let check = task.spec.check.as_deref().zip(progress.check_output.as_deref());
        let parts = PromptParts {
            spec: &task.spec,
            position: session
                .tasks
                .iter()
                .position(|other| other.number() == task.number())
                .map_or(0, |at| at + 1),
            total: session.tasks.len(),
            day: day.as_ref().as_ref(),
            notes: &progress.notes,
            feedback: &progress.feedback,
            check_output: check.map(|(name, output)| CheckOutput { name, output }),
        };
        Ok(if run.resumed { continue_prompt(&parts) } else { prompt(&parts) })
    }

    /// The day's log that was stored with a session; it never changes, and the last one asked for is kept.
    async fn day(&self, session: &SessionId) -> Result<Arc<Option<DayLog>>, Trouble> {
        let mut kept = self.day.lock().await;
        if let Some((_, day)) = kept.as_ref().filter(|(of, _)| of == session) {
            return Ok(Arc::clone(day));
        }
        let day = sessions::day(self.engine.store().readers(), session).await?;
        let day = Arc::new(day.and_then(|day| serde_json::from_str(&day).ok()));
        *kept = Some((session.clone(), Arc::clone(&day)));
        Ok(day)
    }

    /// Runs the task's check, which has the last word on a run that says it was successful.
    async fn check(
        &self,
        name: &str,
        files: &RunFiles,
        marker: Marker,
        ended: Outcome,
        unwanted: &CancellationToken,
    ) -> Result<Outcome, Trouble> {
        let Some((_, command, timeout)) = self.settings.checks.iter().find(|(known, ..)| known == name)
        else {
            let reason = "it is no longer in the configuration".to_owned();
            let failure = Failure::Check { name: name.to_owned(), reason, output: String::new() };
            return Ok(Outcome { verdict: Verdict::Failed { failure }, ..ended });
        };
        let environment = self.settings.environment.iter().cloned();
        let check = Check {
            name: name.to_owned(),
            invocation: Invocation::of_check(
                &self.settings.claude,
                command,
                self.settings.project_dir.clone(),
                environment,
            ),
            timeout: *timeout,
            grace: self.settings.limits.grace,
        };
        self.activity.send_replace(Some(Activity(format!("Check {name}"))));
        let verdict = match claude::run_check(&self.launcher, &check, files, marker, unwanted).await? {
            Checked::Passed => ended.verdict,
            Checked::Failed(failure) => Verdict::Failed { failure },
            Checked::Stopped => Verdict::Lost,
            Checked::Unavailable(refusal) => unavailable(&refusal).verdict,
        };
        Ok(Outcome { verdict, ..ended })
    }
}

fn unavailable(refusal: &LaunchError) -> Outcome {
    outcome(Verdict::Unavailable { obstacle: Obstacle::Launch { message: refusal.to_string() } })
}

fn files(run: &Run) -> RunFiles {
    RunFiles::new(run.folder.clone(), &format!("task-{}-run-{}", run.task, run.number))
}
