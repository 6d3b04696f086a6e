//! The daemon is killed with SIGKILL at every awkward moment, fifty times each: never two processes for one run, never a
//! verdict or a gate lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, fails, succeeds, waits};
use support::daemon::{A_RUN, Daemon, assert_usd};
use support::eventually::until;
use support::model::{Model, Script, Turn};
use support::processes::{self, Watcher};
use support::taskfile::Task;
use tempfile::TempDir;

const ROUNDS: u64 = 50;

/// The rounds of those tests whose fifty are run with the stand-in.
const ROUNDS_WITH_THE_REAL_CLI: u64 = 3;

/// One session of fifty tasks without a gate: each task is one run, and the daemon dies in each.
#[test]
fn a_run_survives_the_daemon_and_is_adopted() {
    let files = Files::new();
    let model = Model::start(&real_script(&files, ROUNDS));
    let mut daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();
    let watcher = Watcher::start(daemon.claude(), &daemon.marker());
    let started = daemon.start(&real_tasks(ROUNDS));
    let session = session_of(&daemon, &started);

    for round in 1..=ROUNDS {
        let cli = daemon.await_claude();
        let moment = [Moment::Starting, Moment::Working, Moment::Ending][usize::try_from(round % 3).unwrap()];
        if moment != Moment::Starting {
            until(A_RUN, "the CLI to be at work", || files.times_begun(round) > 0);
        }
        if moment == Moment::Ending {
            files.let_go(round);
        }
        daemon.kill9();
        daemon.restart();
        if moment != Moment::Ending {
            assert!(cli.identity.is_alive(), "round {round}: the run outlives the daemon");
            let status = daemon.status();
            assert_eq!((&status["status"], &status["current"]["id"]), (&"running".into(), &round.into()));
            assert_eq!(daemon.await_claude().identity, cli.identity, "round {round}: adopted, not repeated");
            files.let_go(round);
        }

        let task = daemon.await_task(round, "completed");
        assert!(!cli.identity.is_alive());
        assert_eq!(task["runs"], 1, "round {round}");
        assert_eq!(files.times_begun(round), 1, "round {round}");
        let cost = daemon.cost_printed(&session, round);
        assert!(cost > 0.0);
        assert_usd(&task["cost_usd"], cost);
    }

    daemon.await_status("completed");
    daemon.assert_no_run_alive();
    let seen = watcher.seen();
    assert_eq!(seen.instances.len(), usize::try_from(ROUNDS).unwrap(), "one process a run");
    assert_eq!(seen.at_once, 1, "never two at once, in {} samples", seen.samples);
}

/// The files of a run are where they were when it was claimed, not where they would be now.
#[test]
fn a_run_is_found_though_the_logs_are_configured_elsewhere() {
    let files = Files::new();
    let mut daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    daemon.start(&[Task::new("Round", &(waits(&files.ready(1), &files.go(1)) + &succeeds(cost_of(1))))]);
    until(A_RUN, "the run to be at work", || files.times_begun(1) > 0);

    daemon.kill9();
    let config = daemon.folder().join("config.toml");
    let moved = fs::read_to_string(&config).unwrap().replace("\"logs\"", "\"other-logs\"");
    fs::write(&config, moved).unwrap();
    daemon.restart();
    files.let_go(1);

    let task = daemon.await_task(1, "completed");
    assert_usd(&task["cost_usd"], cost_of(1));
    assert_eq!((&task["runs"], files.times_begun(1)), (&1.into(), 1));
    assert!(daemon.folder().join("other-logs").is_dir(), "the daemon itself logs to the new place");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The CLI has just become a process.
    Starting,
    /// It waits for a tool.
    Working,
    /// It is about to print its result.
    Ending,
}

/// Tasks whose run ends while no daemon lives; every second one badly.
#[test]
fn a_run_that_ends_alone_is_judged_by_what_it_printed() {
    let files = Files::new();
    let mut daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    let end =
        |round: u64| if round.is_multiple_of(2) { fails(cost_of(round)) } else { succeeds(cost_of(round)) };
    let instruction = |round| waits(&files.ready(round), &files.go(round)) + &end(round);
    let tasks: Vec<Task> = (1..=ROUNDS).map(|round| Task::new("Round", &instruction(round))).collect();
    daemon.start(&tasks);

    for round in 1..=ROUNDS {
        ends_alone(&mut daemon, &files, round);

        let state = if round.is_multiple_of(2) { "failed" } else { "completed" };
        let task = daemon.await_task(round, state);
        assert_usd(&task["cost_usd"], cost_of(round));
        assert_eq!((&task["runs"], files.times_begun(round)), (&1.into(), 1), "round {round}");
        if state == "failed" {
            let gate = daemon.await_gate("failed", round);
            daemon.ok("/skip", json!({"gate": gate["id"]}));
        }
    }

    daemon.await_status("completed");
}

#[test]
fn a_run_of_the_real_cli_that_ends_alone_is_judged_by_what_it_printed() {
    let files = Files::new();
    let model = Model::start(&real_script(&files, ROUNDS_WITH_THE_REAL_CLI));
    let mut daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();
    let started = daemon.start(&real_tasks(ROUNDS_WITH_THE_REAL_CLI));
    let session = session_of(&daemon, &started);

    for round in 1..=ROUNDS_WITH_THE_REAL_CLI {
        ends_alone(&mut daemon, &files, round);

        let task = daemon.await_task(round, "completed");
        assert_usd(&task["cost_usd"], daemon.cost_printed(&session, round));
    }
    daemon.await_status("completed");
}

fn ends_alone(daemon: &mut Daemon, files: &Files, round: u64) {
    until(A_RUN, "the run to be at work", || files.times_begun(round) > 0);
    let claude = daemon.await_claude();
    daemon.kill9();
    files.let_go(round);
    until(SOON, "the run to end without a daemon", || !claude.identity.is_alive());
    daemon.restart();
}

/// Each round is a session of one task whose daemon and whose run are both killed.
#[test]
fn a_run_killed_with_its_daemon_is_interrupted_and_a_person_decides() {
    let mut daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    for round in 1..=ROUNDS {
        let files = Files::new();
        daemon.start(&[Task::new(
            "Round",
            &(waits(&files.ready(1), &files.go(1)) + &succeeds(cost_of(round))),
        )]);
        is_interrupted_and_decided(&mut daemon, &files, round);
    }
}

#[test]
fn a_run_of_the_real_cli_killed_with_its_daemon_is_interrupted_and_a_person_decides() {
    for round in 1..=ROUNDS_WITH_THE_REAL_CLI {
        let files = Files::new();
        let model = Model::start(&real_script(&files, 1));
        let mut daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();
        daemon.start(&real_tasks(1));
        is_interrupted_and_decided(&mut daemon, &files, round);
    }
}

fn is_interrupted_and_decided(daemon: &mut Daemon, files: &Files, round: u64) {
    until(A_RUN, "the run to be at work", || files.times_begun(1) > 0);
    let claude = daemon.await_claude();
    daemon.kill9();
    if round.is_multiple_of(2) {
        claude.identity.signal(Signal::KILL);
        until(SOON, "the killed run to be gone", || !claude.identity.is_alive());
    } else {
        // Also whatever the daemon had put between itself and the run.
        processes::kill_all(|| daemon.run_tree());
    }
    daemon.restart();

    let gate = daemon.await_gate("interrupted", 1);
    daemon.assert_no_run_alive();
    assert_eq!(files.times_begun(1), 1, "round {round}: not begun again without a person");
    assert_eq!(daemon.status()["tasks"][0]["state"], "interrupted", "round {round}");
    assert_eq!(gate["choices"], json!(["retry", "skip", "stop"]));
    let (code, refusal) = daemon.post("/approve", json!({"gate": gate["id"]}));
    assert_eq!((code, &refusal["error"]["code"]), (409, &"refused".into()), "there is nothing to approve");

    match round % 3 {
        0 => {
            files.let_go(1);
            daemon.ok("/retry", json!({"gate": gate["id"]}));
            let ended = daemon.await_status("completed");
            assert_eq!(
                (&ended["tasks"][0]["state"], &ended["tasks"][0]["runs"]),
                (&"completed".into(), &2.into())
            );
        }
        1 => {
            daemon.ok("/skip", json!({"gate": gate["id"]}));
            assert_eq!(daemon.await_status("completed")["tasks"][0]["state"], "skipped");
        }
        _ => {
            daemon.ok("/stop", json!({"gate": gate["id"]}));
            assert_eq!(daemon.await_status("stopped")["tasks"][0]["state"], "interrupted");
        }
    }
    daemon.assert_no_run_alive();
}

/// The gate of each round is opened by the rejection of the one before, and the daemon dies as soon as that is answered.
#[test]
fn an_open_gate_is_the_same_gate_after_a_crash() {
    let mut daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5)).with("Requires Approval", "true")]);
    let mut gate = daemon.await_gate("before", 1);
    let mut ids = BTreeSet::new();

    for round in 1..=ROUNDS {
        daemon.kill9();
        daemon.restart();

        let after = daemon.status();
        assert_eq!(after["status"], "waiting_approval", "round {round}");
        for part in ["id", "kind", "task", "reasons", "choices", "opened_at"] {
            assert_eq!(after["gate"][part], gate[part], "round {round}: {part}");
        }
        assert!(ids.insert(gate["id"].as_str().unwrap().to_owned()), "a gate's id is never used again");
        let rejection =
            json!({"gate": gate["id"], "feedback": format!("not in round {round}"), "request_id": round});
        let answer = daemon.ok("/reject", rejection.clone());
        daemon.kill9();
        daemon.restart();
        assert_eq!(daemon.ok("/reject", rejection), answer, "round {round}: a repeat gets the first answer");
        gate = daemon.await_gate("before", 1);
    }

    daemon.ok("/approve", json!({"gate": gate["id"]}));
    let ended = daemon.await_status("completed");
    assert_usd(&ended["cost_usd"], 0.5);
}

fn real_script(files: &Files, rounds: u64) -> Script {
    let script = (1..=rounds).fold(Script::new(), |script, round| {
        let first = Turn::says("I wait.").waits(&files.ready(round), &files.go(round));
        let last = Turn::says("It went.").using(u32::try_from(round).unwrap() * 1000, 10);
        script.on(&marker(round), [first, last])
    });
    script.otherwise_at(1, &Turn::says("It went."))
}

fn real_tasks(rounds: u64) -> Vec<Task> {
    (1..=rounds).map(|round| Task::new("Round", &format!("Please do {}.", marker(round)))).collect()
}

fn marker(round: u64) -> String {
    format!("errand-{round:03}")
}

fn cost_of(round: u64) -> f64 {
    f64::from(u32::try_from(round).unwrap()) / 64.0
}

fn session_of(daemon: &Daemon, started: &Value) -> String {
    let session = if started["session"].is_string() {
        started["session"].clone()
    } else {
        daemon.status()["session"].clone()
    };
    session.as_str().expect("a session has an id").into()
}

/// The files by which a round's run says that it works and is let go.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("rounds-").tempdir().unwrap())
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn ready(&self, round: u64) -> PathBuf {
        self.folder().join(format!("ready-{round}"))
    }

    fn go(&self, round: u64) -> PathBuf {
        self.folder().join(format!("go-{round}"))
    }

    /// How often a round's run has come to work.
    fn times_begun(&self, round: u64) -> usize {
        fs::read_to_string(self.ready(round)).unwrap_or_default().lines().count()
    }

    fn let_go(&self, round: u64) {
        fs::write(self.go(round), "").unwrap();
    }
}
