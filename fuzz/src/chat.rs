//! Whatever a task file, a person or a run says, what a chat is told of it is what Telegram takes.

#[path = "../../tests/support/telegram_html.rs"]
mod telegram_html;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use orchestrator::domain::actor::Actor;
use orchestrator::domain::change::{Effect, Transition, World};
use orchestrator::domain::command::{Command, Opening, Order};
use orchestrator::domain::hold::Hold;
use orchestrator::domain::id::{GateId, RunId, SessionId, TaskNumber};
use orchestrator::domain::limits::DayAccount;
use orchestrator::domain::plan::{Plan, TaskSpec};
use orchestrator::domain::policy::Policy;
use orchestrator::domain::run::{Failure, Obstacle, Outcome, Verdict};
use orchestrator::domain::session::{Session, TaskFile};
use orchestrator::domain::transition::transition;
use orchestrator::telegram::{self, Fault, Keyboard, Log, Message, Scene, Status};

/// How much Telegram lets a button carry, in bytes.
const CARRIES: usize = 64;

/// The bytes are texts, a line each: a title, a file, a name, a note, feedback, what a run said, and why it failed.
pub(super) fn chat(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let [title, file, name, note, feedback, said] = std::array::from_fn(|_| next());
    let why = lines.collect::<Vec<_>>().join("\n");
    let mut story = Story { session: None, by: Actor { name, chat: None }, gates: 0, hold: None };
    story.tell(opening(title, &file));
    story.tell(Command::Reject { gate: None, feedback: Some(feedback) });
    story.tell(Command::Approve { gate: None, note: Some(note) });
    let failure = Failure::NoResult { code: 1, message: why.clone() };
    for verdict in [
        Verdict::Unavailable { obstacle: Obstacle::Launch { message: why.clone() } },
        Verdict::Failed { failure },
        Verdict::Lost,
        Verdict::Completed { summary: said.clone() },
    ] {
        story.tell(Command::Resume);
        story.tell(Command::Claim { run: RunId(1) });
        let outcome = Outcome { denials: vec![why.clone()], ..Outcome::bare(verdict) };
        story.tell(Command::Finish {
            run: RunId(1),
            outcome: Box::new(outcome),
            took: Duration::from_secs(9),
        });
        story.tell(Command::Retry {
            target: orchestrator::domain::command::Target::Current,
            feedback: Some(said.clone()),
        });
    }
    for fault in [Fault::Request, Fault::TaskFile, Fault::Inside] {
        accept(&telegram::failure(&why, fault));
    }
    story.scene(|scene| {
        accept(&telegram::refusal(&why, None, scene));
        accept(&telegram::logs(&Log { lines: &why, task: Some(TaskNumber(1)), file: Some(&file) }, scene));
    });
}

fn opening(title: String, file: &str) -> Command {
    let spec = TaskSpec {
        number: TaskNumber(1),
        description: Some(title.clone()),
        title,
        kind: file.to_owned(),
        priority: None,
        requires_approval: Some(true),
        acceptance_criteria: Vec::new(),
        instruction: None,
        model: None,
        timeout: None,
        idle_timeout: None,
        check: None,
        depends_on: Vec::new(),
    };
    Command::Start(Box::new(Opening {
        id: SessionId::new("20251120-093015"),
        task_file: TaskFile { name: file.to_owned(), digest: String::new() },
        plan: Plan { title: None, tasks: vec![Arc::new(spec)] },
        policy: Policy::default(),
        rehearsal: false,
    }))
}

/// A session as it goes on, each step of which is told.
struct Story {
    session: Option<Session>,
    by: Actor,
    gates: u32,
    hold: Option<Hold>,
}

impl Story {
    fn tell(&mut self, command: Command) {
        self.gates += 1;
        let world = World {
            now: Timestamp::UNIX_EPOCH,
            fresh_gate: GateId::from_random(self.gates),
            hold: self.hold.clone(),
            last_hold: None,
            run_open: false,
            today: DayAccount::new(date(1970, 1, 1)),
        };
        let order = Order { command, by: self.by.clone(), sent_at: None };
        match transition(self.session.as_ref(), &order, &world) {
            Ok(Transition { session, events, effects, message }) => {
                self.session = Some(session);
                for effect in effects {
                    match effect {
                        Effect::BeginHold(hold) => self.hold = Some(hold),
                        Effect::LiftHold => self.hold = None,
                        _ => {}
                    }
                }
                self.scene(|scene| {
                    accept(&telegram::answer(&events, &message, scene));
                    accept(&telegram::status(&Status::default(), scene));
                    if let Some(notice) = telegram::notice(&events, scene) {
                        accept(&notice.telegram);
                        let plain = telegram_html::plain(&notice.message);
                        assert!(plain.is_ok(), "{plain:?}: {:?}", notice.message);
                    }
                    accept(&telegram::tasks(scene.session.expect("it was begun"), scene));
                });
            }
            Err(refused) => {
                self.scene(|scene| accept(&telegram::refusal(&format!("{refused:?}"), None, scene)));
            }
        }
    }

    fn scene(&self, tell: impl FnOnce(&Scene<'_>)) {
        let (session, hold) = (self.session.as_ref(), self.hold.as_ref());
        tell(&Scene { session, hold, now: Timestamp::UNIX_EPOCH, zone: &TimeZone::UTC, commands: &[] });
    }
}

#[track_caller]
fn accept(message: &Message) {
    if let Err(why) = telegram_html::parse(&message.text) {
        panic!("{why}: {:?}", message.text);
    }
    for button in message.reply_markup.iter().flat_map(Keyboard::rows).flatten() {
        assert!(
            !button.label().trim().is_empty() && (1..=CARRIES).contains(&button.says().len()),
            "{button:?}"
        );
    }
}
