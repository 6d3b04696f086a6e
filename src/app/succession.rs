//! How a process takes the database over from the one before it, and leaves it to the next: with what is noted in the lock
//! file, so that a file which is damaged, or not the one that was left, is noticed before anything goes on.

use std::path::Path;
use std::sync::Arc;

use super::{clock, leftovers};
use crate::engine::{self, Engine};
use crate::store::{self, Lock, Store, aside, restored};
use crate::upkeep::sweep::BEFORE_RESTORE;

/// Opens the database. One that can't be read is put aside and a new one begun, one that was restored is paused; both are
/// told.
pub(super) async fn open(
    database: &Path,
    lock: &Lock,
    settings: engine::Settings,
) -> Result<Arc<Engine>, store::Error> {
    let engine = match begin(database, lock, &settings).await {
        Ok(engine) => engine,
        Err(error) => {
            let damage = error.damage().filter(|_| aside::was_ours(database, &lock.note()));
            let Some(damage) = damage else { return Err(error) };
            put_aside(database, lock, &settings, &damage)?;
            begin(database, lock, &settings).await?
        }
    };
    if let Some(set_aside) = lock.note().set_aside {
        engine.tell_replaced(set_aside.display().to_string()).await?;
        lock.change(|note| note.set_aside = None);
    }
    if let Some(restored) = engine.restored().await? {
        make_way(&engine);
        engine.take_over(restored).await?;
        tracing::warn!(
            "the database was restored: its open session, if there is one, is paused until /resume"
        );
        lock.change(|note| note.unchecked = true);
    }
    note_place(&engine, lock).await;
    Ok(engine)
}

/// Notes how the database is left. One that failed is looked through by the next process.
pub(super) async fn leave(engine: &Engine, lock: &Lock, broken: bool) {
    if broken {
        lock.change(|note| note.unchecked = true);
        return;
    }
    if let Err(error) = engine.store().gather().await {
        tracing::debug!("the database's log stays: {error}");
    }
    note_place(engine, lock).await;
}

async fn begin(
    database: &Path,
    lock: &Lock,
    settings: &engine::Settings,
) -> Result<Arc<Engine>, store::Error> {
    let store = Store::open_noted(database, &lock.note()).await?;
    Engine::new(store, settings.clone()).await
}

fn put_aside(
    database: &Path,
    lock: &Lock,
    settings: &engine::Settings,
    damage: &str,
) -> Result<(), store::Error> {
    let now = clock().to_zoned(settings.timezone.clone());
    let place = aside::place(database, &now.strftime("corrupt-%Y%m%d-%H%M%S").to_string());
    // Before it is done, so that it is told even if this process is cut off in between.
    lock.change(|note| {
        *note = store::Note { in_use: true, set_aside: Some(place.clone()), ..Default::default() }
    });
    aside::set_aside(database, &place)?;
    tracing::error!(
        "THE DATABASE COULD NOT BE READ ({damage}). It was put aside as {}, and a new one is begun, which knows nothing of \
         earlier sessions. Nothing was deleted: to go on with a backup, stop the daemon and put the backup in its place",
        place.display()
    );
    Ok(())
}

fn make_way(engine: &Engine) {
    let (snapshot, logs_dir) = (engine.snapshot(), &engine.settings().logs_dir);
    for session in snapshot.sessions.iter().filter(|session| session.open().is_some()) {
        match leftovers::move_away(logs_dir, session) {
            Ok(0) => {}
            Ok(files) => tracing::warn!(
                "{files} files of runs since the backup are in {}/{}/{BEFORE_RESTORE} now",
                logs_dir.display(),
                session.id
            ),
            Err(error) => tracing::error!(
                "failed to move the files of runs since the backup, which the next runs will meet: {error}"
            ),
        }
    }
}

async fn note_place(engine: &Engine, lock: &Lock) {
    let store = engine.store();
    // By the connection that is open already: a reader's would have to be opened, before the first request is answered.
    let newest = restored::newest_event(&mut *store.writer().await).await;
    lock.change(|note| {
        note.epoch = Some(store.epoch().to_owned());
        note.newest_event = newest.ok();
    });
}
