//! Whether runs find a `claude`, are let in, and are allowed to do anything.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::report::Finding;
use super::{Files, payer, program};
use crate::app;
use crate::claude::{Conversation, Invocation};
use crate::cli::page::shortened;
use crate::cli::shown;
use crate::config::Config;
use crate::user;

/// What the CLI refuses to root, all three with the same words.
const UNLIMITED: [&str; 3] =
    ["--dangerously-skip-permissions", "--allow-dangerously-skip-permissions", "bypassPermissions"];
/// What gives runs a permission.
const PERMISSIONS: [&str; 3] = ["--permission-mode", "--allowedTools", "--allowed-tools"];
const LONGEST_VERSION: usize = 60;
const BY_HAND: &str = "call it by hand, and see what it lacks";

pub(super) async fn look(config: &Config, files: &Files) -> Vec<Finding> {
    if config.claude.rehearse {
        return vec![Finding::ok(
            "claude",
            "only rehearsed (claude.rehearse): none is needed, and nobody pays",
        )];
    }
    let project = config.paths.project_dir.clone();
    let run = Invocation::of_claude(
        &app::claude_settings(config),
        Conversation::New(Uuid::nil()),
        None,
        project.clone(),
        app::environment(),
    );
    vec![
        found(config, &run).await,
        payer::look(&run.env, run.user.as_ref(), files),
        permissions(&run, &project),
    ]
}

async fn found(config: &Config, run: &Invocation) -> Finding {
    let remedy = "install it, or set claude.command to its path";
    let user = run.user.as_ref();
    let Some(path) = located(run) else {
        let name = &run.program;
        let whose = user.map_or_else(|| "this user".to_owned(), |user| format!("user {}", user.name));
        let message = match (name.contains('/'), user) {
            (true, _) => format!("{name} is not a program that {whose} can run"),
            (false, None) => format!("there is no {name} on the PATH"),
            (false, Some(_)) => format!("there is no {name} on the PATH that {whose} can run"),
        };
        return Finding::fail("claude", message, remedy);
    };
    let cwd = if run.cwd.is_dir() { run.cwd.clone() } else { PathBuf::from("/") };
    let question = Invocation::of_version(&app::claude_settings(config), cwd, app::environment());
    let mut command = user::command(user, &path, &question.cwd);
    command.args(&question.args).env_clear().envs(&question.env);
    let shown = path.display();
    match program::ask(command, user).await {
        Ok(answer) if answer.ok && answer.out.contains(|c: char| c.is_ascii_digit()) => {
            let version = answer.out.lines().next().unwrap_or_default();
            Finding::ok("claude", format!("{} at {shown}", shortened(version, LONGEST_VERSION)))
        }
        Ok(answer) if answer.ok => {
            Finding::warn("claude", format!("{shown} --version names no version"), "is it the Claude CLI?")
        }
        Ok(answer) => {
            let because = answer.err.lines().next().unwrap_or("it says nothing");
            let because = shortened(because, 2 * LONGEST_VERSION);
            Finding::fail("claude", format!("{shown} --version fails: {because}"), BY_HAND)
        }
        Err(no_answer) => Finding::fail("claude", format!("{shown} --version: {no_answer}"), BY_HAND),
    }
}

/// Where the program of a run is found, in the run's own environment and by whoever runs are.
fn located(run: &Invocation) -> Option<PathBuf> {
    let candidates: Vec<PathBuf> = if run.program.contains('/') {
        vec![PathBuf::from(&run.program)]
    } else {
        let folders = run.env.get(OsStr::new("PATH"))?;
        std::env::split_paths(folders).map(|folder| folder.join(&run.program)).collect()
    };
    let seen = user::look(run.user.as_ref(), &candidates).ok()?;
    let mut found = candidates.into_iter().zip(seen).filter(|(path, seen)| seen.executable && !path.is_dir());
    found.next().map(|(path, _)| path)
}

fn permissions(run: &Invocation, project: &Path) -> Finding {
    let unlimited = run.args.iter().find(|arg| UNLIMITED.iter().any(|word| arg.contains(word)));
    let sandboxed = run.env.get(OsStr::new("IS_SANDBOX")).is_some_and(|value| value == "1");
    let is_root = run.user.is_none() && rustix::process::geteuid().is_root();
    if let Some(unlimited) = unlimited {
        return match (is_root, sandboxed) {
            (true, false) => Finding::fail(
                "permissions",
                format!("{unlimited} is refused by the CLI to root"),
                "run the daemon as another user; in a container, set IS_SANDBOX=1 and add it to claude.env",
            ),
            (true, true) | (false, _) => {
                Finding::ok("permissions", format!("runs may do everything ({unlimited})"))
            }
        };
    }
    if let Some(given) = run.args.iter().find(|arg| PERMISSIONS.iter().any(|word| arg.starts_with(word))) {
        return Finding::ok("permissions", format!("as claude.flags says ({given})"));
    }
    let own = ["settings.json", "settings.local.json"].map(|name| project.join(".claude").join(name));
    match own.iter().find(|path| path.exists()) {
        Some(own) => Finding::ok("permissions", format!("as {} says", shown(own))),
        None => Finding::warn(
            "permissions",
            "runs may read but change nothing, for nobody is there to be asked",
            "claude.flags = \"--permission-mode acceptEdits\", or .claude/settings.json in the project",
        ),
    }
}
