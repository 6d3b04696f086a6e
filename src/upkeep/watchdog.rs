//! What the service manager hears while the daemon works: where things stand, and that anything could still be written.
//!
//! The watchdog is fed by a write that is committed like any other, so what hangs anywhere on that way (the runtime, the
//! writer's lock, the disk) ends in a restart. A write that is *answered* with an error feeds it too: a full disk is seen to by
//! a hold, and a database that fails for good ends the daemon by itself; a restart would help neither, again and again.

use std::future::pending;
use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::domain::standing::Standing;
use crate::engine::{Engine, Snapshot};
use crate::supervisor::Supervisor;

/// Tells the manager that the daemon is ready, then how it stands until `stop`, then that it ends.
pub async fn report(engine: Arc<Engine>, supervisor: Supervisor, stop: CancellationToken) {
    supervisor.ready();
    let work = async { tokio::join!(tell_standing(&engine, &supervisor), prove_alive(&engine, &supervisor)) };
    tokio::select! {
        () = stop.cancelled() => supervisor.stopping("ending: a live run goes on, and the next start adopts it"),
        ((), ()) = work => {}
    }
}

async fn tell_standing(engine: &Engine, supervisor: &Supervisor) {
    let mut bell = engine.doorbell();
    let mut told = String::new();
    while supervisor.is_there() {
        let standing = standing(&bell.borrow_and_update());
        if standing != told {
            supervisor.status(&standing);
            told = standing;
        }
        if bell.changed().await.is_err() {
            break;
        }
    }
    pending::<()>().await;
}

async fn prove_alive(engine: &Arc<Engine>, supervisor: &Supervisor) {
    let Some(within) = supervisor.watchdog() else { return pending().await };
    let mut ticks = interval(within / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let beat = engine.beat().await;
        match &beat {
            Ok(()) if failing => info!("the database can be written again"),
            Err(error) if !failing => warn!("the database answers, but can't be written: {error}"),
            Ok(()) | Err(_) => {}
        }
        failing = beat.is_err();
        supervisor.alive();
    }
}

fn standing(snapshot: &Snapshot) -> String {
    let Some(session) = snapshot.current() else { return "ready, no session yet".to_owned() };
    let (counts, held) = (session.counts(), snapshot.hold.is_some());
    let done = counts.completed + counts.skipped;
    format!(
        "session {}: {}, {done} of {} tasks done",
        session.id,
        Standing::of(session, held).in_words(),
        counts.total
    )
}
