//! What the live run is doing, in the chat: the message that told its start is written over, and in the end says how it
//! ended. Outside the outbox: an edit that is lost costs nothing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::to_raw_value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use uuid::Uuid;

use super::post::{Heard, Letter, Post};
use crate::claude::Activity;
use crate::domain::session::Session;
use crate::domain::task::Task;
use crate::engine::{Engine, Snapshot};
use crate::store::outbox::{self, Announced};
use crate::store::runs::Run;
use crate::telegram::{self, Message};

/// How long at least between two edits of a message.
const INTERVAL: Duration = Duration::from_secs(5);

/// The one that shows progress.
pub(super) struct Progress {
    engine: Arc<Engine>,
    post: Arc<Post>,
    activity: watch::Receiver<Option<Activity>>,
}

impl Progress {
    pub(super) fn new(
        engine: Arc<Engine>,
        post: Arc<Post>,
        activity: watch::Receiver<Option<Activity>>,
    ) -> Self {
        Self { engine, post, activity }
    }

    /// Shows the progress of each run until `stop`.
    pub(super) async fn show(mut self, stop: &CancellationToken) {
        let mut bell = self.engine.doorbell();
        loop {
            let run = bell.borrow_and_update().run.clone();
            tokio::select! {
                () = stop.cancelled() => return,
                _ = bell.changed(), if run.is_none() => {}
                () = async { if let Some(run) = &run { self.follow(run).await } }, if run.is_some() => {}
            }
        }
    }

    /// Shows one run's progress until it has ended. Short ones come and go without.
    async fn follow(&mut self, run: &Run) {
        let mut bell = self.engine.doorbell();
        let mut shown = false;
        let mut free_at = Instant::now() + INTERVAL;
        loop {
            let is_over =
                |snapshot: &Arc<Snapshot>| snapshot.run.as_ref().is_none_or(|open| open.id != run.id);
            tokio::select! {
                () = async { drop(bell.wait_for(is_over).await) } => {
                    if shown {
                        self.edit(run, telegram::progress_end).await;
                    }
                    return;
                }
                () = changed(&mut self.activity, free_at) => {}
            }
            let doing = self.activity.borrow_and_update().clone();
            let Some(Activity(doing)) = doing else { continue };
            let elapsed = self.engine.now().duration_since(run.claimed_at);
            let elapsed = Duration::try_from(elapsed).unwrap_or_default();
            let asked_to_wait =
                self.edit(run, |session, task| telegram::progress(session, task, &doing, elapsed)).await;
            shown |= asked_to_wait.is_some();
            free_at = Instant::now() + asked_to_wait.unwrap_or_default().max(INTERVAL);
        }
    }

    /// Writes over what told the run's start, in each chat that was told; answers with how long to wait, if any was.
    async fn edit(&self, run: &Run, text: impl Fn(&Session, &Task) -> Message) -> Option<Duration> {
        let snapshot = self.engine.snapshot();
        let session = snapshot.session(&run.session)?;
        let message = text(session, session.task(run.task)?);
        let telegram = to_raw_value(&message).ok()?;
        let announced = outbox::announced(self.engine.store().readers(), run.id).await.ok()?;
        let mut asked_to_wait = None;
        for Announced { chat, message_id } in announced {
            let now = self.engine.now();
            let letter = Letter {
                id: &Uuid::now_v7().to_string(),
                r#type: "info",
                message: &message.plain,
                event: "task_progress",
                session: Some(run.session.as_str()),
                task: Some(run.task.0.into()),
                gate: None,
                chat_id: chat.as_deref(),
                occurred_at: self.post.instant(now),
                telegram: &telegram,
                message_id: Some(message_id),
            };
            let pause = match self.post.post(&letter, now).await {
                Heard::Accepted { .. } => Duration::ZERO,
                Heard::Failed { error, retry_after } => {
                    debug!("an edit was lost: {error}");
                    retry_after.unwrap_or_default()
                }
                Heard::Gone(error) | Heard::Refused(error) => {
                    debug!("an edit was refused: {error}");
                    Duration::ZERO
                }
            };
            asked_to_wait = asked_to_wait.max(Some(pause));
        }
        asked_to_wait
    }
}

/// Waits for something new that may be shown.
async fn changed(activity: &mut watch::Receiver<Option<Activity>>, free_at: Instant) {
    sleep_until(free_at).await;
    if activity.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
