//! Which session a file means: its own open one, or a new one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Call;
use crate::cli::inspect::inspect;
use crate::cli::{Error, shown};
use crate::config::Config;
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::id::SessionId;
use crate::domain::number::count;
use crate::domain::session::{Session, TaskFile};
use crate::engine::{self, Engine, Wish};
use crate::files::task_folder::{self, Source};
use crate::store::events::{self, Told};
use crate::store::sessions;
use crate::taskfile::MAX_BYTES;

/// A session to attend to.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) session: SessionId,
    /// The last event that was told before.
    pub(super) told: i64,
    /// What to say to someone who comes back.
    pub(super) welcome: Option<String>,
}

/// Goes on with the file's open session, or begins one.
pub(super) async fn open(engine: &Arc<Engine>, config: &Config, call: &Call<'_>) -> Result<Opened, Error> {
    let snapshot = engine.snapshot();
    match snapshot.current().filter(|session| session.open().is_some()) {
        Some(session) if !call.arguments.replace => go_on(engine, config, call, session).await,
        Some(_) | None => begin(engine, config, call).await,
    }
}

async fn begin(engine: &Arc<Engine>, config: &Config, call: &Call<'_>) -> Result<Opened, Error> {
    let (loaded, _) = inspect(config, &call.arguments.file)?;
    let file = TaskFile { name: loaded.name, digest: loaded.digest };
    if !call.arguments.again && !call.rehearse {
        let readers = engine.store().readers();
        if let Some(earlier) = readers.with(async |conn| sessions::completed(conn, &file).await).await? {
            return refuse(format!(
                "{} was completed by session {earlier} and has not changed since; to run it once more:\n  {} --again",
                call.arguments.file.display(),
                call.command
            ));
        }
    }
    let source = Source::Path(call.arguments.file.clone());
    let wish = Wish::Start { source, replace: call.arguments.replace.into(), again: call.arguments.again };
    engine.perform(wish, operator()).await?;
    let snapshot = engine.snapshot();
    let session = snapshot.current().ok_or_else(|| Error::NoSession("no session was begun".to_owned()))?;
    Ok(Opened { session: session.id.clone(), told: 0, welcome: None })
}

async fn go_on(
    engine: &Arc<Engine>,
    config: &Config,
    call: &Call<'_>,
    session: &Arc<Session>,
) -> Result<Opened, Error> {
    let theirs = config.paths.tasks_dir.join(&session.task_file.name);
    if resolved(&theirs) != resolved(&call.arguments.file) {
        return refuse(format!(
            "session {} of {} is still open: go on with it, or add --replace to stop it and begin this one",
            session.id,
            shown(&theirs)
        ));
    }
    if session.rehearsal != call.rehearse {
        let (is, do_it) = if session.rehearsal {
            ("a rehearsal", "go on with it with --rehearse")
        } else {
            ("no rehearsal", "go on with it without --rehearse")
        };
        return refuse(format!(
            "session {} of this file is open and is {is}: {do_it}, or add --replace to stop it and begin anew",
            session.id
        ));
    }
    let told = events::after(engine.store().readers(), &session.id, 0).await?;
    let welcome = welcome(config, session);
    let paused = session.open().is_some_and(|open| open.paused.is_some());
    if let Some(restored) = restoration(&told).filter(|_| paused) {
        return refuse(format!(
            "{restored}. Session {} waits as it was then: see that it fits your project as it is now, and go on with\n  \
             orchestrator{} resume\n  {}",
            session.id, call.config, call.command
        ));
    }
    let held = engine.hold().is_some_and(|hold| hold.until.is_none());
    if paused || held {
        engine.perform(Wish::Tell(Command::Resume), operator()).await?;
    }
    Ok(Opened {
        session: session.id.clone(),
        told: told.last().map_or(0, |told| told.id),
        welcome: Some(welcome),
    })
}

/// What was told when the session's database was restored, if nobody has said since that it may go on.
fn restoration(told: &[Told]) -> Option<&str> {
    let last = told
        .iter()
        .rfind(|told| matches!(told.event, Event::DatabaseRestored { .. } | Event::Resumed { .. }))?;
    matches!(last.event, Event::DatabaseRestored { .. }).then_some(&last.message)
}

fn welcome(config: &Config, session: &Session) -> String {
    let TaskFile { name, digest } = &session.task_file;
    let counts = session.counts();
    let rehearsal = if session.rehearsal { ", a rehearsal" } else { "" };
    let changed = if task_folder::has_changed(&config.paths.tasks_dir, name, digest, MAX_BYTES) {
        "\nThe task file was changed since: this session goes on with what it read at its start \
         (--replace stops it and begins anew)"
    } else {
        ""
    };
    let (done, total) = (counts.completed + counts.skipped, counts.total);
    format!(
        "Going on with session {}{rehearsal}: {done} of {} done{changed}",
        session.id,
        count(total, "task")
    )
}

/// The one who sits at the terminal.
pub(super) fn operator() -> Actor {
    Actor::named("the terminal")
}

fn refuse<T>(message: String) -> Result<T, Error> {
    Err(engine::Error::Refused(message).into())
}

/// A path by which two names of one file can be told; the file may be gone by now.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
