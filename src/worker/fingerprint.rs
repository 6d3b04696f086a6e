//! What the project looks like, before a run and after it: whether anything changed, and in short what.
//!
//! Asks git and nobody else, with everything off that would run what a repository has configured; a folder that is no
//! repository, or a git that takes too long, leaves it unknown. Unknown counts as changed.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
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
/// Everything that differs from the commit, and which that is.
const LISTING: [&str; 7] = [
    "status",
    "--porcelain=v2",
    "--branch",
    "--no-ahead-behind",
    "--no-renames",
    "--untracked-files=all",
    "-z",
];
const HEAD: &[u8] = b"# branch.oid ";
const NO_COMMIT: &[u8] = b"(initial)";

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
        let top = repository(project)?;
        let listed = ask(project, user, &LISTING).await?;
        let head = names(&listed).find_map(|line| line.strip_prefix(HEAD)).filter(|head| *head != NO_COMMIT);
        let head = head.map(|head| String::from_utf8_lossy(head).into_owned());
        let digest = tokio::task::spawn_blocking(move || digest(&top, &listed)).await.ok()?;
        Some(Self { head, digest })
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

/// The top of the repository in which a project is, if it is in one: the nearest folder with a `.git`, which git looks for,
/// too. What may not be looked at may hold one.
fn repository(project: &Path) -> Option<PathBuf> {
    let project = fs::canonicalize(project).ok()?;
    let has_none = |folder: &Path| {
        fs::symlink_metadata(folder.join(".git")).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    project.ancestors().find(|folder| !has_none(folder)).map(Path::to_owned)
}

/// Of what is listed but the branch, and of each listed file as it is now.
fn digest(top: &Path, listed: &[u8]) -> u64 {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let mut hasher = DefaultHasher::new();
    for entry in names(listed).filter(|entry| !entry.starts_with(b"#")) {
        entry.hash(&mut hasher);
        let Some(name) = name(entry) else { continue };
        if let Ok(file) = fs::symlink_metadata(top.join(OsStr::from_bytes(name))) {
            (file.len(), file.mtime(), file.mtime_nsec(), file.mode()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The file's name in a listing's entry: it comes last, behind as many fields as git-status(1) says.
fn name(entry: &[u8]) -> Option<&[u8]> {
    let fields = match entry.first()? {
        b'1' => 8,
        b'u' => 10,
        _ => 1,
    };
    entry.splitn(fields + 1, |byte| *byte == b' ').nth(fields)
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
        fs::create_dir(project.join("below")).unwrap();
        assert_eq!(Fingerprint::of(&project.join("below"), None).await.unwrap(), empty);

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
        fs::create_dir_all(project.join("a folder")).unwrap();
        fs::write(project.join("a folder/new file"), "one").unwrap();
        let new = Fingerprint::of(&project.join("below"), None).await.unwrap();
        fs::write(project.join("a folder/new file"), "more").unwrap();
        assert_ne!(Fingerprint::of(&project.join("below"), None).await.unwrap(), new, "a name with a space");
        fs::remove_dir_all(project.join("a folder")).unwrap();

        git(project, &["commit", "--quiet", "-am", "three"]);
        let changes = committed.changes(project, None).await;
        assert_eq!(changes, ["1 new commit", "1 file changed, 1 insertion(+), 1 deletion(-)"]);
        let clean = Fingerprint::of(project, None).await.unwrap();
        git(project, &["switch", "--quiet", "--create", "other"]);
        assert_eq!(Fingerprint::of(project, None).await.unwrap(), clean, "another branch, but nothing else");

        let path = project.join(".git/before");
        committed.keep(&path).unwrap();
        assert_eq!(Fingerprint::kept(&path), Some(committed));
    }
}
