//! One transaction in the making: state, gates, runs, holds and events, all or nothing.

use std::sync::Arc;

use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use tracing::info;
use uuid::Uuid;

use super::opening::Prepared;
use super::{Done, Engine, Error, Request, Snapshot, Wish};
use crate::domain::actor::Actor;
use crate::domain::change::{Effect, Transition, World};
use crate::domain::command::{Command, Order, Replace};
use crate::domain::event::Event;
use crate::domain::gate::Closing;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::id::{GateId, RunId, SessionId};
use crate::domain::limits::DayAccount;
use crate::domain::refused::{Offer, Refused};
use crate::domain::session::{Session, TaskFile};
use crate::domain::transition::transition;
use crate::store::requests::{Key, Recorded};
use crate::store::runs::Run;
use crate::store::{self, events, gates, holds, requests, runs, sessions, spending};

/// A transaction and the snapshot that it will publish.
pub(super) struct Write<'a> {
    pub(super) engine: &'a Engine,
    pub(super) transaction: Transaction<'a, Sqlite>,
    pub(super) next: Snapshot,
    told: Vec<String>,
    changed: Vec<Changed>,
}

/// A session as its rows have it, and as they are to.
struct Changed {
    from: Arc<Session>,
    to: Arc<Session>,
}

impl<'a> Write<'a> {
    pub(super) async fn begin(
        engine: &'a Engine,
        conn: &'a mut SqliteConnection,
    ) -> Result<Self, store::Error> {
        engine.store.mend(conn).await?;
        let transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
        let next = (*engine.snapshot()).clone();
        Ok(Self { engine, transaction, next, told: Vec::new(), changed: Vec::new() })
    }

    pub(super) fn next(&self) -> &Snapshot {
        &self.next
    }

    /// Makes it durable; only then is it told.
    pub(super) async fn commit(mut self) -> Result<Snapshot, store::Error> {
        self.write_sessions().await?;
        self.transaction.commit().await?;
        for line in self.told {
            info!(target: "story", "{line}");
        }
        Ok(self.next)
    }

    pub(super) async fn fulfil(&mut self, request: &Request) -> Result<Done, Error> {
        let order = |command| Order { command, by: request.by.clone(), sent_at: request.sent_at };
        match &request.wish {
            Wish::Tell(command) => self.tell(&order(command.clone())).await,
            Wish::Deliver(delivery) => {
                let message = self.deliver(delivery).await?;
                Ok(Done { message, events: Vec::new() })
            }
            Wish::Start { source, replace, again } => {
                let prepared = Prepared::read(self.engine, source)?;
                self.make_room(replace, &prepared.task_file, &request.by).await?;
                if !again && self.is_free() {
                    self.must_be_new(&prepared.task_file).await?;
                }
                let id = self.fresh_session_id().await?;
                let day = prepared.day.clone();
                let opening = Command::Start(Box::new(prepared.opening(self.engine, id)));
                self.open(&order(opening), day.as_deref()).await
            }
        }
    }

    pub(super) async fn tell(&mut self, order: &Order) -> Result<Done, Error> {
        let before = self.addressee(&order.command).cloned();
        let next = self.decide(before.as_deref(), order).await?;
        Ok(self.apply(before, next, &order.by).await?)
    }

    /// What an order comes to, with an id for a gate that none ever had.
    async fn decide(&mut self, session: Option<&Session>, order: &Order) -> Result<Transition, Error> {
        loop {
            let world = self.world().await?;
            let next = match transition(session, order, &world) {
                Ok(next) => next,
                Err(refused) => return Err(self.explain(refused).await?),
            };
            let opens = next.effects.iter().any(|effect| matches!(effect, Effect::OpenGate(_)));
            if !opens || !gates::is_taken(&mut self.transaction, &world.fresh_gate).await? {
                return Ok(next);
            }
        }
    }

    /// Claims what is ready; whatever forbids it now is no error.
    pub(super) async fn claim(&mut self) -> Result<bool, Error> {
        let run = RunId(self.next.last_run.0 + 1);
        let order = Order { command: Command::Claim { run }, by: Actor::worker(), sent_at: None };
        match self.tell(&order).await {
            Ok(_) => Ok(true),
            Err(Error::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Begins a hold that no run met.
    pub(super) async fn begin_hold(&mut self, hold: Hold) -> Result<(), store::Error> {
        self.hold(hold.clone()).await?;
        let session = self.next.current().cloned();
        self.journal(session.as_deref(), &[Event::HoldBegan { hold }], &Actor::worker()).await
    }

    pub(super) async fn end_hold(&mut self, kind: Option<HoldKind>) -> Result<(), store::Error> {
        let now = self.engine.now();
        let over = |hold: &Hold| !hold.stands(now) || kind == Some(hold.kind);
        let Some(hold) = self.next.hold.take_if(|hold| over(hold)) else { return Ok(()) };
        holds::end(&mut self.transaction, now).await?;
        let (session, by) = (self.next.current().cloned(), Actor::worker());
        self.journal(session.as_deref(), &[Event::HoldEnded { hold, by: by.clone() }], &by).await
    }

    pub(super) async fn record(&mut self, key: &Key, answer: &Recorded) -> Result<(), store::Error> {
        requests::record(&mut self.transaction, key, answer, self.engine.now()).await
    }

    /// Whether no session is in the way of another one.
    fn is_free(&self) -> bool {
        self.next.current().is_none_or(|session| session.open().is_none() || session.is_stopping())
    }

    async fn must_be_new(&mut self, file: &TaskFile) -> Result<(), Error> {
        let earlier = sessions::completed(&mut self.transaction, file).await?;
        match earlier.filter(|_| !self.engine.settings().rehearse) {
            None => Ok(()),
            Some(earlier) => Err(Error::Instead {
                message: format!(
                    "{name} was already completed, unchanged, by session {earlier}: \"start {name} again\" runs it once more",
                    name = file.name
                ),
                offer: Offer::Again { file: file.name.clone() },
            }),
        }
    }

    async fn open(&mut self, order: &Order, day: Option<&str>) -> Result<Done, Error> {
        let current = self.next.current().filter(|session| !session.is_stopping()).cloned();
        let next = self.decide(current.as_deref(), order).await?;
        sessions::insert(&mut self.transaction, &next.session, day).await?;
        Ok(self.apply(None, next, &order.by).await?)
    }

    /// Stops the session that a new one is to take the place of.
    async fn make_room(&mut self, replace: &Replace, file: &TaskFile, by: &Actor) -> Result<(), Error> {
        match replace {
            Replace::No => Ok(()),
            Replace::Any => self.stop_current(by).await,
            Replace::Only(session) => {
                let current = self.next.current().filter(|current| current.open().is_some());
                match current.map(|current| current.id.clone()) {
                    Some(current) if current == *session => self.stop_current(by).await,
                    Some(current) => Err(Error::Refused(format!(
                        "session {session} isn't the open one any more, {current} is: nothing was changed"
                    ))),
                    None => Err(Error::Instead {
                        message: format!("session {session} isn't open any more: nothing was changed"),
                        offer: Offer::Start { files: vec![file.name.clone()] },
                    }),
                }
            }
        }
    }

    async fn stop_current(&mut self, by: &Actor) -> Result<(), Error> {
        let open = self.next.current().is_some_and(|session| session.open().is_some());
        if open {
            let order = Order { command: Command::Stop { gate: None }, by: by.clone(), sent_at: None };
            self.tell(&order).await?;
        }
        Ok(())
    }

    /// A run's end is for its own session, everything else for the newest: an older one can only be ending.
    fn addressee(&self, command: &Command) -> Option<&Arc<Session>> {
        match command {
            Command::Finish { run, .. } => self
                .next
                .sessions
                .iter()
                .find(|session| session.run().is_some_and(|(open, _)| open == *run))
                .or(self.next.current()),
            Command::Start(_)
            | Command::Approve { .. }
            | Command::Reject { .. }
            | Command::Pause { .. }
            | Command::Resume
            | Command::Skip { .. }
            | Command::Retry { .. }
            | Command::Continue { .. }
            | Command::Stop { .. }
            | Command::Claim { .. } => self.next.current(),
        }
    }

    /// Does what a transition came to; the rows of a session that was there `before` are written when all is done.
    pub(super) async fn apply(
        &mut self,
        before: Option<Arc<Session>>,
        next: Transition,
        by: &Actor,
    ) -> Result<Done, store::Error> {
        let Transition { session, events, effects, message } = next;
        let session = Arc::new(session);
        for effect in effects {
            self.effect(&session, effect).await?;
        }
        self.journal(Some(&session), &events, by).await?;
        self.next.put(Arc::clone(&session));
        match (self.changed.iter_mut().find(|changed| changed.to.id == session.id), before) {
            (Some(changed), _) => changed.to = session,
            (None, Some(from)) => self.changed.push(Changed { from, to: session }),
            (None, None) => {}
        }
        Ok(Done { message, events })
    }

    async fn write_sessions(&mut self) -> Result<(), store::Error> {
        for Changed { from, to } in std::mem::take(&mut self.changed) {
            sessions::update(&mut self.transaction, &from, &to).await?;
        }
        Ok(())
    }

    async fn effect(&mut self, session: &Session, effect: Effect) -> Result<(), store::Error> {
        let now = self.engine.now();
        match effect {
            Effect::OpenGate(gate) => gates::insert(&mut self.transaction, &session.id, &gate).await,
            Effect::CloseGate(gate, closing) => {
                gates::close(&mut self.transaction, &gate, &closing).await?;
                self.next.decide(&session.id, closing);
                Ok(())
            }
            Effect::OpenRun { run, task, number, resume } => {
                let (boot_id, pid_namespace) = self.engine.settings().birthplace.clone();
                let conversation = resume.and_then(|id| id.parse().ok());
                let run = Run {
                    id: run,
                    session: session.id.clone(),
                    task,
                    number,
                    marker: Uuid::new_v4(),
                    boot_id,
                    pid_namespace,
                    folder: self.engine.settings().logs_dir.join(session.id.as_str()),
                    resumed: conversation.is_some(),
                    conversation: conversation.unwrap_or_else(Uuid::new_v4),
                    claimed_at: now,
                };
                runs::insert(&mut self.transaction, &run).await?;
                self.next.last_run = run.id;
                self.next.run = Some(run);
                Ok(())
            }
            Effect::CloseRun(run, outcome) => {
                let mut account = self.account().await?;
                runs::end(&mut self.transaction, run, &outcome, now, account.day).await?;
                account.book(&outcome.usage);
                self.next.account = account;
                self.next.run = None;
                Ok(())
            }
            Effect::GrantForToday(day, up_to) => {
                spending::grant(&mut self.transaction, day, up_to).await?;
                self.next.account = spending::of(&mut self.transaction, day).await?;
                Ok(())
            }
            Effect::BeginHold(hold) => self.hold(hold).await,
            Effect::LiftHold => {
                self.next.hold = None;
                holds::end(&mut self.transaction, now).await
            }
            Effect::GotThrough => {
                self.next.last_hold = None;
                holds::overcome(&mut self.transaction, now).await
            }
        }
    }

    /// Today's account; at midnight another one is opened, and a clock that is set back finds the one before again.
    async fn account(&mut self) -> Result<DayAccount, store::Error> {
        let today = self.engine.today();
        if self.next.account.day != today {
            self.next.account = spending::of(&mut self.transaction, today).await?;
        }
        Ok(self.next.account)
    }

    async fn hold(&mut self, hold: Hold) -> Result<(), store::Error> {
        holds::begin(&mut self.transaction, &hold, self.engine.now()).await?;
        self.next.last_hold = Some(hold.clone());
        self.next.hold = Some(hold);
        Ok(())
    }

    /// Writes down what happened, and to whom it is to be told who didn't cause it.
    pub(super) async fn journal(
        &mut self,
        session: Option<&Session>,
        events: &[Event],
        by: &Actor,
    ) -> Result<(), store::Error> {
        let mut newest = None;
        for event in events {
            let (id, now) = (session.map(|session| &session.id), self.engine.now());
            newest = Some(events::append(&mut self.transaction, id, event, now).await?);
            self.told.push(event.sentence());
        }
        match newest {
            Some(newest) => self.notify(session, events, newest, by).await,
            None => Ok(()),
        }
    }

    pub(super) async fn world(&mut self) -> Result<World, store::Error> {
        let now = self.engine.now();
        Ok(World {
            now,
            fresh_gate: random_gate(),
            hold: self.next.hold.clone().filter(|hold| hold.stands(now)),
            last_hold: self.next.last_hold.clone(),
            run_open: self.next.run.is_some(),
            today: self.account().await?,
        })
    }

    async fn fresh_session_id(&mut self) -> Result<SessionId, store::Error> {
        let now = self.engine.now().to_zoned(self.engine.settings().timezone.clone());
        let base = now.strftime("%Y%m%d-%H%M%S").to_string();
        let mut id = SessionId::new(base.clone());
        let mut suffix = 2;
        while sessions::exists(&mut self.transaction, &id).await? {
            id = SessionId::new(format!("{base}-{suffix}"));
            suffix += 1;
        }
        Ok(id)
    }

    async fn explain(&mut self, refused: Refused) -> Result<Error, store::Error> {
        Ok(match refused {
            Refused::NotNow(message) => Error::Refused(message),
            Refused::Unknown(message) => Error::NotFound(message),
            Refused::StillOpen { session, file } => Error::Instead {
                message: Refused::StillOpen { session: session.clone(), file: file.clone() }.to_string(),
                offer: Offer::Replace { file, session },
            },
            Refused::NotTheOpenGate(gate) => match gates::find(&mut self.transaction, &gate).await? {
                None => Error::NotFound(format!("there is no gate {gate}: /gates lists those there are")),
                Some(gates::Record { closing: Some(closing), .. }) => {
                    Error::Refused(self.closed(&gate, &closing))
                }
                Some(gates::Record { closing: None, session, .. }) => Error::Refused(format!(
                    "gate {gate} belongs to session {session}, which isn't the current one"
                )),
            },
        })
    }

    fn closed(&self, gate: &GateId, closing: &Closing) -> String {
        let at = closing.at.to_zoned(self.engine.settings().timezone.clone());
        format!(
            "gate {gate} was already {} by {} at {}: nothing was changed",
            closing.decision.as_str(),
            closing.by,
            at.strftime("%H:%M:%S on %Y-%m-%d")
        )
    }
}

fn random_gate() -> GateId {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    GateId::from_random((random >> 32) as u32)
}
