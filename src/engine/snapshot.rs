//! What is committed, in memory: published after each commit, read without touching the database.

use std::sync::Arc;

use jiff::civil::Date;
use sqlx::SqliteConnection;

use crate::domain::gate::Closing;
use crate::domain::hold::Hold;
use crate::domain::id::{RunId, SessionId};
use crate::domain::limits::DayAccount;
use crate::domain::session::Session;
use crate::store::outbox::{self, Counts};
use crate::store::runs::{self, Run};
use crate::store::{self, aside, gates, holds, sessions, spending};

/// The committed state of everything that isn't history.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The open sessions, oldest first, and the newest one even if it has ended.
    pub sessions: Vec<Arc<Session>>,
    /// How the newest answered gate of each of these was closed, of those that have one.
    decided: Vec<(SessionId, Closing)>,
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
        let mut decided = Vec::new();
        for session in &open {
            // Where the database can't say, everything else is known all the same.
            let closing = gates::last_closing(conn, &session.id).await.ok().flatten();
            decided.extend(closing.map(|closing| (session.id.clone(), closing)));
        }
        Ok(Self {
            sessions: open,
            decided,
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

    /// What was last decided at a gate of one of these sessions.
    pub fn decided(&self, session: &SessionId) -> Option<&Closing> {
        self.decided.iter().find(|(of, _)| of == session).map(|(_, closing)| closing)
    }

    /// Notes what was decided at a gate of a session.
    pub(super) fn decide(&mut self, session: &SessionId, closing: Closing) {
        self.decided.retain(|(of, _)| of != session);
        self.decided.push((session.clone(), closing));
    }

    /// Puts a session's new state in the place of its old one, and forgets older ones that have ended.
    pub(super) fn put(&mut self, session: Arc<Session>) {
        match self.sessions.iter_mut().find(|known| known.id == session.id) {
            Some(known) => *known = session,
            None => self.sessions.push(session),
        }
        let newest = self.sessions.last().map(|session| session.id.clone());
        self.sessions.retain(|session| session.open().is_some() || Some(&session.id) == newest.as_ref());
        let kept = &self.sessions;
        self.decided.retain(|(of, _)| kept.iter().any(|session| session.id == *of));
    }
}
