//! One launcher for runs that follow each other: which runs may share it, what passes from one to the next, and when it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod claude_support;

use std::fs;
use std::io::Write as _;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use claude_support::{LIMITS, NOBODY, Run, is_alive, launcher, summary, until};
use orchestrator::claude::{EndedBy, Exit, Found, Launcher, spawn};
use orchestrator::domain::run::Verdict;
use rustix::process::{Pid, Signal, kill_process};

/// Plays a run to its end; answers with the launcher's process.
async fn play(launcher: &Launcher, run: &Run, play: &str) -> i32 {
    let process = run.spawn_with(launcher, &format!("play: {play}\n")).unwrap();
    let ended = run.see(process, LIMITS).await;
    assert!(matches!(ended.outcome.verdict, Verdict::Completed { .. }), "{:?}", ended.outcome);
    assert_eq!(run.alive(), NOBODY);
    run.launcher()
}

#[tokio::test]
async fn the_next_run_has_the_same_launcher_and_nothing_else_of_the_one_before() {
    let launcher = launcher();
    let (first, second) = (Run::new(), Run::new());
    let process = play(&launcher, &first, "succeed").await;
    assert!(is_alive(process));

    let go = second.folder.path().join("go");
    let running = second.spawn_with(&launcher, &format!("play: late {}\n", go.display())).unwrap();
    until("the second run's program is there", || second.record("child").is_some()).await;
    assert_eq!(second.launcher(), process);
    // The program alone, with whatever it has started: the launcher carries nobody's marker.
    assert!(second.alive().contains(&second.program()) && !second.alive().contains(&process));
    assert_eq!(first.alive(), NOBODY);
    let open = |name: &str| fs::read_link(format!("/proc/{}/{name}", second.program())).unwrap();
    let files = second.files();
    assert_eq!([open("fd/0"), open("fd/1"), open("fd/2")], [files.prompt(), files.raw(), files.stderr()]);
    assert_eq!(open("cwd"), second.project().canonicalize().unwrap());
    fs::write(go, "").unwrap();
    assert_eq!(summary(&second.see(running, LIMITS).await), "Late, but done.");
    assert_eq!(second.alive(), NOBODY);

    launcher.dismiss().await;
    assert!(!is_alive(process), "it is gone as soon as it was dismissed");
}

#[tokio::test]
async fn it_keeps_no_file_of_a_run_open() {
    let launcher = launcher();
    let run = Run::new();
    let process = play(&launcher, &run, "succeed").await;
    let open: Vec<_> =
        fs::read_dir(format!("/proc/{process}/fd")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for descriptor in open {
        let leads_to = fs::read_link(&descriptor).unwrap();
        let harmless =
            leads_to.as_os_str() == "/dev/null" || leads_to.as_os_str().as_bytes().starts_with(b"socket:");
        assert!(harmless, "{} is {}", descriptor.display(), leads_to.display());
    }
    assert_eq!(fs::read_dir(format!("/proc/{process}/task")).unwrap().count(), 1);
}

#[tokio::test]
async fn one_that_had_to_end_something_ends_too() {
    let launcher = launcher();
    for left_behind in ["detach", "escape"] {
        let (first, second) = (Run::new(), Run::new());
        let process = play(&launcher, &first, left_behind).await;
        assert!(!is_alive(process), "{left_behind}");
        assert_ne!(play(&launcher, &second, "succeed").await, process);
    }
}

/// Though the program ended when it was asked to, and left nothing.
#[tokio::test]
async fn one_whose_run_had_to_be_ended_ends_too() {
    let launcher = launcher();
    let run = Run::new();
    let process = run.spawn_with(&launcher, "play: obey\n").unwrap();
    until("it speaks", || run.raw().contains("At your service")).await;
    run.stop.cancel();
    let ended = run.see(process, LIMITS).await;
    assert_eq!((ended.by, ended.exit, ended.left_behind), (EndedBy::Stop, Exit::Signal(15), 0));
    assert!(!is_alive(run.launcher()));
    assert_ne!(play(&launcher, &Run::new(), "succeed").await, run.launcher());
}

#[tokio::test]
async fn one_that_was_killed_while_it_waited_is_replaced() {
    let launcher = launcher();
    let process = play(&launcher, &Run::new(), "succeed").await;
    kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
    until("it is gone", || !is_alive(process)).await;
    assert_ne!(play(&launcher, &Run::new(), "succeed").await, process);
}

#[tokio::test]
async fn another_environment_takes_another_launcher() {
    let launcher = launcher();
    let process = play(&launcher, &Run::new(), "succeed").await;
    let run = Run::new();
    let mut invocation = run.invocation();
    invocation.env.insert("LC_TIME".into(), "C".into());
    assert!(
        !format!("{launcher:?}").contains("PATH"),
        "what is in the environment is nobody's business: {launcher:?}"
    );
    let started = spawn(&launcher, &invocation, "play: environment\n", run.files(), run.marker).unwrap();
    assert!(summary(&run.see(started, LIMITS).await).contains("LC_TIME"));
    assert_ne!(run.launcher(), process);
    until("the first is gone", || !is_alive(process)).await;
}

#[tokio::test]
async fn it_ends_when_nobody_is_left_to_give_it_orders() {
    let launcher = launcher();
    let waiting = play(&launcher, &Run::new(), "succeed").await;
    drop(launcher);
    until("the one that waited is gone", || !is_alive(waiting)).await;

    // As when the daemon dies: the run goes on, and is adopted by the next.
    let run = Run::new();
    let go = run.folder.path().join("go");
    drop(run.spawn(&format!("late {}", go.display())));
    until("the program is there", || run.record("child").is_some()).await;
    let Found::Adopted(process) = run.find().await else { panic!("it is alive") };
    fs::write(go, "").unwrap();
    assert_eq!(summary(&run.see(process, LIMITS).await), "Late, but done.");
    assert!(!is_alive(run.launcher()));
}

/// Plays the launcher with these orders; answers with its exit code. What it answers itself isn't read.
fn ordered(orders: &[u8]) -> Option<i32> {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator"));
    command.arg("__launch").stdin(Stdio::from(OwnedFd::from(theirs)));
    let mut child = command.spawn().unwrap();
    drop(command);
    ours.write_all(orders).unwrap();
    ours.shutdown(Shutdown::Write).unwrap();
    child.wait().unwrap().code()
}

/// A run's order, as it stood in its control file, for a run that has none yet.
fn reordered(order: &serde_json::Value) -> (Run, Vec<u8>) {
    let run = Run::new();
    fs::create_dir_all(run.control().parent().unwrap()).unwrap();
    fs::write(run.control(), format!("\n{}", serde_json::json!({"order": order}))).unwrap();
    let mut path = run.control().into_os_string().as_bytes().to_vec();
    path.push(0);
    (run, path)
}

#[tokio::test]
async fn it_starts_nothing_twice_and_nothing_that_isnt_ordered_whole() {
    let run = Run::new();
    run.play("succeed").await;
    let printed = run.raw();
    // Half an order is none, nor is there one where there is no file.
    assert_eq!(ordered(run.control().into_os_string().as_bytes()), Some(0));
    assert_eq!(ordered(b""), Some(0));
    assert_eq!(ordered(b"/nowhere/.task-1-run-1.control\0"), Some(121));
    // Another launcher was first, and then itself.
    let again = [run.control().into_os_string().as_bytes(), b"\0"].concat();
    assert_eq!(ordered(&again), Some(120));
    assert_eq!(run.raw(), printed);
    let (_fresh, path) = reordered(&run.record("order").unwrap());
    assert_eq!(ordered(&path.repeat(2)), Some(120));
    assert_eq!(run.raw(), printed.repeat(2));
}

#[tokio::test]
async fn a_file_of_the_run_that_is_gone_is_told() {
    let run = Run::new();
    run.play("succeed").await;
    let mut order = run.record("order").unwrap();
    order["streams"]["stdin"] = "/nowhere/prompt.md".into();
    let (other, path) = reordered(&order);
    assert_eq!(ordered(&path), Some(121));
    let refusal = other.record("refusal").unwrap();
    assert_eq!(refusal, "the run's file /nowhere/prompt.md is gone: No such file or directory (os error 2)");
}
