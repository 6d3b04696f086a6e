//! Days as they go, told from the operator's chair.

use jiff::SignedDuration;

use super::desk::{
    Desk, approve, auto, completed, failed, pause, pause_now, reject, retry, retry_task, skip, skip_task,
    stop, task, usage_limit,
};
use super::shorthand::{at, tasks};
use crate::domain::change::{Effect, Transition};
use crate::domain::command::{Command, Target};
use crate::domain::gate::Gate;
use crate::domain::id::TaskNumber;
use crate::domain::plan::TaskSpec;
use crate::domain::policy::{OnTrouble, Policy};
use crate::domain::run::{Obstacle, Verdict};
use crate::domain::task::{Progress, TaskState};

fn checkpointed(policy: Policy) -> Policy {
    Policy { checkpoint_after: vec!["database".to_owned()], ..policy }
}

fn day() -> Vec<TaskSpec> {
    vec![task(1, "database"), task(2, "backend"), task(3, "frontend")]
}

fn depending(on: u32, spec: TaskSpec) -> TaskSpec {
    TaskSpec { depends_on: vec![TaskNumber(on)], ..spec }
}

fn now(desk: &Desk) -> String {
    format!("{} [{}]", at(desk.session()), tasks(desk.session()))
}

fn progress(desk: &Desk, number: u32) -> Progress {
    desk.session().task(TaskNumber(number)).unwrap().progress.clone()
}

#[track_caller]
fn assert_now(desk: &Desk, expected: &str) {
    assert_eq!(now(desk), expected);
}

#[test]
fn a_day_with_a_checkpoint_after_the_database() {
    let mut desk = Desk::opened(day(), checkpointed(auto()));
    assert_now(&desk, "ready 1 [*..]");
    desk.work();
    assert_now(&desk, "waits before 2 (checkpoint after task 1) [+..]");
    desk.told(Command::Approve { gate: None, note: Some("mind the index".to_owned()) });
    desk.work();
    assert_now(&desk, "ready 3 [++*]");
    desk.work();
    assert_now(&desk, "completed [+++]");
    assert_eq!(progress(&desk, 2).notes, ["mind the index"]);
    assert_eq!(desk.session().cost().to_string(), "$1.26");
}

#[test]
fn mode_required_asks_once_for_all_reasons_and_lets_through_what_waives_it() {
    let waived = TaskSpec { requires_approval: Some(false), ..task(3, "frontend") };
    let policy = Policy { auto_approve: vec!["backend".to_owned()], ..checkpointed(Policy::default()) };
    let mut desk = Desk::opened(vec![task(1, "database"), task(2, "backend"), waived], policy);
    assert_now(&desk, "waits before 1 (start, required) [...]");
    desk.approve();
    desk.work();
    assert_now(&desk, "waits before 2 (checkpoint after task 1) [+..]");
    desk.approve();
    desk.work();
    assert_now(&desk, "ready 3 [++*]");
}

#[test]
fn a_rejected_checkpoint_is_done_again_with_the_feedback() {
    let mut desk = Desk::opened(day(), checkpointed(auto()));
    desk.work();
    assert!(desk.refused(retry()).contains("can't be answered with /retry"));
    desk.told(reject("add an index"));
    assert_now(&desk, "waits before 2 (checkpoint after task 1, rejected: add an index) [+..]");
    desk.told(retry());
    assert_now(&desk, "ready 1 [*..]");
    assert_eq!(progress(&desk, 1).feedback, ["add an index"]);
    desk.work();
    assert_now(&desk, "waits before 2 (checkpoint after task 1) [+..]");
    desk.approve();
    assert_now(&desk, "ready 2 [+*.]");
}

#[test]
fn skip_discharges_what_lies_in_the_task_and_no_more() {
    let mut desk = Desk::opened(day(), checkpointed(Policy::default()));
    desk.told(skip());
    assert_now(&desk, "waits before 2 (start, required) [-..]");
    desk.approve();
    desk.told(stop());

    let mut desk = Desk::opened(day(), checkpointed(auto()));
    desk.work();
    desk.told(skip());
    assert_now(&desk, "waits before 3 (checkpoint after task 1) [+-.]");
    desk.told(skip());
    assert_now(&desk, "waits before the end (checkpoint after task 1) [+--]");
    desk.approve();
    assert_now(&desk, "completed [+--]");
}

#[test]
fn another_task_may_run_first_and_the_question_comes_back() {
    let mut desk = Desk::opened(day(), Policy::default());
    desk.told(skip_task(3));
    let asked = desk.gate().unwrap().id.clone();
    desk.told(retry_task(3));
    assert_now(&desk, "ready 3, owed start [..*]");
    desk.work();
    assert_now(&desk, "waits before 1 (start, required) [..+]");
    assert_ne!(desk.gate().unwrap().id, asked);
    let late = Command::Approve { gate: Some(asked.clone()), note: None };
    assert_eq!(desk.refused(late), format!("gate {asked} isn't open"));
}

#[test]
fn a_no_outlives_the_gate_that_it_opened() {
    let mut desk = Desk::opened(vec![task(1, "database"), depending(1, task(2, "backend"))], auto());
    desk.told(skip());
    desk.told(reject("not without the table"));
    desk.told(retry_task(1));
    desk.work();
    assert_now(&desk, "waits before 2 (rejected: not without the table) [+.]");
    desk.told(skip());
    assert_now(&desk, "completed [+-]");
}

#[test]
fn a_failure_is_tried_again_while_attempts_last_and_then_asked_about() {
    let policy = Policy { on_failure: OnTrouble::Retry, max_attempts: 2, ..auto() };
    let mut desk = Desk::opened(day(), policy);
    desk.claim();
    desk.finish(failed());
    assert_now(&desk, "ready 1 [*..]");
    desk.claim();
    desk.finish(failed());
    assert_now(&desk, "waits after failed 1 [x..]");
    assert!(desk.refused(approve()).ends_with("it takes /retry, /skip or /stop"));
    desk.told(retry());
    desk.work();
    assert_now(&desk, "ready 2 [+*.]");
    assert_eq!((progress(&desk, 1).runs, progress(&desk, 1).attempts), (3, 3));
}

#[test]
fn the_policy_may_skip_or_stop_in_a_persons_stead() {
    let skipping = Policy { on_failure: OnTrouble::Skip, ..auto() };
    let mut desk = Desk::opened(vec![task(1, "database"), depending(1, task(2, "backend"))], skipping);
    desk.claim();
    desk.finish(failed());
    assert_now(&desk, "waits before 2 (dependency 1) [-.]");

    let stopping = Policy { on_interrupted: OnTrouble::Stop, ..auto() };
    let mut desk = Desk::opened(day(), stopping);
    desk.claim();
    desk.finish(Verdict::Lost);
    assert_now(&desk, "stopped [!..]");
}

#[test]
fn an_approval_during_a_pause_is_kept() {
    let mut desk = Desk::opened(day(), Policy::default());
    desk.told(pause());
    assert_eq!(desk.told(approve()), "Task 1/3, Do the database part: approved; starts after /resume");
    assert_eq!(desk.refused(desk.claiming()), "the session is paused");
    assert!(desk.refused(approve()).ends_with("it starts after /resume"));
    desk.told(Command::Resume);
    desk.claim();
    assert_now(&desk, "runs 1 [>..]");
}

#[test]
fn a_usage_limit_keeps_the_approval_and_charges_no_attempt() {
    let mut desk = Desk::opened(day(), Policy::default());
    desk.approve();
    desk.claim();
    desk.finish(usage_limit());
    assert_now(&desk, "ready 1 [*..]");
    assert_eq!((progress(&desk, 1).runs, progress(&desk, 1).attempts), (1, 0));
    assert_eq!(
        desk.refused(desk.claiming()),
        "nothing may start: usage limit reached; when there is more: /resume"
    );
    desk.told(Command::Resume);
    desk.work();
    assert_eq!((progress(&desk, 1).runs, progress(&desk, 1).attempts), (2, 1));
}

#[test]
fn a_limit_that_should_be_over_already_is_not_met_in_a_hot_loop() {
    let mut desk = Desk::opened(day(), auto());
    desk.claim();
    let (resets_at, message) = (Some(desk.now()), "usage limit reached".to_owned());
    desk.finish(Verdict::Unavailable { obstacle: Obstacle::UsageLimit { resets_at, message } });
    assert!(desk.hold.as_ref().unwrap().stands(desk.now() + SignedDuration::from_secs(59)));
    assert!(!desk.hold.as_ref().unwrap().stands(desk.now() + SignedDuration::from_secs(60)));
}

#[test]
fn a_pause_now_goes_on_with_the_same_conversation() {
    let mut desk = Desk::opened(day(), auto());
    desk.claim();
    desk.told(pause_now());
    assert_now(&desk, "ends 1 to pause, paused [>..]");
    desk.finish(Verdict::Lost);
    assert_now(&desk, "ready 1, paused [*..]");
    desk.told(Command::Resume);
    assert_eq!(continued(&mut desk).as_deref(), Some("conversation-1"));
    desk.finish(Verdict::NeverRan);
    assert_eq!(continued(&mut desk).as_deref(), Some("conversation-1"), "a run that never ran loses nothing");
    desk.finish(completed());
    assert_eq!((progress(&desk, 1).runs, progress(&desk, 1).attempts), (3, 1));
    assert_eq!(progress(&desk, 1).conversation, None);
}

/// Claims the ready task and says which conversation the run goes on with.
fn continued(desk: &mut Desk) -> Option<String> {
    let Transition { effects, .. } = desk.tell(desk.claiming()).unwrap();
    effects
        .into_iter()
        .find_map(|effect| if let Effect::OpenRun { resume, .. } = effect { resume } else { None })
}

#[test]
fn a_run_killed_after_its_result_keeps_that_verdict() {
    for ending in [skip(), pause_now(), stop()] {
        let mut desk = Desk::opened(day(), auto());
        desk.claim();
        desk.told(ending);
        desk.finish(completed());
        assert_eq!(progress(&desk, 1).state, TaskState::Completed);
        assert_eq!(progress(&desk, 1).cost.to_string(), "$0.42");
    }
}

#[test]
fn a_stopped_run_is_interrupted_and_its_session_over_only_when_it_is_gone() {
    let mut desk = Desk::opened(day(), auto());
    desk.claim();
    desk.told(skip());
    desk.told(stop());
    assert_now(&desk, "ends 1 to stop [>..]");
    desk.finish(Verdict::Lost);
    assert_now(&desk, "stopped [!..]");
}

#[test]
fn a_dependency_on_a_skipped_task_is_asked_about_even_in_mode_auto() {
    let mut desk = Desk::opened(vec![task(1, "database"), depending(1, task(2, "backend"))], auto());
    desk.told(skip());
    assert_now(&desk, "waits before 2 (dependency 1) [-.]");
    desk.told(retry_task(1));
    desk.work();
    assert_now(&desk, "ready 2 [+*]");
}

#[test]
fn an_old_button_never_answers_the_next_gate() {
    let mut desk = Desk::opened(day(), Policy::default());
    let first = desk.gate().unwrap().clone();
    desk.told(skip());
    let again = Command::Skip { target: Target::Gate(first.id.clone()) };
    assert_eq!(desk.refused(again), format!("gate {} isn't open", first.id));
    desk.sent_at = Some(first.opened_at);
    assert!(desk.refused(approve()).starts_with("this was sent before gate"));
}

#[test]
fn an_answer_within_the_second_of_its_question_counts() {
    let mut desk = Desk::opened(day(), Policy::default());
    let opened_at = desk.gate().unwrap().opened_at;
    let late = |gate: &mut Gate| gate.opened_at = opened_at + SignedDuration::from_millis(700);
    desk.change_gate(late);
    desk.sent_at = Some(opened_at + SignedDuration::from_millis(600));
    assert!(desk.refused(approve()).starts_with("this was sent before gate"));
    desk.sent_at = Some(opened_at);
    desk.approve();
}
