//! The one job slot: claim, run, report, forever.
//!
//! Level-triggered: it looks at the committed state and does what that asks for, so a wake-up that is lost costs nothing
//! and a restart is nothing special. A run that a dead daemon left open is found again and seen through by the same
//! code that sees through a fresh one. Stopping a run is only state: it asks on each ring whether its run is wanted.

mod disk;
mod fingerprint;
mod job;

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use self::disk::Room;
use crate::claude::{self, Activity, Launcher, Limits, ProcessError};
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::id::{RunId, SessionId};
use crate::domain::run::{Obstacle, Outcome, Verdict};
use crate::domain::session::Work;
use crate::domain::size::Size;
use crate::engine::{self, Engine, Snapshot};
use crate::store::runs::Run;
use crate::taskfile::DayLog;

/// How long to sleep at most without a ring.
const TICK: Duration = Duration::from_mins(1);
/// How long to wait before something is tried again that failed inside.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the CLI may live on after it has printed its result.
const AFTER_RESULT: Duration = Duration::from_secs(5);

/// What the worker needs to know of the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the CLI is called.
    pub claude: claude::Settings,
    /// The limits of a run, unless its task says otherwise.
    pub limits: Limits,
    /// Where there must be room.
    pub room: Room,
    /// What may follow a run before its task counts as completed, by name: the command and how long it may take.
    pub checks: Vec<(String, Vec<String>, Duration)>,
    /// Where Claude works.
    pub project_dir: PathBuf,
    /// The environment of which runs see the configured part.
    pub environment: Vec<(OsString, OsString)>,
}

impl Settings {
    /// What the limits are when nobody says anything.
    pub fn limits(total: Duration, idle: Duration, grace: Duration, output: Size) -> Limits {
        Limits { total, idle, grace, after_result: AFTER_RESULT, output: Some(output) }
    }
}

/// The one that runs tasks.
#[derive(Debug)]
pub struct Worker {
    engine: Arc<Engine>,
    settings: Settings,
    launcher: Launcher,
    activity: watch::Sender<Option<Activity>>,
    health: watch::Sender<Option<String>>,
    day: Mutex<Option<(SessionId, Arc<Option<DayLog>>)>>,
}

/// A run to attend to, and whether this process claimed it a moment ago.
struct Job {
    run: Run,
    fresh: bool,
}

/// Why a run could not be attended to now; it stays open, and is found again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Process(#[from] ProcessError),
    #[error("{0}")]
    Engine(#[from] engine::Error),
    #[error("{0}")]
    Store(#[from] crate::store::Error),
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(engine: Arc<Engine>, settings: Settings) -> Self {
        Self {
            engine,
            settings,
            launcher: Launcher::default(),
            activity: watch::Sender::new(None),
            health: watch::Sender::new(None),
            day: Mutex::default(),
        }
    }

    /// What the live run is doing, for a line that is written over.
    pub fn activity(&self) -> watch::Receiver<Option<Activity>> {
        self.activity.subscribe()
    }

    /// Why the worker isn't well, if it isn't.
    pub fn health(&self) -> watch::Receiver<Option<String>> {
        self.health.subscribe()
    }

    /// Works until `stop`; a run that is alive then is left alone, for the next worker to adopt.
    ///
    /// On a thread of its own: between two runs there is a chain of short steps, each of which waits for another thread, and
    /// a runtime of several threads wakes one more at each of them.
    pub async fn work(self, stop: CancellationToken) {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                warn!("the worker has no thread of its own: {error}");
                return self.take_turns(stop).await;
            }
        };
        let working = tokio::task::spawn_blocking(move || runtime.block_on(self.take_turns(stop)));
        if let Err(error) = working.await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }

    async fn take_turns(self, stop: CancellationToken) {
        let mut bell = self.engine.doorbell();
        let mut next: Option<Job> = None;
        while !stop.is_cancelled() {
            bell.borrow_and_update();
            let turn = match next.take() {
                Some(job) => self.attend(job, &stop).await,
                None => match self.find_job().await {
                    Ok(Some(job)) => self.attend(job, &stop).await,
                    Ok(None) => {
                        self.is_well();
                        tokio::select! {
                            () = stop.cancelled() => return,
                            _ = bell.changed() => {}
                            () = tokio::time::sleep(self.longest_nap()) => {}
                        }
                        continue;
                    }
                    Err(error) => Err(error.into()),
                },
            };
            match turn {
                Ok(claimed) => {
                    self.is_well();
                    next = claimed.map(|run| Job { run, fresh: true });
                }
                Err(trouble) => {
                    self.launcher.dismiss().await;
                    self.tell_trouble(&trouble).await;
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(PATIENCE) => {}
                    }
                }
            }
        }
    }

    fn is_well(&self) {
        self.health.send_if_modified(|health| health.take().is_some());
    }

    /// A run that is open, else one that can be claimed now.
    async fn find_job(&self) -> Result<Option<Job>, engine::Error> {
        let snapshot = self.engine.snapshot();
        if let Some(run) = &snapshot.run {
            return Ok(Some(Job { run: run.clone(), fresh: false }));
        }
        if snapshot.hold.as_ref().is_some_and(|hold| !hold.stands(self.engine.now())) {
            self.engine.end_hold(None).await?;
        }
        let held = self.engine.hold().is_some_and(|hold| hold.kind == HoldKind::Disk);
        let ready = snapshot
            .current()
            .and_then(|session| session.open())
            .is_some_and(|open| matches!(open.work, Work::Ready { .. }) && open.paused.is_none());
        if (ready || held) && !self.has_room(held).await? {
            return Ok(None);
        }
        if !ready {
            return Ok(None);
        }
        Ok(self.engine.claim().await?.map(|run| Job { run, fresh: true }))
    }

    /// Whether there is room for a run; begins and ends the hold that says so.
    async fn has_room(&self, held: bool) -> Result<bool, engine::Error> {
        let room = self.settings.room.clone();
        let shortage = tokio::task::spawn_blocking(move || room.shortage()).await.unwrap_or(None);
        match shortage {
            Some(shortage) if !held => {
                self.engine.begin_hold(Hold::lasting(HoldKind::Disk, shortage.clone())).await?;
                warn!("nothing starts: {shortage}");
                Ok(false)
            }
            Some(_) => Ok(false),
            None if held => {
                info!("there is room again");
                self.engine.end_hold(Some(HoldKind::Disk)).await?;
                Ok(true)
            }
            None => Ok(true),
        }
    }

    fn longest_nap(&self) -> Duration {
        if self.engine.hold().is_some_and(|hold| hold.kind == HoldKind::Disk) {
            return disk::LOOK_AGAIN;
        }
        let until = self.engine.hold().and_then(|hold| hold.until);
        let left = until.map(|until| until.duration_since(self.engine.now()));
        left.and_then(|left| Duration::try_from(left).ok()).map_or(TICK, |left| left.min(TICK))
    }

    /// Sees a run to its end and reports it; answers with the run that was claimed in the same transaction.
    async fn attend(&self, job: Job, stop: &CancellationToken) -> Result<Option<Run>, Trouble> {
        let Job { run, fresh } = job;
        let snapshot = self.engine.snapshot();
        let Some((session, task)) = snapshot
            .session(&run.session)
            .and_then(|session| Some((Arc::clone(session), Arc::clone(session.task(run.task)?))))
        else {
            let lost = outcome(Verdict::Lost);
            return Ok(self.engine.finish(run.id, lost, Duration::ZERO, false, async {}).await?);
        };
        let (unwanted, mut shortage) = (CancellationToken::new(), None);
        let ended = tokio::select! {
            ended = self.see_to_its_end(&run, fresh, &session, &task, &unwanted) => ended?,
            never = self.end_when_unwanted(run.id, &unwanted) => match never {},
            never = self.settings.room.watch(&unwanted, &mut shortage) => match never {},
            () = stop.cancelled() => {
                info!("run {} goes on without me", run.id);
                return Ok(None);
            }
        };
        let ended = for_want_of_room(ended, shortage);
        self.activity.send_replace(None);
        self.end_leftover_hold().await?;
        let took = Duration::try_from(self.engine.now().duration_since(run.claimed_at)).unwrap_or_default();
        let and_claim = !stop.is_cancelled() && self.settings.room.shortage().is_none();
        Ok(self.engine.finish(run.id, ended, took, and_claim, self.launcher.dismiss()).await?)
    }

    /// Cancels as soon as the committed state says that the run is to end.
    async fn end_when_unwanted(&self, run: RunId, unwanted: &CancellationToken) -> Infallible {
        let mut bell = self.engine.doorbell();
        let is_ending = |snapshot: &Arc<Snapshot>| {
            snapshot.sessions.iter().any(|session| {
                matches!(
                    session.open().map(|open| &open.work),
                    Some(Work::Ending { run: ending, .. }) if *ending == run
                )
            })
        };
        if bell.wait_for(is_ending).await.is_ok() {
            unwanted.cancel();
        }
        std::future::pending().await
    }

    async fn tell_trouble(&self, trouble: &Trouble) {
        let run = self.engine.snapshot().run.as_ref().map(|run| run.id);
        let what = run.map_or("the next task".to_owned(), |run| format!("run {run}"));
        let told = Some(format!("{what}: {trouble}"));
        let is_news = self.health.send_if_modified(|health| {
            let is_news = *health != told;
            *health = told;
            is_news
        });
        // Once, not every few seconds: a disk that is full has no room for more.
        if is_news {
            error!("failed to see to {what}, which is tried again: {trouble}");
        }
        if let Trouble::Process(stuck @ ProcessError::Survivors { .. }) = trouble {
            let reason = format!("{stuck}; the daemon goes on by itself when they are gone");
            let hold = Hold::lasting(HoldKind::Leftover, reason);
            if self.engine.hold().as_ref() != Some(&hold)
                && let Err(error) = self.engine.begin_hold(hold).await
            {
                warn!("failed to begin a hold: {error}");
            }
        }
    }

    async fn end_leftover_hold(&self) -> Result<(), engine::Error> {
        if self.engine.hold().is_some_and(|hold| hold.kind == HoldKind::Leftover) {
            self.engine.end_hold(Some(HoldKind::Leftover)).await?;
        }
        Ok(())
    }
}

/// A run that was ended because there was no room is not its task's failure.
fn for_want_of_room(ended: Outcome, shortage: Option<String>) -> Outcome {
    match (&ended.verdict, shortage) {
        (Verdict::Lost, Some(message)) => {
            Outcome { verdict: Verdict::Unavailable { obstacle: Obstacle::Disk { message } }, ..ended }
        }
        (_, _) => ended,
    }
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome::bare(verdict)
}
