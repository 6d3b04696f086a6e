//! What the database holds and the event stream sends. A change here needs a migration, or breaks a reader.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::actor::Actor;
use crate::domain::event::{Event, Figures, Subject};
use crate::domain::gate::{About, Closing, Decision, Gate, Next, Reason};
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::id::{GateId, RunId, TaskNumber};
use crate::domain::limits::{Allowance, Amount, Budget, Limits};
use crate::domain::policy::{ApprovalMode, OnTrouble, Policy};
use crate::domain::recovery::Recovery;
use crate::domain::run::{Failure, Obstacle, Outcome, Verdict};
use crate::domain::session::{Open, State, Why, Work};
use crate::domain::size::Size;
use crate::domain::task::{Approval, Progress, TaskState};
use crate::domain::usage::{Cost, Reported, Tokens, Untold, Usage};
use crate::domain::usd::Usd;

#[test]
fn the_stored_json_is_an_api() {
    let mut page = String::new();
    lines(&mut page, "state", states());
    lines(&mut page, "reason", reasons());
    lines(&mut page, "gate", gates());
    lines(&mut page, "closing", closings());
    lines(&mut page, "progress", progresses());
    lines(&mut page, "event", events());
    lines(&mut page, "outcome", outcomes());
    lines(&mut page, "failure", failures());
    lines(&mut page, "obstacle", obstacles());
    lines(&mut page, "hold", holds());
    lines(&mut page, "policy", policies());
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("the_stored_json_is_an_api", page);
    });
}

/// One line for each value, which must read again as what it was.
fn lines<T>(page: &mut String, name: &str, values: Vec<T>)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    writeln!(page, "\n{name}").unwrap();
    for value in values {
        let line = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<T>(&line).unwrap(), value, "{line}");
        writeln!(page, "  {line}").unwrap();
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_763_631_000 + seconds).unwrap()
}

fn ann() -> Actor {
    Actor { name: "ann".to_owned(), chat: Some("4711".to_owned()) }
}

fn states() -> Vec<State> {
    let open = |work| {
        State::Open(Open {
            work,
            paused: None,
            owed: Vec::new(),
            allowances: Vec::new(),
            fruitless: 0,
            untold: 0,
        })
    };
    let (task, run) = (TaskNumber(2), RunId(12));
    vec![
        open(Work::Waiting { gate: gate(About::Failed { task }) }),
        open(Work::Ready { task }),
        open(Work::Running { task, run, gate: None }),
        open(Work::Running { task, run, gate: Some(gate(About::Interrupted { task })) }),
        open(Work::Ending { task, run, why: Why::Pause, by: ann() }),
        open(Work::Ending { task, run, why: Why::Skip, by: ann() }),
        open(Work::Ending { task, run, why: Why::Stop, by: Actor::named("ann") }),
        State::Open(Open {
            work: Work::Ready { task },
            paused: Some(at(5)),
            owed: reasons(),
            allowances: allowances(),
            fruitless: 2,
            untold: 1,
        }),
        State::Completed { at: at(60) },
        State::Stopped { at: at(60) },
    ]
}

fn reasons() -> Vec<Reason> {
    let task = TaskNumber(1);
    vec![
        Reason::Start,
        Reason::Manual,
        Reason::Required,
        Reason::Requested,
        Reason::ApproveBefore,
        Reason::Checkpoint { after: task },
        Reason::Dependency { on: task },
        Reason::Rejected { task, feedback: Some("add an index".to_owned()) },
        Reason::Rejected { task, feedback: None },
        Reason::Spent {
            budget: Budget::CostPerDay,
            used: usd(4_980_000),
            of: usd(5_000_000),
            more: usd(5_000_000),
            at_least: false,
        },
        Reason::Spent {
            budget: Budget::TokensPerDay,
            used: Amount::Tokens(1_000_001),
            of: Amount::Tokens(1_000_000),
            more: Amount::Tokens(1_000_000),
            at_least: true,
        },
        Reason::Spent {
            budget: Budget::RuntimePerSession,
            used: Amount::Time(Duration::from_millis(3_600_500)),
            of: Amount::Time(Duration::from_hours(1)),
            more: Amount::Time(Duration::from_hours(1)),
            at_least: false,
        },
        Reason::Fruitless { failures: 3 },
        Reason::Untold { runs: 1 },
    ]
}

fn usd(micros: i64) -> Amount {
    Amount::Usd(Usd::from_micros(micros))
}

fn allowances() -> Vec<Allowance> {
    let granted = |budget, task, up_to| Allowance { budget, task, up_to };
    vec![
        granted(Budget::CostPerTask, Some(TaskNumber(2)), usd(1_500_000)),
        granted(Budget::CostPerSession, None, usd(20_000_000)),
    ]
}

fn gate(about: About) -> Gate {
    Gate { id: GateId::from_random(0), about, opened_at: at(0) }
}

fn gates() -> Vec<Gate> {
    let task = TaskNumber(2);
    vec![
        gate(About::Before { next: Next::Task(task), reasons: vec![Reason::Start] }),
        gate(About::Before { next: Next::End, reasons: vec![Reason::Checkpoint { after: task }] }),
        gate(About::Failed { task }),
        gate(About::Interrupted { task }),
    ]
}

fn decisions() -> Vec<Decision> {
    vec![
        Decision::Approved,
        Decision::Rejected,
        Decision::Retried,
        Decision::Continued,
        Decision::Skipped,
        Decision::Stopped,
        Decision::Withdrawn,
    ]
}

fn closings() -> Vec<Closing> {
    decisions().into_iter().map(|decision| Closing { decision, by: ann(), at: at(9) }).collect()
}

fn progresses() -> Vec<Progress> {
    let states = [
        TaskState::Pending,
        TaskState::Running,
        TaskState::Completed,
        TaskState::Failed,
        TaskState::Interrupted,
        TaskState::Skipped,
    ];
    let full = Progress {
        state: TaskState::Pending,
        approval: Some(Approval { by: ann(), at: at(1), again: true }),
        notes: vec!["mind the index".to_owned()],
        feedback: vec!["smaller steps".to_owned()],
        runs: 3,
        attempts: 2,
        conversation: Some("3f0c".to_owned()),
        reported: Reported {
            cost: Usd::from_micros(420_000),
            input_tokens: 1200,
            output_tokens: 340,
            untold: Untold { runs: 1, tokens: Tokens { input: 800, output: 60 } },
        },
        recovery: Some(Recovery {
            last_activity: Some("Edit src/lib.rs".to_owned()),
            took: Duration::from_secs(27),
            cost: Cost { known: Usd::from_micros(420_000), at_least: true },
            tokens: 12_345,
            changed: Some(true),
            changes: vec!["2 files changed".to_owned()],
            conversation: Some("3f0c".to_owned()),
            reported: Reported::default(),
        }),
        check_output: Some("1 test failed".to_owned()),
        summary: Some("check \"tests\" failed: exit code 1".to_owned()),
        cost: Usd::from_micros(1_234_567),
        untold: 1,
        duration: Duration::from_millis(27_500),
        started_at: Some(at(2)),
    };
    let plain = states.map(|state| Progress { state, ..Progress::default() });
    plain.into_iter().chain([full]).collect()
}

fn outcomes() -> Vec<Outcome> {
    let bare = Outcome::bare;
    vec![
        Outcome {
            verdict: Verdict::Completed { summary: "Done.".to_owned() },
            usage: Usage {
                cost: Usd::from_micros(420_000),
                input_tokens: 1200,
                output_tokens: 340,
                at_least: false,
                includes: 1,
                seen: Tokens::default(),
                model: Some("sonnet".to_owned()),
                conversation: Some("3f0c".to_owned()),
            },
            denials: vec!["Write notes.txt".to_owned()],
            changed: Some(true),
            changes: vec!["2 files changed".to_owned()],
            last_activity: Some("Edit src/lib.rs".to_owned()),
        },
        bare(Verdict::Failed { failure: failures().remove(0) }),
        bare(Verdict::Lost),
        bare(Verdict::Unavailable { obstacle: obstacles().remove(0) }),
        bare(Verdict::NeverRan),
        bare(Verdict::NotResumed { message: "No conversation found".to_owned() }),
    ]
}

fn failures() -> Vec<Failure> {
    let message = "no such table".to_owned();
    vec![
        Failure::Reported { message: message.clone() },
        Failure::LimitReached { message: message.clone() },
        Failure::OutOfBudget { message: message.clone() },
        Failure::NoResult { code: 1, message },
        Failure::TimedOut { after: Duration::from_hours(1) },
        Failure::WentQuiet { after: Duration::from_mins(10) },
        Failure::PrintedTooMuch { limit: Size(2_000_000_000) },
        Failure::Check {
            name: "tests".to_owned(),
            reason: "exit code 1".to_owned(),
            output: "1 test failed".to_owned(),
        },
    ]
}

fn obstacles() -> Vec<Obstacle> {
    let message = "usage limit reached".to_owned();
    vec![
        Obstacle::UsageLimit { resets_at: Some(at(3600)), message: message.clone() },
        Obstacle::UsageLimit { resets_at: None, message: message.clone() },
        Obstacle::Login { message: message.clone(), remedy: None },
        Obstacle::Login { message: message.clone(), remedy: Some("claude auth login".to_owned()) },
        Obstacle::Disk { message: message.clone() },
        Obstacle::Api { message: message.clone() },
        Obstacle::Launch { message },
    ]
}

fn holds() -> Vec<Hold> {
    let reason = "Not logged in".to_owned();
    let lasting = HoldKind::ALL.map(|kind| Hold::lasting(kind, reason.clone()));
    let ending = Hold::until(HoldKind::Api, at(60), reason.clone());
    let repeated = Hold { since: Some(at(0)), again: 3, ..ending.clone() };
    lasting.into_iter().chain([ending, repeated]).collect()
}

fn policies() -> Vec<Policy> {
    let listed = |kind: &str| vec![kind.to_owned()];
    let with = |approval_mode, on_failure, on_interrupted| Policy {
        approval_mode,
        checkpoint_after: listed("database"),
        approve_before: listed("deployment"),
        auto_approve: listed("docs"),
        on_failure,
        on_interrupted,
        max_attempts: 3,
        limits: Limits::default(),
    };
    let limits = Limits {
        cost_per_task: Some(Usd::from_micros(2_500_000)),
        cost_per_session: Some(Usd::from_micros(10_000_000)),
        cost_per_day: Some(Usd::from_micros(25_000_000)),
        tokens_per_day: Some(20_000_000),
        runtime_per_session: Some(Duration::from_hours(8)),
        failures_in_a_row: Some(3),
    };
    vec![
        with(ApprovalMode::Manual, OnTrouble::Ask, OnTrouble::Retry),
        with(ApprovalMode::Required, OnTrouble::Skip, OnTrouble::Stop),
        with(ApprovalMode::Auto, OnTrouble::Ask, OnTrouble::Ask),
        Policy { limits, ..with(ApprovalMode::Auto, OnTrouble::Ask, OnTrouble::Ask) },
    ]
}

fn events() -> Vec<Event> {
    let subject = Subject {
        task: TaskNumber(2),
        of_total: "2/5".to_owned(),
        title: "Add the table".to_owned(),
        rehearsal: false,
    };
    let (run, by, cost) = (RunId(12), ann(), Usd::from_micros(420_000));
    let told = Cost { known: cost, at_least: false };
    let (took, hold) = (Duration::from_secs(27), holds().remove(0));
    let about_gate = Some(subject.clone());
    let mut events: Vec<Event> = gates()
        .into_iter()
        .map(|gate| Event::GateOpened { subject: gate.task().map(|_| subject.clone()), gate })
        .collect();
    events.extend(decisions().into_iter().map(|decision| Event::GateClosed {
        gate: GateId::from_random(0),
        subject: about_gate.clone(),
        decision,
        by: by.clone(),
        words: None,
    }));
    events.extend([Why::Pause, Why::Skip, Why::Stop].map(|why| Event::RunEnding {
        subject: subject.clone(),
        run,
        why,
        by: by.clone(),
    }));
    events.extend([
        Event::SessionStarted {
            task_file: "2025-11-20-tasks.md".to_owned(),
            tasks: 5,
            rehearsal: false,
            by: by.clone(),
        },
        Event::TaskStarted { subject: subject.clone(), run, attempt: 1, resumed: false, trial: false },
        Event::TaskStarted { subject: subject.clone(), run, attempt: 2, resumed: true, trial: true },
        Event::TaskCompleted {
            subject: subject.clone(),
            run,
            summary: "Done.".to_owned(),
            took,
            cost: Cost { known: cost, at_least: true },
            denials: vec!["Write notes.txt".to_owned()],
        },
        Event::TaskFailed {
            subject: subject.clone(),
            run,
            failure: failures()[0].to_string(),
            took,
            cost: told,
        },
        Event::TaskFailed {
            subject: subject.clone(),
            run,
            failure: failures()[4].to_string(),
            took,
            cost: Cost { known: Usd::default(), at_least: true },
        },
        Event::TaskInterrupted { subject: subject.clone(), run },
        Event::TaskSkipped { subject: subject.clone(), by: by.clone() },
        Event::TaskRetried {
            subject: subject.clone(),
            by: by.clone(),
            feedback: Some("again".to_owned()),
            continues: false,
        },
        Event::TaskRetried { subject: subject.clone(), by: by.clone(), feedback: None, continues: true },
        Event::GateReminded { gate: gates().remove(0), subject: Some(subject.clone()), waited: took },
        Event::RunSuspended { subject: subject.clone(), run, continues: true },
        Event::RunBlocked { subject: subject.clone(), run, hold: hold.clone() },
        Event::RunOutOfBudget { subject: subject.clone(), run, took, cost, continues: true },
        Event::RunNotResumed { subject: subject.clone(), run, message: "No conversation found".to_owned() },
        Event::RunNeverRan { subject, run },
        Event::GotThrough { hold: holds().remove(2) },
        Event::BudgetRaised { budget: Budget::CostPerDay, up_to: usd(9_980_000), by: by.clone() },
        Event::Paused { by: by.clone() },
        Event::Resumed { by: by.clone() },
        Event::HoldBegan { hold: hold.clone() },
        Event::DatabaseReplaced { set_aside: "orchestrator.db.corrupt-20251120-093015".into() },
        Event::DatabaseRestored { made_at: Some("2025-11-19T22:00:00Z".parse().unwrap()) },
        Event::DatabaseRestored { made_at: None },
        Event::HoldEnded { hold, by: by.clone() },
        Event::SessionCompleted {
            figures: Figures { rehearsal: false, completed: 4, skipped: 1, total: 5, took, cost: told },
        },
        Event::SessionStopped {
            figures: Figures { rehearsal: false, completed: 4, skipped: 0, total: 5, took, cost: told },
            by,
        },
    ]);
    events
}
