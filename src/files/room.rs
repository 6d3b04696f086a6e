//! How much may still be written.

use std::path::Path;

use rustix::fs::{StatVfs, statvfs};

use crate::domain::size::Size;

/// Less than a database needs to be opened and written a little.
const LITTLE: Size = Size(1 << 20);

/// Whether there is no room to speak of.
pub fn is_full(path: &Path) -> bool {
    holds_no_more_files(path) || room(path).is_some_and(|room| room < LITTLE)
}

/// What an ordinary user may still write where a file or folder is, or would be made; unknown where that can't be told.
pub fn room(path: &Path) -> Option<Size> {
    let system = system(path)?;
    Some(Size(system.f_bavail.saturating_mul(system.f_frsize)))
}

/// Whether there may be as many files there as the file system can hold, so that no other can be made. Those that count
/// none have no such number.
pub fn holds_no_more_files(path: &Path) -> bool {
    system(path).is_some_and(|system| system.f_files > 0 && system.f_favail == 0)
}

fn system(path: &Path) -> Option<StatVfs> {
    let there = path.ancestors().find(|path| path.exists())?;
    statvfs(there).ok()
}
