//! `orchestrator check FILE…`

use std::path::PathBuf;

use clap::Args;

use super::inspect::inspect;
use super::{Arguments as Global, Error, Exit, say};
use crate::domain::number::count;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The task files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn check(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    let config = global.load()?;
    let mut exit = Exit::Ok;
    for file in &arguments.files {
        match inspect(&config, file) {
            Ok((_, parsed)) => {
                let tasks = count(parsed.plan.tasks.len(), "task");
                say::out(format_args!("{}: {tasks}, no mistakes", file.display()));
            }
            Err(unusable) => {
                say::error(format_args!("{unusable}\n"));
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}
