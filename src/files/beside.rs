//! Names beside a file: what belongs to it, and where it can be put out of the way.

use std::io;
use std::path::{Path, PathBuf};

/// The file's path with something at its end, such as `orchestrator.db-wal`.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Renames a file to a name beside it that is free: with this ending, or with `-2`, `-3` and so on behind that. Answers
/// with the new name; `None` if there is no such file.
pub fn put_aside(path: &Path, ending: &str) -> io::Result<Option<PathBuf>> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let aside = free(path, ending);
    std::fs::rename(path, &aside)?;
    Ok(Some(aside))
}

/// The first name of this kind that nothing has; with no ending, the path itself if it is free.
pub fn free(path: &Path, ending: &str) -> PathBuf {
    let mut name = beside(path, ending);
    let mut number = 2;
    while name.symlink_metadata().is_ok() {
        name = beside(path, &format!("{ending}-{number}"));
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::put_aside;
    use std::fs;

    #[test]
    fn nothing_is_put_in_the_place_of_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        assert_eq!(put_aside(&path, ".old").unwrap(), None);
        for (content, name) in [("first", "kept.old"), ("second", "kept.old-2"), ("third", "kept.old-3")] {
            fs::write(&path, content).unwrap();
            assert_eq!(put_aside(&path, ".old").unwrap(), Some(folder.path().join(name)));
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), content);
        }
        assert!(!path.exists());
    }
}
