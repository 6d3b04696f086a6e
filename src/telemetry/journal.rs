//! The thread that writes the story and the access log, and the layer that hands it their lines.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::{ACCESS, Clock, STORY};
use crate::domain::plain::misleads;
use crate::files::{private, put_aside};

/// The name of the access log, in the folder of the logs.
pub const ACCESS_FILE: &str = "webhook-access.log";

/// How long it may get before another one is begun.
const ACCESS_LIMIT: u64 = 8 << 20;

/// How many of those before it are kept, however fast they came: strangers can't fill the disk.
const ACCESS_KEPT: usize = 9;

/// How many lines may wait for a slow disk before more of them are lost.
const WAITING_LINES: usize = 4096;

/// How long the end of the process waits for a slow disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes what is still waiting when it is dropped, but doesn't wait for a disk that hangs.
#[derive(Debug, Default)]
pub struct Guard {
    ending: Option<Ending>,
}

#[derive(Debug)]
struct Ending {
    lines: SyncSender<Message>,
    done: Receiver<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(Ending { lines, done }) = self.ending.take()
            && lines.try_send(Message::End).is_ok()
        {
            done.recv_timeout(PATIENCE).ok();
        }
    }
}

/// The layer that turns events into lines.
pub(super) struct Journal {
    lines: SyncSender<Message>,
    clock: Clock,
    /// Whether lines are being lost because the disk can't keep up, so that it is said once.
    overflowing: AtomicBool,
}

#[derive(Debug)]
enum Message {
    Line(Line),
    End,
}

#[derive(Debug)]
struct Line {
    book: Book,
    at: Timestamp,
    message: String,
}

#[derive(Clone, Copy, Debug)]
enum Book {
    Story,
    Access,
}

/// Starts the thread. It ends with the guard.
pub(super) fn start(logs_dir: PathBuf, timezone: TimeZone, clock: Clock) -> io::Result<(Journal, Guard)> {
    let (lines, waiting) = sync_channel(WAITING_LINES);
    let (finished, done) = sync_channel(1);
    let mut writer = Writer { logs_dir, timezone, failing: false, access_limit: ACCESS_LIMIT };
    thread::Builder::new().name("journal".to_owned()).spawn(move || {
        while let Ok(Message::Line(line)) = waiting.recv() {
            writer.write(&line, &mut io::stderr());
        }
        finished.send(()).ok();
    })?;
    let journal = Journal { lines: lines.clone(), clock, overflowing: AtomicBool::new(false) };
    let ending = Some(Ending { lines, done });
    Ok((journal, Guard { ending }))
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
        match self.lines.try_send(Message::Line(line)) {
            Ok(()) => self.overflowing.store(false, Ordering::Relaxed),
            Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                if !self.overflowing.swap(true, Ordering::Relaxed) {
                    complain(&mut io::stderr(), "log lines are being lost: the disk can't keep up");
                }
            }
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

/// Opens a file for each line, so that one which was moved or deleted meanwhile comes back.
struct Writer {
    logs_dir: PathBuf,
    timezone: TimeZone,
    /// Whether the last line failed, so that a full disk is reported once.
    failing: bool,
    /// How long the access log may get.
    access_limit: u64,
}

impl Writer {
    fn write(&mut self, line: &Line, complaints: &mut impl io::Write) {
        let (name, text) = written(line, &self.timezone);
        let path = self.logs_dir.join(name);
        let result = private::append(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        match result {
            Ok(()) => {
                self.failing = false;
                if matches!(line.book, Book::Access) {
                    self.turn_the_page(&path, line.at);
                }
            }
            Err(_) if self.failing => {}
            Err(error) => {
                self.failing = true;
                complain(complaints, &format!("log lines are being lost: {}: {error}", path.display()));
            }
        }
    }
}

impl Writer {
    /// Begins another access log when one is long, and drops the oldest of those before it. One that stays in the way
    /// is written on.
    fn turn_the_page(&self, path: &Path, at: Timestamp) {
        if path.metadata().is_ok_and(|file| file.len() < self.access_limit) {
            return;
        }
        let ending = at.to_zoned(self.timezone.clone()).strftime(".%Y%m%d-%H%M%S").to_string();
        if put_aside(path, &ending).is_err() {
            return;
        }
        let entries = fs::read_dir(&self.logs_dir).into_iter().flatten().flatten();
        let mut old: Vec<_> = entries
            .filter(|entry| entry.file_name().to_str().is_some_and(is_old_access_log))
            .map(|entry| entry.path())
            .collect();
        old.sort_by_key(|path| (path.metadata().and_then(|file| file.modified()).ok(), path.clone()));
        for path in old.iter().rev().skip(ACCESS_KEPT) {
            fs::remove_file(path).ok();
        }
    }
}

/// Whether a file in the folder of the logs is an access log that was full.
pub fn is_old_access_log(name: &str) -> bool {
    let ending = name.strip_prefix(ACCESS_FILE).and_then(|rest| rest.strip_prefix('.'));
    ending.is_some_and(|ending| {
        ending.starts_with(|first: char| first.is_ascii_digit())
            && ending.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// The file that a line belongs in, and the line as it stands there.
fn written(line: &Line, timezone: &TimeZone) -> (String, String) {
    let at = line.at.to_zoned(timezone.clone());
    let message = on_one_line(&line.message);
    match line.book {
        Book::Story => (format!("{}.log", at.date()), format!("[{}] {message}\n", at.strftime("%H:%M:%S"))),
        Book::Access => {
            (ACCESS_FILE.to_owned(), format!("{} {message}\n", at.strftime("%Y-%m-%dT%H:%M:%S%:z")))
        }
    }
}

/// The message with every character that misleads written as an escape.
fn on_one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for character in message.chars() {
        if misleads(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Says it on stderr; if even that fails, there is nobody left to tell.
fn complain(stderr: &mut impl io::Write, message: &str) {
    writeln!(stderr, "orchestrator: {message}").ok();
}

#[cfg(test)]
mod tests {
    use super::{
        ACCESS_FILE, ACCESS_KEPT, ACCESS_LIMIT, Book, Line, Writer, is_old_access_log, on_one_line, start,
        written,
    };
    use crate::telemetry::{ACCESS, STORY};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use tracing_subscriber::layer::SubscriberExt as _;

    fn line(book: Book, at: &str, message: &str) -> Line {
        Line { book, at: at.parse().unwrap(), message: message.to_owned() }
    }

    #[test]
    fn the_day_is_the_one_of_the_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let story = line(Book::Story, "2025-11-20T23:30:15Z", "Task 1 started");
        assert_eq!(
            written(&story, &zone),
            ("2025-11-21.log".to_owned(), "[00:30:15] Task 1 started\n".to_owned())
        );
        let access = line(Book::Access, "2025-11-20T23:30:15.5Z", "127.0.0.1 POST /status 200");
        assert_eq!(
            written(&access, &zone),
            (ACCESS_FILE.to_owned(), "2025-11-21T00:30:15+01:00 127.0.0.1 POST /status 200\n".to_owned())
        );
        assert!(written(&access, &TimeZone::UTC).1.starts_with("2025-11-20T23:30:15+00:00 "));
    }

    #[test]
    fn a_message_can_t_forge_a_line() {
        assert_eq!(
            on_one_line("ä\n[09:00:00] forged\r\u{1b}[2K\u{85}\u{2028}\u{202e}\u{2066}"),
            r"ä\n[09:00:00] forged\r\u{1b}[2K\u{85}\u{2028}\u{202e}\u{2066}"
        );
    }

    #[test]
    fn a_failure_is_reported_once_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let logs_dir = folder.path().join("logs");
        let mut writer = Writer {
            logs_dir: logs_dir.clone(),
            timezone: TimeZone::UTC,
            failing: false,
            access_limit: ACCESS_LIMIT,
        };
        let mut complaints = Vec::new();
        let entry = line(Book::Story, "2025-11-20T09:30:15Z", "hello");
        writer.write(&entry, &mut complaints);
        writer.write(&entry, &mut complaints);
        assert_eq!(String::from_utf8(complaints.clone()).unwrap().lines().count(), 1);
        fs::create_dir(&logs_dir).unwrap();
        writer.write(&entry, &mut complaints);
        assert_eq!(String::from_utf8(complaints).unwrap().lines().count(), 1);
        assert_eq!(fs::read_to_string(logs_dir.join("2025-11-20.log")).unwrap(), "[09:30:15] hello\n");
    }

    #[test]
    fn the_access_log_is_bounded_however_many_call() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer {
            logs_dir: folder.path().to_owned(),
            timezone: TimeZone::UTC,
            failing: false,
            access_limit: 1000,
        };
        let mut complaints = Vec::new();
        for second in 0..500 {
            let at = Timestamp::from_second(second / 3).unwrap().to_string();
            writer.write(&line(Book::Access, &at, &"x".repeat(100)), &mut complaints);
            writer.write(&line(Book::Story, &at, &"x".repeat(100)), &mut complaints);
        }
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        let old: Vec<_> = files
            .iter()
            .filter(|file| is_old_access_log(file.file_name().to_str().unwrap()))
            .map(|file| file.metadata().unwrap().len())
            .collect();
        assert_eq!(old.len(), ACCESS_KEPT);
        assert!(old.iter().all(|length| (1000..1200).contains(length)), "{old:?}");
        assert!(files.len() <= ACCESS_KEPT + 2, "those, the current one if there is one, and the story");
        let story = fs::read_to_string(folder.path().join("1970-01-01.log")).unwrap();
        assert_eq!(story.lines().count(), 500, "the story isn't cut");
        assert!(complaints.is_empty());
        assert!(!is_old_access_log(ACCESS_FILE) && !is_old_access_log("webhook-access.log.bak"));
    }

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
