//! Whether runs are kept from what the daemon keeps, and can do their work all the same.

use std::path::{Path, PathBuf};

use super::Files;
use super::report::Finding;
use crate::cli::shown;
use crate::config::Config;
use crate::user::{self, CannotBecome, Seen, User, look};

const GUIDE: &str = "docs/isolation.md";

/// Looks as the runs' user, if there is one; an error if that can't be done, and neither could runs start.
pub(super) fn look_as_runs(config: &Config, files: &Files) -> Result<Vec<Finding>, Finding> {
    let Some(user) = &config.claude.user else {
        return Ok(vec![together()]);
    };
    user::require(user).map_err(|error| cannot(&error))?;
    let failed = |error: std::io::Error| {
        Finding::fail(
            "isolation",
            format!("user {} can't look around: {error}", user.name),
            "see what `id` says of it",
        )
    };
    let kept = kept(config, files, user).map_err(failed)?;
    let work = work(config, user).map_err(failed)?;
    let fails = kept.iter().any(Option::is_some);
    let apart = (!fails).then(|| {
        Finding::ok("isolation", format!("runs are user {}, who can't read what the daemon keeps", user.name))
    });
    Ok(apart.into_iter().chain(kept.into_iter().flatten()).chain(work).collect())
}

fn together() -> Finding {
    let message = "none: runs are the daemon's own user, and can read its secret; claude.user gives them a user of their own";
    Finding::ok("isolation", format!("{message} ({GUIDE})"))
}

fn cannot(error: &CannotBecome) -> Finding {
    let remedy = match error {
        CannotBecome::Own(_) => "name a user that is made for runs".to_owned(),
        CannotBecome::NoRight { .. } => {
            format!("start the daemon, and this, with the three capabilities ({GUIDE}); or call this as root")
        }
        CannotBecome::Failed { .. } => format!("set both users up as {GUIDE} says"),
    };
    Finding::fail("isolation", error.to_string(), remedy)
}

/// What the daemon keeps and the user must not have.
fn kept(config: &Config, files: &Files, user: &User) -> std::io::Result<[Option<Finding>; 2]> {
    let paths = &config.paths;
    let secret = [&files.config, &files.dotenv, &paths.database, &paths.logs_dir];
    let program = std::env::current_exe().unwrap_or_default();
    let above = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
    let steady =
        [above(&files.config), above(&paths.database), paths.tasks_dir.clone(), above(&program), program];
    let readable = having(user, secret.map(Clone::clone).to_vec(), |seen| seen.readable || seen.writable)?;
    let writable = having(user, steady.to_vec(), |seen| seen.writable)?;
    let name = &user.name;
    let finding = |list: Vec<PathBuf>, may: &str, mode: &str| {
        let words: Vec<_> = list.iter().map(|path| shell_words::quote(&shown(path)).into_owned()).collect();
        (!list.is_empty()).then(|| {
            let message = format!("runs are user {name}, who can {may} {}", words.join(", "));
            let remedy =
                format!("chmod {mode} {}, and keep {name} out of the group that owns it", words.join(" "));
            Finding::fail("isolation", message, remedy)
        })
    };
    Ok([finding(readable, "read", "o-rwx"), finding(writable, "change", "o-w")])
}

fn having(user: &User, paths: Vec<PathBuf>, has: impl Fn(Seen) -> bool) -> std::io::Result<Vec<PathBuf>> {
    let seen = look(Some(user), &paths)?;
    let mut found: Vec<PathBuf> =
        paths.into_iter().zip(seen).filter(|(_, seen)| has(*seen)).map(|(path, _)| path).collect();
    found.dedup();
    Ok(found)
}

/// What the user must have to work at all.
fn work(config: &Config, user: &User) -> std::io::Result<Vec<Finding>> {
    let (project, name) = (config.paths.project_dir.clone(), &user.name);
    let set = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let home = set("CLAUDE_CONFIG_DIR").unwrap_or_else(|| user.home.clone());
    let folders = [project.clone(), home.clone(), set("TMPDIR").unwrap_or_else(std::env::temp_dir)];
    let seen = look(Some(user), &folders)?;
    let closed = |folder: &PathBuf| {
        let at = folders.iter().position(|other| other == folder);
        at.is_none_or(|at| !(seen[at].readable && seen[at].writable && seen[at].executable))
    };
    let quoted = |folder: &PathBuf| shell_words::quote(&folder.to_string_lossy()).into_owned();
    let mut findings = Vec::new();
    if closed(&project) {
        let project = quoted(&project);
        findings.push(Finding::fail(
            "isolation",
            format!("user {name} can't work in {project}"),
            format!("chown -R {name}: {project}, and let {name} enter the folders above it"),
        ));
    }
    if closed(&home) {
        let home = quoted(&home);
        findings.push(Finding::warn(
            "isolation",
            format!("user {name} can't write in {home}, where Claude keeps its login and its sessions"),
            format!(
                "install -d -m 700 -o {name} {home}, or set CLAUDE_CONFIG_DIR to a folder of user {name}"
            ),
        ));
    }
    if closed(&folders[2]) {
        let message = format!("user {name} can't write in {}, which TMPDIR names", quoted(&folders[2]));
        findings.push(Finding::warn(
            "isolation",
            message,
            "unset it, or name a folder that all users can write",
        ));
    }
    Ok(findings)
}
