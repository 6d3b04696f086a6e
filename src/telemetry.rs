//! What the daemon says of itself: diagnostics on stderr, the *story* of the work in one file a day, and who called in
//! the access log.
//!
//! The story is what events with target [`STORY`] say, the access log those with target [`ACCESS`]; both take the
//! message only. Neither can block or end the daemon: lines go to a thread of their own, and one that can't be written
//! is reported on stderr and lost.

mod books;
mod journal;
mod page;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::files::{private, reason};

pub use books::{ACCESS_FILE, is_old_access_log};
pub use journal::Guard;

/// The target of events that belong to the story: `tracing::info!(target: STORY, "Task 1 started")`.
pub const STORY: &str = "story";

/// The target of events that belong to the access log. They are not on stderr.
pub const ACCESS: &str = "access";

/// What to say, how and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The least important level that is still said on stderr.
    pub level: Level,
    /// Whether the story is told on stderr too.
    pub tells_story: bool,
    /// How lines on stderr are written.
    pub format: Format,
    /// Where the story and the access log go.
    pub files: Files,
    /// What tells the time of a line.
    pub clock: Clock,
}

/// What tells the time.
pub type Clock = fn() -> Timestamp;

/// How lines on stderr are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For collectors, one object a line.
    Json,
}

/// Where the story and the access log go.
#[derive(Clone, Debug)]
pub enum Files {
    /// Nowhere: for a short command beside the daemon.
    None,
    /// Into files in this folder, with the dates and times of this zone.
    In {
        /// The folder; made if there is none.
        logs_dir: PathBuf,
        /// The zone that decides which day it is.
        timezone: TimeZone,
    },
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The folder can't be made, or the thread can't be started.
    #[error(
        "can't keep logs in {}: {}; make it a folder that this user can write, or choose another paths.logs_dir",
        .logs_dir.display(),
        reason(.cause)
    )]
    Files {
        /// The folder that was asked for.
        logs_dir: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Logging was set up before, and can be only once in a process.
    #[error("logging is set up already")]
    AlreadyInitialised,
}

/// Sets up logging for the process. What is logged last is written when the guard is dropped.
pub fn init(settings: &Settings) -> Result<Guard, TelemetryError> {
    let (journal, guard) = match &settings.files {
        Files::None => (None, Guard::default()),
        Files::In { logs_dir, timezone } => {
            let (journal, guard) = private::create_dir(logs_dir)
                .and_then(|()| tempfile::tempfile_in(logs_dir).map(drop))
                .or_else(unless_full)
                .and_then(|()| journal::start(logs_dir.clone(), timezone.clone(), settings.clock))
                .map_err(|cause| TelemetryError::Files { logs_dir: logs_dir.clone(), cause })?;
            (Some(journal), guard)
        }
    };
    tracing_subscriber::registry()
        .with(console(settings))
        .with(journal)
        .try_init()
        .map_err(|_| TelemetryError::AlreadyInitialised)?;
    Ok(guard)
}

/// A full disk costs lines, as at any other time, and not the daemon.
fn unless_full(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::StorageFull { Ok(()) } else { Err(error) }
}

fn console<S>(settings: &Settings) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    // What can't be written to stderr can't be complained of there either.
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let layer = match settings.format {
        Format::Text => layer.with_ansi(wants_colour()).boxed(),
        Format::Json => layer.json().boxed(),
    };
    layer.with_filter(console_filter(settings.level, settings.tells_story))
}

/// Our own events by the level that was asked for; those of libraries no more talkative than `info`.
fn console_filter(level: Level, tells_story: bool) -> Targets {
    let story = if tells_story { LevelFilter::from_level(level.min(Level::INFO)) } else { LevelFilter::OFF };
    Targets::new()
        .with_default(level.min(Level::INFO))
        .with_target(env!("CARGO_PKG_NAME"), level)
        .with_target(STORY, story)
        .with_target(ACCESS, LevelFilter::OFF)
}

/// As <https://no-color.org> asks.
fn wants_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{ACCESS, STORY, console_filter};
    use tracing::Level;

    #[test]
    fn libraries_are_no_more_talkative_than_info() {
        let filter = console_filter(Level::TRACE, true);
        assert!(filter.would_enable("orchestrator::worker", &Level::TRACE));
        assert!(filter.would_enable("sqlx", &Level::INFO));
        assert!(!filter.would_enable("sqlx", &Level::DEBUG));
        assert!(!console_filter(Level::WARN, true).would_enable("sqlx", &Level::INFO));
    }

    #[test]
    fn the_story_is_on_the_console_and_the_access_log_is_not() {
        let filter = console_filter(Level::INFO, true);
        assert!(filter.would_enable(STORY, &Level::INFO));
        assert!(!filter.would_enable(ACCESS, &Level::ERROR));
        assert!(!console_filter(Level::INFO, false).would_enable(STORY, &Level::ERROR));
    }
}
