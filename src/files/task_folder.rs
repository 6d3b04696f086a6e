//! The folder with the task files, and the one with the daily logs: finding, bounding and reading what is in them.
//!
//! Knows paths and bytes; what the bytes mean is [`crate::taskfile`].

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

/// How many other files are named when today's isn't there.
const SUGGESTIONS: usize = 5;
/// For how many seconds two changes of a file may bear the same time: as coarse as file systems are.
const SETTLING: i64 = 2;

/// Which task file is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Today's: `YYYY-MM-DD-tasks.md`.
    Today,
    /// A name below the folder, from outside: it may not lead out of it.
    Named(String),
    /// Any file, named by someone at a terminal.
    Path(PathBuf),
}

/// A task file as it was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its name below the folder, or its path when it was named in a terminal.
    pub name: String,
    /// Its bytes, at most one more than asked for.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes, in hexadecimal.
    pub digest: String,
}

/// Why a task file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name leads out of the folder.
    #[error("{name} is not in the task folder {folder}: only files in it can be started from here", folder = folder.display())]
    Outside {
        /// As it was given.
        name: String,
        /// The folder.
        folder: PathBuf,
    },
    /// There is no such file.
    #[error("there is no task file {path}{}", list(.newest), path = path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
        /// What is there instead.
        newest: Vec<String>,
    },
    /// Nothing was written for today.
    #[error("there is no task file for today: looked for {path}{}", list(.newest), path = path.display())]
    NoneToday {
        /// Where it would be.
        path: PathBuf,
        /// What is there instead.
        newest: Vec<String>,
    },
    /// A folder, a pipe, a device.
    #[error("{path} is {what}, not a task file", path = path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It can't be read.
    #[error("failed to read {path}: {source}", path = path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Reads a task file, at most `limit` bytes and one more by which a larger one is told.
pub fn load(folder: &Path, source: &Source, today: Date, limit: usize) -> Result<Loaded, Error> {
    let (name, path) = locate(folder, source, today)?;
    let bytes = read_bounded(&path, limit)?;
    let digest = sha256(&bytes);
    Ok(Loaded { name, bytes, digest })
}

/// Whether the file that a session was started from has been changed or removed since.
pub fn has_changed(folder: &Path, name: &str, digest: &str, limit: usize) -> bool {
    read_bounded(&folder.join(name), limit).ok().is_none_or(|bytes| sha256(&bytes) != digest)
}

/// Tells the same again and again, and reads the file only when it may have been written to.
#[derive(Debug, Default)]
pub struct Comparison(Mutex<Option<Compared>>);

/// What a comparison came to.
#[derive(Debug)]
struct Compared {
    path: PathBuf,
    change: Change,
    digest: String,
    has_changed: bool,
}

/// Which file it is and when it was last written to, as its file system tells: no program can set that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    device: u64,
    inode: u64,
    length: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Comparison {
    /// Whether the file has been changed or removed since it had this digest.
    pub fn has_changed(&self, folder: &Path, name: &str, digest: &str, limit: usize, now: Timestamp) -> bool {
        let path = folder.join(name);
        let Ok(change) = fs::metadata(&path).map(|file| Change::of(&file)) else { return true };
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |last: &&Compared| last.path == path && last.change == change && last.digest == digest;
        if let Some(last) = last.as_ref().filter(is_same) {
            return last.has_changed;
        }
        let has_changed = has_changed(folder, name, digest, limit);
        let compared = Compared { path, change, digest: digest.to_owned(), has_changed };
        *last = change.is_settled(now).then_some(compared);
        has_changed
    }
}

impl Change {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            length: file.len(),
            seconds: file.ctime(),
            nanoseconds: file.ctime_nsec(),
        }
    }

    /// Whether the next change will have another time, on file systems with coarse clocks too.
    fn is_settled(self, now: Timestamp) -> bool {
        now.as_second().saturating_sub(self.seconds) > SETTLING
    }
}

/// Reads the day's log, if there is one in the folder that can be read: it becomes part of prompts, and a link that leads
/// elsewhere would tell a run what the daemon can read and it can't.
pub fn daily_log(folder: &Path, date: Date, limit: usize) -> Option<String> {
    let (_, path) = inside(folder, &format!("{date}.md")).ok()?;
    let bytes = read_bounded(&path, limit).ok()?;
    Some(String::from_utf8_lossy(&bytes[..bytes.len().min(limit)]).into_owned())
}

fn locate(folder: &Path, source: &Source, today: Date) -> Result<(String, PathBuf), Error> {
    match source {
        Source::Path(path) => match path.canonicalize() {
            Ok(found) => Ok((found.display().to_string(), found)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(Error::Missing { path: path.clone(), newest: Vec::new() })
            }
            Err(source) => Err(Error::Unreadable { path: path.clone(), source }),
        },
        Source::Today => {
            let name = format!("{today}-tasks.md");
            let path = folder.join(&name);
            if !path.exists() {
                return Err(Error::NoneToday { path, newest: newest(folder) });
            }
            inside(folder, &name)
        }
        Source::Named(name) => {
            let with_ending = format!("{name}.md");
            let short = !folder.join(name).exists() && folder.join(&with_ending).exists();
            inside(folder, if short { &with_ending } else { name })
        }
    }
}

/// Resolves links before it judges: a link in the folder that leads out of it is outside.
fn inside(folder: &Path, name: &str) -> Result<(String, PathBuf), Error> {
    let outside = || Error::Outside { name: name.to_owned(), folder: folder.to_owned() };
    let missing = || Error::Missing { path: folder.join(name), newest: newest(folder) };
    let leads_out = Path::new(name).components().any(|part| {
        matches!(
            part,
            std::path::Component::ParentDir | std::path::Component::RootDir | std::path::Component::Prefix(_)
        )
    });
    if name.is_empty() || name.contains('\0') {
        return Err(missing());
    }
    let root = folder.canonicalize().map_err(|_| if leads_out { outside() } else { missing() })?;
    match folder.join(name).canonicalize() {
        Ok(path) if path.starts_with(&root) && path != root => {
            let below = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            Ok((below, path))
        }
        Ok(_) => Err(outside()),
        Err(_) if leads_out => Err(outside()),
        Err(source) if names_nothing(&source) => Err(missing()),
        Err(source) => Err(Error::Unreadable { path: folder.join(name), source }),
    }
}

/// Whether there is nothing by a name, or could not even be.
fn names_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

/// Opens without waiting for a writer, as a pipe would, and reads regular files only.
fn read_bounded(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let not_a_file = |what| Error::NotAFile { path: path.to_owned(), what };
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    if kind.is_dir() {
        return Err(not_a_file("a folder"));
    }
    if !kind.is_file() {
        return Err(not_a_file("a pipe or a device"));
    }
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file: File =
        OpenOptions::new().read(true).custom_flags(nonblocking).open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn newest(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "md"))
        .filter_map(|entry| {
            let modified = entry.metadata().ok().filter(fs::Metadata::is_file)?.modified().ok()?;
            Some((modified, entry.file_name().to_string_lossy().into_owned()))
        })
        .collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().take(SUGGESTIONS).map(|(_, name)| name).collect()
}

fn list(newest: &[String]) -> String {
    if newest.is_empty() {
        "; the folder has no task files yet".to_owned()
    } else {
        format!("; the newest are {}: start one by its name", newest.join(", "))
    }
}

/// SHA-256, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Hex(Sha256::digest(bytes).as_slice()))
}

/// Bytes in hexadecimal.
struct Hex<'a>(&'a [u8]);

impl std::fmt::LowerHex for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_change_is_seen_whether_the_file_is_young_or_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks.md");
        let write = |text: &str| fs::write(&path, text).unwrap();
        let comparison = Comparison::default();
        write("first");
        let first = sha256(b"first");
        let changed_at = fs::metadata(&path).unwrap().ctime();
        for age in [0, 60] {
            let now = Timestamp::from_second(changed_at + age).unwrap();
            let has_changed = || comparison.has_changed(folder.path(), "tasks.md", &first, 100, now);
            assert!(!has_changed() && !has_changed());
            write("another");
            assert!(has_changed());
            write("first");
            assert!(!has_changed());
        }
        fs::remove_file(&path).unwrap();
        let now = Timestamp::from_second(changed_at + 60).unwrap();
        assert!(comparison.has_changed(folder.path(), "tasks.md", &first, 100, now));
    }

    #[test]
    fn a_days_log_is_read_where_it_is_and_through_no_link_that_leads_out() {
        let outside = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let date: Date = "2025-11-20".parse().unwrap();
        let path = folder.path().join("2025-11-20.md");
        let read = || daily_log(folder.path(), date, 100);
        assert_eq!(read(), None);
        fs::write(outside.path().join("secret"), "hush").unwrap();
        symlink(outside.path().join("secret"), &path).unwrap();
        assert_eq!(read(), None);
        fs::remove_file(&path).unwrap();
        fs::write(folder.path().join("other.md"), "day").unwrap();
        symlink("other.md", &path).unwrap();
        assert_eq!(read().as_deref(), Some("day"));
    }
}
