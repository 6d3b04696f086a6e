//! A wallet that nobody watches: budgets, usage limits, runs that come to nothing, floods and a full disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::claude::{
    Claude, answers, babbles, dies, edits, exhausts, fails, limited, succeeds, uses, waits,
};
use support::daemon::{A_RUN, Builder, Daemon, assert_usd, task_of};
use support::eventually::until;
use support::receiver::Receiver;
use support::taskfile::Task;

fn daemon() -> Builder {
    Daemon::with(Claude::stand_in()).approval_mode("auto")
}

/// A usage limit at 14:59 that resets at 15:00, and a restart in between.
#[test]
fn a_usage_limit_goes_on_by_itself_just_after_its_reset_and_is_told_once() {
    let receiver = Receiver::start();
    let mut daemon = daemon().set("webhooks", "n8n_notify_url", receiver.url()).start();
    let met = daemon.folder().join("met");
    daemon.start(&[Task::new("Limited", &(limited(3, &met) + &succeeds(0.5)))]);
    let held = daemon.await_status("held");
    assert_eq!(held["hold"]["kind"], "usage_limit");
    assert!(held["hold"]["until"].is_string());
    daemon.kill9();
    daemon.restart();

    let ended = daemon.await_status("completed");

    assert_eq!(task_of(&ended, 1)["runs"], 2);
    receiver.await_event(A_RUN, "session_completed", None);
    let told: BTreeSet<(String, String)> =
        receiver.accepted().iter().map(|told| (told.id().to_owned(), told.event().to_owned())).collect();
    let of = |event: &str| told.iter().filter(|(_, told)| told == event).count();
    assert_eq!((of("run_blocked"), of("hold_ended")), (1, 1), "{told:?}");
    assert!(daemon.logs().contains("held, no attempt counted (usage limit)"));
}

/// A task that fails and is retried for ever.
#[test]
fn a_loop_that_burns_money_stops_at_its_budget_with_the_last_cent_accounted_for() {
    let daemon = daemon()
        .set("orchestrator", "on_failure", "retry")
        .set("orchestrator", "max_attempts", 1000)
        .set("limits", "cost_per_task", 1.0)
        .start();
    daemon.start(&[Task::new("Burn", &fails(0.3)), Task::new("Next", &succeeds(0.1))]);

    let gate = daemon.await_gate("before", 1);

    assert_eq!(gate["reasons"], json!(["spent $1.20 of $1.00 on this task"]));
    assert_eq!(gate["choices"], json!(["approve", "reject", "skip", "stop"]));
    let status = daemon.status();
    assert_eq!(task_of(&status, 1)["runs"], 4);
    assert_usd(&status["cost_usd"], 1.2);
    let approved = daemon.ok("/approve", json!({"gate": gate["id"]}));
    assert!(approved["message"].as_str().unwrap().contains("up to $2.20 on this task"), "{approved}");
    let again = daemon.await_gate("before", 1);
    assert_eq!(again["reasons"], json!(["spent $2.40 of $2.20 on this task"]));
    daemon.ok("/skip", json!({}));
    assert_usd(&daemon.await_status("completed")["cost_usd"], 2.5);
}

/// Whoever is asked what it cost says the same, to the last hundredth of a cent.
#[test]
fn every_account_of_a_loop_that_burns_money_is_the_same_sum() {
    let mut daemon = daemon()
        .set("orchestrator", "on_failure", "retry")
        .set("orchestrator", "max_attempts", 1000)
        .set("limits", "cost_per_task", 1.0)
        .start();
    daemon.start(&[Task::new("Burn", &fails(0.1234))]);

    let gate = daemon.await_gate("before", 1);

    assert_eq!(gate["reasons"], json!(["spent $1.11 of $1.00 on this task"]));
    for restarted in [false, true] {
        let status = daemon.status();
        let session = status["session"].as_str().unwrap();
        assert_eq!((&task_of(&status, 1)["runs"], &status["cost_at_least"]), (&json!(9), &json!(false)));
        assert_usd(&status["cost_usd"], 1.1106);
        assert_usd(&task_of(&status, 1)["cost_usd"], 1.1106);
        let runs = daemon.ok("/tasks", json!({}))["runs"].take();
        let sum: f64 = runs.as_array().unwrap().iter().map(|run| run["cost_usd"].as_f64().unwrap()).sum();
        assert_usd(&json!(sum), 1.1106);
        assert!((daemon.cost_printed(session, 1) - 1.1106).abs() < 1e-9, "as Claude told it");
        let (_, metrics) = daemon.get("/metrics").unwrap();
        for figure in ["orchestrator_cost_usd_total 1.1106\n", "orchestrator_spent_today_usd 1.1106\n"] {
            assert!(metrics.contains(figure), "{figure}{metrics}");
        }
        let report = daemon.call(&["report"]).out;
        assert!(report.contains("- Cost: $1.11\n") && report.contains("| 9 |"), "{report}");
        assert_eq!(report.matches(", $0.12, ").count(), 9, "{report}");
        assert!(report.contains("(spent $1.11 of $1.00 on this task): **open**"), "{report}");
        let booked = "SELECT micro_usd FROM spending UNION ALL SELECT sum(micro_usd) FROM runs";
        assert_eq!(daemon.database().numbers(booked), [1_110_600, 1_110_600]);
        if !restarted {
            daemon.kill9();
            daemon.restart();
        }
    }
}

/// What a killed run cost is nobody's to say: its tokens count, and where money is limited it isn't tried again unasked.
#[test]
fn a_loop_of_killed_runs_burns_no_money_unnoticed() {
    let daemon = daemon()
        .set("orchestrator", "on_interrupted", "retry")
        .set("orchestrator", "max_attempts", 1000)
        .set("limits", "cost_per_day", 5.0)
        .set("limits", "tokens_per_day", 3000)
        .start();
    let work = answers("msg_1", 1000) + &answers("msg_2", 500) + &dies();
    daemon.start(&[Task::new("Die", &work)]);

    let gate = daemon.await_gate("before", 1);

    assert_eq!(gate["reasons"], json!(["1 run ended without telling its cost, and money is limited"]));
    let status = daemon.status();
    assert_eq!((&status["cost_usd"], &status["cost_at_least"]), (&json!(0.0), &json!(true)));
    let run = daemon.ok("/tasks", json!({}))["runs"][0].take();
    let told = ["verdict", "cost_at_least", "input_tokens", "output_tokens"].map(|name| run[name].clone());
    assert_eq!(told, [json!("lost"), json!(true), json!(1500), json!(20)]);
    let report = daemon.call(&["report"]).out;
    assert!(report.contains("- Cost: unknown\n- Tokens: at least 1,500 in, 20 out\n"), "{report}");
    assert!(report.contains(", cost unknown, stand-in, at least 1,500 tokens in, 20 out)"), "{report}");
    let (_, metrics) = daemon.get("/metrics").unwrap();
    for figure in ["orchestrator_tokens_today 1520\n", "orchestrator_runs_of_unknown_cost_total 1\n"] {
        assert!(metrics.contains(figure), "{figure}{metrics}");
    }

    daemon.ok("/approve", json!({"gate": gate["id"]}));
    let again = daemon.await_gate("before", 1);
    let reasons = [
        "used at least 3,040 of 3,000 tokens today",
        "1 run ended without telling its cost, and money is limited",
    ];
    assert_eq!(again["reasons"], json!(reasons));
    assert_eq!(task_of(&daemon.status(), 1)["runs"], 2);
}

#[test]
fn a_day_is_one_account_over_sessions_and_restarts() {
    let mut daemon = daemon().set("limits", "cost_per_day", 0.75).start();
    daemon.start(&[Task::new("First", &succeeds(0.5))]);
    daemon.await_status("completed");
    daemon.kill9();
    daemon.restart();
    daemon.start(&[Task::new("Second", &succeeds(0.3)), Task::new("Third", &succeeds(0.3))]);

    let gate = daemon.await_gate("before", 2);

    assert_eq!(gate["reasons"], json!(["spent $0.80 of $0.75 today"]));
    daemon.kill9();
    daemon.restart();
    daemon.ok("/approve", json!({}));
    assert_usd(&daemon.await_status("completed")["cost_usd"], 0.6);
}

#[test]
fn a_run_that_stops_at_its_budget_goes_on_after_an_approval() {
    let daemon = daemon().set("limits", "cost_per_session", 0.4).start();
    let met = daemon.folder().join("met");
    daemon.start(&[Task::new("Long", &(exhausts(0.41, &met) + &succeeds(0.1)))]);

    let gate = daemon.await_gate("before", 1);

    assert_eq!(gate["reasons"], json!(["spent $0.41 of $0.40 in this session"]));
    let status = daemon.status();
    assert_eq!((&status["failed"], &task_of(&status, 1)["state"]), (&json!(0), &json!("pending")));
    daemon.ok("/approve", json!({}));
    let ended = daemon.await_status("completed");
    assert_usd(&ended["cost_usd"], 0.41);
    assert!(daemon.logs().contains("continued: Long"), "{}", daemon.logs());
}

#[test]
fn runs_that_come_to_nothing_are_asked_about_though_the_policy_would_go_on() {
    let daemon =
        daemon().set("orchestrator", "on_failure", "skip").set("limits", "failures_in_a_row", 2).start();
    git(&daemon.project(), &["init", "--quiet"]);
    let changing = edits("notes.txt", "word") + &fails(0.1);
    daemon.start(&[
        Task::new("Nothing", &fails(0.1)),
        Task::new("Something", &changing),
        Task::new("Nothing again", &fails(0.1)),
        Task::new("And again", &fails(0.1)),
        Task::new("Never", &succeeds(0.1)),
    ]);

    let gate = daemon.await_gate("before", 5);

    assert_eq!(gate["reasons"], json!(["2 failures in a row without a change in the project"]));
    daemon.ok("/approve", json!({}));
    assert_eq!(daemon.await_status("completed")["completed"], 1);
}

#[test]
fn what_is_known_of_a_killed_run_is_on_the_card_and_it_can_be_continued() {
    let mut daemon = daemon().start();
    git(&daemon.project(), &["init", "--quiet"]);
    let (ready, go) = (daemon.folder().join("ready"), daemon.folder().join("go"));
    let work = edits("notes.txt", "word") + &uses("Bash", "make") + &waits(&ready, &go);
    daemon.start(&[Task::new("Work", &work)]);
    until(A_RUN, "the stand-in to be at work", || ready.exists());
    let run = daemon.await_claude();
    support::processes::kill_all(|| if run.identity.is_alive() { vec![run.clone()] } else { Vec::new() });

    let gate = daemon.await_gate("interrupted", 1);

    assert_eq!(gate["choices"], json!(["retry", "skip", "stop"]));
    let known = &gate["recovery"];
    assert_eq!((&known["resumable"], &known["changed"]), (&json!(true), &json!(true)), "{known:#}");
    assert_eq!(known["last_activity"], "Bash make");
    assert_eq!(known["changes"], json!(["not in git: notes.txt"]));
    daemon.kill9();
    daemon.restart();
    assert_eq!(daemon.status()["gate"]["recovery"], *known, "also after a restart");

    let said =
        daemon.ok("/command", json!({"command": format!("/continue_{}", gate["id"].as_str().unwrap())}));
    assert!(said["message"].as_str().unwrap().contains("to be continued"), "{said}");
    let ended = daemon.await_status("completed");
    assert_eq!(task_of(&ended, 1)["summary"], "Done after all.");
    let (status, refused) = daemon.post("/continue", json!({}));
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("refused")));
}

#[test]
fn a_flood_is_ended_with_a_sentence() {
    let daemon = daemon().set("limits", "output_per_run", "1MB").start();
    let (ready, go) = (daemon.folder().join("ready"), daemon.folder().join("go"));
    daemon.start(&[Task::new("Flood", &(babbles(3_000_000) + &waits(&ready, &go)))]);

    daemon.await_gate("failed", 1);

    assert_eq!(task_of(&daemon.status(), 1)["summary"], "printed more than 1 MB");
    daemon.assert_no_run_alive();
}

#[test]
fn nothing_starts_where_there_is_no_room_and_everything_goes_on_when_there_is() {
    let mut daemon = daemon().set("limits", "min_free", "900TB").start();
    daemon.start(&[Task::new("Work", &succeeds(0.1))]);
    let held = daemon.await_status("held");
    assert_eq!((&held["hold"]["kind"], &held["hold"]["until"]), (&json!("disk"), &Value::Null));
    let reason = held["hold"]["reason"].as_str().unwrap();
    assert!(reason.contains("limits.min_free asks for 900 TB"), "{reason}");
    assert_eq!(task_of(&held, 1)["runs"], 0);
    daemon.kill9();
    let config = daemon.folder().join("config.toml");
    let text = fs::read_to_string(&config).unwrap().replace("900TB", "1MB");
    fs::write(&config, text).unwrap();
    daemon.restart();

    let ended = daemon.await_status("completed");

    assert_eq!((&ended["hold"], &task_of(&ended, 1)["runs"]), (&Value::Null, &json!(1)));
}

fn git(project: &Path, arguments: &[&str]) {
    assert!(Command::new("git").args(arguments).current_dir(project).status().unwrap().success());
}
