//! What the daemon keeps: the database, who has it, the logs, and the room that is left for both.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::report::Finding;
use crate::cli::health::{self, Answer};
use crate::cli::shown;
use crate::config::Config;
use crate::domain::size::Size;
use crate::files::{self, reason};
use crate::store::{self, Depth, Error, Lock, aside};

const GIB: u64 = 1 << 30;
/// Less will not last for a day of runs that print much.
const LITTLE: u64 = GIB;
/// Less will not last for a run.
const TOO_LITTLE: u64 = GIB / 10;

const RESTORE: &str = "stop the daemon and put the newest backup in its place (docs/backup.md)";

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let database = &config.paths.database;
    vec![content(database).await, lock(config), logs(&config.paths.logs_dir), room(config)]
}

async fn content(path: &Path) -> Finding {
    let name = shown(path);
    if !path.exists() {
        let folder = path.parent().unwrap_or(path);
        return match tempfile::tempfile_in(folder) {
            Ok(_) => Finding::ok("database", format!("{name} will be made by the first start")),
            Err(error) => Finding::fail(
                "database",
                format!("{name} can't be made: {}", reason(&error)),
                "make its folder writable for this user, or choose another paths.database",
            ),
        };
    }
    let correct = "if it is no database of this program, choose another paths.database";
    let note = Lock::peek(path).unwrap_or_default();
    match store::survey(path).await {
        Ok(survey) if survey.schema > survey.known => Finding::fail(
            "database",
            format!(
                "{name} was written by a newer version of this program (schema {}, this one knows {})",
                survey.schema, survey.known
            ),
            "install that version, or choose another paths.database",
        ),
        Ok(survey) if survey.is_backup => Finding::ok(
            "database",
            format!(
                "{name} is a backup that was put here: the next start takes it over, with its session paused"
            ),
        ),
        Ok(_) if note.damage.is_some() => Finding::fail(
            "database",
            format!("{name} is damaged: {}", note.damage.unwrap_or_default()),
            RESTORE,
        ),
        Ok(survey) if survey.schema < survey.known => Finding::ok(
            "database",
            format!(
                "{name} is writable; its schema {} becomes {} at the next start",
                survey.schema, survey.known
            ),
        ),
        Ok(survey) => {
            let cut_off = note.unchecked || (note.in_use && Lock::is_held(path).is_ok_and(|held| !held));
            let unlike =
                if cut_off { ", and was not left properly: the next `serve` looks through it" } else { "" };
            Finding::ok("database", format!("{name} is writable, schema {}{unlike}", survey.schema))
        }
        Err(Error::Unavailable(error)) => Finding::warn(
            "database",
            format!("{name} can't be written now: {}", store::said(&error)),
            "call this again in a while",
        ),
        Err(error) if error.damage().is_some() => Finding::fail(
            "database",
            format!("{name} can't be read: {}", error.damage().unwrap_or_default()),
            if aside::was_ours(path, &note) {
                "go back to a backup (docs/backup.md), or let the next start put it aside and begin a new one"
            } else {
                correct
            },
        ),
        Err(Error::Mixed { log, .. }) => Finding::warn(
            "database",
            format!("{name} is a backup, and {} beside it is of the database before", shown(&log)),
            "remove it, or let the next start put it aside",
        ),
        Err(Error::Open { source, .. } | Error::Fatal(source)) => {
            Finding::fail("database", format!("{name} can't be opened: {}", store::said(&source)), correct)
        }
        Err(Error::ReadOnly { path, source }) => {
            let message = format!("{} can't be written: {}", shown(&path), reason(&source));
            Finding::fail("database", message, "make it writable for this user")
        }
        Err(error) => Finding::fail("database", format!("{name}: {error}"), correct),
    }
}

/// Every page, index and reference.
pub(super) async fn look_through(path: &Path) -> Finding {
    let name = shown(path);
    if !path.exists() {
        return Finding::ok("integrity", format!("{name} isn't there yet"));
    }
    match store::check(path, Depth::Full).await {
        Ok(found) if found.is_empty() => {
            Finding::ok("integrity", format!("every page, index and reference of {name} is sound"))
        }
        Ok(found) => Finding::fail("integrity", format!("{name} is damaged: {}", found.join("; ")), RESTORE),
        Err(error) => Finding::fail("integrity", format!("{name} can't be looked through: {error}"), RESTORE),
    }
}

fn lock(config: &Config) -> Finding {
    let at = health::shown(&config.server);
    match (Lock::is_held(&config.paths.database), health::ask(&config.server)) {
        (Ok(true), Answer::Well(_) | Answer::Degraded(_)) => {
            Finding::ok("lock", "held by the daemon that is running")
        }
        (Ok(true), Answer::Stranger | Answer::Nobody(_)) => Finding::warn(
            "lock",
            format!("another orchestrator is using the database, but no daemon answers at {at}"),
            "end the `orchestrator run` or the daemon with another address, before you start one",
        ),
        (Ok(false), _) => Finding::ok("lock", "free"),
        (Err(error), _) => {
            let message =
                format!("the lock of {} can't be read: {}", shown(&config.paths.database), reason(&error));
            Finding::fail("lock", message, "make it readable for this user")
        }
    }
}

fn logs(folder: &Path) -> Finding {
    let name = shown(folder);
    let there = existing(folder);
    match tempfile::tempfile_in(there) {
        Ok(_) if there == folder => Finding::ok("logs", format!("{name} is writable")),
        Ok(_) => Finding::ok("logs", format!("{name} will be made by the first start")),
        Err(error) => Finding::fail(
            "logs",
            format!("{name} can't be written: {}", reason(&error)),
            "make it a folder that this user can write, or choose another paths.logs_dir",
        ),
    }
}

fn room(config: &Config) -> Finding {
    let [logs, database] = [&config.paths.logs_dir, &config.paths.database].map(|path| existing(path));
    // Of one file system there is one figure, though two looks may find two.
    let folders = if device(logs) == device(database) { vec![logs] } else { vec![logs, database] };
    let rooms = folders.into_iter().map(|folder| Some((files::room(folder)?, folder)));
    let Some((Size(room), folder)) =
        rooms.collect::<Option<Vec<_>>>().and_then(|rooms| rooms.into_iter().min_by_key(|(room, _)| *room))
    else {
        return Finding::warn("disk", "the system doesn't say how much room is left", "see what `df` says");
    };
    let tenths = room / (GIB / 10);
    let message = format!("{}.{} GiB left for {}", tenths / 10, tenths % 10, shown(folder));
    if room < TOO_LITTLE {
        Finding::fail("disk", message, "make room: without any, no run starts")
    } else if room < LITTLE {
        Finding::warn("disk", message, "make room: what runs print is kept for logging.keep")
    } else {
        Finding::ok("disk", message)
    }
}

fn device(path: &Path) -> Option<u64> {
    path.metadata().ok().map(|there| there.dev())
}

/// The path itself, or what is there of it.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"))
}
