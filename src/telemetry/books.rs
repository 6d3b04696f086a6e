//! The story, a file a day, and the access log, which is bounded: lines as they stand there, and where they belong.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::page::Page;
use crate::domain::plain::misleads;
use crate::files::put_aside;

/// The name of the access log, in the folder of the logs.
pub const ACCESS_FILE: &str = "webhook-access.log";

/// How long it may get before another one is begun.
const ACCESS_LIMIT: u64 = 8 << 20;

/// How many of those before it are kept, however fast they came: strangers can't fill the disk.
const ACCESS_KEPT: usize = 9;

/// A line, and which of the two it is for.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) book: Book,
    pub(super) at: Timestamp,
    pub(super) message: String,
}

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(super) enum Book {
    Story,
    Access,
}

/// Both.
pub(super) struct Books {
    logs_dir: PathBuf,
    timezone: TimeZone,
    story: Page,
    access: Page,
    /// Whether the last line failed, so that a full disk is reported once.
    failing: bool,
    /// How long the access log may get.
    access_limit: u64,
}

/// Lines that belong in one file, one after the other.
struct Passage {
    book: Book,
    name: String,
    text: String,
    /// When the last of them was said.
    at: Timestamp,
}

impl Books {
    pub(super) fn new(logs_dir: PathBuf, timezone: TimeZone) -> Self {
        let (story, access) = (Page::default(), Page::default());
        Self { logs_dir, timezone, story, access, failing: false, access_limit: ACCESS_LIMIT }
    }

    /// Writes lines in their order; those that can't be are lost, which is said once.
    pub(super) fn write(&mut self, lines: &[Line], complaints: &mut impl io::Write) {
        let mut passages: Vec<Passage> = Vec::new();
        for line in lines {
            let (name, text) = written(line, &self.timezone);
            match passages.last_mut().filter(|passage| passage.name == name) {
                Some(passage) => {
                    passage.text += &text;
                    passage.at = line.at;
                }
                None => passages.push(Passage { book: line.book, name, text, at: line.at }),
            }
        }
        for passage in passages {
            self.write_passage(&passage, complaints);
        }
    }

    fn write_passage(&mut self, passage: &Passage, complaints: &mut impl io::Write) {
        let path = self.logs_dir.join(&passage.name);
        let page = match passage.book {
            Book::Story => &mut self.story,
            Book::Access => &mut self.access,
        };
        match page.write(&path, &passage.text) {
            Ok(length) => {
                self.failing = false;
                if matches!(passage.book, Book::Access) && length >= self.access_limit {
                    self.turn_the_page(&path, passage.at);
                }
            }
            Err(_) if self.failing => {}
            Err(error) => {
                self.failing = true;
                complain(complaints, &format!("log lines are being lost: {}: {error}", path.display()));
            }
        }
    }

    /// Begins another access log, and drops the oldest of those before it. One that stays in the way is written on.
    fn turn_the_page(&mut self, path: &Path, at: Timestamp) {
        self.access.close();
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
pub(super) fn complain(stderr: &mut impl io::Write, message: &str) {
    writeln!(stderr, "orchestrator: {message}").ok();
}

#[cfg(test)]
mod tests {
    use super::{ACCESS_FILE, ACCESS_KEPT, Book, Books, Line, is_old_access_log, on_one_line, written};
    use std::fs;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;

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
        let mut books = Books::new(logs_dir.clone(), TimeZone::UTC);
        let mut complaints = Vec::new();
        let entry = [line(Book::Story, "2025-11-20T09:30:15Z", "hello")];
        books.write(&entry, &mut complaints);
        books.write(&entry, &mut complaints);
        assert_eq!(String::from_utf8(complaints.clone()).unwrap().lines().count(), 1);
        fs::create_dir(&logs_dir).unwrap();
        books.write(&entry, &mut complaints);
        assert_eq!(String::from_utf8(complaints).unwrap().lines().count(), 1);
        assert_eq!(fs::read_to_string(logs_dir.join("2025-11-20.log")).unwrap(), "[09:30:15] hello\n");
    }

    #[test]
    fn the_access_log_is_bounded_however_many_call() {
        let folder = tempfile::tempdir().unwrap();
        let mut books = Books { access_limit: 1000, ..Books::new(folder.path().to_owned(), TimeZone::UTC) };
        let mut complaints = Vec::new();
        for second in 0..500 {
            let at = Timestamp::from_second(second / 3).unwrap().to_string();
            let lines = [Book::Access, Book::Story].map(|book| line(book, &at, &"x".repeat(100)));
            books.write(&lines, &mut complaints);
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
}
