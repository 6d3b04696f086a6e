//! The command line: one file a subcommand. Parses arguments and words what a terminal is told; decides nothing else.

mod backup;
mod check;
mod client;
mod completions;
mod doctor;
mod git;
mod health;
mod init;
mod inspect;
mod interrupts;
mod key;
mod known;
mod man;
mod n8n;
mod openapi;
mod page;
mod prune;
mod reason;
mod report;
mod run;
mod say;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::key::fresh_key;
use crate::config::{Config, ConfigErrors, DEFAULT_FILE};
use crate::user;

/// Works through a task file with Claude Code, one task at a time, and asks before anything that matters.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true, propagate_version = true)]
#[command(
    after_help = "Try it without paying for anything:\n  orchestrator init\n  orchestrator run orchestrator_tasks/*.md --rehearse"
)]
struct Arguments {
    /// The configuration file [default: ./config.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The least important messages to show: error, warn, info, debug or trace [default: logging.level]
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<tracing::Level>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: answer over HTTP, work through sessions, survive restarts
    Serve,
    /// Run a task file in this terminal: ask at gates, show progress, go on where it was left
    #[command(after_help = run::EXAMPLES)]
    Run(run::Arguments),
    /// Check task files and point at every mistake
    #[command(after_help = "Example:\n  orchestrator check orchestrator_tasks/*.md")]
    Check(check::Arguments),
    /// Print the description of the HTTP interface for programs: OpenAPI 3.1
    #[command(
        after_help = "Example:\n  orchestrator openapi --postman > orchestrator.postman_collection.json"
    )]
    Openapi(openapi::Arguments),
    /// Make what a first day needs: a configuration, a secret, folders and an example task file
    #[command(after_help = init::EXAMPLES)]
    Init(init::Arguments),
    /// Look at everything a day can fail for, and say what would help
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Arguments),
    /// Connect the daemon with Telegram through an n8n
    #[command(subcommand)]
    N8n(n8n::Command),
    /// Ask the running daemon whether it is well; for container health checks
    #[command(after_help = health::EXAMPLES)]
    Health,
    /// Print the completions for a shell
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Arguments),
    /// Print the manual page
    #[command(after_help = man::EXAMPLES)]
    Man(man::Arguments),
    /// Tell a session's story as one page of markdown: tasks, runs, gates, costs
    #[command(after_help = report::EXAMPLES)]
    Report(report::Arguments),
    /// Copy the database into a file, also while the daemon works on it
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::Arguments),
    /// Delete what is old: logs of sessions that have ended, and what nobody will ask for
    #[command(after_help = prune::EXAMPLES)]
    Prune(prune::Arguments),
    #[command(flatten)]
    Client(client::Command),
}

/// How a command ended, as its exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Ok,
    Failed,
    Waiting,
    Unreachable,
    Interrupted,
    DatabaseFailed,
    NotUntilChanged,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Waiting => 3,
            Exit::Unreachable => 4,
            Exit::DatabaseFailed => 74,
            Exit::NotUntilChanged => 78,
            Exit::Interrupted => 130,
        })
    }
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    #[error("{0}")]
    App(#[from] crate::app::Error),
    #[error("{0}")]
    Logging(#[from] crate::telemetry::TelemetryError),
    #[error("{0}")]
    Engine(#[from] crate::engine::Error),
    #[error("{0}")]
    Store(#[from] crate::store::Error),
    #[error("{0}")]
    Backup(#[from] crate::store::CopyError),
    #[error("{0}")]
    Prune(#[from] crate::upkeep::sweep::Error),
    #[error("can't tell the current folder: {0}")]
    Cwd(std::io::Error),
    #[error("can't start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error("can't lower its own rights: {0}")]
    Rights(std::io::Error),
    #[error("can't listen for signals: {0}")]
    Signals(std::io::Error),
    #[error("{0}")]
    TaskFile(#[from] inspect::Unusable),
    #[error("{0}")]
    Init(#[from] init::CannotMake),
    #[error("{0}")]
    N8n(#[from] n8n::Trouble),
    #[error("the system has no randomness for a secret: {0}")]
    Random(std::io::Error),
    #[error("can't write the manual into {}: {source}", .folder.display())]
    Manual { folder: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Unreachable(#[from] client::Unreachable),
    #[error("the worker ended unexpectedly; the next start sees to what is left of its run")]
    Worker,
    #[error("{0}")]
    NoSession(String),
    #[error("the database failed; what was going on is found again by the next start")]
    Database,
}

impl Error {
    fn say(&self) {
        if let Self::Config(problems) = self {
            problems.sentences().for_each(say::error);
        } else {
            say::error(self);
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(crate::engine::Error::Refused(_) | crate::engine::Error::Instead { .. }) => {
                Exit::Waiting
            }
            Self::Unreachable(_) => Exit::Unreachable,
            Self::Database => Exit::DatabaseFailed,
            Self::Config(_)
            | Self::App(_)
            | Self::Logging(_)
            | Self::Engine(_)
            | Self::Store(_)
            | Self::Backup(_)
            | Self::Prune(_)
            | Self::Cwd(_)
            | Self::Runtime(_)
            | Self::Rights(_)
            | Self::Signals(_)
            | Self::TaskFile(_)
            | Self::Init(_)
            | Self::N8n(_)
            | Self::Random(_)
            | Self::Manual { .. }
            | Self::Worker
            | Self::NoSession(_) => Exit::Failed,
        }
    }
}

/// Carries out what the process's arguments ask for.
pub fn main() -> ExitCode {
    user::keep_private();
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Command::Serve => serve::serve(&arguments),
        Command::Run(run) => run::run(&arguments, run),
        Command::Check(check) => check::check(&arguments, check),
        Command::Openapi(openapi) => Ok(openapi::openapi(openapi)),
        Command::Init(init) => init::init(&arguments, init),
        Command::Doctor(doctor) => doctor::doctor(&arguments, doctor),
        Command::N8n(command) => n8n::n8n(&arguments, command),
        Command::Health => health::health(&arguments),
        Command::Completions(completions) => Ok(completions::completions(completions)),
        Command::Man(man) => man::man(man),
        Command::Report(report) => report::report(&arguments, report),
        Command::Backup(backup) => backup::backup(&arguments, backup),
        Command::Prune(prune) => prune::prune(&arguments, prune),
        Command::Client(command) => client::client(&arguments, command),
    };
    result
        .unwrap_or_else(|error| {
            error.say();
            error.exit()
        })
        .into()
}

impl Arguments {
    fn load(&self) -> Result<Config, Error> {
        let cwd = std::env::current_dir().map_err(Error::Cwd)?;
        let mut config = Config::load(self.config.as_deref(), &cwd, crate::config::process_environment())?;
        if let Some(level) = self.log {
            config.logging.level = level;
        }
        match &config.claude.user {
            Some(_) => user::keep_rights(),
            None => user::give_up(),
        }
        .map_err(Error::Rights)?;
        Ok(config)
    }

    /// The `.env` beside the configuration, which need not be there.
    fn dotenv(&self) -> Result<PathBuf, Error> {
        let cwd = std::env::current_dir().map_err(Error::Cwd)?;
        let config = cwd.join(self.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE)));
        Ok(config.with_file_name(".env"))
    }
}

/// A path as it is shown: relative to the current folder if it is in it.
fn shown(path: &Path) -> String {
    let cwd = std::env::current_dir().unwrap_or_default();
    let inside = path.strip_prefix(&cwd).ok().filter(|inside| !inside.as_os_str().is_empty());
    inside.unwrap_or(path).display().to_string()
}
