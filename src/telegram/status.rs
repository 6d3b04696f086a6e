//! Where things stand.

use std::time::Duration;

use super::card;
use super::keyboard::{self, Button, Keyboard};
use super::text::Text;
use super::{Message, Scene, logs, quoted, words};
use crate::domain::duration::human;
use crate::domain::gate::{Choice, Closing};
use crate::domain::session::{Counts, Open, Session, State, Work};
use crate::domain::standing::Standing;
use crate::domain::task::TaskState;

/// The name of a file.
const FILE: usize = 200;
/// Why a task failed.
const FAILURE: usize = 400;
/// How many parts the bar of progress has.
const BAR: usize = 10;

/// What a status is told from, besides the scene.
#[derive(Clone, Copy, Debug, Default)]
pub struct Status<'a> {
    /// Whether the task file isn't what the session read at its start any more.
    pub task_file_changed: bool,
    /// How many notifications wait to be delivered.
    pub pending: u64,
    /// How many were given up.
    pub dead: u64,
    /// What was last decided at a gate of the session.
    pub decided: Option<&'a Closing>,
    /// What there is to say of a database that was put aside, before the first session of a new one.
    pub set_aside: Option<&'a str>,
}

/// Where things stand, and what can be done about it.
pub fn status(status: &Status<'_>, scene: &Scene<'_>) -> Message {
    let heading = Text::bold("📊 Orchestrator Status");
    let Some(session) = scene.session else {
        let text = Text::paragraphs([
            heading,
            logs::none_yet(),
            status.set_aside.map(Text::plain).into(),
            hold(scene),
            notifications(status),
        ]);
        return Message::new(text, Keyboard::of([vec![Button::new(scene, "▶️ Start", "start")]]));
    };
    let standing = Standing::of(session, scene.hold.is_some());
    let text = Text::paragraphs([
        heading,
        Text::lines([
            Text::plain(format!("Session: {}{}", session.id, words::rehearsal(session.rehearsal))),
            Text::plain(format!("Status: {}", in_words(standing, session))),
        ]),
        counts(session),
        current(session),
        Text::lines([figures(session, scene), decided(status, scene)]),
        Text::lines([paused(standing, scene), hold(scene), notifications(status), changed(status, session)]),
        session.gate().map(|gate| card::ways(gate, scene)).into(),
    ]);
    Message::new(text, buttons(session, scene))
}

fn in_words(standing: Standing, session: &Session) -> &'static str {
    match standing {
        Standing::WaitingApproval if asks_what_now(session) => "⏸️ Waiting for a decision",
        Standing::Idle => "💤 Idle",
        Standing::Completed => "🎉 Completed",
        Standing::Stopped => "⏹ Stopped",
        Standing::Running => "⚙️ Running",
        Standing::Paused => "⏸️ Paused",
        Standing::WaitingApproval => "⏸️ Waiting for approval",
        Standing::Held => "⏳ On hold",
    }
}

/// Whether the gate has no positive choice: there is nothing to approve.
fn asks_what_now(session: &Session) -> bool {
    session.gate().is_some_and(|gate| !gate.choices().contains(&Choice::Approve))
}

fn counts(session: &Session) -> Text {
    let Counts { total, completed, failed, skipped, interrupted } = session.counts();
    let percent = session.counts().progress();
    let filled = percent * BAR / 100;
    let pending = total - completed - failed - skipped - interrupted;
    let line = |icon: &str, what: &str, number: usize| {
        Text::plain(if number > 0 { format!("{icon} {what}: {number}") } else { String::new() })
    };
    Text::lines([
        Text::plain(format!("Progress: {}/{total} tasks ({percent}%)", completed + skipped)),
        Text::plain(format!("{}{}", "▓".repeat(filled), "░".repeat(BAR - filled))),
        line("✅", "Completed", completed),
        line("❌", "Failed", failed),
        line("⚠️", "Interrupted", interrupted),
        line("⏭", "Skipped", skipped),
        line("▫️", "Pending", pending),
    ])
}

fn current(session: &Session) -> Text {
    let Some(task) = session.current() else { return Text::default() };
    let why = task.progress.summary.as_deref().filter(|_| task.state() == TaskState::Failed);
    let why = why.map(|why| Text::quote(words::capitalised(&quoted::passage(why, FAILURE))));
    let at = match session.open().map(|open| &open.work) {
        Some(Work::Running { .. }) => " (running)",
        Some(Work::Ending { .. }) => " (its run is being ended)",
        Some(Work::Ready { .. }) => " (approved)",
        Some(Work::Waiting { .. }) | None => "",
    };
    Text::lines([
        Text::plain(format!("Current: {}{at}", words::task(session, task.number()))),
        words::title(&task.spec.title),
        why.into(),
    ])
}

fn figures(session: &Session, scene: &Scene<'_>) -> Text {
    let end = session.ended_at().unwrap_or(scene.now);
    let runtime = Duration::try_from(end.duration_since(session.started_at)).unwrap_or_default();
    let ended = session.ended_at().map(|at| format!("Ended: {}", scene.clock(at)));
    Text::lines([
        Text::plain(format!("Started: {}", scene.clock(session.started_at))),
        ended.map(Text::plain).into(),
        Text::plain(format!("Runtime: {}", human(&Duration::from_secs(runtime.as_secs())))),
        Text::plain(format!("Cost: {}", session.cost().as_entry())),
    ])
}

/// Who decided last, and what.
fn decided(status: &Status<'_>, scene: &Scene<'_>) -> Text {
    let told = |Closing { decision, by, at }: &Closing| {
        format!("Last decision: {} by {} at {}", decision.as_str(), words::name(by), scene.clock(*at))
    };
    status.decided.map(told).map(Text::plain).into()
}

fn paused(standing: Standing, scene: &Scene<'_>) -> Text {
    let tells = standing != Standing::Paused && scene.is_paused();
    Text::plain(if tells { "⏸️ Paused: nothing new starts until /resume" } else { "" })
}

fn hold(scene: &Scene<'_>) -> Text {
    let Some(hold) = scene.hold else { return Text::default() };
    let why = words::held_by(hold.kind);
    Text::lines([Text::plain(format!("⏳ On hold: {why}")), words::reason_and_end(hold, scene)])
}

fn notifications(status: &Status<'_>) -> Text {
    let given_up = if status.dead > 0 { format!(", {} given up", status.dead) } else { String::new() };
    let text = format!("📬 Notifications: {} waiting{given_up}", status.pending);
    Text::plain(if status.pending + status.dead > 0 { text } else { String::new() })
}

fn changed(status: &Status<'_>, session: &Session) -> Text {
    let file = quoted::line(&session.task_file.name, FILE);
    let text = format!("📄 {file} has changed; this session goes on with what it read at its start");
    Text::plain(if status.task_file_changed { text } else { String::new() })
}

/// What can be done about it by a tap. No button ends a session that no gate asks about: a slip would be enough.
fn buttons(session: &Session, scene: &Scene<'_>) -> Option<Keyboard> {
    let pause = || Button::new(scene, "⏸️ Pause", "pause");
    let or_resume = |open: &Open| if open.paused.is_some() { Button::resume(scene) } else { pause() };
    let open = match &session.state {
        State::Open(open) => open,
        State::Completed { .. } | State::Stopped { .. } => {
            let rows = [
                vec![Button::tasks(scene), Button::story(scene)],
                vec![Button::new(scene, "▶️ Start", "start")],
            ];
            return Keyboard::of(rows);
        }
    };
    match &open.work {
        Work::Waiting { gate } | Work::Running { gate: Some(gate), .. } => {
            Keyboard::joined(keyboard::answers(gate, scene), Keyboard::of([vec![or_resume(open)]]))
        }
        Work::Ready { task } => {
            let lifts = scene.hold.filter(|hold| !hold.ends_by_itself()).and_then(|_| Button::resume(scene));
            Keyboard::of([vec![lifts.or_else(|| or_resume(open)), Button::skip(scene, *task)]])
        }
        Work::Running { task, gate: None, .. } => Keyboard::of([
            vec![or_resume(open), Button::new(scene, "⏸️ Pause now", "pause now")],
            vec![Button::skip(scene, *task), Button::output(scene, *task)],
        ]),
        Work::Ending { task, .. } => Keyboard::of([vec![Button::output(scene, *task)]]),
    }
}
