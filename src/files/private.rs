//! Files and folders that only their owner can read: what runs print and what the daemon logs is nobody else's business.
//!
//! Modes apply to what is created here; what exists already keeps its own.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Makes a folder, and those above it, for the owner only (0700). One that exists is fine.
pub fn create_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    })
}

/// Makes a new file for the owner only (0600); an error if there is one.
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

/// Makes a new file with this content.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    create_new(path)?.write_all(content)
}

/// Opens a file to write at its end, and makes it for the owner only (0600) if there is none. A pipe without a reader is an
/// error, and isn't waited for.
pub fn append(path: &Path) -> io::Result<File> {
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(nonblocking).open(path)
}

#[cfg(test)]
mod tests {
    use super::{append, create_dir, create_new};
    use std::fs;
    use std::io::{ErrorKind, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("logs/session");
        create_dir(&inner).unwrap();
        create_dir(&inner).unwrap();
        assert_eq!((mode(&inner), mode(inner.parent().unwrap())), (0o700, 0o700));

        let made = inner.join("made");
        create_new(&made).unwrap();
        assert_eq!(mode(&made), 0o600);
        assert_eq!(create_new(&made).unwrap_err().kind(), ErrorKind::AlreadyExists);

        let appended = inner.join("appended");
        for text in ["one ", "two"] {
            append(&appended).unwrap().write_all(text.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&appended).unwrap(), "one two");
        assert_eq!(mode(&appended), 0o600);
    }
}
