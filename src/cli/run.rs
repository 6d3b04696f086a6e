//! `orchestrator run FILE`: the engine and the worker of the daemon, with a terminal in the operator's place.

mod attend;
mod card;
mod closing;
mod heard;
mod keyboard;
mod live;
mod opening;
mod prompt;
mod rehearsal;
mod screen;
mod story;

use std::path::PathBuf;

use clap::Args;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use self::attend::Terminal;
use super::interrupts::Interrupts;
use super::{Arguments as Global, Error, Exit};
use crate::app::{self, Console, Core};
use crate::config::Config;

pub(super) const EXAMPLES: &str = "Examples:
  orchestrator run tasks.md              ask at every gate
  orchestrator run tasks.md --rehearse   only say what Claude would be told
  orchestrator run tasks.md --yes        approve what the plan asks; for cron

Ctrl-C ends the live run so that the next call goes on with it; a second Ctrl-C leaves at once.

Exit codes:
  0    all tasks are completed
  1    the session has ended and some are not, or something is wrong
  2    the command line is wrong
  3    refused, or waiting: at a gate, for a remedy, or after Ctrl-C (call it again to go on)
  130  left at once, by a second Ctrl-C";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Arguments {
    /// The task file
    pub(super) file: PathBuf,
    /// Approve every gate that can be approved
    #[arg(long)]
    pub(super) yes: bool,
    /// Let this program play Claude: it says what would be sent, changes nothing, costs nothing
    #[arg(long)]
    rehearse: bool,
    /// Run a file once more that was completed before
    #[arg(long)]
    pub(super) again: bool,
    /// Stop the session that is open, whichever file it is of, and begin this one
    #[arg(long)]
    pub(super) replace: bool,
}

/// What was asked for, with the configuration's share in it.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) rehearse: bool,
    /// The words that name the configuration, if it was named.
    pub(super) config: String,
    /// The command that goes on with this session.
    pub(super) command: String,
}

impl<'a> Call<'a> {
    fn new(global: &Global, arguments: &'a Arguments, config: &Config) -> Self {
        let quoted = |path: &PathBuf| shell_words::quote(&path.to_string_lossy()).into_owned();
        let named =
            global.config.as_ref().map_or(String::new(), |path| format!(" --config {}", quoted(path)));
        let flag = if arguments.rehearse { " --rehearse" } else { "" };
        Self {
            command: format!("orchestrator{named} run {}{flag}", quoted(&arguments.file)),
            config: named,
            arguments,
            rehearse: arguments.rehearse || config.claude.rehearse,
        }
    }
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    let config = global.load()?;
    let call = Call::new(global, arguments, &config);
    if !call.rehearse {
        app::require_user(&config)?;
    }
    let console = if global.log.is_some() { Console::WithoutStory } else { Console::Errors };
    let _logging = app::start_logging(&config, console)?;
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Error::Runtime)?;
    let exit = runtime.block_on(attend(&config, &call, console));
    runtime.shutdown_background();
    exit
}

async fn attend(config: &Config, call: &Call<'_>, console: Console) -> Result<Exit, Error> {
    let interrupts = Interrupts::listen().map_err(Error::Signals)?;
    let Core { engine, worker, lock } = Core::build(config, call.rehearse, None).await?;
    let opened = opening::open(&engine, config, call).await?;
    let stop = CancellationToken::new();
    let live = matches!(console, Console::Errors);
    let terminal = Terminal::new(config, call, &engine, worker.activity(), opened, live);
    let mut working = tokio::spawn(worker.work(stop.clone()));
    let exit = terminal.attend(interrupts, &mut working).await;
    stop.cancel();
    if !working.is_finished() {
        // A worker that panicked has said so on stderr; its run is found again by the next one.
        let _ = working.await;
    }
    drop(lock);
    exit
}
