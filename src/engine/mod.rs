//! The only writer of session state: a command becomes one transaction, then the doorbell rings.
//!
//! Nothing is acknowledged before its transaction has committed. Whoever consumes what changed (the worker, the
//! notifier, the event streams) waits for the bell and re-reads what is committed: a wake-up that is missed costs nothing.
//! Knows neither HTTP nor processes.

mod error;
mod glance;
mod opening;
mod post;
mod snapshot;
mod successor;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sqlx::SqliteConnection;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::error::Error;
pub use self::post::{Audience, Delivery};
pub use self::snapshot::Snapshot;
use self::write::Write;
use crate::domain::actor::Actor;
use crate::domain::command::{Command, Order, Replace};
use crate::domain::event::Event;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::id::RunId;
use crate::domain::limits::DayAccount;
use crate::domain::policy::Policy;
use crate::domain::run::Outcome;
use crate::files::task_folder::Source;
use crate::store::pulse;
use crate::store::requests::{self, Key, Recorded, Seen};
use crate::store::runs::Run;
use crate::store::{self, Store};

/// What the engine needs to know of the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules for new sessions.
    pub policy: Policy,
    /// The names of the configured checks.
    pub checks: Vec<String>,
    /// Where task files are.
    pub tasks_dir: PathBuf,
    /// Where the daily logs are.
    pub daily_dir: PathBuf,
    /// Where the files of runs go, one folder a session.
    pub logs_dir: PathBuf,
    /// The zone in which a day begins and ids are told.
    pub timezone: TimeZone,
    /// Whether new sessions are rehearsals.
    pub rehearse: bool,
    /// Who is notified, if anybody.
    pub audience: Option<Audience>,
    /// In which boot and pid namespace this process lives.
    pub birthplace: (String, String),
    /// Tells the time.
    pub clock: fn() -> Timestamp,
}

/// What someone wants done.
#[derive(Clone, Debug)]
pub enum Wish {
    /// A session from a task file.
    Start {
        /// Which file.
        source: Source,
        /// Which session to stop first.
        replace: Replace,
        /// Even if exactly this file was completed before.
        again: bool,
    },
    /// Anything that the open session can be told.
    Tell(Command),
    /// Something about notifications.
    Deliver(Delivery),
}

/// A wish and whose it is.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is wanted.
    pub wish: Wish,
    /// By whom.
    pub by: Actor,
    /// When it was sent, if that is known.
    pub sent_at: Option<Timestamp>,
    /// By which it is recognised when it is repeated.
    pub key: Option<Key>,
}

/// What a request came to.
#[derive(Clone, Debug)]
pub struct Done {
    /// The answer, in words.
    pub message: String,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// An answer to a request, as its sender's protocol has it.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The answer.
    pub recorded: Recorded,
    /// Whether it was given before.
    pub replayed: bool,
}

/// Turns what a request came to into the answer that is recorded with its key.
pub type Render = Box<dyn FnOnce(&Result<Done, Error>, &Snapshot) -> Recorded + Send>;

/// The engine; cheap to share.
#[derive(Debug)]
pub struct Engine {
    store: Store,
    settings: Settings,
    doorbell: watch::Sender<Arc<Snapshot>>,
}

impl Engine {
    /// Takes over a database whose lock the caller holds.
    pub async fn new(store: Store, settings: Settings) -> Result<Arc<Self>, store::Error> {
        let today = (settings.clock)().to_zoned(settings.timezone.clone()).date();
        let loaded = Snapshot::load(&mut *store.writer().await, today).await;
        let snapshot = match loaded {
            Ok(snapshot) => snapshot,
            Err(error) => {
                store.close().await;
                return Err(error);
            }
        };
        let (doorbell, _) = watch::channel(Arc::new(snapshot));
        Ok(Arc::new(Self { store, settings, doorbell }))
    }

    /// The committed state.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.doorbell.borrow().clone()
    }

    /// Rings after every commit. Its value is the newest snapshot; those in between may be missed.
    pub fn doorbell(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.doorbell.subscribe()
    }

    /// Cancelled when the database has failed in a way that nothing can be trusted after.
    pub fn broken(&self) -> &CancellationToken {
        self.store.broken()
    }

    /// The database, for reading.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the engine was told of the configuration.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The time, to the millisecond.
    pub fn now(&self) -> Timestamp {
        let now = (self.settings.clock)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// The day in the configured zone.
    pub fn today(&self) -> Date {
        self.now().to_zoned(self.settings.timezone.clone()).date()
    }

    /// Today's account, over all sessions.
    pub fn account(&self) -> DayAccount {
        let (account, today) = (self.snapshot().account, self.today());
        if account.day == today { account } else { DayAccount::new(today) }
    }

    /// The hold that stands now.
    pub fn hold(&self) -> Option<Hold> {
        self.snapshot().hold.clone().filter(|hold| hold.stands(self.now()))
    }

    /// Carries a request out, once for its key, and renders the answer before the commit. A sender who stops waiting
    /// does not stop it.
    pub async fn execute(self: &Arc<Self>, request: Request, render: Render) -> Result<Reply, Error> {
        let engine = Arc::clone(self);
        tokio::spawn(async move { engine.watched(engine.execute_once(request, render)).await })
            .await
            .unwrap_or(Err(Error::Interrupted))
    }

    /// Carries a wish out for someone in this process.
    pub async fn perform(self: &Arc<Self>, wish: Wish, by: Actor) -> Result<Done, Error> {
        let engine = Arc::clone(self);
        let request = Request { wish, by, sent_at: None, key: None };
        tokio::spawn(async move { engine.watched(engine.perform_once(&request)).await })
            .await
            .unwrap_or(Err(Error::Interrupted))
    }

    /// Claims the task that is ready, if there is one and nothing stands in the way.
    pub async fn claim(self: &Arc<Self>) -> Result<Option<Run>, Error> {
        self.watched(async {
            let mut conn = self.store.writer().await;
            let mut write = Write::begin(self, &mut conn).await?;
            if !write.claim().await? {
                return Ok(None);
            }
            Ok(self.publish(write.commit().await?).run.clone())
        })
        .await
    }

    /// Ends a run and, in the same transaction, claims what comes next if nothing stands between. If nothing was claimed, the
    /// caller comes `to_rest` before anybody is told.
    pub async fn finish(
        self: &Arc<Self>,
        run: RunId,
        outcome: Outcome,
        took: Duration,
        and_claim: bool,
        to_rest: impl Future<Output = ()>,
    ) -> Result<Option<Run>, Error> {
        self.watched(async {
            let mut conn = self.store.writer().await;
            let mut write = Write::begin(self, &mut conn).await?;
            let command = Command::Finish { run, outcome: Box::new(outcome), took };
            write.tell(&Order { command, by: Actor::worker(), sent_at: None }).await?;
            if !and_claim || !write.claim().await? {
                to_rest.await;
            }
            Ok(self.publish(write.commit().await?).run.clone())
        })
        .await
    }

    /// Says that nothing may start.
    pub async fn begin_hold(self: &Arc<Self>, hold: Hold) -> Result<(), Error> {
        self.watched(async {
            let mut conn = self.store.writer().await;
            let mut write = Write::begin(self, &mut conn).await?;
            write.begin_hold(hold).await?;
            self.publish(write.commit().await?);
            Ok(())
        })
        .await
    }

    /// Ends the hold that stands if it is of this kind, or has come to its time.
    pub async fn end_hold(self: &Arc<Self>, kind: Option<HoldKind>) -> Result<(), Error> {
        self.watched(async {
            let mut conn = self.store.writer().await;
            let mut write = Write::begin(self, &mut conn).await?;
            write.end_hold(kind).await?;
            self.publish(write.commit().await?);
            Ok(())
        })
        .await
    }

    /// Writes next to nothing by the way of every write, and tells nobody: whoever gets an answer, also one that says no,
    /// knows that nothing on that way hangs.
    pub async fn beat(self: &Arc<Self>) -> Result<(), Error> {
        self.watched(async {
            let mut conn = self.store.writer().await;
            self.store.mend(&mut conn).await?;
            Ok(pulse::beat(&mut conn, self.now()).await?)
        })
        .await
    }

    async fn execute_once(self: &Arc<Self>, request: Request, render: Render) -> Result<Reply, Error> {
        let mut conn = self.store.writer().await;
        if let Some(key) = &request.key {
            match requests::seen(&mut conn, key, self.now()).await? {
                Seen::Never => {}
                Seen::Answered(recorded) => return Ok(Reply { recorded, replayed: true }),
                Seen::Otherwise => {
                    let reused = Err(Error::KeyReused(key.key.clone()));
                    return Ok(Reply { recorded: render(&reused, &self.snapshot()), replayed: false });
                }
            }
        }
        if let Some(refusal) = self.refused_at_a_glance(&request) {
            return self.refuse(&mut conn, &request, refusal, render).await;
        }
        let mut write = Write::begin(self, &mut conn).await?;
        let result = write.fulfil(&request).await;
        if let Err(error) = result {
            drop(write);
            return self.refuse(&mut conn, &request, error, render).await;
        }
        let recorded = render(&result, write.next());
        if let Some(key) = &request.key {
            write.record(key, &recorded).await?;
        }
        self.publish(write.commit().await?);
        Ok(Reply { recorded, replayed: false })
    }

    async fn perform_once(self: &Arc<Self>, request: &Request) -> Result<Done, Error> {
        let mut conn = self.store.writer().await;
        let mut write = Write::begin(self, &mut conn).await?;
        let done = write.fulfil(request).await?;
        self.publish(write.commit().await?);
        Ok(done)
    }

    /// Answers with a refusal, which is recorded like any answer if a repetition should meet the same one.
    async fn refuse(
        &self,
        conn: &mut SqliteConnection,
        request: &Request,
        error: Error,
        render: Render,
    ) -> Result<Reply, Error> {
        let lasting = match &error {
            Error::NotFound(_)
            | Error::Missing { .. }
            | Error::Refused(_)
            | Error::Instead { .. }
            | Error::Invalid(_) => true,
            Error::Bad(_) | Error::KeyReused(_) => false,
            Error::Store(_) | Error::Interrupted => return Err(error),
        };
        let recorded = render(&Err(error), &self.snapshot());
        if let Some(key) = request.key.as_ref().filter(|_| lasting) {
            requests::record(conn, key, &recorded, self.now()).await?;
        }
        Ok(Reply { recorded, replayed: false })
    }

    /// Rings the bell with what was committed.
    fn publish(&self, committed: Snapshot) -> Arc<Snapshot> {
        let snapshot = Arc::new(committed);
        self.doorbell.send_replace(Arc::clone(&snapshot));
        snapshot
    }

    /// Ends the daemon when the database fails for good: what it holds is for the next one to read.
    async fn watched<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let result = work.await;
        if let Err(Error::Store(store::Error::Fatal(_))) = &result {
            self.store.broken().cancel();
        }
        result
    }
}
