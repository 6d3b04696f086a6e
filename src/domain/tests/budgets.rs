//! Days on which money, tokens or time run out, and runs that come to nothing.

use std::time::Duration;

use super::desk::{
    Desk, approve, auto, completed, failed, out_of_budget, pause_now, proceed, reject, retry, retry_task,
    skip, stop, task,
};
use super::shorthand::{at, tasks};
use crate::domain::change::Effect;
use crate::domain::event::Event;
use crate::domain::id::TaskNumber;
use crate::domain::limits::{DayAccount, Limits};
use crate::domain::plan::TaskSpec;
use crate::domain::policy::{ApprovalMode, OnTrouble, Policy};
use crate::domain::purse::Purse;
use crate::domain::run::Verdict;
use crate::domain::usd::Usd;

#[expect(clippy::unnecessary_wraps, reason = "a limit may be unset")]
fn usd(cents: i64) -> Option<Usd> {
    Some(Usd::from_micros(cents * 10_000))
}

fn limited(limits: Limits) -> Policy {
    Policy { limits, ..auto() }
}

fn day() -> Vec<TaskSpec> {
    vec![task(1, "database"), task(2, "backend"), task(3, "frontend")]
}

#[track_caller]
fn assert_now(desk: &Desk, expected: &str) {
    assert_eq!(format!("{} [{}]", at(desk.session()), tasks(desk.session())), expected);
}

#[test]
fn a_days_budget_asks_before_the_next_task_and_a_yes_grants_as_much_again() {
    let mut desk = Desk::opened(day(), limited(Limits { cost_per_day: usd(42), ..Limits::default() }));
    desk.work();
    assert_now(&desk, "waits before 2 (spent $0.42 of $0.42 today) [+..]");
    assert_eq!(
        desk.told(approve()),
        format!(
            "Gate {} approved by ann: Task 2/3, Do the backend part\nBudget raised by ann: up to $0.84 today",
            "g7_aaaa"
        )
    );
    desk.work();
    assert_now(&desk, "waits before 3 (spent $0.84 of $0.84 today) [++.]");
    desk.told(skip());
    assert_now(&desk, "completed [++-]");
}

#[test]
fn the_next_day_has_its_own_budget() {
    let mut desk = Desk::opened(day(), limited(Limits { cost_per_day: usd(42), ..Limits::default() }));
    desk.work();
    desk.pass(Duration::from_hours(20));
    let told = desk.told(approve());
    assert!(!told.contains("raised"), "nothing is used up today: {told}");
    desk.work();
    assert_now(&desk, "waits before 3 (spent $0.42 of $0.42 today) [++.]");
    assert!(desk.session().open().unwrap().allowances.is_empty());
}

#[test]
fn what_is_granted_for_a_day_is_granted_to_every_session_of_it() {
    let limits = Limits { cost_per_day: usd(42), tokens_per_day: Some(100), ..Limits::default() };
    let mut desk = Desk::opened(day(), limited(limits));
    desk.tokens = 100;
    desk.work();
    desk.told(approve());
    desk.told(stop());
    desk.tokens = 60;
    desk.start();
    assert_now(&desk, "ready 1 [*..]");
    desk.work();
    assert_now(&desk, "waits before 2 (spent $0.84 of $0.84 today) [+..]");
    desk.told(approve());
    desk.work();
    assert_now(&desk, "waits before 3 (spent $1.26 of $1.26 today, used 220 of 200 tokens today) [++.]");
    desk.told(stop());
    desk.pass(Duration::from_hours(24));
    desk.start();
    desk.tokens = 0;
    desk.work();
    assert_now(&desk, "waits before 2 (spent $0.42 of $0.42 today) [+..]");
}

#[test]
fn what_another_session_spends_counts_for_the_day() {
    let policy = limited(Limits { cost_per_day: usd(42), ..Limits::default() });
    let mut desk = Desk::opened(vec![task(1, "database")], policy);
    desk.work();
    assert_now(&desk, "completed [+]");
    desk.start();
    assert_now(&desk, "waits before 1 (spent $0.42 of $0.42 today) [.]");
}

#[test]
fn a_task_that_fails_and_is_retried_for_ever_stops_at_its_budget() {
    let limits = Limits { cost_per_task: usd(100), ..Limits::default() };
    let policy = Policy { on_failure: OnTrouble::Retry, max_attempts: 1000, ..limited(limits) };
    let mut desk = Desk::opened(day(), policy);
    for _ in 0..3 {
        desk.claim();
        desk.finish(failed());
    }
    assert_now(&desk, "waits before 1 (spent $1.26 of $1.00 on this task) [*..]");
    let spent = desk.session().cost();
    assert_eq!((spent.known.micros(), spent.at_least), (1_260_000, false), "to the last cent");
    desk.approve();
    assert_now(&desk, "ready 1 [*..]");
    desk.claim();
    desk.finish(completed());
    assert_now(&desk, "ready 2 [+*.]");
}

#[test]
fn a_persons_retry_does_not_go_past_a_budget_either() {
    let limits = Limits { cost_per_session: usd(40), ..Limits::default() };
    let mut desk = Desk::opened(day(), limited(limits));
    desk.claim();
    desk.finish(failed());
    assert_now(&desk, "waits after failed 1 [x..]");
    desk.told(retry());
    assert_now(&desk, "waits before 1 (spent $0.42 of $0.40 in this session) [*..]");
    desk.told(reject("too much"));
    assert_now(&desk, "waits before 1 (spent $0.42 of $0.40 in this session, rejected: too much) [...]");
    desk.told(stop());
    assert_now(&desk, "stopped [...]");
}

#[test]
fn a_yes_from_before_a_limit_is_none_to_a_checkpoint_that_comes_up_while_it_waits() {
    let limits = Limits { runtime_per_session: Some(Duration::from_secs(27)), ..Limits::default() };
    let policy = Policy { checkpoint_after: vec!["database".to_owned()], ..limited(limits) };
    let mut desk = Desk::opened(day(), policy);
    desk.told(skip());
    desk.told(retry_task(1));
    desk.claim();
    desk.finish(Verdict::NeverRan);
    assert_now(&desk, "waits before 1 (ran 27s of 27s in this session) [**.]");
    desk.approve();
    desk.took = Duration::ZERO;
    desk.work();
    assert_now(&desk, "waits before 2 (checkpoint after task 1) [+*.]");
    desk.approve();
    assert_now(&desk, "ready 2 [+*.]");
}

#[test]
fn a_no_at_a_limit_outlives_another_tasks_question() {
    let limits = Limits { cost_per_day: usd(42), ..Limits::default() };
    let mut desk = Desk::opened(day(), Policy { on_failure: OnTrouble::Skip, ..limited(limits) });
    desk.told(skip());
    desk.claim();
    desk.finish(out_of_budget());
    assert_now(&desk, "waits before 2 (spent $0.42 of $0.42 today) [-*.]");
    desk.told(reject("cheaper"));
    desk.told(retry_task(1));
    assert_now(&desk, "waits before 1 (spent $0.42 of $0.42 today), owed rejected: cheaper [*..]");
    desk.told(skip());
    assert_now(&desk, "waits before 2 (rejected: cheaper, spent $0.42 of $0.42 today) [-..]");
    desk.approve();
    assert_now(&desk, "ready 2 [-*.]");
}

#[test]
fn a_tasks_own_budget_is_asked_about_when_its_turn_comes() {
    let limits = Limits { cost_per_task: usd(40), ..Limits::default() };
    let mut desk = Desk::opened(day(), Policy { on_failure: OnTrouble::Skip, ..limited(limits) });
    desk.claim();
    desk.finish(failed());
    assert_now(&desk, "ready 2 [-*.]");
    desk.told(retry_task(1));
    desk.work();
    assert_now(&desk, "waits before 1 (spent $0.42 of $0.40 on this task) [*+.]");
}

#[test]
fn tokens_and_time_run_out_too() {
    let limits = Limits {
        tokens_per_day: Some(1000),
        runtime_per_session: Some(Duration::from_secs(27)),
        ..Limits::default()
    };
    let policy = Policy { approval_mode: ApprovalMode::Manual, ..limited(limits) };
    let mut desk = Desk::opened(day(), policy);
    desk.tokens = 1500;
    desk.approve();
    desk.work();
    assert_now(
        &desk,
        "waits before 2 (manual, used 1,500 of 1,000 tokens today, ran 27s of 27s in this session) [+..]",
    );
    let told = desk.told(approve());
    assert!(
        told.contains("up to 2,500 tokens today") && told.contains("up to 54s in this session"),
        "{told}"
    );
}

#[test]
fn a_run_that_stops_at_its_budget_is_no_failure_and_goes_on_where_it_stopped() {
    let limits = Limits { cost_per_task: usd(50), ..Limits::default() };
    let mut desk = Desk::opened(day(), limited(limits));
    desk.price = Usd::from_micros(510_000);
    desk.claim();
    let ended = desk.tell(desk.finishing(out_of_budget())).unwrap();
    assert!(matches!(ended.events[0], Event::RunOutOfBudget { continues: true, .. }), "{:?}", ended.events);
    assert_now(&desk, "waits before 1 (spent $0.51 of $0.50 on this task) [*..]");
    let progress = &desk.session().task(TaskNumber(1)).unwrap().progress;
    assert_eq!((progress.runs, progress.attempts), (1, 0), "no attempt is charged");
    desk.approve();
    let claimed = desk.tell(desk.claiming()).unwrap();
    assert!(claimed.effects.iter().any(|effect| matches!(
        effect,
        Effect::OpenRun { resume: Some(conversation), .. } if conversation == "conversation-1"
    )));
    desk.price = Usd::from_micros(200_000);
    desk.finish(completed());
    assert_eq!(
        desk.session().task(TaskNumber(1)).unwrap().progress.cost,
        Usd::from_micros(710_000),
        "the CLI's figure of a resumed session goes on counting, and each cent is booked once"
    );
}

#[test]
fn a_budget_of_the_operators_own_flags_is_a_failure() {
    let limits = Limits { cost_per_task: usd(500), ..Limits::default() };
    for policy in [auto(), limited(limits)] {
        let mut desk = Desk::opened(day(), policy);
        desk.claim();
        desk.finish(out_of_budget());
        assert_now(&desk, "waits after failed 1 [x..]");
    }
}

#[test]
fn a_pause_or_a_stop_of_a_run_that_then_runs_out_of_budget() {
    let limits = Limits { cost_per_task: usd(42), ..Limits::default() };
    let running = Desk::opened(day(), limited(limits)).then(Desk::claim);
    let mut paused = running.clone();
    paused.told(pause_now());
    paused.finish(out_of_budget());
    assert_now(&paused, "waits before 1 (spent $0.42 of $0.42 on this task), paused [*..]");
    let mut stopped = running;
    stopped.told(stop());
    stopped.finish(out_of_budget());
    assert_now(&stopped, "stopped [x..]");
}

#[test]
fn an_older_sessions_last_run_may_use_up_what_the_next_one_was_approved_for() {
    let policy = limited(Limits { cost_per_day: usd(100), ..Limits::default() });
    let mut desk = Desk::opened(day(), policy);
    desk.spend_elsewhere(Usd::from_micros(1_000_000));
    assert_now(&desk, "ready 1 [*..]");
    let claimed = desk.tell(desk.claiming()).unwrap();
    assert!(claimed.effects.iter().all(|effect| !matches!(effect, Effect::OpenRun { .. })));
    assert_now(&desk, "waits before 1 (spent $1.00 of $1.00 today) [*..]");
    desk.approve();
    desk.work();
}

#[test]
fn a_run_may_cost_the_least_that_is_left() {
    let limits = Limits {
        cost_per_task: usd(200),
        cost_per_session: usd(100),
        cost_per_day: usd(300),
        ..Limits::default()
    };
    let mut desk = Desk::opened(day(), limited(limits));
    let left = |desk: &Desk, spent: i64| {
        let day = desk.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let today = DayAccount { cost: Usd::from_micros(spent), ..DayAccount::new(day) };
        Purse::of(desk.session(), today).money_left(TaskNumber(1)).map(Usd::micros)
    };
    assert_eq!(left(&desk, 0), Some(1_000_000));
    assert_eq!(left(&desk, 2_500_000), Some(500_000));
    assert_eq!(left(&desk, 3_500_000), Some(0));
    desk.claim();
    desk.finish(failed());
    assert_eq!(left(&desk, 0), Some(580_000));
    let unlimited = Desk::opened(day(), auto());
    assert_eq!(left(&unlimited, 9_000_000), None);
}

#[test]
fn failures_that_change_nothing_are_asked_about_whatever_the_policy_says() {
    let limits = Limits { failures_in_a_row: Some(2), ..Limits::default() };
    for on_failure in [OnTrouble::Retry, OnTrouble::Skip] {
        let policy = Policy { on_failure, max_attempts: 9, ..limited(limits.clone()) };
        let mut desk = Desk::opened(day(), policy);
        desk.changes = Some(false);
        desk.claim();
        desk.finish(failed());
        desk.claim();
        desk.finish(failed());
        let why = "(2 failures in a row without a change in the project)";
        match on_failure {
            OnTrouble::Skip => assert_now(&desk, &format!("waits before 3 {why} [--.]")),
            _ => assert_now(&desk, &format!("waits before 1 {why} [*..]")),
        }
        desk.approve();
        desk.claim();
        desk.finish(failed());
        assert!(desk.gate().is_none(), "it is counted anew");
    }
}

#[test]
fn a_change_in_the_project_or_a_persons_look_begins_the_count_anew() {
    let limits = Limits { failures_in_a_row: Some(2), ..Limits::default() };
    let policy = Policy { on_failure: OnTrouble::Retry, max_attempts: 9, ..limited(limits) };
    let mut desk = Desk::opened(day(), policy);
    for changes in [Some(false), Some(true), Some(false), None, Some(false)] {
        desk.changes = changes;
        desk.claim();
        desk.finish(failed());
        assert_now(&desk, "ready 1 [*..]");
    }
    assert_eq!(desk.session().open().unwrap().fruitless, 1);

    let asking = Policy { on_failure: OnTrouble::Ask, ..desk.session().policy.clone() };
    let mut desk = Desk::opened(day(), asking);
    desk.changes = Some(false);
    for _ in 0..4 {
        desk.claim();
        desk.finish(failed());
        desk.told(retry());
        assert_now(&desk, "ready 1 [*..]");
    }
    desk.claim();
    desk.finish(Verdict::Lost);
    assert_eq!(desk.session().open().unwrap().fruitless, 1, "what is killed comes to nothing, too");
}

#[test]
fn where_money_is_limited_a_run_of_unknown_cost_is_asked_about_whatever_the_policy_says() {
    let why = "1 run ended without telling its cost, and money is limited";
    for (on_interrupted, next) in [(OnTrouble::Retry, "1"), (OnTrouble::Skip, "2")] {
        let limits = Limits { cost_per_session: usd(500), ..Limits::default() };
        let policy = Policy { on_interrupted, max_attempts: 1000, ..limited(limits) };
        let mut desk = Desk::opened(day(), policy);
        desk.untold = true;
        desk.claim();
        desk.finish(Verdict::Lost);
        let tasks = if on_interrupted == OnTrouble::Skip { "-.." } else { "*.." };
        assert_now(&desk, &format!("waits before {next} ({why}) [{tasks}]"));
        desk.told(approve());
        assert_now(&desk, &format!("ready {next} [{}]", tasks.replacen("-.", "-*", 1)));
    }
    let policy = Policy { on_interrupted: OnTrouble::Retry, max_attempts: 1000, ..auto() };
    let mut desk = Desk::opened(day(), policy);
    desk.untold = true;
    desk.claim();
    desk.finish(Verdict::Lost);
    assert_now(&desk, "ready 1 [*..]");
}

#[test]
fn an_answer_to_an_interruption_is_a_look_at_what_is_unknown_and_a_pause_is_ones_own_doing() {
    let limits = Limits { cost_per_day: usd(500), ..Limits::default() };
    let mut desk = Desk::opened(day(), limited(limits));
    desk.untold = true;
    desk.claim();
    desk.finish(Verdict::Lost);
    assert_now(&desk, "waits after interrupted 1 [!..]");
    desk.told(retry());
    assert_now(&desk, "ready 1 [*..]");
    desk.claim();
    desk.told(pause_now());
    desk.finish(Verdict::Lost);
    assert_now(&desk, "ready 1, paused [*..]");
    assert_eq!(desk.session().open().unwrap().untold, 0);
    assert!(desk.session().cost().at_least);
}

#[test]
fn what_a_killed_run_was_seen_to_use_counts_for_the_day_and_says_that_there_may_be_more() {
    let limits = Limits { tokens_per_day: Some(1000), cost_per_task: usd(42), ..Limits::default() };
    let policy = Policy { on_interrupted: OnTrouble::Retry, ..limited(limits) };
    let mut desk = Desk::opened(day(), policy);
    desk.tokens = 1000;
    desk.untold = true;
    desk.claim();
    desk.finish(Verdict::Lost);
    let untold = "1 run ended without telling its cost, and money is limited";
    assert_now(&desk, &format!("waits before 1 (used at least 1,000 of 1,000 tokens today, {untold}) [*..]"));
    desk.told(approve());
    desk.untold = false;
    desk.claim();
    desk.finish(failed());
    desk.told(retry());
    assert_now(
        &desk,
        "waits before 1 (spent at least $0.42 of $0.42 on this task, used at least 2,000 of 2,000 tokens today) [*..]",
    );
}

#[test]
fn what_is_told_of_a_killed_run_when_it_is_continued_is_known_from_then_on() {
    let mut desk = Desk::opened(day(), auto());
    desk.tokens = 1000;
    desk.untold = true;
    desk.claim();
    desk.finish(Verdict::Lost);
    assert_eq!(desk.session().cost().to_string(), "cost unknown");
    desk.told(proceed());
    desk.untold = false;
    desk.claim();
    desk.finish(completed());
    let progress = &desk.session().task(TaskNumber(1)).unwrap().progress;
    assert_eq!((progress.cost().to_string().as_str(), progress.untold), ("$0.42", 0));
    assert_eq!((desk.today().tokens, desk.today().untold), (2000, 0), "each token once");
}

#[test]
fn a_limit_says_in_the_gates_sentence_what_a_yes_would_grant() {
    let limits = Limits { cost_per_day: usd(500), tokens_per_day: Some(100), ..Limits::default() };
    let mut desk = Desk::opened(day(), limited(limits));
    desk.price = Usd::from_micros(5_010_000);
    desk.tokens = 150;
    desk.claim();
    let told = desk.told(desk.finishing(completed()));
    assert!(
        told.ends_with(
            "waiting for approval (spent $5.01 of $5.00 today, used 150 of 100 tokens today); gate g7_aaaa: \
             /approve, /reject, /skip or /stop (/approve allows $5.00 more today and 100 tokens more today)"
        ),
        "{told}"
    );
}
