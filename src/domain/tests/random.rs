//! Random days: whatever is said in whatever order, these hold.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::desk::{Desk, completed, failed, finish, out_of_budget, task, usage_limit};
use super::shadow::Shadow;
use crate::domain::command::{Command, Target};
use crate::domain::gate::Choice;
use crate::domain::id::{GateId, RunId, TaskNumber};
use crate::domain::limits::Limits;
use crate::domain::plan::TaskSpec;
use crate::domain::policy::{ApprovalMode, OnTrouble, Policy};
use crate::domain::run::Verdict;
use crate::domain::session::{Session, State, Work};
use crate::domain::task::{Progress, TaskState};
use crate::domain::usd::Usd;

/// How many days are lived through, and what is said on one of them at most.
const DAYS: u32 = 5_000;
const COMMANDS: usize = 24;
const KINDS: [&str; 3] = ["database", "backend", "docs"];

/// A command as it can be chosen before the day is known.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Whatever the session waits for: a yes, a claim, or a run's end.
    GoOn(Ended, Spending),
    Start,
    Approve(Naming),
    Reject(Naming),
    Pause {
        now: bool,
    },
    Resume,
    Skip(Naming),
    Retry(Naming),
    Continue(Naming),
    Stop(Naming),
    /// Hours go by, in which a day may end.
    Wait {
        hours: u64,
    },
    Claim,
    Finish(Ended, Spending),
    FinishAnother,
}

#[derive(Clone, Copy, Debug)]
enum Naming {
    Nothing,
    TheGate,
    AnotherGate,
    Task(u32),
}

#[derive(Clone, Copy, Debug)]
enum Ended {
    Completed,
    Failed,
    OutOfBudget,
    Lost,
    Unavailable,
    NeverRan,
    NotResumed,
}

/// How a run was that has ended: what it cost, in cents, how many tokens it used, and whether it changed anything.
#[derive(Clone, Copy, Debug)]
struct Spending {
    cents: u32,
    tokens: u64,
    seconds: u64,
    changes: Option<bool>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: DAYS, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_starts_unasked_and_the_books_agree(
        tasks in plans(), policy in policies(), acts in vec(acts(), 1..=COMMANDS),
    ) {
        let mut desk = Desk::new(tasks, policy);
        let mut shadow = Shadow::default();
        for act in std::iter::once(Act::Start).chain(acts) {
            step(&mut desk, &mut shadow, act)?;
        }
    }

    #[test]
    fn every_open_session_finds_its_end(
        tasks in plans(), policy in policies(), acts in vec(acts(), 1..=COMMANDS),
    ) {
        let mut desk = Desk::opened(tasks, policy);
        for act in acts {
            prepare(&mut desk, act);
            if let Some(command) = meant(&desk, act) {
                let _refused_or_not = desk.tell(command);
            }
        }
        prop_assert!(worked_off(desk.clone())?, "work ends");
        prop_assert!(called_off(desk)?, "stop ends");
    }
}

fn step(desk: &mut Desk, shadow: &mut Shadow, act: Act) -> Result<(), TestCaseError> {
    prepare(desk, act);
    let before = desk.session.clone();
    let Some(command) = meant(desk, act) else { return Ok(()) };
    let ended = before.as_ref().is_some_and(|session| session.open().is_none());
    let unknown_run = matches!(&command, Command::Finish { run, .. }
        if before.as_ref().and_then(Session::run).is_none_or(|(open, _)| open != *run));
    match desk.tell(command.clone()) {
        Err(refused) => {
            prop_assert!(!refused.to_string().is_empty());
            prop_assert_eq!(&desk.session, &before, "a refused command changed something");
        }
        Ok(after) => {
            prop_assert!(!ended || matches!(command, Command::Start(_)), "an ended session took a command");
            prop_assert!(!unknown_run, "a run that isn't open was finished");
            prop_assert_eq!(
                after.events.is_empty(),
                before.as_ref() == Some(&after.session),
                "{:?}",
                after.events
            );
            prop_assert!(!after.events.is_empty() || after.effects.is_empty());
            prop_assert!(!after.message.is_empty());
            shadow.see(before.as_ref(), &command, &after).map_err(TestCaseError::fail)?;
            stored_form_holds(before.as_ref(), &after.session)?;
            nothing_waits_for_nothing(&after.session)?;
        }
    }
    Ok(())
}

/// What is written can be read; only what changed is looked at.
fn stored_form_holds(before: Option<&Session>, after: &Session) -> Result<(), TestCaseError> {
    let state = serde_json::to_string(&after.state).unwrap();
    prop_assert_eq!(&serde_json::from_str::<State>(&state).unwrap(), &after.state);
    for (at, task) in after.tasks.iter().enumerate() {
        if before.and_then(|before| before.tasks.get(at)).is_some_and(|before| Arc::ptr_eq(before, task)) {
            continue;
        }
        let progress = serde_json::to_string(&task.progress).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Progress>(&progress).unwrap(), &task.progress);
    }
    Ok(())
}

/// A session asks only about what is undecided, and goes on only with what is approved.
fn nothing_waits_for_nothing(session: &Session) -> Result<(), TestCaseError> {
    let state = |number: TaskNumber| session.task(number).map(|task| task.state());
    for task in &session.tasks {
        let approved = task.progress.approval.is_some();
        match task.state() {
            TaskState::Pending => {}
            TaskState::Running => prop_assert!(approved, "task {} runs unapproved", task.number()),
            TaskState::Completed | TaskState::Failed | TaskState::Interrupted | TaskState::Skipped => {
                prop_assert!(!approved, "task {} kept its approval", task.number());
            }
        }
    }
    let Some(open) = session.open() else {
        let undecided = session
            .tasks
            .iter()
            .any(|task| !matches!(task.state(), TaskState::Completed | TaskState::Skipped));
        let stopped = matches!(session.state, State::Stopped { .. });
        prop_assert!(!undecided || stopped);
        return Ok(());
    };
    match &open.work {
        Work::Waiting { gate } => {
            prop_assert!(!gate.reasons().is_empty(), "gate {} has no reason", gate.id);
            let at = gate.task().and_then(state);
            prop_assert!(at != Some(TaskState::Completed) && at != Some(TaskState::Skipped));
        }
        Work::Ready { task } => {
            prop_assert_eq!(state(*task), Some(TaskState::Pending));
            prop_assert!(session.task(*task).unwrap().progress.approval.is_some());
        }
        Work::Running { .. } | Work::Ending { .. } => {}
    }
    Ok(())
}

/// Says yes to everything, works off what is ready, and passes by what can't be approved.
fn worked_off(mut desk: Desk) -> Result<bool, TestCaseError> {
    for _ in 0..40 {
        let session = desk.session();
        let Some(open) = session.open() else { break };
        let command = match &open.work {
            _ if open.paused.is_some() || desk.hold.is_some() => Command::Resume,
            Work::Waiting { gate } if gate.choices().contains(&Choice::Approve) => {
                Command::Approve { gate: Some(gate.id.clone()), note: None }
            }
            Work::Waiting { gate } => Command::Skip { target: Target::Gate(gate.id.clone()) },
            Work::Ready { .. } => desk.claiming(),
            Work::Running { .. } | Work::Ending { .. } => desk.finishing(completed()),
        };
        carried_out(&mut desk, command)?;
    }
    Ok(desk.session().open().is_none())
}

fn called_off(mut desk: Desk) -> Result<bool, TestCaseError> {
    if desk.session().open().is_some() {
        carried_out(&mut desk, Command::Stop { gate: None })?;
    }
    if desk.session().run().is_some() {
        let lost = desk.finishing(Verdict::Lost);
        carried_out(&mut desk, lost)?;
    }
    Ok(desk.session().open().is_none())
}

fn carried_out(desk: &mut Desk, command: Command) -> Result<(), TestCaseError> {
    let said = format!("{command:?}");
    desk.tell(command).map(drop).map_err(|refused| TestCaseError::fail(format!("{said}: {refused}")))
}

/// Lets happen what no command says.
fn prepare(desk: &mut Desk, act: Act) {
    match act {
        Act::GoOn(_, spending) | Act::Finish(_, spending) => {
            desk.price = Usd::from_micros(i64::from(spending.cents) * 10_000);
            desk.tokens = spending.tokens;
            desk.took = Duration::from_secs(spending.seconds);
            desk.changes = spending.changes;
        }
        Act::Wait { hours } => desk.pass(Duration::from_hours(hours)),
        Act::Start
        | Act::Approve(_)
        | Act::Reject(_)
        | Act::Pause { .. }
        | Act::Resume
        | Act::Skip(_)
        | Act::Retry(_)
        | Act::Continue(_)
        | Act::Stop(_)
        | Act::Claim
        | Act::FinishAnother => {}
    }
}

fn meant(desk: &Desk, act: Act) -> Option<Command> {
    let gate = |naming: Naming| match naming {
        Naming::Nothing | Naming::Task(_) => None,
        Naming::TheGate => desk.gate().map(|gate| gate.id.clone()),
        Naming::AnotherGate => Some(GateId::from_random(u32::MAX)),
    };
    let target = |naming: Naming| match (naming, gate(naming)) {
        (Naming::Task(position), _) => Target::Task(numbered(desk, position)),
        (_, Some(gate)) => Target::Gate(gate),
        (_, None) => Target::Current,
    };
    Some(match act {
        Act::Wait { .. } => return None,
        Act::GoOn(ended, _) => match desk.session.as_ref().and_then(Session::open).map(|open| &open.work) {
            Some(Work::Waiting { .. }) => Command::Approve { gate: None, note: None },
            Some(Work::Ready { .. }) => desk.claiming(),
            Some(Work::Running { .. } | Work::Ending { .. }) => desk.finishing(verdict(ended)),
            None => desk.opening(),
        },
        Act::Start => desk.opening(),
        Act::Approve(naming) => Command::Approve { gate: gate(naming), note: None },
        Act::Reject(naming) => {
            Command::Reject { gate: gate(naming), feedback: Some("differently".to_owned()) }
        }
        Act::Pause { now } => Command::Pause { now },
        Act::Resume => Command::Resume,
        Act::Skip(naming) => Command::Skip { target: target(naming) },
        Act::Retry(Naming::Task(position)) => {
            Command::Retry { target: Target::Task(ended(desk, position)), feedback: None }
        }
        Act::Retry(naming) => Command::Retry { target: target(naming), feedback: None },
        Act::Continue(Naming::Task(position)) => {
            Command::Continue { target: Target::Task(ended(desk, position)), feedback: None }
        }
        Act::Continue(naming) => Command::Continue { target: target(naming), feedback: None },
        Act::Stop(naming) => Command::Stop { gate: gate(naming) },
        Act::Claim => desk.claiming(),
        Act::Finish(ended, _) => desk.finishing(verdict(ended)),
        Act::FinishAnother => finish(RunId(-1), completed()),
    })
}

fn verdict(ended: Ended) -> Verdict {
    match ended {
        Ended::Completed => completed(),
        Ended::Failed => failed(),
        Ended::OutOfBudget => out_of_budget(),
        Ended::Lost => Verdict::Lost,
        Ended::Unavailable => usage_limit(),
        Ended::NeverRan => Verdict::NeverRan,
        Ended::NotResumed => Verdict::NotResumed { message: "No conversation found".to_owned() },
    }
}

/// The number of the task at a position; past the last, a number that no task has.
fn numbered(desk: &Desk, position: u32) -> TaskNumber {
    let tasks = desk.session.as_ref().map_or(&[][..], |session| &session.tasks);
    tasks.get(position as usize).map_or(TaskNumber(7), |task| task.number())
}

/// The number of one of the tasks that could be retried, if there are any.
fn ended(desk: &Desk, position: u32) -> TaskNumber {
    let is_ended = |state| matches!(state, TaskState::Failed | TaskState::Interrupted | TaskState::Skipped);
    let tasks = desk.session.as_ref().map_or(&[][..], |session| &session.tasks);
    let ended: Vec<_> = tasks.iter().filter(|task| is_ended(task.state())).collect();
    match ended.len() {
        0 => numbered(desk, position),
        count => ended[position as usize % count].number(),
    }
}

fn acts() -> impl Strategy<Value = Act> {
    let naming = || {
        prop_oneof![
            6 => Just(Naming::Nothing),
            3 => Just(Naming::TheGate),
            1 => Just(Naming::AnotherGate),
            4 => (0..5_u32).prop_map(Naming::Task),
        ]
    };
    let ended = || {
        prop_oneof![
            5 => Just(Ended::Completed),
            2 => Just(Ended::Failed),
            1 => Just(Ended::OutOfBudget),
            2 => Just(Ended::Lost),
            1 => Just(Ended::Unavailable),
            1 => Just(Ended::NeverRan),
            1 => Just(Ended::NotResumed),
        ]
    };
    let spending = || {
        let changes = select(vec![None, Some(true), Some(false), Some(false)]);
        (0..=60_u32, 0..=600_u64, 0..=600_u64, changes)
            .prop_map(|(cents, tokens, seconds, changes)| Spending { cents, tokens, seconds, changes })
    };
    prop_oneof![
        24 => (ended(), spending()).prop_map(|(ended, spending)| Act::GoOn(ended, spending)),
        1 => (1..=20_u64).prop_map(|hours| Act::Wait { hours }),
        1 => Just(Act::Start),
        4 => naming().prop_map(Act::Approve),
        4 => naming().prop_map(Act::Reject),
        3 => any::<bool>().prop_map(|now| Act::Pause { now }),
        3 => Just(Act::Resume),
        5 => naming().prop_map(Act::Skip),
        6 => naming().prop_map(Act::Retry),
        3 => naming().prop_map(Act::Continue),
        1 => naming().prop_map(Act::Stop),
        2 => Just(Act::Claim),
        2 => (ended(), spending()).prop_map(|(ended, spending)| Act::Finish(ended, spending)),
        1 => Just(Act::FinishAnother),
    ]
}

/// One to four tasks; numbers have gaps, so that a number is never a position by luck.
fn plans() -> impl Strategy<Value = Vec<TaskSpec>> {
    let spec = (
        select(&KINDS[..]),
        select(vec![None, None, Some(true), Some(false)]),
        select(vec![0_u32, 0, 1, 2, 4, 5]),
    );
    vec(spec, 1..=4).prop_map(|specs| {
        let number = |at: u32| at * 10 + 10;
        (0_u32..)
            .zip(specs)
            .map(|(at, (kind, requires_approval, earlier))| TaskSpec {
                requires_approval,
                depends_on: (0..at)
                    .filter(|on| earlier & (1 << on) != 0)
                    .map(|on| TaskNumber(number(on)))
                    .collect(),
                ..task(number(at), kind)
            })
            .collect()
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let kinds = || subsequence(KINDS.map(str::to_owned).to_vec(), 0..=2);
    let modes =
        select(vec![ApprovalMode::Manual, ApprovalMode::Required, ApprovalMode::Auto, ApprovalMode::Auto]);
    let trouble =
        || select(vec![OnTrouble::Ask, OnTrouble::Ask, OnTrouble::Retry, OnTrouble::Skip, OnTrouble::Stop]);
    (modes, kinds(), kinds(), kinds(), trouble(), trouble(), 1..=3_u32, limits()).prop_map(
        |(
            approval_mode,
            checkpoint_after,
            approve_before,
            auto_approve,
            on_failure,
            on_interrupted,
            max_attempts,
            limits,
        )| {
            Policy {
                approval_mode,
                checkpoint_after,
                approve_before,
                auto_approve,
                on_failure,
                on_interrupted,
                max_attempts,
                limits,
            }
        },
    )
}

/// Limits low enough to be reached on a day of a few runs.
fn limits() -> impl Strategy<Value = Limits> {
    let usd = || option::of((1..=100_i64).prop_map(|cents| Usd::from_micros(cents * 10_000)));
    let seconds = option::of((1..=1000_u64).prop_map(Duration::from_secs));
    (usd(), usd(), usd(), option::of(1..=1000_u64), seconds, option::of(1..=3_u32)).prop_map(
        |(
            cost_per_task,
            cost_per_session,
            cost_per_day,
            tokens_per_day,
            runtime_per_session,
            failures_in_a_row,
        )| {
            Limits {
                cost_per_task,
                cost_per_session,
                cost_per_day,
                tokens_per_day,
                runtime_per_session,
                failures_in_a_row,
            }
        },
    )
}
