//! The whole chart on one page: what every command does at every stage, so that a change of it is read as a diff.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::desk::finish;
use super::desk::{
    Desk, approve, completed, failed, pause, pause_now, reject, retry, retry_task, skip, skip_task, stop,
    task, usage_limit,
};
use super::shorthand::{SIGNS, at, effect, tasks};
use crate::domain::change::Transition;
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::gate::{About, Gate, Next, Reason};
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::id::{GateId, RunId, TaskNumber};
use crate::domain::policy::Policy;
use crate::domain::refused::Refused;
use crate::domain::run::Verdict;
use crate::domain::session::{State, Work};

type Given = Box<dyn Fn(&mut Desk) -> Command>;

#[test]
fn the_chart() {
    let mut page = format!(
        "Every command at every stage, in mode \"required\" with a checkpoint after every database task.\nTasks: {SIGNS}\n"
    );
    for (stage, desk) in stages() {
        let now =
            desk.session.as_ref().map_or("no session".to_owned(), |s| format!("{} [{}]", at(s), tasks(s)));
        write!(page, "\n{stage}: {now}\n").unwrap();
        for (command, given) in commands() {
            let mut desk = desk.clone();
            let command_given = given(&mut desk);
            writeln!(page, "  {command:<22} {}", line(desk.tell(command_given))).unwrap();
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("the_chart", page);
    });
}

#[test]
fn what_the_operator_reads() {
    let mut page = String::from("Every sentence of the chart, where it is first said.\n");
    let mut said = Vec::new();
    for (stage, desk) in stages() {
        for (command, given) in commands() {
            let mut desk = desk.clone();
            let command_given = given(&mut desk);
            let sentence = match desk.tell(command_given) {
                Ok(transition) => transition.message,
                Err(refused) => format!("refused: {refused}"),
            };
            if !said.contains(&sentence) {
                write!(page, "\n{stage} / {command}\n").unwrap();
                for line in sentence.lines() {
                    writeln!(page, "    {line}").unwrap();
                }
                said.push(sentence);
            }
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("what_the_operator_reads", page);
    });
}

fn line(result: Result<Transition, Refused>) -> String {
    match result {
        Ok(Transition { session, events, effects, .. }) => {
            let events: Vec<&str> = events.iter().map(Event::kind).collect();
            let effects: Vec<String> = effects.iter().map(effect).collect();
            let state = format!("→ {} [{}]", at(&session), tasks(&session));
            if events.is_empty() {
                return format!("{state} | already");
            }
            [state, events.join(", "), effects.join(", ")].join(" | ").trim_end_matches(" | ").to_owned()
        }
        Err(Refused::NotNow(sentence)) => format!("– {sentence}"),
        Err(refused @ Refused::StillOpen { .. }) => format!("– {refused}"),
        Err(Refused::Unknown(sentence)) => format!("– unknown: {sentence}"),
        Err(refused @ Refused::NotTheOpenGate(_)) => format!("– gate: {refused}"),
    }
}

/// Every stage that a session can be at, each with task 4 skipped beforehand.
fn stages() -> Vec<(&'static str, Desk)> {
    let nothing = day();
    let waiting = day().then(|desk| {
        desk.start();
        desk.told(skip_task(4));
    });
    let ready = waiting.clone().then(Desk::approve);
    let running = ready.clone().then(Desk::claim);
    let checkpoint = running.clone().then(|desk| desk.finish(completed()));
    let last_look = checkpoint.clone().then(|desk| {
        desk.approve();
        desk.work();
        desk.approve();
        desk.work();
    });
    let after = |desk: &Desk, command: Command| {
        desk.clone().then(|desk| {
            desk.told(command);
        })
    };
    vec![
        ("nothing yet", nothing),
        ("completed", after(&last_look, approve())),
        ("stopped", after(&waiting, stop())),
        ("before a task", waiting.clone()),
        ("at a checkpoint", checkpoint.clone()),
        ("before the end", last_look),
        ("rejected checkpoint", after(&checkpoint, reject("add an index"))),
        ("failed", running.clone().then(|desk| desk.finish(failed()))),
        ("interrupted", running.clone().then(|desk| desk.finish(Verdict::Lost))),
        ("before a task, paused", after(&waiting, pause())),
        ("ready", ready.clone()),
        ("ready, paused", after(&ready, pause())),
        ("running", running.clone()),
        ("running, paused", after(&running, pause())),
        ("running, asking", running.clone().then(ask_beside)),
        ("ending to pause", after(&running, pause_now())),
        ("ending to skip", after(&running, skip())),
        ("ending to stop", after(&running, stop())),
    ]
}

fn day() -> Desk {
    let policy = Policy { checkpoint_after: vec!["database".to_owned()], ..Policy::default() };
    Desk::new(vec![task(1, "database"), task(2, "backend"), task(3, "database"), task(4, "docs")], policy)
}

/// A question of the live run itself, which no command can open yet.
fn ask_beside(desk: &mut Desk) {
    let opened_at = desk.now();
    let about = About::Before { next: Next::Task(TaskNumber(1)), reasons: vec![Reason::Requested] };
    let question = Gate { id: GateId::from_random(7), about, opened_at };
    let Some(State::Open(open)) = desk.session.as_mut().map(|session| &mut session.state) else { return };
    let Work::Running { gate, .. } = &mut open.work else { return };
    *gate = Some(question);
}

fn commands() -> Vec<(&'static str, Given)> {
    fn plain(command: Command) -> Given {
        Box::new(move |_| command.clone())
    }
    fn ended(verdict: Verdict) -> Given {
        Box::new(move |desk| desk.finishing(verdict.clone()))
    }
    let other_gate = || Some(GateId::parse("g7_zzzz").unwrap());
    vec![
        ("start", Box::new(|desk| desk.opening())),
        ("approve", plain(approve())),
        ("approve other gate", plain(Command::Approve { gate: other_gate(), note: None })),
        ("approve sent before", Box::new(sent_before)),
        ("reject", plain(reject("smaller steps"))),
        ("pause", plain(pause())),
        ("pause now", plain(pause_now())),
        ("resume", plain(Command::Resume)),
        ("resume under a hold", Box::new(|desk| held(desk, Command::Resume))),
        ("resume, usage limit", Box::new(|desk| limited(desk, Command::Resume))),
        ("skip", plain(skip())),
        ("skip #3", plain(skip_task(3))),
        ("skip #9", plain(skip_task(9))),
        ("retry", plain(retry())),
        ("retry #1", plain(retry_task(1))),
        ("retry #4", plain(retry_task(4))),
        ("stop", plain(stop())),
        ("claim", Box::new(|desk| desk.claiming())),
        (
            "claim under a hold",
            Box::new(|desk| {
                let claim = desk.claiming();
                held(desk, claim)
            }),
        ),
        ("approve under a hold", Box::new(|desk| held(desk, approve()))),
        ("finish completed", ended(completed())),
        ("finish failed", ended(failed())),
        ("finish lost", ended(Verdict::Lost)),
        ("finish unavailable", ended(usage_limit())),
        ("finish never ran", ended(Verdict::NeverRan)),
        ("finish of another run", plain(finish(RunId(77), completed()))),
    ]
}

fn sent_before(desk: &mut Desk) -> Command {
    desk.sent_at = desk.gate().map(|gate| gate.opened_at - SignedDuration::from_secs(1));
    approve()
}

fn held(desk: &mut Desk, command: Command) -> Command {
    desk.hold = Some(Hold {
        kind: HoldKind::Login,
        until: None,
        reason: "Not logged in (log in with `claude` as the daemon's user, then /resume)".to_owned(),
    });
    command
}

fn limited(desk: &mut Desk, command: Command) -> Command {
    let until = Some(desk.now() + SignedDuration::from_hours(2));
    desk.hold = Some(Hold { kind: HoldKind::UsageLimit, until, reason: "usage limit reached".to_owned() });
    command
}
