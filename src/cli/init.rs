//! `orchestrator init`: everything that a first day needs, in one folder. Asks nothing and changes nothing that is there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _};

use super::{Arguments as Global, Error, Exit, fresh_key, git, say, shown};
use crate::config::{Config, DEFAULT_FILE, process_environment};
use crate::files::{private, reason, whole};

pub(super) const EXAMPLES: &str = "Examples:
  orchestrator init              in the folder of your project
  orchestrator init ~/project    in another one, made if there is none

What is there already is kept as it is, so that a second call does no harm.";

const CONFIG: &str = include_str!("../../config.toml.example");
const TASKS: &str = include_str!("../../examples/first-tasks.md");
const OWNERS: u32 = 0o600;
const EVERYONES: u32 = 0o666;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder of your project
    #[arg(default_value = ".", hide_default_value = true)]
    dir: PathBuf,
}

/// A file or folder that can't be made.
#[derive(Debug, thiserror::Error)]
#[error("can't make {path}: {}", reason(source), path = path.display())]
pub(super) struct CannotMake {
    path: PathBuf,
    source: io::Error,
}

pub(super) fn init(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    if global.config.is_some() {
        let message = "init writes config.toml into a folder: name the folder instead of --config";
        Global::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    let dir = &arguments.dir;
    let folder = fs::create_dir_all(dir).and_then(|()| dir.canonicalize());
    let folder = folder.map_err(|source| CannotMake { path: dir.clone(), source })?;
    make_file(&folder.join(DEFAULT_FILE), CONFIG, OWNERS, "every setting with its default")?;
    let dotenv = folder.join(".env");
    make_file(&dotenv, &fresh_secret()?, OWNERS, "a fresh secret")?;
    let config = Config::load(None, &folder, process_environment())?;
    for path in [&config.paths.tasks_dir, &config.paths.daily_dir, &config.paths.logs_dir] {
        make_folder(path)?;
    }
    let tasks = example(&config)?;
    let advice = [unset_secret(&config, &dotenv), ignored(&folder, &config)?];
    for advice in advice.into_iter().flatten() {
        say::out(advice);
    }
    say::out(next(&folder, &tasks));
    Ok(Exit::Ok)
}

fn fresh_secret() -> Result<String, Error> {
    let secret = fresh_key()?;
    Ok(format!(
        "# What callers of the orchestrator must know. Keep this file to yourself and out of git.\nWEBHOOK_SECRET={secret}\n"
    ))
}

fn make_file(path: &Path, content: &str, mode: u32, what: &str) -> Result<(), CannotMake> {
    let is_new = whole::make(path, content.as_bytes(), mode)
        .map_err(|source| CannotMake { path: path.to_owned(), source })?;
    if is_new {
        say::out(format_args!("made  {} ({what})", shown(path)));
    } else {
        kept(path);
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<(), CannotMake> {
    if path.is_dir() {
        kept(path);
        return Ok(());
    }
    private::create_dir(path).map_err(|source| CannotMake { path: path.to_owned(), source })?;
    say::out(format_args!("made  {}", shown(path)));
    Ok(())
}

fn kept(path: &Path) {
    say::out(format_args!("kept  {}", shown(path)));
}

/// A task file for today, unless there are others already; the one to try first.
fn example(config: &Config) -> Result<PathBuf, CannotMake> {
    let folder = &config.paths.tasks_dir;
    let today = crate::app::clock().to_zoned(config.orchestrator.timezone.clone()).date();
    let entries = fs::read_dir(folder).map_err(|source| CannotMake { path: folder.clone(), source })?;
    let others = entries.flatten().map(|entry| entry.path());
    let newest = others.filter(|path| path.extension().is_some_and(|ending| ending == "md")).max();
    if let Some(newest) = newest {
        kept(&newest);
        return Ok(newest);
    }
    let path = folder.join(format!("{today}-tasks.md"));
    make_file(&path, TASKS, EVERYONES, "two harmless tasks for a first try")?;
    Ok(path)
}

fn unset_secret(config: &Config, dotenv: &Path) -> Option<String> {
    let dotenv = shown(dotenv);
    config.webhooks.secret.is_none().then(|| {
        format!(
            "\n{dotenv} sets no secret, without which `orchestrator serve` doesn't start. To add one:\n  \
             echo \"WEBHOOK_SECRET=$(openssl rand -hex 32)\" >> {}",
            shell_words::quote(&dotenv)
        )
    })
}

/// Keeps the secret and what changes all the time out of a git repository; says what to add to a `.gitignore` that was
/// there before.
fn ignored(folder: &Path, config: &Config) -> Result<Option<String>, CannotMake> {
    if !git::is_repository(folder) {
        return Ok(None);
    }
    let path = folder.join(".gitignore");
    let lines = to_ignore(folder, config);
    if lines.is_empty() && !path.exists() {
        return Ok(None);
    }
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    let was_there = path.symlink_metadata().is_ok();
    make_file(&path, &text, EVERYONES, "keeps the secret, the logs and the database out of git")?;
    Ok((was_there && !lines.is_empty()).then(|| {
        let lines = lines.iter().map(|line| format!("\n  {line}"));
        format!("\nAdd to {}, so that no secret gets into git:{}", shown(&path), lines.collect::<String>())
    }))
}

/// The lines for what is in the folder and not ignored yet.
fn to_ignore(folder: &Path, config: &Config) -> Vec<String> {
    let private = [
        (folder.join(".env"), ""),
        (config.paths.logs_dir.clone(), "/"),
        (config.paths.database.clone(), "*"),
    ];
    let not_yet = private.iter().filter(|(path, _)| !git::ignores(folder, path));
    not_yet
        .filter_map(|(path, ending)| Some(format!("/{}{ending}", path.strip_prefix(folder).ok()?.display())))
        .collect()
}

fn next(folder: &Path, tasks: &Path) -> String {
    let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
    let is_here = std::env::current_dir().is_ok_and(|cwd| cwd == folder);
    let go = if is_here { String::new() } else { format!("\n  cd {}", quoted(folder)) };
    let tasks = quoted(tasks.strip_prefix(folder).unwrap_or(tasks));
    format!("\nNext:{go}\n  orchestrator doctor\n  orchestrator run {tasks} --rehearse\n  orchestrator serve")
}
