//! What keeps a daemon well for months: a look through a database that wasn't left properly, a sweep each day, and a proof of
//! life for the service manager.
//!
//! None holds anybody up: the first two work on connections of their own while requests are answered and tasks are worked on.
//! Never touches anything of an open session.

pub mod sweep;
pub mod watchdog;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use self::sweep::{Scope, Swept, sweep};
use crate::engine::Engine;
use crate::store::{self, Depth, Lock, restored};

/// How often to see whether a day has begun: the machine may sleep, and its clock may jump.
const TICK: Duration = Duration::from_hours(1);

/// What is to be kept, and how long.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where logs and what runs printed are.
    pub logs_dir: PathBuf,
    /// How long they are kept.
    pub keep: Duration,
    /// The zone in which a day begins.
    pub timezone: TimeZone,
}

/// The one that keeps things well.
#[derive(Debug)]
pub struct Upkeep {
    engine: Arc<Engine>,
    lock: Arc<Lock>,
    settings: Settings,
}

impl Upkeep {
    /// One that has not begun.
    pub fn new(engine: Arc<Engine>, lock: Arc<Lock>, settings: Settings) -> Self {
        Self { engine, lock, settings }
    }

    /// Works until `stop`.
    pub async fn work(self, stop: CancellationToken) {
        let both = async {
            self.look_through().await;
            self.sweep_daily().await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = both => {}
        }
    }

    /// Looks through a database that a process left without coming to its own end, or in which damage was found before.
    async fn look_through(&self) {
        let note = self.lock.note();
        if !note.unchecked && note.damage.is_none() {
            return;
        }
        info!("the database was not left properly: looking through it");
        match store::check(self.engine.store().path(), Depth::Quick).await {
            Ok(found) if found.is_empty() => {
                info!("the database is sound");
                self.lock.change(|note| {
                    note.unchecked = false;
                    note.damage = None;
                });
            }
            Ok(found) => {
                let damage = found.join("; ");
                error!(
                    "THE DATABASE IS DAMAGED: {damage}. What it holds can't be relied on: stop the daemon, and put the \
                     newest backup in its place"
                );
                self.engine.store().is_damaged(damage.clone());
                self.lock.change(|note| note.damage = Some(damage));
            }
            Err(error) => error!("failed to look through the database: {error}"),
        }
    }

    /// Sweeps at once and then on each new day.
    async fn sweep_daily(&self) {
        let mut last = None;
        loop {
            let today = self.engine.now().to_zoned(self.settings.timezone.clone()).date();
            // A sweep that met damage again at each start would end each.
            if last.replace(today) != Some(today) && self.engine.store().damage().is_none() {
                self.sweep_once().await;
            }
            self.note_newest_event().await;
            tokio::time::sleep(TICK).await;
        }
    }

    async fn sweep_once(&self) {
        let scope = Scope::older_than(self.settings.keep, &self.settings, self.engine.now());
        match sweep(&scope, self.engine.store().path()).await {
            Ok(swept) if swept == Swept::default() => {}
            Ok(swept) => info!("swept out what is older than logging.keep: {swept}"),
            Err(failure) => {
                error!("failed to sweep out what is old, which is tried again tomorrow: {failure}");
                if matches!(failure, sweep::Error::Database(store::Error::Fatal(_))) {
                    self.engine.store().broken().cancel();
                }
            }
        }
    }

    /// So that an older copy in the database's place is noticed, also if this process is cut off.
    async fn note_newest_event(&self) {
        let newest = self.engine.store().readers().with(async |conn| restored::newest_event(conn).await);
        match newest.await {
            Ok(newest) => self.lock.change(|note| note.newest_event = Some(newest)),
            Err(failure) => error!("failed to note which event is the newest: {failure}"),
        }
    }
}
