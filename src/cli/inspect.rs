//! A task file as a terminal names it: read, understood, and its mistakes shown as compilers show theirs.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::domain::number::count;
use crate::files::task_folder::{self, Loaded, Source};
use crate::taskfile::{self, Diagnostics, Parsed};

/// Why a task file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("there is no task file {0}")]
    Missing(String),
    #[error("{0}")]
    Unreadable(#[from] task_folder::Error),
    #[error("{file} has {}\n\n{}", count(diagnostics.0.len(), "mistake"), diagnostics.annotated().trim_end())]
    Mistaken { file: String, diagnostics: Diagnostics },
}

/// Reads and parses a task file.
pub(super) fn inspect(config: &Config, file: &PathBuf) -> Result<(Loaded, Parsed), Unusable> {
    let name = file.display().to_string();
    if !Path::new(file).exists() {
        return Err(Unusable::Missing(name));
    }
    let checks: Vec<String> = config.checks.keys().cloned().collect();
    let today = crate::app::clock().to_zoned(config.orchestrator.timezone.clone()).date();
    let source = Source::Path(file.clone());
    let loaded = task_folder::load(&config.paths.tasks_dir, &source, today, taskfile::MAX_BYTES)?;
    let parsed = taskfile::parse(&name, &loaded.bytes, &checks)
        .map_err(|diagnostics| Unusable::Mistaken { file: name, diagnostics })?;
    Ok((loaded, parsed))
}
