//! Runs from spawn to verdict, through the real launcher, with a scripted stand-in behind the process boundary.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod claude_support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use claude_support::executable::write_executable;
use claude_support::{LIMITS, NOBODY, Run, failure, summary, until, working_in};
use orchestrator::claude::{EndedBy, Limits, Settings};
use orchestrator::domain::run::{Failure, Obstacle, Verdict};
use orchestrator::domain::usd::Usd;

#[tokio::test]
async fn success_is_followed_and_judged() {
    let run = Run::new();
    let ended = run.play("succeed").await;
    assert_eq!(summary(&ended), "All done.");
    assert_eq!(ended.outcome.usage.cost, Usd::from_dollars(0.25));
    assert_eq!(ended.outcome.usage.conversation.as_deref(), Some("00000000-0000-0000-0000-000000000000"));
    assert_eq!((ended.by, ended.left_behind), (EndedBy::Itself, 0));
    assert_eq!(run.log(), "Claude begins (stand-in)\nWorking.\n■ Done, $0.25\n");
}

#[tokio::test]
async fn a_live_run_says_what_it_is_doing() {
    let run = Run::new();
    let process = run.spawn("chatter");
    let stopper = async {
        until("it is heard", || !run.activities.lock().unwrap().is_empty()).await;
        run.stop.cancel();
    };
    tokio::join!(run.see(process, LIMITS), stopper);
    assert_eq!(run.activities.lock().unwrap()[0], "And another thing.");
}

#[tokio::test]
async fn files_are_for_their_owner_only() {
    let run = Run::new();
    run.play("succeed").await;
    let folder = run.folder.path().join("logs/session");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.contains(&run.control()));
    for path in files {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_run_is_never_started_over_another() {
    let run = Run::new();
    run.play("succeed").await;
    let error = run.try_spawn("play: succeed").unwrap_err().to_string();
    assert!(error.contains("task-1-run-1.prompt.md"), "{error}");
}

#[tokio::test]
async fn failures_are_told_in_words() {
    let ended = Run::new().play("fail").await;
    assert_eq!(*failure(&ended), Failure::Reported { message: "API Error: 400 bad request".to_owned() });

    let ended = Run::new().play("bad-flag").await;
    let message = "error: unknown option '--nonsense'".to_owned();
    assert_eq!(*failure(&ended), Failure::NoResult { code: 1, message });

    for (play, code) in [("nothing", 0), ("no-result", 0), ("exit 17", 17), ("exit 127", 127)] {
        let ended = Run::new().play(play).await;
        assert_eq!(*failure(&ended), Failure::NoResult { code, message: String::new() }, "{play}");
    }
    for play in ["die-mid-line", "exit 143"] {
        assert_eq!(Run::new().play(play).await.outcome.verdict, Verdict::Lost, "{play}");
    }
}

#[tokio::test]
async fn a_result_counts_however_it_is_wrapped() {
    for (play, expected) in [
        ("garbage", "Through the noise."),
        ("binary", "Through the binary."),
        ("result-without-newline", "No newline."),
        ("result-then-killed", "Done before the kill."),
        ("long-line", "After a long line."),
    ] {
        assert_eq!(summary(&Run::new().play(play).await), expected);
    }
    let ended = Run::new().play("long-result").await;
    assert_eq!(summary(&ended).chars().count(), 2000);
}

#[tokio::test]
async fn a_flood_costs_no_memory() {
    let before = resident_mebibytes();
    let run = Run::new();
    let ended = run.play("flood").await;
    assert_eq!(summary(&ended), "Two hundred mebibytes.");
    assert!(fs::metadata(run.files().raw()).unwrap().len() > 200 << 20);
    let grown = resident_mebibytes().saturating_sub(before);
    assert!(grown < 60, "grew by {grown} MiB");
}

fn resident_mebibytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn what_lingers_after_its_result_is_ended_and_keeps_its_verdict() {
    let ended = Run::new().play("hang-after-result").await;
    assert_eq!(summary(&ended), "All done.");
    assert_eq!(ended.by, EndedBy::Lingering);
}

#[tokio::test]
async fn limits_end_a_run() {
    let quick = Duration::from_millis(400);
    let idle = Limits { idle: quick, ..LIMITS };
    let total = Limits { total: quick, ..LIMITS };
    let ended = Run::new().play_within("hang", idle).await;
    assert_eq!(*failure(&ended), Failure::WentQuiet { after: quick });
    for play in ["hang", "mutter", "chatter"] {
        let both = Limits { idle: quick.mul_f64(0.9), ..total };
        let limits = if play == "hang" { total } else { both };
        let ended = Run::new().play_within(play, limits).await;
        assert_eq!(*failure(&ended), Failure::TimedOut { after: quick }, "{play}");
    }
}

#[tokio::test]
async fn what_ignores_a_request_to_end_is_killed_after_its_grace() {
    let run = Run::new();
    let process = run.spawn("ignore-term");
    let limits = Limits { grace: Duration::from_millis(300), ..LIMITS };
    let stopper = async {
        until("it speaks", || run.raw().contains("cannot stop")).await;
        run.stop.cancel();
        Instant::now()
    };
    let (ended, told) = tokio::join!(run.see(process, limits), stopper);
    let took = told.elapsed();
    assert!(took >= limits.grace && took < Duration::from_secs(4), "{took:?}");
    assert_eq!((ended.outcome.verdict, ended.by), (Verdict::Lost, EndedBy::Stop));
    assert_eq!(run.alive(), NOBODY);
}

#[tokio::test]
async fn a_stop_right_after_the_start_leaves_nothing() {
    for _ in 0..10 {
        let run = Run::new();
        run.stop.cancel();
        let ended = run.play("detach-and-hang").await;
        assert_eq!(ended.outcome.verdict, Verdict::Lost);
        assert_eq!(working_in(&run.project()), NOBODY);
    }
}

#[tokio::test]
async fn nothing_outlives_a_success() {
    for play in ["detach", "escape"] {
        let run = Run::new();
        let ended = run.play(play).await;
        assert!(summary(&ended).starts_with("Left"));
        assert!(ended.left_behind >= 1, "{play}: {}", ended.left_behind);
        assert_eq!(working_in(&run.project()), NOBODY, "{play}");
    }
}

#[tokio::test]
async fn nothing_outlives_a_stop_or_a_limit() {
    for stopped in [true, false] {
        let run = Run::new();
        let process = run.spawn("detach-and-hang");
        until("it has detached", || run.raw().contains("Detached")).await;
        let total = if stopped {
            run.stop.cancel();
            LIMITS.total
        } else {
            Duration::from_millis(1)
        };
        run.see(process, Limits { total, ..LIMITS }).await;
        assert_eq!(run.alive(), NOBODY);
        assert_eq!(working_in(&run.project()), NOBODY);
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_explained() {
    let mut run = Run::new();
    run.command = vec!["claude-of-nowhere".to_owned()];
    let message = launch_message(&run).await;
    assert!(message.starts_with("claude-of-nowhere: not found on PATH (/"), "{message}");

    let mut run = Run::new();
    run.command = vec!["/nowhere/claude".to_owned()];
    let message = launch_message(&run).await;
    assert!(message.starts_with("/nowhere/claude: no such file; install it or set"), "{message}");

    let mut run = Run::new();
    let plain = run.folder.path().join("claude");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    run.command = vec![plain.to_str().unwrap().to_owned()];
    let message = launch_message(&run).await;
    assert!(message.contains("not executable by this user"), "{message}");

    write_executable(&plain, "#!/nowhere/sh\n");
    let mut again = Run::new();
    again.command.clone_from(&run.command);
    let message = launch_message(&again).await;
    assert!(message.contains("interpreter"), "{message}");

    let run = Run::new();
    fs::remove_dir(run.project()).unwrap();
    let message = launch_message(&run).await;
    assert!(message.starts_with("the project folder /") && message.ends_with(" is gone"), "{message}");
}

async fn launch_message(run: &Run) -> String {
    match run.play("succeed").await.outcome.verdict {
        Verdict::Unavailable { obstacle: Obstacle::Launch { message } } => message,
        other => panic!("not a launch failure: {other:?}"),
    }
}

#[tokio::test]
async fn descriptors_of_the_daemon_stay_with_it() {
    let _port = TcpListener::bind("127.0.0.1:0").unwrap();
    let run = Run::new();
    let lock = fs::File::create(run.folder.path().join("lock")).unwrap();
    lock.try_lock().unwrap();
    let ended = run.play("descriptors").await;
    // 3 is the listing itself.
    assert_eq!(summary(&ended), "0 1 2 3");
}

#[tokio::test]
async fn the_environment_is_explicit() {
    let ended = Run::new().play("environment").await;
    let names: Vec<&str> = summary(&ended).split_whitespace().collect();
    assert!(names.contains(&"ORCHESTRATOR_RUN") && names.contains(&"DISABLE_TELEMETRY"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("CARGO")), "{names:?}");
}

#[tokio::test]
async fn the_rehearsal_plays_the_same_part() {
    let mut run = Run::new();
    run.command = Settings::default().rehearsal("/proc/self/exe").command;
    let process = run.try_spawn("Create the baptisms migration.").unwrap();
    let ended = run.see(process, LIMITS).await;
    assert_eq!(summary(&ended), "Rehearsal: nothing was changed.");
    assert_eq!(ended.outcome.usage.cost, Usd::default());
    assert!(run.log().contains("this is what Claude would be told.\n\nCreate the baptisms migration."));
}
