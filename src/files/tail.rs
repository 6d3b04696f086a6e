//! The last lines of a file, read from its end: what a gigabyte costs is what a screenful costs.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::plain;

/// What a screenful of lines fits into, mostly.
const FIRST: u64 = 8 * 1024;
/// The most that is read, however long the lines are.
const MOST: u64 = 1024 * 1024;

/// The last lines, without the newline at the end; bytes that aren't UTF-8 are replaced. A link, or a pipe, that was put
/// in the file's place is an error: what it leads to is not what was asked for.
pub fn lines(path: &Path, count: usize) -> io::Result<String> {
    let file = plain::open(path)?;
    let size = file.metadata()?.len();
    let most = MOST.min(size);
    let mut length = FIRST.min(most);
    loop {
        let mut end = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut end, size - length)?;
        match last(&end, count) {
            Some(lines) => return Ok(String::from_utf8_lossy(lines).into_owned()),
            None if length == most => return Ok(String::from_utf8_lossy(trimmed(&end)).into_owned()),
            None => length = (length * 4).min(most),
        }
    }
}

/// So many lines, if there is a newline before them.
fn last(text: &[u8], count: usize) -> Option<&[u8]> {
    let text = trimmed(text);
    let Some(before) = count.checked_sub(1) else { return Some(&[]) };
    memchr::memrchr_iter(b'\n', text).nth(before).map(|newline| &text[newline + 1..])
}

fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
    &text[..end]
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

    #[test]
    fn a_line_of_any_length_and_any_number_of_empty_ones_are_no_trouble() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let long = "ä".repeat(100_000);
        std::fs::write(&path, format!("first\n{long}\nlast\n")).unwrap();
        assert_eq!(lines(&path, 2).unwrap(), format!("{long}\nlast"));
        assert_eq!(lines(&path, 9).unwrap(), format!("first\n{long}\nlast"));
        assert_eq!(lines(&path, 0).unwrap(), "");
        std::fs::write(&path, format!("one\n\ntwo{}", "\n".repeat(20_000))).unwrap();
        assert_eq!(lines(&path, 3).unwrap(), "one\n\ntwo");
        std::fs::write(&path, format!("{}\nthe end\n", "x".repeat(3_000_000))).unwrap();
        assert_eq!(lines(&path, 1).unwrap(), "the end");
        assert!(lines(&path, 2).unwrap().len() <= 1024 * 1024);
    }
}
