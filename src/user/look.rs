//! What another user may do with files: asked of the kernel as that user, not worked out from modes.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::{Access, access};

use super::User;
use super::step::{LOOK, Step};

/// What a user may do with a file or folder, which is there for it or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own")]
pub struct Seen {
    /// It is there, and the way to it open.
    pub exists: bool,
    /// It may be read.
    pub readable: bool,
    /// It may be written; a folder's files may be replaced.
    pub writable: bool,
    /// It may be run; a folder may be entered.
    pub executable: bool,
}

const LETTERS: [(char, Access); 4] =
    [('e', Access::EXISTS), ('r', Access::READ_OK), ('w', Access::WRITE_OK), ('x', Access::EXEC_OK)];

/// Looks at each path as `user`, or as ourselves.
pub fn look(user: Option<&User>, paths: &[PathBuf]) -> io::Result<Vec<Seen>> {
    let Some(user) = user else {
        return Ok(paths.iter().map(|path| parse(&letters(path))).collect());
    };
    let mut command = Step { user, folder: "/".as_ref(), complaints: None }.to_nothing();
    let output = command.arg(LOOK).args(paths).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let seen: Vec<Seen> = said.lines().map(parse).collect();
    if output.status.success() && seen.len() == paths.len() {
        Ok(seen)
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// Prints what is seen of each path, a line each.
pub(super) fn report(paths: &[OsString]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for path in paths {
        writeln!(out, "{}", letters(path.as_ref()))?;
    }
    out.flush()
}

fn letters(path: &Path) -> String {
    LETTERS.iter().map(|(letter, right)| if access(path, *right).is_ok() { *letter } else { '-' }).collect()
}

fn parse(letters: &str) -> Seen {
    let has = |letter| letters.contains(letter);
    Seen { exists: has('e'), readable: has('r'), writable: has('w'), executable: has('x') }
}
