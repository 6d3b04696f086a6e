//! A task's check: through the same launcher, with the same marker, ended by the same stop.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod claude_support;

use std::fs;
use std::time::Duration;

use claude_support::{NOBODY, Run, launcher, until, working_in};
use orchestrator::claude::{Check, Checked, Invocation, Settings, run_check};
use orchestrator::domain::run::Failure;

fn check(run: &Run, words: &[&str]) -> Check {
    let command: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    Check {
        name: "tests".to_owned(),
        invocation: Invocation::of_check(&Settings::default(), &command, run.project(), std::env::vars_os()),
        timeout: Duration::from_mins(1),
        grace: Duration::from_millis(500),
    }
}

async fn checked(run: &Run, check: &Check) -> Checked {
    let checked = run_check(&launcher(), check, &run.files(), run.marker, &run.stop).await.unwrap();
    assert_eq!(run.alive(), NOBODY);
    assert_eq!(working_in(&run.project()), NOBODY);
    checked
}

fn failed(checked: Checked) -> (String, String) {
    match checked {
        Checked::Failed(Failure::Check { name, reason, output }) => {
            assert_eq!(name, "tests");
            (reason, output)
        }
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test]
async fn a_check_passes_or_says_why_not() {
    let run = Run::new();
    run.play("succeed").await;
    let passing = check(&run, &["sh", "-c", "pwd; echo fine >&2; sleep 300 &"]);
    assert!(matches!(checked(&run, &passing).await, Checked::Passed));
    let failing = check(&run, &["sh", "-c", "echo 'test x ... FAILED'; exit 3"]);
    let told = failed(checked(&run, &failing).await);
    assert_eq!(told, ("exit code 3".to_owned(), "test x ... FAILED".to_owned()));
    let missing = check(&run, &["cargo-of-nowhere", "test"]);
    let (reason, _) = failed(checked(&run, &missing).await);
    assert!(reason.starts_with("could not be started: cargo-of-nowhere: not found on PATH"), "{reason}");
    let log = run.log();
    assert!(log.contains("■ Done, $0.25\n▶ Check \"tests\": passed\n"), "{log}");
    assert!(log.contains("project\nfine\n▶ Check \"tests\": exit code 3\ntest x ... FAILED\n"), "{log}");
}

#[tokio::test]
async fn a_check_ends_at_its_limit_and_at_a_stop() {
    let run = Run::new();
    let mut slow = check(&run, &["sh", "-c", "trap '' TERM; echo begun; while :; do sleep 0.1; done"]);
    slow.timeout = Duration::from_millis(200);
    let told = failed(checked(&run, &slow).await);
    assert_eq!(told, ("timed out after 0.2s".to_owned(), "begun".to_owned()));
    slow.timeout = Duration::from_mins(1);
    let stopper = async {
        let output = run.folder.path().join("logs/session/task-1-run-1.check-2.log");
        until("it has begun", || fs::read_to_string(&output).is_ok_and(|text| text.contains("begun"))).await;
        run.stop.cancel();
    };
    let (checked, ()) = tokio::join!(checked(&run, &slow), stopper);
    assert!(matches!(checked, Checked::Stopped));
}

#[tokio::test]
async fn a_check_that_a_dead_daemon_left_is_ended_and_begun_again() {
    for wait_for_it in [true, false] {
        let run = Run::new();
        let folder = run.folder.path().join("logs/session");
        let hanging = check(&run, &["sh", "-c", "echo begun; sleep 300"]);
        let files = run.files();
        let launcher = launcher();
        let dying = run_check(&launcher, &hanging, &files, run.marker, &run.stop);
        let moment = async {
            let control = folder.join(".task-1-run-1.check-1.control");
            until("it is under way", || control.exists()).await;
            let output = folder.join("task-1-run-1.check-1.log");
            if wait_for_it {
                until("it has begun", || {
                    fs::read_to_string(&output).is_ok_and(|text| text.contains("begun"))
                })
                .await;
            }
        };
        tokio::select! {
            _ = dying => panic!("it ended"),
            () = moment => {}
        }
        let passing = check(&run, &["true"]);
        assert!(matches!(checked(&run, &passing).await, Checked::Passed));
        assert!(folder.join("task-1-run-1.check-2.log").exists());
    }
}
