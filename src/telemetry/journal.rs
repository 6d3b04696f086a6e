//! The thread that writes the story and the access log, and the layer that hands it their lines.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::books::{Book, Books, Line, complain};
use super::{ACCESS, Clock, STORY};

/// How many lines may wait for a slow disk before more of them are lost.
const WAITING_LINES: usize = 4096;

/// How many lines are written at a time.
const AT_ONCE: usize = 256;

/// How long a line of the access log waits for others: whoever asks often wakes a thread for many of them.
const COMPANY: Duration = Duration::from_millis(5);

/// How long the end of the process waits for a slow disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes what is still waiting when it is dropped, but doesn't wait for a disk that hangs.
#[derive(Debug, Default)]
pub struct Guard {
    ending: Option<Ending>,
}

#[derive(Debug)]
struct Ending {
    lines: Sender<Message>,
    done: Receiver<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(Ending { lines, done }) = self.ending.take()
            && lines.send(Message::End).is_ok()
        {
            done.recv_timeout(PATIENCE).ok();
        }
    }
}

/// The layer that turns events into lines.
pub(super) struct Journal {
    lines: Sender<Message>,
    /// How many lines wait. A channel that is bounded itself would take the memory of all that it may hold.
    waiting: Arc<AtomicUsize>,
    clock: Clock,
    /// Whether lines are being lost because the disk can't keep up, so that it is said once.
    overflowing: AtomicBool,
}

#[derive(Debug)]
enum Message {
    Line(Line),
    End,
}

/// Starts the thread. It ends with the guard.
pub(super) fn start(logs_dir: PathBuf, timezone: TimeZone, clock: Clock) -> io::Result<(Journal, Guard)> {
    let (lines, arriving) = channel();
    let (finished, done) = channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let still_waiting = Arc::clone(&waiting);
    let mut books = Books::new(logs_dir, timezone);
    thread::Builder::new().name("journal".to_owned()).spawn(move || {
        let mut lines = Vec::new();
        let mut goes_on = true;
        while goes_on {
            goes_on = gather(&arriving, &mut lines);
            still_waiting.fetch_sub(lines.len(), Ordering::Relaxed);
            books.write(&lines, &mut io::stderr());
            lines.clear();
        }
        finished.send(()).ok();
    })?;
    let journal = Journal { lines: lines.clone(), waiting, clock, overflowing: AtomicBool::new(false) };
    let ending = Some(Ending { lines, done });
    Ok((journal, Guard { ending }))
}

/// Takes the next line and those that wait behind it; answers with whether there will be more.
fn gather(arriving: &Receiver<Message>, lines: &mut Vec<Line>) -> bool {
    let Ok(Message::Line(first)) = arriving.recv() else { return false };
    if matches!(first.book, Book::Access) {
        thread::sleep(COMPANY);
    }
    lines.push(first);
    while lines.len() < AT_ONCE {
        match arriving.try_recv() {
            Ok(Message::Line(line)) => lines.push(line),
            Ok(Message::End) | Err(TryRecvError::Disconnected) => return false,
            Err(TryRecvError::Empty) => break,
        }
    }
    true
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let book = match event.metadata().target() {
            STORY => Book::Story,
            ACCESS => Book::Access,
            _ => return,
        };
        let mut message = MessageOf(String::new());
        event.record(&mut message);
        let line = Line { book, at: (self.clock)(), message: message.0 };
        if self.waiting.fetch_add(1, Ordering::Relaxed) < WAITING_LINES {
            self.overflowing.store(false, Ordering::Relaxed);
            if self.lines.send(Message::Line(line)).is_err() {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
            return;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        if !self.overflowing.swap(true, Ordering::Relaxed) {
            complain(&mut io::stderr(), "log lines are being lost: the disk can't keep up");
        }
    }
}

/// Reads the message of an event.
struct MessageOf(String);

impl Visit for MessageOf {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::start;
    use crate::telemetry::books::ACCESS_FILE;
    use crate::telemetry::{ACCESS, STORY};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn events_reach_their_files_before_the_guard_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, guard) =
            start(folder.path().to_path_buf(), TimeZone::UTC, || Timestamp::UNIX_EPOCH).unwrap();
        let subscriber = tracing_subscriber::registry().with(journal);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: STORY, task = 1, "Task {} started", 1);
            tracing::info!(target: STORY, "{}", "two\nlines");
            tracing::info!(target: ACCESS, message = "POST /status");
            tracing::info!("nobody's");
        });
        drop(guard);
        let story = folder.path().join("1970-01-01.log");
        assert_eq!(
            fs::read_to_string(&story).unwrap(),
            "[00:00:00] Task 1 started\n[00:00:00] two\\nlines\n"
        );
        assert_eq!(fs::metadata(&story).unwrap().permissions().mode() & 0o777, 0o600);
        let access = fs::read_to_string(folder.path().join(ACCESS_FILE)).unwrap();
        assert_eq!(access, "1970-01-01T00:00:00+00:00 POST /status\n");
    }
}
