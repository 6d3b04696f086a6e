//! Everything that a report is made of, as it stood at one moment.

use sqlx::SqliteConnection;

use crate::domain::actor::Actor;
use crate::domain::event::Event;
use crate::domain::id::{GateId, RunId, TaskNumber};
use crate::domain::session::{Session, Why};
use crate::store::events::Told;
use crate::store::{self, events, gates, runs};

/// A session and what was recorded of it.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) session: Session,
    /// By task, in their order.
    pub(super) runs: Vec<runs::Record>,
    /// In the order in which they opened.
    pub(super) gates: Vec<gates::Record>,
    /// In the order in which they happened.
    pub(super) events: Vec<Told>,
}

impl Account {
    pub(super) async fn read(conn: &mut SqliteConnection, session: Session) -> Result<Self, store::Error> {
        let runs = runs::of_session(conn, &session.id).await?;
        let gates = gates::of_session(conn, &session.id).await?;
        let events = events::after(conn, &session.id, 0).await?;
        Ok(Self { session, runs, gates, events })
    }

    pub(super) fn runs_of(&self, task: TaskNumber) -> impl Iterator<Item = &runs::Record> {
        self.runs.iter().filter(move |run| run.task == task)
    }

    /// The gates before or about a task; without one, those before the session's end.
    pub(super) fn gates_of(&self, task: Option<TaskNumber>) -> impl Iterator<Item = &gates::Record> {
        self.gates.iter().filter(move |record| record.gate.task() == task)
    }

    /// What was said when a gate was answered.
    pub(super) fn words(&self, answered: &GateId) -> Option<&str> {
        self.events.iter().find_map(|told| match &told.event {
            Event::GateClosed { gate, words, .. } if gate == answered => words.as_deref(),
            _ => None,
        })
    }

    /// Why someone had a run ended; what was asked for last counts.
    pub(super) fn intent(&self, ended: RunId) -> Option<(Why, &Actor)> {
        self.events.iter().rev().find_map(|told| match &told.event {
            Event::RunEnding { run, why, by, .. } if *run == ended => Some((*why, by)),
            _ => None,
        })
    }

    pub(super) fn started_by(&self) -> Option<&Actor> {
        self.events.iter().find_map(|told| match &told.event {
            Event::SessionStarted { by, .. } => Some(by),
            _ => None,
        })
    }
}
