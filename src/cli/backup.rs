//! `orchestrator backup FILE`: a checked copy of the database, beside a running daemon or without one.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::runtime::Builder;

use super::{Arguments as Global, Error, Exit, say, shown};
use crate::app;
use crate::domain::number::count;
use crate::files::size;
use crate::store::{self, Copied};

pub(super) const EXAMPLES: &str = "Example, for cron:
  orchestrator backup \"backups/orchestrator-$(date +%F).db\"

The copy is of one moment, whatever the daemon does meanwhile, and is looked through before it gets its name. It holds the
state, not what runs printed: that is in paths.logs_dir. docs/backup.md says how to go back to it.

Exit codes:
  0  the backup is there, and sound
  1  there is none";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file to make; nothing is overwritten
    #[arg(value_parser = a_file)]
    file: PathBuf,
}

fn a_file(text: &str) -> Result<PathBuf, String> {
    if text == "-" {
        return Err("a backup is looked through before it is done, so it goes into a file".to_owned());
    }
    Ok(PathBuf::from(text))
}

pub(super) fn backup(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    let config = global.load()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let copied = runtime.block_on(store::copy(&config.paths.database, &arguments.file, app::clock()))?;
    say::out(told(&config.paths.database, &arguments.file, copied));
    Ok(Exit::Ok)
}

fn told(database: &Path, file: &Path, Copied { bytes, sessions }: Copied) -> String {
    let sessions = count(usize::try_from(sessions).unwrap_or_default(), "session");
    let (from, to) = (shown(database), file.display());
    format!("{from} is backed up in {to}: {}, {sessions}, and nothing wrong with it", size(bytes))
}
