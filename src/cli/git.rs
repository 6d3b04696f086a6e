//! What git says of a folder. Only asks: nothing here changes a repository or runs what it has configured.

use std::path::Path;
use std::process::{Command, Stdio};

/// Whether a folder is in a git repository, as the file system shows it.
pub(super) fn is_repository(folder: &Path) -> bool {
    folder.ancestors().any(|above| above.join(".git").exists())
}

/// Whether git leaves a path alone when everything is added. Without a git there is nobody who would.
pub(super) fn ignores(folder: &Path, path: &Path) -> bool {
    let mut command = command(folder, &["check-ignore", "--quiet", "--"]);
    command.arg(path).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A question to git, about to be asked.
pub(super) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}
