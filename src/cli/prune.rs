//! `orchestrator prune`: the daemon's daily sweep, now, and further if it is asked for.

use std::time::Duration;

use clap::Args;
use tokio::runtime::Builder;

use super::{Arguments as Global, Error, Exit, say};
use crate::app;
use crate::domain::duration::{human, parse as duration};
use crate::domain::number::count;
use crate::upkeep::sweep::{Scope, sweep};

const DAY: u64 = 24 * 60 * 60;

pub(super) const EXAMPLES: &str = "Examples:
  orchestrator prune --dry-run                         what is older than logging.keep
  orchestrator prune --older-than 30d
  orchestrator prune --older-than 365d --sessions

What goes: what runs printed in sessions that have ended, the stories of days, full access logs, notifications that were
delivered or dropped, and keys of requests that can't come again. The daemon does the same each day, for what is older
than logging.keep. With --sessions also the record: tasks, runs, gates and events. Nothing of an open session ever goes.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How old it has to be, such as 90d or 12h [default: logging.keep]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    older_than: Option<Duration>,
    /// Also the record of sessions: they are no longer listed, and no report can be made of them
    #[arg(long)]
    sessions: bool,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn prune(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    let config = global.load()?;
    let older_than = arguments.older_than.unwrap_or(config.logging.keep);
    let scope = Scope {
        sessions: arguments.sessions,
        dry_run: arguments.dry_run,
        ..Scope::older_than(older_than, &app::upkeep_settings(&config), app::clock())
    };
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let swept = runtime.block_on(sweep(&scope, &config.paths.database))?;
    let did = if arguments.dry_run { "Would delete" } else { "Deleted" };
    say::out(format_args!("{did} what is older than {}: {swept}", told(older_than)));
    Ok(Exit::Ok)
}

fn told(age: Duration) -> String {
    let (days, rest) = (age.as_secs() / DAY, age.as_secs() % DAY);
    if rest == 0 { count(usize::try_from(days).unwrap_or_default(), "day") } else { human(&age) }
}
