//! The folder that Claude works in, and the tasks for today.

use std::path::Path;

use super::program;
use super::report::Finding;
use crate::cli::inspect::{Unusable, inspect};
use crate::cli::{git, shown};
use crate::config::Config;
use crate::domain::number::count;
use crate::user::User;

pub(super) async fn look(config: &Config) -> Finding {
    let project = &config.paths.project_dir;
    if !project.is_dir() {
        let message = format!("{} is not a folder", project.display());
        return Finding::fail("project", message, "make it, or correct paths.project_dir");
    }
    repository(project, config.claude.user.as_ref()).await
}

async fn repository(project: &Path, user: Option<&User>) -> Finding {
    let name = project.display();
    if !git::is_repository(project) {
        let message =
            format!("{name} is not a git repository, so that what a task changes can't be taken back");
        return Finding::warn("project", message, "`git init` there, and commit what there is");
    }
    match program::ask(git::command(user, project, &["status", "--porcelain"]), user).await {
        Ok(answer) if answer.ok && answer.out.is_empty() => {
            Finding::ok("project", format!("{name} is a git repository, and clean"))
        }
        Ok(answer) if answer.ok => {
            let changes = count(answer.out.lines().count(), "change");
            let message = format!("{name} is a git repository with {changes} that no commit has");
            Finding::warn("project", message, "commit first, to tell your changes from those of tasks")
        }
        Ok(answer) => {
            let because = answer.err.lines().next().unwrap_or("git says nothing").to_owned();
            Finding::warn(
                "project",
                format!("git can't be asked about {name}: {because}"),
                "see what `git status` says there",
            )
        }
        Err(no_answer) => {
            Finding::warn("project", format!("git can't be asked about {name}: {no_answer}"), "install git")
        }
    }
}

pub(super) fn tasks(config: &Config) -> Finding {
    let folder = &config.paths.tasks_dir;
    let today = crate::app::clock().to_zoned(config.orchestrator.timezone.clone()).date();
    let path = folder.join(format!("{today}-tasks.md"));
    let name = shown(&path);
    match inspect(config, &path) {
        Ok((_, parsed)) => {
            Finding::ok("tasks", format!("{} in {name}", count(parsed.plan.tasks.len(), "task")))
        }
        Err(Unusable::Missing(_)) if folder.is_dir() => Finding::warn(
            "tasks",
            format!("there is nothing to do today: no {name}"),
            "write it, or name another file when you start",
        ),
        Err(Unusable::Missing(_)) => {
            Finding::warn("tasks", format!("there is no folder {}", shown(folder)), "orchestrator init")
        }
        Err(Unusable::Mistaken { diagnostics, .. }) => Finding::fail(
            "tasks",
            format!("{name} has {}", count(diagnostics.0.len(), "mistake")),
            format!("orchestrator check {name}"),
        ),
        Err(Unusable::Unreadable(error)) => {
            Finding::fail("tasks", error.to_string(), "make it a file that this user can read")
        }
    }
}
