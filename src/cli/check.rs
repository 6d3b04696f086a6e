//! `orchestrator check FILE…`

use std::path::PathBuf;

use clap::Args;

use super::{Arguments as Global, Error, Exit};
use crate::domain::event::count;
use crate::files::task_folder::{self, Source};
use crate::taskfile;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The task files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn check(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    let config = global.load()?;
    let checks: Vec<String> = config.checks.keys().cloned().collect();
    let today = crate::app::clock().to_zoned(config.orchestrator.timezone.clone()).date();
    let mut exit = Exit::Ok;
    for file in &arguments.files {
        let source = Source::Path(file.clone());
        let loaded = match task_folder::load(&config.paths.tasks_dir, &source, today, taskfile::MAX_BYTES) {
            Ok(loaded) => loaded,
            Err(error) => {
                eprintln!("error: {error}");
                exit = Exit::Failed;
                continue;
            }
        };
        match taskfile::parse(&file.display().to_string(), &loaded.bytes, &checks) {
            Ok(parsed) => {
                println!("{}: {}, no mistakes", file.display(), count(parsed.plan.tasks.len(), "task"));
            }
            Err(diagnostics) => {
                eprintln!("{}", diagnostics.annotated());
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}
