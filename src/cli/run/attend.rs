//! The operator's place: shows what happens in one session, asks what it asks, and ends it when told to.

mod asking;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::Call;
use super::heard::Heard;
use super::keyboard::Keyboard;
use super::live::Glance;
use super::opening::{Opened, operator};
use super::screen::Screen;
use super::{closing, rehearsal};
use crate::claude::Activity;
use crate::cli::interrupts::{Interrupt, Interrupts};
use crate::cli::{Error, Exit};
use crate::config::Config;
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::gate::Gate;
use crate::domain::id::SessionId;
use crate::domain::session::{Session, Work};
use crate::engine::{self, Engine, Snapshot, Wish};
use crate::store::events::{self, Told};

/// How often the live lines move while nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// One session, and a person or none in front of it.
#[derive(Debug)]
pub(super) struct Terminal<'a> {
    config: &'a Config,
    call: &'a Call<'a>,
    engine: Arc<Engine>,
    activity: watch::Receiver<Option<Activity>>,
    session: SessionId,
    screen: Screen,
    keyboard: Option<Keyboard>,
    told: i64,
    heard: Heard,
    interrupted: bool,
}

/// What a look at the session came to.
enum Next {
    Wait,
    Decide(Gate),
    Leave(Exit),
}

/// What was waited for.
enum Happened {
    Rang,
    Typed(Option<String>),
    Interrupted(Interrupt),
    WorkerEnded,
    DatabaseFailed,
}

impl<'a> Terminal<'a> {
    /// Somebody to attend to a session.
    pub(super) fn new(
        config: &'a Config,
        call: &'a Call<'a>,
        engine: &Arc<Engine>,
        activity: watch::Receiver<Option<Activity>>,
        opened: Opened,
        live: bool,
    ) -> Self {
        let mut screen = Screen::new(engine.settings().timezone.clone(), live);
        if let Some(welcome) = opened.welcome {
            screen.say(&welcome);
        }
        Self {
            config,
            call,
            engine: Arc::clone(engine),
            activity,
            session: opened.session,
            keyboard: Screen::is_terminal().then(Keyboard::open).flatten(),
            screen,
            told: opened.told,
            heard: Heard::default(),
            interrupted: false,
        }
    }

    /// Attends to it until there is nothing left to do here.
    pub(super) async fn attend(
        mut self,
        mut interrupts: Interrupts,
        worker: &mut JoinHandle<()>,
    ) -> Result<Exit, Error> {
        let mut bell = self.engine.doorbell();
        loop {
            let snapshot = bell.borrow_and_update().clone();
            self.tell_story().await?;
            match self.look(&snapshot) {
                Next::Leave(exit) => return Ok(exit),
                Next::Decide(gate) if self.call.arguments.yes && gate.takes_advance_approval() => {
                    let approve = Command::Approve { gate: Some(gate.id), note: None };
                    self.command(approve, Actor::named("--yes")).await?;
                    continue;
                }
                Next::Decide(gate) if self.keyboard.is_none() => {
                    self.say_how_to_answer(&snapshot, &gate);
                    return Ok(Exit::Waiting);
                }
                Next::Decide(gate) => self.ask_once(&snapshot, &gate),
                Next::Wait => {}
            }
            match self.wait(&mut bell, &mut interrupts, worker).await {
                Happened::Rang => {}
                Happened::Typed(line) => self.answer(&snapshot, line).await?,
                Happened::Interrupted(Interrupt::Asked) if self.interrupted => {
                    self.screen.say(&closing::aborted(self.call));
                    return Ok(Exit::Interrupted);
                }
                Happened::Interrupted(Interrupt::Continued) => self.ask_again(&snapshot),
                Happened::Interrupted(interrupt) => self.interrupt(interrupt, &snapshot).await?,
                Happened::WorkerEnded => return Err(Error::Worker),
                Happened::DatabaseFailed => return Err(Error::Database),
            }
        }
    }

    /// Waits for something that asks for a look, and keeps the live lines moving meanwhile.
    async fn wait(
        &mut self,
        bell: &mut watch::Receiver<Arc<Snapshot>>,
        interrupts: &mut Interrupts,
        worker: &mut JoinHandle<()>,
    ) -> Happened {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let broken = self.engine.broken().clone();
        loop {
            // Not in one line: a snapshot that is still borrowed while the engine is asked for another one waits for a
            // commit, and the commit for it.
            let snapshot = bell.borrow().clone();
            self.show(&snapshot);
            tokio::select! {
                _ = bell.changed() => return Happened::Rang,
                line = typed(&mut self.keyboard) => return Happened::Typed(line),
                interrupt = interrupts.next() => return Happened::Interrupted(interrupt),
                _ = &mut *worker => return Happened::WorkerEnded,
                () = broken.cancelled() => return Happened::DatabaseFailed,
                _ = self.activity.changed() => {}
                _ = tick.tick(), if self.screen.is_live() => {}
            }
        }
    }

    fn look(&mut self, snapshot: &Snapshot) -> Next {
        let Some(session) = snapshot.session(&self.session) else { return Next::Leave(Exit::Failed) };
        let now = self.engine.now();
        let Some(open) = session.open() else {
            self.screen.say(&closing::summary(session, self.config, self.call, now));
            let counts = session.counts();
            return Next::Leave(if counts.completed == counts.total { Exit::Ok } else { Exit::Failed });
        };
        if self.interrupted && session.run().is_none() {
            self.screen.say(&closing::paused(session, self.config, self.call, now));
            return Next::Leave(Exit::Waiting);
        }
        match (&open.work, self.engine.hold()) {
            (Work::Waiting { gate }, _) => Next::Decide(gate.clone()),
            (Work::Ready { .. }, Some(hold)) if hold.until.is_none() => {
                let is_told = self.heard.is_hold(&hold);
                self.screen.say(&closing::held(&hold, is_told, self.call));
                Next::Leave(Exit::Waiting)
            }
            (Work::Ready { .. }, Some(hold)) => {
                if !self.heard.wait_for(&hold) && !self.screen.is_live() {
                    self.screen.say(&closing::waiting_until(&hold, self.config));
                }
                Next::Wait
            }
            (Work::Ready { .. } | Work::Running { .. } | Work::Ending { .. }, _) => Next::Wait,
        }
    }

    fn show(&mut self, snapshot: &Snapshot) {
        let Some(session) = snapshot.session(&self.session) else { return };
        let doing = self.activity.borrow().clone();
        let doing = doing.as_ref().map(|doing| doing.0.as_str());
        let (hold, now) = (self.engine.hold(), self.engine.now());
        let zone = &self.engine.settings().timezone;
        self.screen.show(Glance::at(session, doing, hold.as_ref(), now, zone));
    }

    async fn tell_story(&mut self) -> Result<(), Error> {
        let readers = self.engine.store().readers();
        for told in events::after(readers, &self.session, self.told).await? {
            self.told = told.id;
            if !self.is_known(&told) {
                self.screen.tell(&told);
            }
            self.heard.note(&told.event);
            if let Event::TaskCompleted { subject, .. } = &told.event
                && self.call.rehearse
            {
                let logs_dir = &self.config.paths.logs_dir;
                let prompt = rehearsal::told(&self.session, subject.task, logs_dir, Screen::page());
                if let Some(prompt) = prompt {
                    self.screen.say(&prompt);
                }
            }
        }
        Ok(())
    }

    /// Whether a person in front of the screen has just seen it: a question as its card, an answer as it was typed.
    fn is_known(&self, told: &Told) -> bool {
        let is_question = matches!(&told.event, Event::GateOpened { gate, .. }
            if self.keyboard.is_some() || (self.call.arguments.yes && gate.takes_advance_approval()));
        is_question || self.heard.is_answer(&told.event)
    }

    async fn interrupt(&mut self, interrupt: Interrupt, snapshot: &Snapshot) -> Result<(), Error> {
        if interrupt == Interrupt::HungUp {
            self.screen.hang_up();
            self.keyboard = None;
        }
        if std::mem::replace(&mut self.interrupted, true) {
            return Ok(());
        }
        if snapshot.session(&self.session).is_some_and(|session: &Arc<Session>| session.run().is_some()) {
            self.screen.say("Ending the run so that it can be continued later; Ctrl-C again leaves at once.");
        }
        self.command(Command::Pause { now: true }, operator()).await?;
        Ok(())
    }

    /// Gives a command; answers whether it was carried out, and says why if it was not.
    async fn command(&mut self, command: Command, by: Actor) -> Result<bool, Error> {
        match self.engine.perform(Wish::Tell(command), by).await {
            Ok(_) => Ok(true),
            Err(engine::Error::Refused(message) | engine::Error::Instead { message, .. }) => {
                self.screen.say(&format!("  {message}."));
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.screen.close();
    }
}

async fn typed(keyboard: &mut Option<Keyboard>) -> Option<String> {
    match keyboard {
        Some(keyboard) => keyboard.line().await,
        None => std::future::pending().await,
    }
}
