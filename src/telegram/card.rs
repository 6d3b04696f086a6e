//! A gate as a question on a phone: what it is about, why it is asked, and what can be answered.

use super::keyboard::{self, Keyboard};
use super::text::Text;
use super::words;
use super::{Scene, quoted};
use crate::domain::gate::{About, Choice, Gate, Next, Reason};
use crate::domain::id::TaskNumber;
use crate::domain::recovery::Recovery;
use crate::domain::sentence::granted;
use crate::domain::session::Session;
use crate::domain::task::TaskState;

/// Why a task failed, where nothing else in the message tells it.
const FAILURE: usize = 600;
/// How much is told of what a run did last, and of what it changed.
const ACTIVITY: usize = 100;
const CHANGES: usize = 400;

/// A question with its buttons.
pub(super) struct Card {
    pub(super) text: Text,
    pub(super) keyboard: Option<Keyboard>,
}

impl Card {
    pub(super) fn new(text: Text, keyboard: Option<Keyboard>) -> Self {
        Self { text, keyboard }
    }
}

/// The whole question.
pub(super) fn whole(gate: &Gate, scene: &Scene<'_>) -> Card {
    card(gate, scene, Text::lines([about(gate, scene), reasons(gate, scene, |_| true)]))
}

/// The question below a message that has told who rejected it, and why.
pub(super) fn after_a_rejection(gate: &Gate, scene: &Scene<'_>) -> Card {
    let others = |reason: &Reason| !matches!(reason, Reason::Rejected { .. });
    card(gate, scene, Text::lines([about(gate, scene), reasons(gate, scene, others)]))
}

/// The question below a message that has told what it is about.
pub(super) fn after_its_cause(gate: &Gate, scene: &Scene<'_>) -> Card {
    match &gate.about {
        About::Before { .. } => whole(gate, scene),
        About::Failed { .. } | About::Interrupted { .. } => card(gate, scene, Text::bold("What now?")),
    }
}

/// The question below the list of a new session's tasks.
pub(super) fn of_a_new_session(gate: &Gate, scene: &Scene<'_>) -> Card {
    let ready = Text::lines([Text::bold("▶️ Ready to begin!"), reasons(gate, scene, |_| true)]);
    let commands = [word(gate, Choice::Approve, scene), offered(scene, "status"), offered(scene, "pause")];
    let commands: Vec<_> = commands.into_iter().chain([offered(scene, "help")]).flatten().collect();
    let commands =
        if commands.is_empty() { String::new() } else { format!("Commands: {}", commands.join(" ")) };
    let text = Text::paragraphs([ready, impediment(scene), Text::plain(commands)]);
    Card::new(text, keyboard::answers(gate, scene))
}

/// How it can be answered.
pub(super) fn ways(gate: &Gate, scene: &Scene<'_>) -> Text {
    Text::lines([invitation(gate, scene), objection(gate, scene)])
}

fn card(gate: &Gate, scene: &Scene<'_>, about: Text) -> Card {
    let text = Text::paragraphs([about, known(gate, scene), impediment(scene), ways(gate, scene)]);
    Card::new(text, keyboard::answers(gate, scene))
}

/// What it is about: the heading and the task.
fn about(gate: &Gate, scene: &Scene<'_>) -> Text {
    let Some(session) = scene.session else { return Text::bold(format!("Gate {}", gate.id)) };
    let rehearsal = words::rehearsal(session.rehearsal);
    let task = |number| session.task(number).map(AsRef::as_ref);
    match gate.about {
        About::Before { next: Next::Task(number), .. } => Text::lines([
            Text::bold(format!("Next: {}{rehearsal}", words::task(session, number))),
            task(number).map(words::described).into(),
        ]),
        About::Before { next: Next::End, .. } => {
            Text::bold(format!("🏁 All tasks are done: a last look?{rehearsal}"))
        }
        About::Failed { task: number } => Text::lines([
            Text::bold(format!("❌ {} failed: what now?{rehearsal}", words::task(session, number))),
            task(number).map(|task| words::title(&task.spec.title)).into(),
            task(number)
                .and_then(|task| task.progress.summary.as_deref())
                .map(|why| Text::quote(words::capitalised(&quoted::passage(why, FAILURE))))
                .into(),
        ]),
        About::Interrupted { task: number } => Text::lines([
            Text::bold(format!("⚠️ {} was interrupted: what now?{rehearsal}", words::task(session, number))),
            task(number).map(|task| words::title(&task.spec.title)).into(),
        ]),
    }
}

/// What is known of the run that failed or was interrupted.
fn known(gate: &Gate, scene: &Scene<'_>) -> Text {
    let Some(recovery) = scene.recovery(gate) else { return Text::default() };
    let last = recovery
        .last_activity
        .as_deref()
        .map(|last| Text::plain("🔎 Last: ").and(Text::code(quoted::line(last, ACTIVITY))));
    let changes = recovery
        .what_changed()
        .map(|changed| Text::plain(format!("📝 {}", words::capitalised(&quoted::line(&changed, CHANGES)))));
    let is_told = matches!(gate.about, About::Failed { .. });
    Text::lines([used(recovery, is_told).into(), last.into(), changes.into()])
}

/// What a run used up that ended without telling it; of a failure, the message above says what it cost.
fn used(recovery: &Recovery, is_told: bool) -> Option<Text> {
    let cost = Some(recovery.cost.to_string()).filter(|_| recovery.cost.at_least && !is_told);
    let known: Vec<_> = [cost, recovery.tokens_in_words()].into_iter().flatten().collect();
    (!known.is_empty()).then(|| Text::plain(format!("💸 {}", words::capitalised(&known.join(", ")))))
}

/// Why a person is asked: the policy's reasons on one line, what needs a look on lines of their own.
fn reasons(gate: &Gate, scene: &Scene<'_>, told: impl Fn(&Reason) -> bool) -> Text {
    let About::Before { reasons, .. } = &gate.about else { return Text::default() };
    let kind = gate
        .task()
        .and_then(|task| scene.session?.task(task))
        .map_or_else(|| "such".to_owned(), |task| words::kind(task));
    let (mut why, mut looks) = (Vec::new(), Vec::new());
    for reason in reasons.iter().filter(|reason| told(reason)) {
        match reason {
            Reason::Start => why.push("a new session".to_owned()),
            Reason::Manual => why.push("every task is asked about".to_owned()),
            Reason::Required => why.push(format!("{kind} tasks need an approval")),
            Reason::Requested => why.push("the task file asks for it".to_owned()),
            Reason::ApproveBefore => why.push(format!("{kind} tasks are always asked about")),
            Reason::Checkpoint { after } => {
                looks.push(Text::plain(format!("👀 Checkpoint: look at what task {after} did")));
            }
            Reason::Dependency { on } => {
                let state = scene.session.and_then(|session| state_of(session, *on));
                looks
                    .push(Text::plain(format!("⚠️ It depends on task {on}, which {}", not_completed(state))));
            }
            spent @ Reason::Spent { .. } => {
                let more = granted(std::slice::from_ref(spent)).unwrap_or_default();
                let spent = words::capitalised(&spent.to_string());
                looks.push(Text::plain(format!("💰 {spent}: an approval allows {more}")));
            }
            fruitless @ Reason::Fruitless { .. } => {
                looks.push(Text::plain(format!("🔂 {}", words::capitalised(&fruitless.to_string()))));
            }
            untold @ Reason::Untold { .. } => {
                looks.push(Text::plain(format!("💸 {}", words::capitalised(&untold.to_string()))));
            }
            Reason::Rejected { task, feedback } => {
                looks.push(Text::plain(format!("✏️ Task {task} was rejected{}", colon(feedback.is_some()))));
                looks.extend(feedback.as_deref().map(words::feedback));
            }
        }
    }
    let why = if why.is_empty() { String::new() } else { format!("Why: {}", why.join("; ")) };
    Text::lines([Text::italic(why)].into_iter().chain(looks))
}

fn colon(follows: bool) -> &'static str {
    if follows { ":" } else { "" }
}

fn state_of(session: &Session, task: TaskNumber) -> Option<TaskState> {
    session.task(task).map(|task| task.state())
}

fn not_completed(state: Option<TaskState>) -> &'static str {
    match state {
        Some(TaskState::Failed) => "failed",
        Some(TaskState::Interrupted) => "was interrupted",
        Some(TaskState::Skipped) => "was skipped",
        Some(TaskState::Pending | TaskState::Running | TaskState::Completed) | None => "isn't completed",
    }
}

/// What keeps an approved task from starting.
fn impediment(scene: &Scene<'_>) -> Text {
    if scene.is_paused() {
        return Text::plain("⏸️ Paused: what is approved starts after /resume");
    }
    scene.hold.map_or_else(Text::default, |hold| {
        let ends = words::ends(hold, scene);
        Text::plain(format!("⏳ On hold ({}): an approval is kept. {ends}", words::held_by(hold.kind)))
    })
}

/// `/approve_g7_k3qd to continue, /skip_g7_k3qd to skip, /pause to pause`
fn invitation(gate: &Gate, scene: &Scene<'_>) -> Text {
    let mut ways = Vec::new();
    if scene.resumable(gate).is_some() && scene.offers("continue") {
        ways.push(format!("/continue_{} to go on where it ended", gate.id));
    }
    for choice in gate.choices() {
        let to = match (choice, &gate.about) {
            (Choice::Approve, About::Before { next: Next::Task(_), .. }) => "to continue",
            (Choice::Approve, About::Before { next: Next::End, .. }) => "to finish",
            (Choice::Skip, About::Before { .. }) => "to skip",
            (Choice::Skip, About::Failed { .. } | About::Interrupted { .. }) => "to go on without it",
            (Choice::Retry, About::Failed { .. } | About::Interrupted { .. }) => "to run it again",
            (Choice::Retry, About::Before { .. }) => "to run the rejected task again",
            // A slip of the thumb must not end a session: stopping is a button, and a word to type.
            (Choice::Stop | Choice::Reject, _)
            | (Choice::Approve, About::Failed { .. } | About::Interrupted { .. }) => continue,
        };
        ways.extend(word(gate, choice, scene).map(|word| format!("{word} {to}")));
    }
    if !scene.is_paused() {
        ways.extend(offered(scene, "pause").map(|word| format!("{word} to pause")));
    }
    Text::plain(ways.join(", "))
}

/// How to say what should be different: words that a tap copies.
fn objection(gate: &Gate, scene: &Scene<'_>) -> Text {
    let choices = gate.choices();
    let rejected = gate.retriable().is_some();
    let choice = match &gate.about {
        About::Before { .. } if !rejected => Choice::Reject,
        About::Before { .. } | About::Failed { .. } | About::Interrupted { .. } => Choice::Retry,
    };
    if !choices.contains(&choice) || !scene.offers(choice.as_str()) {
        return Text::default();
    }
    let before = match choice {
        Choice::Reject => "Not like this? Send ",
        Choice::Approve | Choice::Retry | Choice::Skip | Choice::Stop => "With advice: send ",
    };
    Text::plain(before)
        .and(Text::code(format!("/{} {}", choice.as_str(), gate.id)))
        .and(" and what should be different")
}

/// A command that answers this gate when it is tapped.
fn word(gate: &Gate, choice: Choice, scene: &Scene<'_>) -> Option<String> {
    scene.offers(choice.as_str()).then(|| format!("/{}_{}", choice.as_str(), gate.id))
}

fn offered(scene: &Scene<'_>, word: &str) -> Option<String> {
    scene.offers(word).then(|| format!("/{word}"))
}
