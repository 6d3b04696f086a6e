//! What is committed, in memory: published after each commit, read without touching the database.

use std::sync::Arc;

use jiff::civil::Date;
use sqlx::SqliteConnection;

use crate::domain::hold::Hold;
use crate::domain::id::{RunId, SessionId};
use crate::domain::limits::DayAccount;
use crate::domain::session::Session;
use crate::store::outbox::{self, Counts};
use crate::store::runs::{self, Run};
use crate::store::{self, aside, holds, sessions, spending};

/// The committed state of everything that isn't history.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The open sessions, oldest first, and the newest one even if it has ended.
    pub sessions: Vec<Arc<Session>>,
    /// The run that hasn't ended.
    pub run: Option<Run>,
    /// What was last said to keep every task from starting; whether it still stands depends on the time.
    pub hold: Option<Hold>,
    /// The last hold, if no run has got through since.
    pub(super) last_hold: Option<Hold>,
    /// The account of the day that was last looked at.
    pub account: DayAccount,
    /// How many notifications wait, and how many were given up.
    pub notifications: Counts,
    /// What there is to say of a database that was put aside for this one.
    pub set_aside: Option<String>,
    pub(super) last_run: RunId,
}

impl Snapshot {
    /// Reads the committed state.
    pub(super) async fn load(conn: &mut SqliteConnection, today: Date) -> Result<Self, store::Error> {
        let mut open: Vec<_> = sessions::open(conn).await?.into_iter().map(Arc::new).collect();
        let newest = sessions::newest(conn).await?;
        if let Some(newest) = newest.filter(|newest| open.iter().all(|open| open.id != newest.id)) {
            open.push(Arc::new(newest));
        }
        Ok(Self {
            sessions: open,
            run: runs::open(conn).await?,
            hold: holds::current(conn).await?,
            last_hold: holds::last(conn).await?,
            account: spending::of(conn, today).await?,
            notifications: outbox::counts(conn).await?,
            set_aside: aside::notice(conn).await?,
            last_run: runs::last(conn).await?,
        })
    }

    /// The session that commands mean: the newest.
    pub fn current(&self) -> Option<&Arc<Session>> {
        self.sessions.last()
    }

    /// One of the sessions that are kept here.
    pub fn session(&self, id: &SessionId) -> Option<&Arc<Session>> {
        self.sessions.iter().find(|session| session.id == *id)
    }

    /// Puts a session's new state in the place of its old one, and forgets older ones that have ended.
    pub(super) fn put(&mut self, session: Session) {
        let session = Arc::new(session);
        match self.sessions.iter_mut().find(|known| known.id == session.id) {
            Some(known) => *known = session,
            None => self.sessions.push(session),
        }
        let newest = self.sessions.last().map(|session| session.id.clone());
        self.sessions.retain(|session| session.open().is_some() || Some(&session.id) == newest.as_ref());
    }
}
