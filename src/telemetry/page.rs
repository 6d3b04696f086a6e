//! A file of lines, kept open for as long as its name leads to it: one that was moved or deleted meanwhile comes back.

use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::files::private;

/// The file that was last written to, if it could be.
#[derive(Debug, Default)]
pub(super) struct Page(Option<Open>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
}

impl Page {
    /// Writes at the end of the file of that name; answers with its length.
    pub(super) fn write(&mut self, path: &Path, text: &str) -> io::Result<u64> {
        let kept = self.0.take().filter(|open| open.path == path);
        let found = kept.as_ref().and_then(|_| path.metadata().ok());
        let (mut open, length) = match (kept, found) {
            (Some(open), Some(found)) if open.identity == identity(&found) => (open, found.len()),
            _ => Open::at(path)?,
        };
        open.file.write_all(text.as_bytes())?;
        self.0 = Some(open);
        Ok(length + text.len() as u64)
    }

    /// Lets go of the file: the next line opens whatever has its name by then.
    pub(super) fn close(&mut self) {
        self.0 = None;
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<(Self, u64)> {
        let file = private::append(path)?;
        let found = file.metadata()?;
        Ok((Self { path: path.to_owned(), file, identity: identity(&found) }, found.len()))
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

#[cfg(test)]
mod tests {
    use super::Page;
    use std::fs;

    #[test]
    fn a_file_that_was_moved_deleted_or_cut_is_written_on() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("log"), folder.path().join("log.1"));
        let read = || fs::read_to_string(&path).unwrap();
        let mut page = Page::default();
        assert_eq!(page.write(&path, "one\n").unwrap(), 4);
        assert_eq!(page.write(&path, "two\n").unwrap(), 8);
        fs::rename(&path, &moved).unwrap();
        assert_eq!(page.write(&path, "three\n").unwrap(), 6);
        assert_eq!((read(), fs::read_to_string(&moved).unwrap()), ("three\n".into(), "one\ntwo\n".into()));
        fs::rename(&moved, &path).unwrap();
        assert_eq!(page.write(&path, "four\n").unwrap(), 13);
        assert_eq!(read(), "one\ntwo\nfour\n");
        fs::remove_file(&path).unwrap();
        assert_eq!(page.write(&path, "five\n").unwrap(), 5);
        assert_eq!(read(), "five\n");
        fs::write(&path, "").unwrap();
        assert_eq!(page.write(&path, "six\n").unwrap(), 4);
        assert_eq!(read(), "six\n");
        let other = folder.path().join("other");
        assert_eq!(page.write(&other, "seven\n").unwrap(), 6);
        assert_eq!(fs::read_to_string(&other).unwrap(), "seven\n");
    }

    #[test]
    fn a_folder_that_went_and_came_back_is_written_to_again() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        let path = logs.join("log");
        fs::create_dir(&logs).unwrap();
        let mut page = Page::default();
        page.write(&path, "one\n").unwrap();
        fs::remove_dir_all(&logs).unwrap();
        page.write(&path, "two\n").unwrap_err();
        fs::create_dir(&logs).unwrap();
        page.write(&path, "three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }
}
