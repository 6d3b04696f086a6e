//! `orchestrator run FILE`: the engine and the worker of the daemon, with a terminal in the operator's place.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::prompt::{self, Keyboard};
use super::screen::Screen;
use super::{Arguments as Global, Error, Exit, shown};
use crate::app::{self, Core};
use crate::claude::Activity;
use crate::config::Config;
use crate::domain::command::{Actor, Command};
use crate::domain::gate::{About, Gate};
use crate::domain::id::{GateId, SessionId};
use crate::domain::session::{Session, Work};
use crate::engine::{self, Engine, Snapshot, Wish};
use crate::files::task_folder::Source;
use crate::store::events;
use crate::worker::Worker;

pub(super) const EXAMPLES: &str = "Examples:
  orchestrator run tasks.md              ask at every gate
  orchestrator run tasks.md --rehearse   only say what Claude would be told
  orchestrator run tasks.md --yes        approve what can be approved; for cron

Exit codes: 0 all tasks completed, 1 some are not, 3 waiting at a gate (call it again to go on)";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The task file
    file: PathBuf,
    /// Approve every gate that can be approved
    #[arg(long)]
    yes: bool,
    /// Let this program play Claude: it says what would be sent, changes nothing, costs nothing
    #[arg(long)]
    rehearse: bool,
    /// Run a file once more that was completed before
    #[arg(long)]
    again: bool,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    let config = global.load()?;
    let quiet = global.log.is_none();
    let _logging = app::start_logging(&config, quiet)?;
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Error::Runtime)?;
    let exit = runtime.block_on(Terminal::run(&config, arguments));
    runtime.shutdown_background();
    exit
}

/// The operator's place.
struct Terminal<'a> {
    arguments: &'a Arguments,
    engine: Arc<Engine>,
    session: SessionId,
    screen: Screen,
    keyboard: Option<Keyboard>,
    activity: watch::Receiver<Option<Activity>>,
    told: i64,
    asked: Option<GateId>,
}

/// What a look at the session came to.
enum Next {
    Wait,
    Answer(Gate),
    Leave(Exit),
}

impl<'a> Terminal<'a> {
    async fn run(config: &Config, arguments: &'a Arguments) -> Result<Exit, Error> {
        let rehearse = arguments.rehearse || config.claude.rehearse;
        let Core { engine, worker, lock } = Core::build(config, rehearse).await?;
        let session = open(&engine, config, arguments).await?;
        let stop = CancellationToken::new();
        let mut terminal = Self::new(arguments, &engine, &worker, &session);
        let working = tokio::spawn(worker.work(stop.clone()));
        let exit = terminal.attend().await;
        terminal.screen.close();
        stop.cancel();
        // A worker that panicked has said so on stderr; its run is found again by the next one.
        let _ = working.await;
        drop(lock);
        exit
    }

    fn new(arguments: &'a Arguments, engine: &Arc<Engine>, worker: &Worker, session: &Session) -> Self {
        let interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
        Self {
            arguments,
            engine: Arc::clone(engine),
            screen: Screen::new(engine.settings().timezone.clone(), session),
            session: session.id.clone(),
            keyboard: interactive.then(Keyboard::open),
            activity: worker.activity(),
            told: 0,
            asked: None,
        }
    }

    /// Shows what happens and answers what is asked, until there is nothing left to do here.
    async fn attend(&mut self) -> Result<Exit, Error> {
        let mut bell = self.engine.doorbell();
        let mut interrupted = false;
        loop {
            let snapshot = bell.borrow_and_update().clone();
            self.tell_story().await?;
            match self.look(&snapshot, interrupted) {
                Next::Leave(exit) => return Ok(exit),
                Next::Answer(gate) if self.arguments.yes && matches!(gate.about, About::Before { .. }) => {
                    let approve = Command::Approve { gate: Some(gate.id), note: None };
                    self.command(approve, "--yes").await?;
                    continue;
                }
                Next::Answer(gate) if self.keyboard.is_none() => {
                    self.say_how_to_answer(&gate);
                    return Ok(Exit::Waiting);
                }
                Next::Answer(gate) => self.ask_once(&gate),
                Next::Wait => {}
            }
            tokio::select! {
                _ = bell.changed() => {}
                _ = self.activity.changed() => {}
                line = typed(&mut self.keyboard) => self.answer(&snapshot, line).await?,
                _ = tokio::signal::ctrl_c() => {
                    if interrupted {
                        self.screen.say("Aborted; the next start sees to what is left of the run.");
                        return Ok(Exit::Interrupted);
                    }
                    interrupted = true;
                    self.interrupt().await?;
                }
            }
        }
    }

    fn look(&self, snapshot: &Snapshot, interrupted: bool) -> Next {
        let Some(session) = snapshot.session(&self.session) else { return Next::Leave(Exit::Failed) };
        let doing = self.activity.borrow().clone();
        self.screen.show(session, doing.as_ref().map(|doing| doing.0.as_str()));
        let Some(open) = session.open() else {
            let counts = session.counts();
            return Next::Leave(if counts.completed == counts.total { Exit::Ok } else { Exit::Failed });
        };
        if interrupted && session.run().is_none() {
            let rehearse = if self.arguments.rehearse { " --rehearse" } else { "" };
            let again =
                format!("Paused. Go on with: orchestrator run {}{rehearse}", shown(&self.arguments.file));
            self.screen.say(&again);
            return Next::Leave(Exit::Waiting);
        }
        match (&open.work, self.engine.hold()) {
            (Work::Waiting { gate }, _) => Next::Answer(gate.clone()),
            (Work::Ready { .. }, Some(hold)) if hold.until.is_none() => {
                self.screen.say(&format!("On hold: {}", hold.reason));
                Next::Leave(Exit::Waiting)
            }
            (Work::Ready { .. } | Work::Running { .. } | Work::Ending { .. }, _) => Next::Wait,
        }
    }

    async fn tell_story(&mut self) -> Result<(), Error> {
        for event in events::after(self.engine.store().readers(), &self.session, self.told).await? {
            self.told = event.id;
            self.screen.tell(event.at, &event.message);
        }
        Ok(())
    }

    fn ask_once(&mut self, gate: &Gate) {
        if self.asked.as_ref() != Some(&gate.id) {
            self.asked = Some(gate.id.clone());
            if let Some(keyboard) = &mut self.keyboard {
                keyboard.flush();
            }
            self.screen.ask(&format!("{} >", prompt::offer(gate)));
        }
    }

    async fn answer(&mut self, snapshot: &Snapshot, line: Option<String>) -> Result<(), Error> {
        let Some(line) = line else {
            self.keyboard = None;
            return Ok(());
        };
        let gate = snapshot.session(&self.session).and_then(|session| session.gate());
        let Some(gate) = gate.filter(|gate| self.asked.as_ref() == Some(&gate.id)) else { return Ok(()) };
        match prompt::understand(&line, gate) {
            Ok(command) => self.command(command, "the terminal").await,
            Err(problem) => {
                self.screen.say(&format!("{problem}."));
                self.asked = None;
                Ok(())
            }
        }
    }

    async fn interrupt(&mut self) -> Result<(), Error> {
        self.screen.say("Ending the run, to be continued; Ctrl-C once more aborts.");
        self.command(Command::Pause { now: true }, "the terminal").await
    }

    async fn command(&self, command: Command, by: &str) -> Result<(), Error> {
        match self.engine.perform(Wish::Tell(command), Actor::named(by)).await {
            Ok(_) => Ok(()),
            Err(engine::Error::Refused(message)) => {
                self.screen.say(&format!("{message}."));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn say_how_to_answer(&self, gate: &Gate) {
        let mut file = shown(&self.arguments.file);
        if self.arguments.rehearse {
            file.push_str(" --rehearse");
        }
        let approves = matches!(gate.about, About::Before { .. });
        let yes = if approves {
            format!("\n  orchestrator run {file} --yes      (approves it)")
        } else {
            String::new()
        };
        self.screen.say(&format!(
            "This waits for you: gate {}, {}. Answer it in a terminal:\n  orchestrator run {file}{yes}\n\
             or start the daemon (orchestrator serve) and answer over HTTP.",
            gate.id,
            gate.choices_in_words()
        ));
    }
}

async fn typed(keyboard: &mut Option<Keyboard>) -> Option<String> {
    match keyboard {
        Some(keyboard) => keyboard.line().await,
        None => std::future::pending().await,
    }
}

/// Goes on with the file's open session, or begins one.
async fn open(engine: &Arc<Engine>, config: &Config, arguments: &Arguments) -> Result<Arc<Session>, Error> {
    let by = || Actor::named("the terminal");
    let snapshot = engine.snapshot();
    let Some(session) = snapshot.current().filter(|session| session.open().is_some()) else {
        let source = Source::Path(arguments.file.clone());
        let wish = Wish::Start { source, replace: false, again: arguments.again };
        return Ok(engine.perform(wish, by()).await?.session);
    };
    let theirs = config.paths.tasks_dir.join(&session.task_file.name);
    if !same_file(&theirs, &arguments.file) {
        return Err(engine::Error::Refused(format!(
            "session {} of {} is still open: finish it with \"orchestrator run {}\" first",
            session.id,
            session.task_file.name,
            shown(&theirs)
        ))
        .into());
    }
    if session.rehearsal != (arguments.rehearse || config.claude.rehearse) {
        let (is, flag) =
            if session.rehearsal { ("a rehearsal", "with") } else { ("not a rehearsal", "without") };
        return Err(engine::Error::Refused(format!(
            "session {} of this file is open and is {is}: go on with it {flag} --rehearse",
            session.id
        ))
        .into());
    }
    let paused = session.open().is_some_and(|open| open.paused.is_some());
    let held = engine.hold().is_some_and(|hold| hold.until.is_none());
    if paused || held {
        return Ok(engine.perform(Wish::Tell(Command::Resume), by()).await?.session);
    }
    Ok(Arc::clone(session))
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
