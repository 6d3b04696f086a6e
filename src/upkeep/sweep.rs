//! What is old is swept out: what runs printed in sessions that have ended, the stories of days, old access logs, and rows
//! that nobody will ask for.
//!
//! The record stays: sessions with their tasks, runs, gates and events go only if they are asked for by name. Files go only if
//! their names say that they are ours.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sqlx::{Connection as _, SqliteConnection};

use super::Settings;
use crate::domain::id::SessionId;
use crate::domain::number::count;
use crate::files::{reason, size};
use crate::store::prune::{self, Old, Standing};
use crate::store::{self, requests};
use crate::telemetry;

/// How long others are let in between two steps: whoever waits for SQLite's lock isn't next in any line.
const BREATH: Duration = Duration::from_millis(10);

/// What folders begin with that hold the files of runs which a restored database doesn't know.
pub const BEFORE_RESTORE: &str = "before-restore";

/// What is to go.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Where the files are.
    pub logs_dir: PathBuf,
    /// The time.
    pub now: Timestamp,
    /// What is older than this goes.
    pub before: Timestamp,
    /// The zone of the dates in names.
    pub timezone: TimeZone,
    /// Whether the record of sessions goes too.
    pub sessions: bool,
    /// Whether to say only what would go.
    pub dry_run: bool,
}

impl Scope {
    /// What a daemon with these settings sweeps out when it is this old.
    pub fn older_than(age: Duration, settings: &Settings, now: Timestamp) -> Self {
        Self {
            logs_dir: settings.logs_dir.clone(),
            now,
            before: now.saturating_sub(age).unwrap_or(Timestamp::MIN),
            timezone: settings.timezone.clone(),
            sessions: false,
            dry_run: false,
        }
    }
}

/// What went, or would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions of which the files of runs went.
    pub runs: u64,
    /// Days of which the story went.
    pub days: u64,
    /// Access logs.
    pub access: u64,
    /// What the files held.
    pub bytes: u64,
    /// Keys of requests.
    pub requests: u64,
    /// Notifications.
    pub notifications: u64,
    /// Events of no session.
    pub notes: u64,
    /// Holds that are over.
    pub holds: u64,
    /// Sessions of which the record went.
    pub sessions: u64,
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named =
            |number, noun| (number > 0).then(|| count(usize::try_from(number).unwrap_or(usize::MAX), noun));
        let files = [
            named(self.runs, "session").map(|sessions| format!("the run files of {sessions}")),
            named(self.days, "day").map(|days| format!("the stories of {days}")),
            named(self.access, "access log"),
        ];
        let files: Vec<_> = files.into_iter().flatten().collect();
        let files = (!files.is_empty()).then(|| format!("{} ({})", files.join(", "), size(self.bytes)));
        let rows = [
            named(self.requests, "request key"),
            named(self.notifications, "notification"),
            named(self.notes, "event").map(|events| format!("{events} of no session")),
            named(self.holds, "past hold"),
            named(self.sessions, "session").map(|sessions| format!("the record of {sessions}")),
        ];
        let all: Vec<_> = files.into_iter().chain(rows.into_iter().flatten()).collect();
        f.write_str(if all.is_empty() { "nothing" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

/// Why not everything that is old went.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error("{0}")]
    Database(#[from] store::Error),
    /// A file or folder.
    #[error("can't sweep out {}: {}", .path.display(), reason(.source))]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The thread that looks at files is gone.
    #[error("the sweep was interrupted")]
    Interrupted,
}

/// Sweeps, beside whoever works on the database.
pub async fn sweep(scope: &Scope, database: &Path) -> Result<Swept, Error> {
    let mut conn = store::visit(database).await?;
    let swept = sweep_all(scope, &mut conn).await;
    conn.close().await.map_err(store::Error::from)?;
    swept
}

async fn sweep_all(scope: &Scope, conn: &mut SqliteConnection) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    for (path, kind) in found(scope).await? {
        let old = match &kind {
            Kind::Session(id) => session_is_old(scope, conn, id, &path).await?,
            Kind::Story(date) => day_is_old(scope, *date),
            Kind::Access => is_untouched(scope, &path),
        };
        if old {
            let bytes = go(scope, path, matches!(kind, Kind::Session(_))).await?;
            let counted = match kind {
                Kind::Session(_) => &mut swept.runs,
                Kind::Story(_) => &mut swept.days,
                Kind::Access => &mut swept.access,
            };
            *counted += u64::from(bytes.is_some());
            swept.bytes += bytes.unwrap_or_default();
        }
    }
    let forgotten = scope.now.saturating_sub(requests::REMEMBERED_FOR).unwrap_or(Timestamp::MIN);
    swept.requests = rows(scope, conn, Old::Requests, forgotten).await?;
    swept.notifications = rows(scope, conn, Old::Notifications, scope.before).await?;
    swept.notes = rows(scope, conn, Old::Notes, scope.before).await?;
    swept.holds = rows(scope, conn, Old::Holds, scope.before).await?;
    if scope.sessions {
        for session in prune::ended(conn, scope.before).await? {
            if !scope.dry_run {
                prune::session(conn, &session).await?;
            }
            swept.sessions += 1;
        }
    }
    Ok(swept)
}

async fn rows(
    scope: &Scope,
    conn: &mut SqliteConnection,
    what: Old,
    before: Timestamp,
) -> Result<u64, store::Error> {
    if scope.dry_run {
        return prune::count(conn, what, before).await;
    }
    let mut all = 0;
    loop {
        match prune::step(conn, what, before).await? {
            0 => return Ok(all),
            some => all += some,
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// What a name in the folder of the logs says.
enum Kind {
    Session(SessionId),
    Story(Date),
    Access,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        if telemetry::is_old_access_log(name) {
            return Some(Self::Access);
        }
        if let Some(date) = name.strip_suffix(".log") {
            let is_date = date.len() == 10;
            return date.parse().ok().filter(|_| is_date).map(Self::Story);
        }
        let mut parts = name.splitn(3, '-');
        let digits = |part: Option<&str>, length: Option<usize>| {
            part.is_some_and(|part| {
                !part.is_empty()
                    && part.bytes().all(|byte| byte.is_ascii_digit())
                    && length.is_none_or(|length| part.len() == length)
            })
        };
        let (day, time, suffix) = (parts.next(), parts.next(), parts.next());
        let is_session =
            digits(day, Some(8)) && digits(time, Some(6)) && (suffix.is_none() || digits(suffix, None));
        is_session.then(|| Self::Session(SessionId::new(name)))
    }
}

/// What there is in the folder of the logs whose name says that it is ours.
async fn found(scope: &Scope) -> Result<Vec<(PathBuf, Kind)>, Error> {
    let folder = scope.logs_dir.clone();
    let list = move || match fs::read_dir(&folder) {
        Ok(entries) => Ok(entries
            .flatten()
            .filter_map(|entry| {
                let kind = Kind::of(entry.file_name().to_str()?)?;
                let is_folder = entry.file_type().ok()?.is_dir();
                (is_folder == matches!(kind, Kind::Session(_))).then(|| (entry.path(), kind))
            })
            .collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::File { path: folder, source }),
    };
    tokio::task::spawn_blocking(list).await.map_err(|_| Error::Interrupted)?
}

/// By when it ended. One that the database doesn't know, as after a new one was begun, by its newest file.
async fn session_is_old(
    scope: &Scope,
    conn: &mut SqliteConnection,
    id: &SessionId,
    folder: &Path,
) -> Result<bool, store::Error> {
    Ok(match prune::standing(conn, id).await? {
        Standing::Open => false,
        Standing::Ended(at) => at < scope.before,
        Standing::Unknown => {
            let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            files.chain([folder.to_owned()]).all(|path| is_untouched(scope, &path))
        }
    })
}

/// When the day is over since long enough.
fn day_is_old(scope: &Scope, date: Date) -> bool {
    let end = date.tomorrow().and_then(|next| next.to_zoned(scope.timezone.clone()));
    end.is_ok_and(|end| end.timestamp() < scope.before)
}

fn is_untouched(scope: &Scope, path: &Path) -> bool {
    let modified = path.symlink_metadata().and_then(|metadata| metadata.modified());
    modified.ok().and_then(|at| Timestamp::try_from(at).ok()).is_some_and(|at| at < scope.before)
}

/// Deletes a file, or what runs left in a folder; says how much that was, `None` if nothing was there.
async fn go(scope: &Scope, path: PathBuf, is_session: bool) -> Result<Option<u64>, Error> {
    let dry_run = scope.dry_run;
    let deleting = move || {
        let failed = |source| Error::File { path: path.clone(), source };
        if !is_session {
            return remove(&path, dry_run).map(Some).map_err(failed);
        }
        let mut bytes = None;
        for entry in fs::read_dir(&path).map_err(failed)?.flatten() {
            let name = entry.file_name();
            let is_of_a_run = name.to_str().is_some_and(|name| {
                name.trim_start_matches('.').starts_with("task-") || name.starts_with(BEFORE_RESTORE)
            });

            if is_of_a_run {
                let freed = remove(&entry.path(), dry_run);
                let freed = freed.map_err(|source| Error::File { path: entry.path(), source })?;
                *bytes.get_or_insert(0) += freed;
            }
        }
        if !dry_run {
            // Whatever else somebody has put there keeps the folder.
            fs::remove_dir(&path).ok();
        }
        Ok(bytes)
    };
    tokio::task::spawn_blocking(deleting).await.map_err(|_| Error::Interrupted)?
}

/// Deletes a file, or a folder with what is in it; says how much room it took.
fn remove(path: &Path, dry_run: bool) -> io::Result<u64> {
    let gone = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) };
    let metadata = path.symlink_metadata()?;
    if !metadata.is_dir() {
        if !dry_run {
            fs::remove_file(path).or_else(gone)?;
        }
        return Ok(metadata.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        bytes += remove(&entry?.path(), dry_run)?;
    }
    if !dry_run {
        fs::remove_dir(path).or_else(gone)?;
    }
    Ok(bytes)
}
