//! What the project looks like, before a run and after it: whether anything changed, and in short what.
//!
//! Asks git and nobody else, with everything off that would run what a repository has configured; a folder that is no
//! repository, or a git that takes too long, leaves it unknown. Unknown counts as changed.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::files::private;
use crate::user::{self, User};

/// How long git may take for one question.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of an answer is listened to.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;
/// How many files are named.
const NAMED: usize = 5;

/// What the project looked like at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    /// The commit that is checked out; none in a repository without one.
    head: Option<String>,
    /// Of everything that differs from it: which files, how large, and when they were written.
    digest: u64,
}

impl Fingerprint {
    /// Looks at a project, if that can be done.
    pub(super) async fn of(project: &Path, user: Option<&User>) -> Option<Self> {
        let listed = ask(project, user, &["status", "--porcelain=v1", "-z", "--untracked-files=all"]).await?;
        let head = ask(project, user, &["rev-parse", "--verify", "--quiet", "HEAD"]).await;
        let head = head.map(|head| String::from_utf8_lossy(&head).trim().to_owned());
        let folder = project.to_owned();
        let top = ask(project, user, &["rev-parse", "--show-toplevel"]).await?;
        let top = Path::new(String::from_utf8_lossy(&top).trim()).to_owned();
        let digest = tokio::task::spawn_blocking(move || {
            let top = if top.is_absolute() { top } else { folder };
            digest(&top, &listed)
        });
        Some(Self { head, digest: digest.await.ok()? })
    }

    /// Keeps it beside a run's files, for whoever sees to the run's end.
    pub(super) fn keep(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            private::create_dir(folder)?;
        }
        private::write_new(path, &serde_json::to_vec(self)?)
    }

    /// The one that was kept, if one was.
    pub(super) fn kept(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// What is different from this commit now, a short line each.
    pub(super) async fn changes(&self, project: &Path, user: Option<&User>) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(head) = &self.head {
            let range = format!("{head}..HEAD");
            let commits = text(project, user, &["rev-list", "--count", &range]).await;
            match commits.as_deref().and_then(|count| count.parse::<usize>().ok()) {
                Some(0) | None => {}
                Some(1) => lines.push("1 new commit".to_owned()),
                Some(several) => lines.push(format!("{several} new commits")),
            }
            let asked = ["diff", "--no-ext-diff", "--no-textconv", "--shortstat", head, "--"];
            lines.extend(text(project, user, &asked).await.filter(|stat| !stat.is_empty()));
        }
        let new = ask(project, user, &["ls-files", "--others", "--exclude-standard", "-z"])
            .await
            .unwrap_or_default();
        let new: Vec<String> = names(&new).map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        if !new.is_empty() {
            let more =
                if new.len() > NAMED { format!(" and {} more", new.len() - NAMED) } else { String::new() };
            let named: Vec<&str> = new.iter().take(NAMED).map(String::as_str).collect();
            lines.push(format!("not in git: {}{more}", named.join(", ")));
        }
        lines
    }
}

/// Of the listing, and of each listed file as it is now.
fn digest(top: &Path, listed: &[u8]) -> u64 {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let mut hasher = DefaultHasher::new();
    listed.hash(&mut hasher);
    for entry in names(listed) {
        let name = entry.get(3..).unwrap_or(entry);
        if let Ok(file) = fs::symlink_metadata(top.join(OsStr::from_bytes(name))) {
            (file.len(), file.mtime(), file.mtime_nsec(), file.mode()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn names(listed: &[u8]) -> impl Iterator<Item = &[u8]> {
    listed.split(|byte| *byte == 0).filter(|name| !name.is_empty())
}

async fn text(project: &Path, user: Option<&User>, arguments: &[&str]) -> Option<String> {
    let answer = ask(project, user, arguments).await?;
    Some(String::from_utf8_lossy(&answer).trim().to_owned())
}

/// Asks git, as the user who works there, something that it answers with exit code 0.
async fn ask(project: &Path, user: Option<&User>, arguments: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::from(user::command(user, "git", project));
    command
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    (output.status.success() && output.stdout.len() <= LONGEST_ANSWER).then_some(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    fn git(project: &Path, arguments: &[&str]) {
        let identity =
            ["-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main"];
        let output =
            Command::new("git").args(identity).args(arguments).current_dir(project).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    #[tokio::test]
    async fn tells_a_change_of_any_kind_and_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path();
        assert_eq!(Fingerprint::of(project, None).await, None, "no repository");
        git(project, &["init", "--quiet"]);
        let empty = Fingerprint::of(project, None).await.unwrap();
        assert_eq!(Fingerprint::of(project, None).await.unwrap(), empty);

        fs::write(project.join("a.txt"), "one\n").unwrap();
        let untracked = Fingerprint::of(project, None).await.unwrap();
        assert_ne!(untracked, empty);
        assert_eq!(empty.changes(project, None).await, ["not in git: a.txt"]);

        git(project, &["add", "a.txt"]);
        git(project, &["commit", "--quiet", "-m", "one"]);
        let committed = Fingerprint::of(project, None).await.unwrap();
        fs::write(project.join("a.txt"), "two\n").unwrap();
        let edited = Fingerprint::of(project, None).await.unwrap();
        assert_ne!(edited, committed);
        fs::write(project.join("a.txt"), "three\n").unwrap();
        assert_ne!(
            Fingerprint::of(project, None).await.unwrap(),
            edited,
            "the listing alone would be the same"
        );
        git(project, &["commit", "--quiet", "-am", "three"]);
        let changes = committed.changes(project, None).await;
        assert_eq!(changes, ["1 new commit", "1 file changed, 1 insertion(+), 1 deletion(-)"]);

        let path = project.join(".git/before");
        committed.keep(&path).unwrap();
        assert_eq!(Fingerprint::kept(&path), Some(committed));
    }
}
