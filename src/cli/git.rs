//! What git says of a folder. Only asks: nothing here changes a repository or runs what it has configured.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::user::{self, User};

/// Whether a folder is in a git repository, as the file system shows it.
pub(super) fn is_repository(folder: &Path) -> bool {
    folder.ancestors().any(|above| above.join(".git").exists())
}

/// Whether git leaves a path alone when everything is added. Without a git there is nobody who would.
pub(super) fn ignores(folder: &Path, path: &Path) -> bool {
    let mut command = command(None, folder, &["check-ignore", "--quiet", "--"]);
    command.arg(path).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A question to git, about to be asked, as another user if one is named.
pub(super) fn command(user: Option<&User>, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = user::command(user, "git", folder);
    command
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .stdin(Stdio::null());
    command
}
