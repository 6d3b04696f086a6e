//! What chats are told unasked: written in the transition's own transaction, and settled when it has arrived.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::write::Write;
use super::{Engine, Error};
use crate::domain::actor::Actor;
use crate::domain::event::{Event, Subject};
use crate::domain::gate::Gate;
use crate::domain::id::GateId;
use crate::domain::session::Session;
use crate::store::outbox::{self, Draft, Notification, Settled};
use crate::store::{self, gates};
use crate::telegram::{self, Scene};

const PENDING: &str = "pending";
const DEAD: &str = "dead";

/// What is to become of notifications that wait or were given up.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// This one is tried again at once.
    Retry(String),
    /// All that were given up are.
    RetryDead,
    /// This one is never delivered.
    Drop(String),
}

/// Who is notified, and of what else.
#[derive(Clone, Debug)]
pub struct Audience {
    /// The chats; if there are none, the receiver chooses one.
    pub chats: Vec<String>,
    /// The commands that may be offered to them; empty means all.
    pub commands: Vec<String>,
    /// How long a gate may be unanswered before it is asked again; then twice as long, and so on.
    pub remind_after: Duration,
}

impl Engine {
    /// Writes down what came of an attempt to deliver a notification.
    pub async fn settle(&self, notification: &Notification, settled: &Settled) -> Result<(), Error> {
        self.watched(async {
            let mut conn = self.store.writer().await;
            let mut write = Write::begin(self, &mut conn).await?;
            let now = self.now();
            if outbox::settle(&mut write.transaction, notification, settled, now).await? {
                let counts = &mut write.next.notifications;
                match settled {
                    Settled::Delivered { .. } => counts.pending -= 1,
                    Settled::Later { .. } => {}
                    Settled::Dead { .. } => {
                        counts.pending -= 1;
                        counts.dead += 1;
                    }
                }
            }
            self.publish(write.commit().await?);
            Ok(())
        })
        .await
    }

    /// Asks again at every gate that has waited long enough; answers with when the next one will have.
    pub async fn remind(&self) -> Result<Option<Timestamp>, Error> {
        let Some(audience) = &self.settings.audience else { return Ok(None) };
        let snapshot = self.snapshot();
        let waiting = snapshot.sessions.iter().filter_map(|session| {
            let paused = session.open()?.paused.is_some();
            session.gate().filter(|_| !paused).map(|gate| (session, gate))
        });
        let mut next = None;
        for (session, gate) in waiting {
            let after = self.remind_of(session, gate, audience.remind_after).await?;
            next = next.map_or(Some(after), |next: Timestamp| Some(next.min(after)));
        }
        Ok(next)
    }

    async fn remind_of(&self, session: &Session, gate: &Gate, after: Duration) -> Result<Timestamp, Error> {
        let due = |reminders| reminder(gate.opened_at, after, reminders);
        let now = self.now();
        if now < due(0) {
            return Ok(due(0));
        }
        self.watched(async {
            let mut conn = self.store.writer().await;
            let mut write = Write::begin(self, &mut conn).await?;
            let sent = gates::reminders(&mut write.transaction, &gate.id).await?;
            let still_open = write.next.session(&session.id).and_then(|session| session.gate());
            if now < due(sent) || still_open.is_none_or(|open| open.id != gate.id) {
                return Ok(due(sent));
            }
            let missed = (sent..sent.saturating_add(64)).take_while(|sent| due(*sent) <= now).count();
            let sent = sent.saturating_add(u32::try_from(missed).unwrap_or(u32::MAX));
            gates::set_reminders(&mut write.transaction, &gate.id, sent).await?;
            let waited = Duration::try_from(now.duration_since(gate.opened_at)).unwrap_or_default();
            let subject = gate.task().and_then(|task| Some(Subject::of(session, session.task(task)?)));
            let event = Event::GateReminded { gate: gate.clone(), subject, waited };
            write.journal(Some(session), &[event], &Actor::worker()).await?;
            self.publish(write.commit().await?);
            Ok(due(sent))
        })
        .await
    }
}

impl Write<'_> {
    /// Puts in line what the chats are to be told that didn't cause it.
    pub(super) async fn notify(
        &mut self,
        session: Option<&Session>,
        events: &[Event],
        event_id: i64,
        by: &Actor,
    ) -> Result<(), store::Error> {
        let settings = self.engine.settings();
        let (Some(audience), now) = (&settings.audience, self.engine.now()) else { return Ok(()) };
        let hold = self.next.hold.as_ref().filter(|hold| hold.stands(now));
        let scene = Scene { session, hold, now, zone: &settings.timezone, commands: &audience.commands };
        let run = events.iter().find_map(|event| match event {
            Event::TaskStarted { run, .. } => Some(*run),
            _ => None,
        });
        let Some(notice) = telegram::notice(events, &scene) else {
            if let (Some(session), Some(run)) = (session, run) {
                outbox::take_up(&mut self.transaction, &session.id, run, event_id).await?;
            }
            return Ok(());
        };
        let telegram = store::to_json("notifications", &notice.telegram)?;
        for chat in recipients(&audience.chats, by) {
            let draft = Draft {
                id: &Uuid::now_v7().to_string(),
                event_id,
                session: session.map(|session| &session.id),
                chat,
                task: notice.task.map(|task| task.0),
                gate: notice.gate.as_ref().map(GateId::as_str),
                run,
                kind: notice.kind.as_str(),
                event: notice.event,
                message: &notice.message,
                telegram: &telegram,
                at: now,
            };
            outbox::insert(&mut self.transaction, &draft).await?;
            self.next.notifications.pending += 1;
        }
        Ok(())
    }

    /// Does with notifications what is wanted.
    pub(super) async fn deliver(&mut self, delivery: &Delivery) -> Result<String, Error> {
        match delivery {
            Delivery::Retry(id) => {
                let state = self.must_be_undelivered(id).await?;
                self.retry(id, &state).await?;
                Ok(format!("Notification {id} is tried again now"))
            }
            Delivery::RetryDead => {
                let dead = outbox::dead(&mut self.transaction).await?;
                for id in &dead {
                    self.retry(id, DEAD).await?;
                }
                Ok(match dead.len() {
                    0 => "No notification was given up: there is nothing to try again".to_owned(),
                    1 => "1 notification is tried again now".to_owned(),
                    several => format!("{several} notifications are tried again now"),
                })
            }
            Delivery::Drop(id) => {
                let state = self.must_be_undelivered(id).await?;
                outbox::drop(&mut self.transaction, id, self.engine.now()).await?;
                *self.count_of(&state) -= 1;
                Ok(format!("Notification {id} is dropped: it will not be delivered"))
            }
        }
    }

    async fn retry(&mut self, id: &str, state: &str) -> Result<(), store::Error> {
        outbox::retry(&mut self.transaction, id).await?;
        *self.count_of(state) -= 1;
        self.next.notifications.pending += 1;
        Ok(())
    }

    fn count_of(&mut self, state: &str) -> &mut u64 {
        let counts = &mut self.next.notifications;
        if state == DEAD { &mut counts.dead } else { &mut counts.pending }
    }

    async fn must_be_undelivered(&mut self, id: &str) -> Result<String, Error> {
        match outbox::state(&mut self.transaction, id).await? {
            Some(state) if [PENDING, DEAD].contains(&state.as_str()) => Ok(state),
            Some(state) => {
                Err(Error::Refused(format!("notification {id} was {state} already: nothing was changed")))
            }
            None => Err(Error::NotFound(format!(
                "there is no notification {id:?}: `orchestrator notifications` lists those that wait or were given up"
            ))),
        }
    }
}

/// The chats that have not heard of it by what their own command was answered. Where the receiver chooses the chat, there
/// is only the one.
fn recipients<'a>(chats: &'a [String], by: &Actor) -> Vec<Option<&'a str>> {
    if chats.is_empty() {
        return if by.chat.is_some() { Vec::new() } else { vec![None] };
    }
    chats.iter().filter(|chat| Some(*chat) != by.chat.as_ref()).map(|chat| Some(chat.as_str())).collect()
}

/// When to remind of a gate after so many reminders: after one time the wait, then after twice that, and so on.
fn reminder(opened_at: Timestamp, after: Duration, reminders: u32) -> Timestamp {
    let waits = 2_u32.saturating_pow(reminders.saturating_add(1)) - 1;
    opened_at.saturating_add(after.saturating_mul(waits)).unwrap_or(Timestamp::MAX)
}
