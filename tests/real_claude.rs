//! Sessions with the real Claude CLI, from the first command to the last process: only the model is scripted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use support::claude::Claude;
use support::daemon::{A_RUN, Daemon, assert_usd, task_of};
use support::eventually::until;
use support::model::{Model, Script, Turn};
use support::processes::{self, Watcher};
use support::taskfile::Task;
use tempfile::TempDir;

#[test]
fn two_tasks_from_start_to_end_with_an_approval_before_each() {
    let work = Workshop::new();
    let (migration, actions) = (work.path("migration.sql"), work.path("actions.ts"));
    let model = Model::start(
        &Script::new()
            .on(
                "write-migration",
                [
                    Turn::says("I write the migration.")
                        .writes(&migration, "CREATE TABLE baptisms;\n")
                        .using(1000, 200),
                    Turn::says("The migration is written.").using(1300, 40),
                ],
            )
            .on(
                "write-actions",
                [
                    Turn::says("I write the actions.").writes(&actions, "export {};\n").using(2000, 300),
                    Turn::says("The actions are written.").using(2400, 60),
                ],
            ),
    );
    let daemon = Daemon::with(Claude::real(&model)).start();
    assert_eq!(daemon.status()["status"], "idle");

    let database = Task::new("Create baptisms migration", "Please write-migration.");
    let backend = Task::new("Create server actions", "Please write-actions.");
    daemon.start(&[
        database.with("Type", "database").with("Requires Approval", "true"),
        backend.with("Type", "backend").with("Requires Approval", "true"),
    ]);

    let first = daemon.await_gate("before", 1);
    assert_contains(&first["reasons"], "start");
    assert_contains(&first["reasons"], "requested");
    assert_eq!(first["choices"], json!(["approve", "reject", "skip", "stop"]));
    assert!(!migration.exists(), "nothing runs before its gate is answered");
    daemon.assert_no_run_alive();
    daemon.ok("/approve", json!({"gate": first["id"]}));

    let second = daemon.await_gate("before", 2);
    assert_eq!(fs::read_to_string(&migration).unwrap(), "CREATE TABLE baptisms;\n");
    assert_contains(&second["reasons"], "requested");
    assert_ne!(first["id"], second["id"]);
    let waiting = daemon.status();
    assert_eq!(
        (&waiting["completed"], &waiting["total"], &waiting["progress"]),
        (&1.into(), &2.into(), &50.into())
    );
    assert_eq!(task_of(&waiting, 2)["state"], "pending");
    assert!(!actions.exists());
    daemon.assert_no_run_alive();

    let (status, refusal) = daemon.post("/approve", json!({"gate": first["id"]}));
    assert_eq!(
        (status, &refusal["error"]["code"]),
        (409, &"refused".into()),
        "an answered gate stays answered"
    );
    daemon.ok("/webhook/approve", json!({"gate": second["id"]}));

    let ended = daemon.await_status("completed");
    assert_eq!(fs::read_to_string(&actions).unwrap(), "export {};\n");
    assert_eq!(
        (&ended["completed"], &ended["failed"], &ended["progress"]),
        (&2.into(), &0.into(), &100.into())
    );
    assert_eq!(ended["gate"], Value::Null);
    let session = ended["session"].as_str().unwrap();
    let mut sum = 0.0;
    for id in [1, 2] {
        let cost = daemon.cost_printed(session, id);
        assert!(cost > 0.0, "the CLI reckoned a cost for task {id}");
        assert_usd(&task_of(&ended, id)["cost_usd"], cost);
        assert_eq!(task_of(&ended, id)["runs"], 1);
        sum += cost;
    }
    assert_usd(&ended["cost_usd"], sum);
    daemon.assert_no_run_alive();
}

#[test]
fn a_permission_denied_inside_a_success_is_told() {
    let work = Workshop::new();
    let forbidden = work.path("forbidden.txt");
    let turns = [Turn::says("I write.").writes(&forbidden, "x"), Turn::says("Done.")];
    let model = Model::start(&Script::new().on("do-it", turns));
    let daemon = Daemon::with(Claude::without_permissions(&model)).approval_mode("auto").start();

    daemon.start(&[Task::new("Write", "Please do-it.")]);
    let status = daemon.await_status("completed");

    assert!(!forbidden.exists());
    let told = format!("{}\n{}", task_of(&status, 1)["summary"], daemon.logs()).to_lowercase();
    assert!(told.contains("was not allowed to: write"), "{told}");
}

#[test]
fn pause_now_ends_the_run_and_resume_goes_on_with_its_conversation() {
    let work = Workshop::new();
    let model = Model::start(
        &Script::new()
            .on(
                "long-work",
                [Turn::says("I work.").waits(&work.path("ready"), &work.path("go")), Turn::says("Went on.")],
            )
            .otherwise_at(1, &Turn::says("Went on.")),
    );
    let daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();
    let watcher = Watcher::start(daemon.claude(), &daemon.marker());
    daemon.start(&[Task::new("Long", "Please do the long-work.")]);
    until(A_RUN, "the CLI to be at work", || work.path("ready").exists());
    let before = daemon.await_claude();

    daemon.ok("/pause", json!({"now": true}));

    let paused = daemon.await_status("paused");
    assert_eq!(paused["paused"], true);
    assert!(!before.identity.is_alive());
    daemon.assert_no_run_alive();
    assert_ne!(task_of(&paused, 1)["state"], "failed", "a pause is nobody's failure");

    daemon.ok("/resume", json!({}));

    let ended = daemon.await_status("completed");
    let printed = daemon.printed(ended["session"].as_str().unwrap(), 1);
    let conversation = printed[0]["session_id"].as_str().expect("the first run names its conversation");
    let last = printed.iter().rfind(|line| line["type"] == "result").expect("the second run has a result");
    assert_eq!((&last["session_id"], &last["result"]), (&conversation.into(), &"Went on.".into()));
    let seen = watcher.seen();
    let [_, resumed] = seen.instances.as_slice() else { panic!("two runs, not {:#?}", seen.instances) };
    let arguments = resumed.arguments.join(" ").replace("--resume=", "--resume ");
    assert!(arguments.contains(&format!("--resume {conversation}")), "{arguments}");
    // The CLI's own figure for a resumed conversation includes what came before the pause.
    assert_usd(&ended["cost_usd"], last["total_cost_usd"].as_f64().unwrap());
}

/// A run that is ended in good order is in the CLI's figures once it is continued, a run that is killed is in none.
#[test]
fn what_a_run_without_a_result_used_is_counted_once() {
    for is_killed in [true, false] {
        let work = Workshop::new();
        let model = Model::start(
            &Script::new()
                .on(
                    "long-work",
                    [
                        Turn::says("I begin.").runs("true").using(3000, 300),
                        Turn::says("I work.").waits(&work.path("ready"), &work.path("go")).using(5000, 500),
                    ],
                )
                .otherwise_at(1, &Turn::says("Went on.").using(7000, 70)),
        );
        let daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();
        daemon.start(&[Task::new("Long", "Please do the long-work.")]);
        until(A_RUN, "the CLI to be at work", || work.path("ready").exists());
        if is_killed {
            let run = daemon.await_claude();
            processes::kill_all(|| if run.identity.is_alive() { vec![run.clone()] } else { Vec::new() });
            let gate = daemon.await_gate("interrupted", 1);
            assert_eq!(
                (&gate["recovery"]["cost_at_least"], &gate["recovery"]["tokens"]),
                (&json!(true), &json!(8800))
            );
            daemon.ok("/continue", json!({"gate": gate["id"]}));
        } else {
            daemon.ok("/pause", json!({"now": true}));
            assert_eq!(daemon.await_status("paused")["cost_at_least"], true);
            daemon.ok("/resume", json!({}));
        }

        let ended = daemon.await_status("completed");

        let last = daemon.cost_printed(ended["session"].as_str().unwrap(), 1);
        assert_usd(&ended["cost_usd"], last);
        assert_eq!(ended["cost_at_least"], is_killed);
        let runs = daemon.ok("/tasks", json!({}))["runs"].take();
        let tokens = |run: usize| (runs[run]["input_tokens"].clone(), runs[run]["output_tokens"].clone());
        assert_eq!((tokens(0), tokens(1)), ((json!(8000), json!(800)), (json!(7000), json!(70))));
        let (_, metrics) = daemon.get("/metrics").unwrap();
        assert!(metrics.contains("orchestrator_tokens_today 15870\n"), "{metrics}");
    }
}

/// The CLI is told what is left, stops there, and goes on where it stopped; its figures go on counting, ours don't.
#[test]
fn a_budget_is_the_clis_own_and_every_cent_is_booked_once() {
    let work = Workshop::new();
    let expensive = |text| Turn::says(text).runs("true").using(10_000, 1000);
    let model = Model::start(
        &Script::new()
            .on("long-work", [expensive("I begin."), expensive("I work.")])
            .otherwise_at(1, &Turn::says("Went on.").writes(&work.path("done"), "x").using(1000, 100))
            .otherwise_at(2, &Turn::says("Went on to the end.").using(1000, 100)),
    );
    let daemon =
        Daemon::with(Claude::real(&model)).approval_mode("auto").set("limits", "cost_per_task", 0.05).start();
    let watcher = Watcher::start(daemon.claude(), &daemon.marker());
    daemon.start(&[Task::new("Long", "Please do the long-work.")]);

    let gate = daemon.await_gate("before", 1);

    let spent = daemon.status()["cost_usd"].as_f64().unwrap();
    assert!(spent >= 0.05, "{spent}");
    let reason = format!("spent ${spent:.2} of $0.05 on this task");
    assert_eq!(gate["reasons"], json!([reason]));
    assert_eq!(daemon.status()["failed"], 0);
    daemon.ok("/approve", json!({}));
    let ended = daemon.await_status("completed");
    let printed = daemon.printed(ended["session"].as_str().unwrap(), 1);
    let last = printed.iter().rfind(|line| line["type"] == "result").unwrap();
    assert_usd(&ended["cost_usd"], last["total_cost_usd"].as_f64().unwrap());
    assert!(last["total_cost_usd"].as_f64().unwrap() > spent, "a resumed session's figure goes on counting");
    let arguments: Vec<String> = watcher.seen().instances.iter().map(|run| run.arguments.join(" ")).collect();
    let [first, second] = arguments.as_slice() else { panic!("two runs, not {arguments:#?}") };
    assert!(first.contains("--max-budget-usd 0.05 --session-id "), "{first}");
    assert!(second.contains("--max-budget-usd 0.05 --resume "), "{second}");
}

#[test]
fn a_session_that_can_not_be_continued_begins_afresh_once() {
    let work = Workshop::new();
    let mut model = Model::start(&Script::new().on(
        "long-work",
        [Turn::says("I work.").waits(&work.path("ready"), &work.path("go")), Turn::says("Done.")],
    ));
    let daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();
    daemon.start(&[Task::new("Long", "Please do the long-work.")]);
    until(A_RUN, "the CLI to be at work", || work.path("ready").exists());
    let run = daemon.await_claude();
    processes::kill_all(|| if run.identity.is_alive() { vec![run.clone()] } else { Vec::new() });
    let gate = daemon.await_gate("interrupted", 1);
    assert_eq!(gate["recovery"]["resumable"], true, "{gate:#}");
    fs::remove_dir_all(daemon.folder().join("home/.claude/projects")).unwrap();
    model.follow(&Script::new().on("long-work", [Turn::says("Done from scratch.")]));

    daemon.ok("/continue", json!({"gate": gate["id"]}));

    let ended = daemon.await_status("completed");
    assert_eq!(task_of(&ended, 1)["summary"], "Done from scratch.");
    assert_eq!(task_of(&ended, 1)["runs"], 3);
    assert!(daemon.logs().contains("could not continue its Claude session"), "{}", daemon.logs());
}

/// Neither of these is the task's failure.
mod an_api_that_refuses {
    use super::*;

    fn held(refusal: Turn, kind: &str) -> (Model, Daemon) {
        let model = Model::start(&Script::new().on("a-task", [refusal]));
        let daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();

        daemon.start(&[
            Task::new("First", "Please do a-task."),
            Task::new("Second", "Please do another-task."),
        ]);

        let held = daemon.await_status("held");
        assert_eq!(held["hold"]["kind"], kind, "{:#}", held["hold"]);
        assert!(held["hold"]["reason"].is_string());
        assert_eq!((&held["failed"], &held["gate"]), (&0.into(), &Value::Null));
        assert_eq!(task_of(&held, 1)["state"], "pending");
        assert_eq!(task_of(&held, 2)["state"], "pending");
        daemon.assert_no_run_alive();
        (model, daemon)
    }

    #[test]
    fn with_401_holds_until_a_person_has_logged_in() {
        let refusal = Turn::refuses(401, "authentication_error", "invalid x-api-key");
        let (mut model, daemon) = held(refusal, "login");
        assert_eq!(daemon.status()["hold"]["until"], Value::Null);

        model.follow(
            &Script::new().on("a-task", [Turn::says("Done.")]).on("another-task", [Turn::says("Done too.")]),
        );
        daemon.ok("/resume", json!({}));

        let ended = daemon.await_status("completed");
        assert_eq!((&ended["completed"], &ended["hold"]), (&2.into(), &Value::Null));
    }

    #[test]
    fn with_429_and_no_word_of_a_usage_limit_holds_for_a_while() {
        let (_model, daemon) = held(Turn::refuses(429, "rate_limit_error", "rate limited"), "api");
        assert!(daemon.status()["hold"]["until"].is_string(), "it goes on by itself");
        daemon.ok("/stop", json!({}));
        daemon.await_status("stopped");
    }
}

/// Whatever ends a run, not one process of its tree is left, not even one that has left its session, its parent and its
/// environment behind.
mod nothing_of_a_run_outlives_it {
    use super::*;

    /// A run of the real CLI that has detached two processes and waits.
    struct Detached {
        _model: Model,
        daemon: Daemon,
        work: Workshop,
        token: String,
    }

    fn detached(task: impl FnOnce(Task) -> Task) -> Detached {
        let work = Workshop::new();
        let token = work.token();
        let marked = format!("setsid nohup sleep {token}1 >/dev/null 2>&1 & echo detached");
        let unmarked = format!("env -i setsid nohup sleep {token}2 >/dev/null 2>&1 & echo detached");
        let model = Model::start(&Script::new().on(
            "detach",
            [
                Turn::says("I detach.").runs(&marked).runs(&unmarked),
                Turn::says("I wait.").waits(&work.path("ready"), &work.path("go")),
                Turn::says("Detached."),
            ],
        ));
        let daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();
        let detaching = task(Task::new("Detach", "Please detach."));
        daemon.start(&[detaching, Task::new("Next", "x").with("Requires Approval", "true")]);
        until(A_RUN, "the CLI to have detached two processes", || work.path("ready").exists());
        assert_eq!(processes::with_argument(&token).len(), 2);
        assert!(
            daemon.run_tree().len() >= 3,
            "the CLI, its Bash and one it detached: {:#?}",
            daemon.run_tree()
        );
        Detached { _model: model, daemon, work, token }
    }

    impl Detached {
        #[track_caller]
        fn assert_gone(&self) {
            self.daemon.assert_no_run_alive();
            processes::assert_no_process_running(&self.token);
        }
    }

    impl Drop for Detached {
        fn drop(&mut self) {
            processes::kill_all(|| processes::with_argument(&self.token));
        }
    }

    #[test]
    fn after_success() {
        let run = detached(|task| task);

        run.work.make("go");

        run.daemon.await_task(1, "completed");
        run.assert_gone();
        run.daemon.await_gate("before", 2);
    }

    #[test]
    fn after_skip() {
        let run = detached(|task| task);

        run.daemon.ok("/skip", json!({}));

        run.daemon.await_task(1, "skipped");
        run.assert_gone();
        run.daemon.await_gate("before", 2);
    }

    #[test]
    fn after_stop() {
        let run = detached(|task| task);

        run.daemon.ok("/stop", json!({}));

        let status = run.daemon.await_status("stopped");
        run.assert_gone();
        assert_eq!(task_of(&status, 1)["state"], "interrupted");
    }

    #[test]
    fn after_a_timeout() {
        let run = detached(|task| task.with("Timeout", "3s"));

        let gate = run.daemon.await_gate("failed", 1);

        run.assert_gone();
        assert_eq!(gate["choices"], json!(["retry", "skip", "stop"]));
    }

    #[test]
    fn not_even_when_the_daemon_is_stopped_and_started_in_between() {
        let mut run = detached(|task| task);
        let cli = run.daemon.await_claude();

        let status = run.daemon.sigterm();
        assert!(status.success(), "SIGTERM is an orderly end: {status}");
        assert!(cli.identity.is_alive(), "which leaves the run alone");
        run.daemon.restart();
        assert_eq!(run.daemon.await_claude().identity, cli.identity);
        run.work.make("go");

        run.daemon.await_task(1, "completed");
        run.assert_gone();
    }

    #[test]
    fn after_skip_with_a_slow_model() {
        let silence = Duration::from_secs(30);
        let model = Model::start(&Script::new().on("think", [Turn::says("Thought.").after(silence)]));
        let daemon = Daemon::with(Claude::real(&model)).approval_mode("auto").start();
        daemon.start(&[Task::new("Think", "Please think.")]);
        daemon.await_claude();

        daemon.ok("/skip", json!({}));

        let status = daemon.await_status("completed");
        daemon.assert_no_run_alive();
        assert_eq!(status["skipped"], 1);
    }
}

/// A place for the files that a run leaves and waits for.
struct Workshop(TempDir);

impl Workshop {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("workshop-").tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn make(&self, name: &str) {
        fs::write(self.path(name), "").unwrap();
    }

    /// A number of seconds to sleep that no other process sleeps.
    fn token(&self) -> String {
        let digits: String =
            self.0.path().to_str().unwrap().bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
        format!("86400.{digits}")
    }
}

#[track_caller]
fn assert_contains(list: &Value, item: &str) {
    assert!(list.as_array().is_some_and(|list| list.contains(&item.into())), "{list} has no {item:?}");
}
