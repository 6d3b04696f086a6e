//! The last lines of a file, read from its end: what a gigabyte costs is what a screenful costs.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

const BLOCK: u64 = 64 * 1024;
/// The most that is read, however long the lines are.
const MOST: u64 = 1024 * 1024;

/// The last lines, without the newline at the end; bytes that aren't UTF-8 are replaced. A link, or a pipe, that was put
/// in the file's place is an error: what it leads to is not what was asked for.
pub fn lines(path: &Path, count: usize) -> io::Result<String> {
    let mut file = plain(path)?;
    let size = file.seek(SeekFrom::End(0))?;
    let mut start = size;
    let mut text: Vec<u8> = Vec::new();
    while start > 0 && size - start < MOST && newlines(&text) <= count {
        let length = BLOCK.min(start);
        start -= length;
        file.seek(SeekFrom::Start(start))?;
        let mut block = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact(&mut block)?;
        block.append(&mut text);
        text = block;
    }
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
    Ok(all[all.len().saturating_sub(count)..].join("\n"))
}

/// Opens without following a link, and without waiting for a pipe's writer.
fn plain(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a plain file")) }
}

fn newlines(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').count() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_told_however_long_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let text = (1..=100_000).fold(String::new(), |text, line| text + &format!("line {line}\n"));
        std::fs::write(&path, text).unwrap();
        assert_eq!(lines(&path, 2).unwrap(), "line 99999\nline 100000");
        assert_eq!(lines(&path, 50_000).unwrap().lines().count(), 50_000);
        std::fs::write(&path, "no newline").unwrap();
        assert_eq!(lines(&path, 5).unwrap(), "no newline");
        std::fs::write(&path, "").unwrap();
        assert_eq!(lines(&path, 5).unwrap(), "");
    }
}
