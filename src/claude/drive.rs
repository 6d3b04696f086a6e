//! Sees one run through: follows it, ends it when it is time, sweeps, drains, and has it judged.
//!
//! The same for a run that was just started, one that was adopted, and one that is already gone: there is no second
//! path for recovery. Dropping the future leaves the run alone, to be found again. It reads files on the thread that
//! polls it, a bounded amount at a time: the worker has one of its own.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use jiff::{Timestamp, Zoned};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::control::{EndedBy, Exit};
use super::files::RunFiles;
use super::follow::{Follower, Look};
use super::process::Process;
use super::readable::Activity;
use super::sweep::ProcessError;
use super::text::harmless;
use super::verdict::{Evidence, judge, judge_resumed};
use crate::domain::run::Outcome;
use crate::domain::size::Size;
use crate::files::{plain, zone};

const SHORTEST_NAP: Duration = Duration::from_millis(5);
const LONGEST_NAP: Duration = Duration::from_millis(250);
const FAR_AWAY: Duration = Duration::from_hours(24 * 365);
const STDERR_TAIL: u64 = 4096;

/// How long a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all, counted from its start, through restarts of ours.
    pub total: Duration,
    /// Without printing a byte.
    pub idle: Duration,
    /// After its result.
    pub after_result: Duration,
    /// From the request to end until it is killed.
    pub grace: Duration,
    /// How much it may print.
    pub output: Option<Size>,
}

/// A run's end.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// What it came to.
    pub outcome: Outcome,
    /// What ended it.
    pub by: EndedBy,
    /// How its process ended.
    pub exit: Exit,
    /// How many processes it had left behind, which are ended now.
    pub left_behind: usize,
}

/// Follows a run to its end; afterwards no process of it is left. `resumed` says that it was to go on with an earlier
/// Claude session.
///
/// # Errors
/// When its processes can't be ended, or its files can't be read. The run is not over then: find it again later.
pub async fn see_through(
    mut process: Process,
    limits: &Limits,
    resumed: bool,
    stop: &CancellationToken,
    on_activity: impl FnMut(Activity) + Send,
) -> Result<Ended, ProcessError> {
    let files = process.files().clone();
    let mut follower = Follower::new(&files);
    let by = follow(&mut process, &mut follower, limits, stop, on_activity).await?;
    let left_behind = process.sweep().await?;
    let by = match by {
        EndedBy::Itself => process.ended_by().unwrap_or(by),
        EndedBy::Stop
        | EndedBy::Lingering
        | EndedBy::IdleLimit(_)
        | EndedBy::TotalLimit(_)
        | EndedBy::OutputLimit(_) => by,
    };
    let exit = process.exit();
    let refusal = process.refusal();
    while follower.advance()?.more {
        tokio::task::yield_now().await;
    }
    let outcome = conclude(follower, &files, exit, by, refusal.as_deref(), resumed)?;
    Ok(Ended { outcome, by, exit, left_behind })
}

async fn follow(
    process: &mut Process,
    follower: &mut Follower,
    limits: &Limits,
    stop: &CancellationToken,
    mut on_activity: impl FnMut(Activity) + Send,
) -> io::Result<EndedBy> {
    let mut watch = Watch::new(process.age(), *limits);
    let mut pause = if process.is_new() { later(Instant::now(), SHORTEST_NAP) } else { Instant::now() };
    let mut flood = None;
    loop {
        let why = tokio::select! {
            biased;
            ended = process.wait() => {
                ended?;
                return Ok(EndedBy::Itself);
            }
            () = stop.cancelled() => Some(EndedBy::Stop),
            () = std::future::ready(()), if flood.is_some() => flood,
            () = nap_until(pause) => watch.overdue(),
        };
        if let Some(why) = why {
            process.terminate(limits.grace, why).await?;
            return Ok(why);
        }
        let looked = follower.advance()?;
        pause = watch.note(&looked, follower.transcript().result.is_some());
        flood = limits.output.filter(|most| looked.printed > most.0).map(EndedBy::OutputLimit);
        if let Some(activity) = looked.activity {
            on_activity(activity);
        }
    }
}

/// Lets others have their turn at least. A timer is never early, and late by up to a millisecond.
async fn nap_until(at: Instant) {
    if at > Instant::now() {
        tokio::time::sleep_until(at).await;
    } else {
        tokio::task::yield_now().await;
    }
}

/// Keeps the time of a run.
struct Watch {
    limits: Limits,
    total: Instant,
    stirred: Instant,
    result: Option<Instant>,
    nap: Duration,
}

impl Watch {
    fn new(age: Duration, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            limits,
            total: later(now, limits.total.saturating_sub(age)),
            stirred: now,
            result: None,
            nap: SHORTEST_NAP,
        }
    }

    /// Takes in a look at the files; answers when to look again.
    fn note(&mut self, look: &Look, has_result: bool) -> Instant {
        let now = Instant::now();
        if look.stirred {
            self.stirred = now;
            self.nap = SHORTEST_NAP;
        } else {
            self.nap = (self.nap * 2).min(LONGEST_NAP);
        }
        if has_result {
            self.result.get_or_insert(now);
        }
        if look.more {
            return now;
        }
        later(now, self.nap).min(self.due().0)
    }

    fn overdue(&self) -> Option<EndedBy> {
        let (due, why) = self.due();
        (Instant::now() >= due).then_some(why)
    }

    fn due(&self) -> (Instant, EndedBy) {
        let limits = self.limits;
        if let Some(result) = self.result {
            return (later(result, limits.after_result), EndedBy::Lingering);
        }
        let idle = later(self.stirred, limits.idle);
        if idle < self.total {
            (idle, EndedBy::IdleLimit(limits.idle))
        } else {
            (self.total, EndedBy::TotalLimit(limits.total))
        }
    }
}

fn later(from: Instant, by: Duration) -> Instant {
    from.checked_add(by).unwrap_or(from + FAR_AWAY)
}

fn conclude(
    mut follower: Follower,
    files: &RunFiles,
    exit: Exit,
    by: EndedBy,
    refusal: Option<&str>,
    resumed: bool,
) -> io::Result<Outcome> {
    follower.finish();
    let stderr = tail(&files.stderr())?;
    if !stderr.trim().is_empty() {
        follower.remark(&format!("stderr: {}\n", harmless(stderr.trim())));
    }
    if let Some(refusal) = refusal {
        follower.remark(&format!("■ Not started: {refusal}\n"));
    } else if follower.transcript().result.is_none() {
        follower.remark("■ Ended without a result\n");
    }
    let at = last_change(&files.raw());
    let evidence = Evidence { transcript: follower.transcript(), exit, by, stderr: &stderr, refusal, at };
    let outcome = if resumed { judge_resumed(&evidence) } else { judge(&evidence) };
    Ok(Outcome { last_activity: follower.last_activity(), ..outcome })
}

fn last_change(path: &Path) -> Zoned {
    let changed = fs::metadata(path).and_then(|file| file.modified());
    let changed = changed.ok().and_then(|time| Timestamp::try_from(time).ok());
    changed.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone::of_the_system())
}

/// The end of a file that may be missing, large, binary or no file.
pub(super) fn tail(path: &Path) -> io::Result<String> {
    let Some(mut file) = plain::open_if_there(path)? else { return Ok(String::new()) };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(STDERR_TAIL)))?;
    let mut bytes = Vec::new();
    file.take(STDERR_TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
