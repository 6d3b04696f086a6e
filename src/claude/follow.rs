//! Follows a growing output file as bounded lines, into a transcript and a readable log.
//!
//! Has no memory beyond its own life: after a restart the file is read from its beginning again, and the log is gone on
//! with where it ends. So there is no offset whose result could be lost.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::files::RunFiles;
use super::readable::{Activity, Reader};
use super::skim::Skimmer;
use super::stream::{Message, Parser};
use super::transcript::Transcript;
use crate::files::{plain, private};

const READ_AT_ONCE: usize = 128 * 1024;
const READ_ON_END: u64 = 1024 * 1024;
const READ_PER_LOOK: u64 = 32 * 1024 * 1024;
const SHORT_LINE: usize = 32 * 1024;
const WRITE_AT_ONCE: usize = 64 * 1024;

/// Follows one run.
#[derive(Debug)]
pub(super) struct Follower {
    raw: Source,
    stderr: PathBuf,
    stderr_length: u64,
    read: u64,
    buffer: Vec<u8>,
    line: Line,
    story: Story,
}

/// What one look at the files brought.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Whether the run printed anything, to stdout or stderr.
    pub(super) stirred: bool,
    /// How much it has printed so far, in bytes.
    pub(super) printed: u64,
    /// Whether there is more to read at once.
    pub(super) more: bool,
    /// What the run is doing now, if that has changed.
    pub(super) activity: Option<Activity>,
}

impl Follower {
    pub(super) fn new(files: &RunFiles) -> Self {
        Self {
            raw: Source::Unopened(files.raw()),
            stderr: files.stderr(),
            stderr_length: 0,
            read: 0,
            buffer: vec![0; READ_AT_ONCE],
            line: Line::default(),
            story: Story {
                parser: Parser::default(),
                transcript: Transcript::default(),
                reader: Reader::default(),
                log: Log::at(files.log()),
                telling: None,
                last: None,
            },
        }
    }

    pub(super) fn transcript(&self) -> &Transcript {
        &self.story.transcript
    }

    /// What the run did last.
    pub(super) fn last_activity(&self) -> Option<String> {
        self.story.last.as_ref().map(|Activity(doing)| doing.clone())
    }

    /// Reads what is there, up to a bound.
    pub(super) fn advance(&mut self) -> io::Result<Look> {
        let (mut read, mut on_end) = (0, 0);
        let mut more = true;
        while more && read < READ_PER_LOOK {
            let count = self.raw.read(&mut self.buffer)?;
            read += count as u64;
            more = count > 0;
            take(&self.buffer[..count], &mut self.line, &mut self.story);
            on_end += count as u64;
            // A flood is a lot of work on end: where every processor is busy, whoever waits for an answer comes first.
            if on_end >= READ_ON_END {
                on_end = 0;
                std::thread::yield_now();
            }
        }
        self.story.log.flush();
        let stderr_length = fs::metadata(&self.stderr).map_or(0, |stderr| stderr.len());
        let stirred = read > 0 || stderr_length != self.stderr_length;
        self.stderr_length = stderr_length;
        self.read += read;
        let activity = self.story.activity();
        Ok(Look { stirred, printed: self.read + stderr_length, more, activity })
    }

    /// Takes what stands there without a line's end for a line, because nobody will finish it.
    pub(super) fn finish(&mut self) {
        std::mem::take(&mut self.line).end(&mut self.story);
        self.story.log.flush();
    }

    /// Adds a closing remark to the readable log.
    pub(super) fn remark(&mut self, text: &str) {
        self.story.log.pending.push_str(text);
        self.story.log.flush();
    }
}

fn take(mut bytes: &[u8], line: &mut Line, story: &mut Story) {
    while let Some(at) = memchr::memchr(b'\n', bytes) {
        if line.is_empty() && at <= SHORT_LINE {
            story.hear(&bytes[..at]);
        } else {
            line.push(&bytes[..at]);
            line.end(story);
        }
        bytes = &bytes[at + 1..];
    }
    line.push(bytes);
}

#[derive(Debug)]
enum Source {
    Unopened(PathBuf),
    Open(File),
}

impl Source {
    /// A file that isn't there is empty: a dead daemon may not have got that far. So is what a run has put in its place.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Unopened(path) = self {
            match plain::open_if_there(path)? {
                Some(file) => *self = Self::Open(file),
                None => return Ok(0),
            }
        }
        match self {
            Self::Open(file) => file.read(buffer),
            Self::Unopened(_) => Ok(0),
        }
    }
}

/// The line that is being read.
#[derive(Debug)]
enum Line {
    Short(Vec<u8>),
    Long(Skimmer),
}

impl Default for Line {
    fn default() -> Self {
        Self::Short(Vec::new())
    }
}

impl Line {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Short(held) if held.is_empty())
    }

    fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Short(held) if held.len() + bytes.len() <= SHORT_LINE => {
                held.extend_from_slice(bytes);
            }
            Self::Short(held) => {
                let mut skimmer = Skimmer::default();
                skimmer.push(held);
                skimmer.push(bytes);
                *self = Self::Long(skimmer);
            }
            Self::Long(skimmer) => skimmer.push(bytes),
        }
    }

    fn end(&mut self, story: &mut Story) {
        match self {
            Self::Short(held) => {
                story.hear(held);
                held.clear();
            }
            Self::Long(skimmer) => {
                story.hear(&std::mem::take(skimmer).finish());
                *self = Self::default();
            }
        }
    }
}

/// What has been understood so far.
#[derive(Debug)]
struct Story {
    parser: Parser,
    transcript: Transcript,
    reader: Reader,
    log: Log,
    /// The last message that says what is being done, since anybody asked.
    telling: Option<Message>,
    last: Option<Activity>,
}

impl Story {
    fn hear(&mut self, line: &[u8]) {
        self.parser.hear(line, |message| {
            self.transcript.note(&message);
            self.reader.tell(&message, &mut self.log.pending);
            if Reader::tells_activity(&message) {
                self.telling = Some(message);
            }
        });
        self.log.flush_if_long();
    }

    /// What the run is doing, if that has changed.
    fn activity(&mut self) -> Option<Activity> {
        let activity = self.reader.activity(&self.telling.take()?);
        if activity.is_some() {
            self.last.clone_from(&activity);
        }
        activity
    }
}

/// The readable log. What it held when it was opened is the beginning of what is rendered, and isn't written again.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: Option<File>,
    skip: u64,
    pending: String,
    failed: bool,
}

impl Log {
    fn at(path: PathBuf) -> Self {
        Self {
            skip: fs::metadata(&path).map_or(0, |log| log.len()),
            path,
            file: None,
            pending: String::new(),
            failed: false,
        }
    }

    fn flush_if_long(&mut self) {
        if self.pending.len() >= WRITE_AT_ONCE {
            self.flush();
        }
    }

    /// A log that can't be written (the disk is full) is given up; the raw output still tells everything.
    fn flush(&mut self) {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(self.pending.len());
        self.skip -= known as u64;
        let new = &self.pending.as_bytes()[known..];
        if !new.is_empty() && !self.failed {
            let written = open(&mut self.file, &self.path).and_then(|file| file.write_all(new));
            if let Err(error) = written {
                tracing::warn!(log = %self.path.display(), %error, "the readable log is incomplete");
                self.failed = true;
            }
        }
        self.pending.clear();
    }
}

fn open<'a>(file: &'a mut Option<File>, path: &Path) -> io::Result<&'a mut File> {
    Ok(match file {
        Some(open) => open,
        None => file.insert(private::append(path)?),
    })
}
