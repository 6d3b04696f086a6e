//! A database that isn't the one before: what was lost is told, and nothing of an older state goes on by itself.

use super::Engine;
use super::write::Write;
use crate::domain::actor::Actor;
use crate::domain::command::{Command, Order};
use crate::domain::event::Event;
use crate::domain::transition::transition;
use crate::store::restored::{self, Restored};
use crate::store::{self, aside};

impl Engine {
    /// Tells that a database was put aside for this one.
    pub async fn tell_replaced(&self, set_aside: String) -> Result<(), store::Error> {
        let mut conn = self.store.writer().await;
        let mut write = Write::begin(self, &mut conn).await?;
        let event = Event::DatabaseReplaced { set_aside };
        aside::keep_notice(&mut write.transaction, &event.sentence()).await?;
        write.next.set_aside = Some(event.sentence());
        write.journal(None, &[event], &Actor::worker()).await?;
        self.publish(write.commit().await?);
        Ok(())
    }

    /// Whether the database was restored, and nobody has dealt with that.
    pub async fn restored(&self) -> Result<Option<Restored>, store::Error> {
        restored::pending(&mut *self.store.writer().await).await
    }

    /// Pauses what is open in a database that was restored, and tells it.
    pub async fn take_over(&self, restored: Restored) -> Result<(), store::Error> {
        let mut conn = self.store.writer().await;
        let mut write = Write::begin(self, &mut conn).await?;
        write.pause_restored(restored).await?;
        self.publish(write.commit().await?);
        Ok(())
    }
}

impl Write<'_> {
    async fn pause_restored(&mut self, restored: Restored) -> Result<(), store::Error> {
        let by = Actor::named("restore");
        let told = Event::DatabaseRestored { made_at: restored.made_at };
        restored::dealt_with(&mut self.transaction).await?;
        let Some(before) = self.next.current().cloned() else {
            return self.journal(None, &[told], &by).await;
        };
        let order = Order { command: Command::Pause { now: false }, by: by.clone(), sent_at: None };
        let world = self.world().await?;
        // Only what has ended can't be paused.
        let Ok(mut next) = transition(Some(&before), &order, &world) else {
            return self.journal(None, &[told], &by).await;
        };
        next.events.insert(0, told);
        self.apply(Some(before), next, &by).await.map(drop)
    }
}
