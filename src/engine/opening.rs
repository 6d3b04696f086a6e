//! From a task file to the session that it opens.

use super::{Engine, Error};
use crate::domain::command::Opening;
use crate::domain::id::SessionId;
use crate::domain::plan::Plan;
use crate::domain::session::TaskFile;
use crate::files::task_folder::{self, Source};
use crate::taskfile;

/// A task file that was read and understood.
pub(super) struct Prepared {
    pub(super) task_file: TaskFile,
    /// The day's log, as it is to be stored.
    pub(super) day: Option<String>,
    plan: Plan,
}

impl Prepared {
    /// Reads the file and the day's log that goes with it, as they are now.
    pub(super) fn read(engine: &Engine, source: &Source) -> Result<Self, Error> {
        let settings = engine.settings();
        let today = engine.now().to_zoned(settings.timezone.clone()).date();
        let loaded = task_folder::load(&settings.tasks_dir, source, today, taskfile::MAX_BYTES)?;
        let parsed = taskfile::parse(&loaded.name, &loaded.bytes, &settings.checks)
            .map_err(|diagnostics| Error::Invalid(diagnostics.explained()))?;
        let date = taskfile::date_in_name(&loaded.name).unwrap_or(today);
        let day = task_folder::daily_log(&settings.daily_dir, date, taskfile::MAX_BYTES)
            .map(|text| taskfile::DayLog::parse(&text))
            .and_then(|day| serde_json::to_string(&day).ok());
        Ok(Self { task_file: TaskFile { name: loaded.name, digest: loaded.digest }, day, plan: parsed.plan })
    }

    pub(super) fn opening(self, engine: &Engine, id: SessionId) -> Opening {
        let settings = engine.settings();
        Opening {
            id,
            task_file: self.task_file,
            plan: self.plan,
            policy: settings.policy.clone(),
            rehearsal: settings.rehearse,
        }
    }
}
