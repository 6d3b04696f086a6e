//! What was: the runs of a session's tasks, and what became of each.

use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::ApiError;
use super::view::instant;
use super::words::Verdict;
use crate::domain::id::SessionId;
use crate::domain::usd::Usd;
use crate::store::Error;
use crate::store::runs::{self, Record};

/// A run of a task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunView {
    /// Its id; ids count up over all sessions.
    run: i64,
    /// Its task.
    task: u32,
    /// Which of the task's runs it is, from 1, as its files are named: `task-2-run-1.log`.
    number: u32,
    /// Whether it continued the Claude session of the run before.
    resumed: bool,
    /// What it came to; nothing yet while it is open.
    #[schema(required)]
    verdict: Option<Verdict>,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    #[schema(value_type = f64)]
    cost_usd: Usd,
    /// The model that Claude said it used.
    #[schema(required)]
    model: Option<String>,
    /// What Claude wanted to do and wasn't allowed to.
    denials: Vec<String>,
}

impl RunView {
    fn new(record: Record, zone: &TimeZone) -> Self {
        let (ended_at, outcome) = record.end.unzip();
        let verdict = outcome.as_ref().map(|outcome| Verdict::from(&outcome.verdict));
        let (usage, denials) = outcome.map(|outcome| (outcome.usage, outcome.denials)).unwrap_or_default();
        Self {
            run: record.id.0,
            task: record.task.0,
            number: record.number,
            resumed: record.resumed,
            verdict,
            started_at: instant(record.claimed_at, zone),
            ended_at: ended_at.map(|at| instant(at, zone)),
            cost_usd: usage.cost,
            model: usage.model,
            denials,
        }
    }
}

/// The runs of a session: by task, in their order.
pub(super) async fn runs(app: &App, session: &SessionId) -> Result<Vec<RunView>, ApiError> {
    let mut conn = app.engine.store().readers().acquire().await.map_err(Error::from)?;
    let records = runs::of_session(&mut conn, session).await?;
    Ok(records.into_iter().map(|record| RunView::new(record, app.zone())).collect())
}
