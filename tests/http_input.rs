//! Bad input of every sort: what can't be read, what names nothing, what comes too late, and programs that aren't Claude.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs::{self, FileTimes, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, babbles, drones, fails, succeeds, waits};
use support::daemon::{A_RUN, Daemon, SECRET};
use support::eventually::until;
use support::http::{Ask, ask, post};
use support::taskfile::Task;

#[test]
fn what_is_not_one_json_object_is_refused_in_words() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let deep = format!("{}{}", "{\"a\":".repeat(5000), "[".repeat(5000));
    for body in [
        "[]",
        "null",
        "\"status\"",
        "7",
        "{",
        "{}{}",
        "{'command':'status'}",
        "{\"lines\":20,}",
        "{\"lines\":1e999}",
        "{\"command\":\"\\ud800\"}",
        "\u{feff}{}",
        &deep,
    ] {
        let message = daemon.ask(raw("/status", body)).fails(400, "bad_request");
        assert!(message.contains("not a JSON object"), "{message}");
    }
    daemon.ask(raw("/status", [b'{', 0xff, b'}'])).fails(400, "bad_request");
    let twice = daemon.ask(raw("/approve", r#"{"gate":"g7_aaaa","gate":"g7_bbbb"}"#));
    assert!(twice.fails(400, "bad_request").contains("field \"gate\" is given twice"));

    for empty in ["", "  \n", "{}", r#"{"unknown":{"deep":[1,2,3]},"session":null}"#] {
        daemon.ask(raw("/status", empty)).succeeds();
    }
    let bare = ask("POST", "/status").header("x-webhook-secret", SECRET);
    daemon.ask(bare.clone()).succeeds();
    daemon.ask(bare.raw("{}").header("content-type", "Application/JSON; charset=utf-8")).succeeds();
}

#[test]
fn a_wrong_type_is_told_with_the_name_of_its_field() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    for (path, body, field) in [
        ("/command", json!({"command": 7}), "command"),
        ("/command", json!({}), "command"),
        ("/start", json!({"task_file": ["a.md"]}), "task_file"),
        ("/start", json!({"replace": "yes"}), "replace"),
        ("/start", json!({"again": 1}), "again"),
        ("/approve", json!({"gate": 7}), "gate"),
        ("/approve", json!({"note": {}}), "note"),
        ("/reject", json!({"feedback": true}), "feedback"),
        ("/pause", json!({"now": "now"}), "now"),
        ("/skip", json!({"task": 1.5}), "task"),
        ("/skip", json!({"task": "two"}), "task"),
        ("/retry", json!({"task": -2}), "task"),
        ("/retry", json!({"task": "99999999999999999999"}), "task"),
        ("/retry", json!({"task": [2]}), "task"),
        ("/logs", json!({"lines": "ten"}), "lines"),
        ("/logs", json!({"lines": -1}), "lines"),
        ("/logs", json!({"lines": 0}), "lines"),
        ("/logs", json!({"lines": 1001}), "lines"),
        ("/logs", json!({"lines": 1e300}), "lines"),
        ("/logs", json!({"lines": true}), "lines"),
        ("/command", json!({"command": "logs 1001"}), "lines"),
        ("/command", json!({"command": "logs -1"}), "lines"),
        ("/sessions", json!({"limit": 0}), "limit"),
        ("/gates", json!({"limit": [1]}), "limit"),
        ("/status", json!({"session": 20_251_120}), "session"),
        ("/status", json!({"chat_id": {}}), "chat_id"),
        ("/status", json!({"chat_id": 1e30}), "chat_id"),
        ("/status", json!({"user_id": false}), "user_id"),
        ("/status", json!({"user": 5}), "user"),
        ("/pause", json!({"request_id": 1.25}), "request_id"),
        ("/pause", json!({"request_id": "x".repeat(256)}), "key"),
        ("/pause", json!({"sent_at": "yesterday"}), "sent_at"),
        ("/pause", json!({"sent_at": 1_700_000_000_000_i64}), "sent_at"),
        ("/pause", json!({"sent_at": 1_700_000_000.5}), "sent_at"),
    ] {
        let message = daemon.ask(post(path, &body)).fails(400, "bad_request");
        assert!(message.contains(field), "{path} {body}: {message}");
        for jargon in ["i64", "u32", "struct", "`", "Option"] {
            assert!(!message.contains(jargon), "{path} {body}: {message}");
        }
    }
    for fine in [
        json!({"chat_id": 1, "user_id": "2", "user": "Ana", "request_id": 18_446_744_073_709_551_615_u64}),
        json!({"chat_id": null, "user_id": null, "user": null, "request_id": null, "sent_at": null}),
        json!({"session": null, "sent_at": "2025-11-20T09:30:15+01:00"}),
    ] {
        daemon.ok("/status", fine);
    }
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    daemon.ok("/pause", json!({"now": null}));
}

#[test]
fn a_body_may_be_64_kib_long_and_no_longer() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let body = |length: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(length - 8));
    daemon.ask(raw("/status", body(64 * 1024))).succeeds();
    daemon.ask(raw("/status", body(64 * 1024 - 1))).succeeds();
    for length in [64 * 1024 + 1, 1024 * 1024, 7 * 1024 * 1024] {
        let message = daemon.ask(raw("/status", body(length))).fails(413, "too_large");
        assert!(message.contains("64 KiB"), "{message}");
    }
}

#[test]
fn a_task_is_meant_by_its_number_however_it_is_written() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let task = || Task::new("Task", &succeeds(0.5));
    daemon.start(&[task(), task(), task(), task()]);
    for (number, written) in [json!(2), json!("3"), json!("#4")].into_iter().zip([2, 3, 4]) {
        daemon.ok("/skip", json!({"task": number}));
        assert_eq!(daemon.await_task(written, "skipped")["id"], written);
    }
    for unknown in [json!(99), json!("#99"), json!(0)] {
        let message = daemon.ask(post("/skip", &json!({"task": unknown}))).fails(404, "not_found");
        assert!(message.contains("it has tasks 1, 2, 3, 4"), "{message}");
    }
    let message = daemon.ask(post("/skip", &json!({"task": 2}))).fails(409, "refused");
    assert!(message.contains("already skipped"), "{message}");
    daemon.ask(post("/skip", &json!({"task": 1, "gate": "g7_aaaa"}))).fails(400, "bad_request");
    daemon.ask(post("/logs", &json!({"task": 99}))).fails(404, "not_found");
}

#[test]
fn a_gate_that_is_not_open_says_what_became_of_it() {
    let daemon = Daemon::with(Claude::stand_in()).set("orchestrator", "timezone", "Asia/Kathmandu").start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let old = daemon.await_gate("before", 1)["id"].clone();
    daemon.ok("/start", json!({"task_file": "2025-11-20-tasks.md", "replace": true, "user": "Ana"}));
    let message = daemon.ask(post("/approve", &json!({"gate": old}))).fails(409, "refused");
    assert!(message.contains("already stopped by Ana at "), "{message}");
    let closed = &daemon.ok("/gates", json!({}))["gates"][1];
    assert_eq!(
        (&closed["id"], &closed["decision"], &closed["decided_by"]),
        (&old, &json!("stopped"), &json!("Ana"))
    );
    let time: jiff::Zoned =
        closed["closed_at"].as_str().unwrap().parse::<Timestamp>().unwrap().in_tz("Asia/Kathmandu").unwrap();
    assert!(message.contains(&time.strftime("%H:%M:%S on %Y-%m-%d").to_string()), "{message}: {time}");
}

/// A button that was tapped before the gate opened was meant for the one before.
#[test]
fn an_answer_without_an_id_does_not_meet_a_gate_that_opened_after_it_was_sent() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let gate = daemon.await_gate("before", 1);
    let opened: Timestamp = gate["opened_at"].as_str().unwrap().parse().unwrap();
    let earlier = opened - Duration::from_secs(1);
    for sent_at in [
        json!(earlier.as_second()),
        json!(earlier.as_second().to_string()),
        json!(earlier.to_string()),
        json!((opened - Duration::from_millis(1)).to_string()),
        json!(earlier.in_tz("America/New_York").unwrap().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()),
    ] {
        for command in ["approve", "reject", "skip", "retry"] {
            let late = daemon.ask(post(&format!("/{command}"), &json!({"sent_at": sent_at})));
            let message = late.fails(409, "refused");
            assert!(
                message.contains("sent before") && message.contains(gate["id"].as_str().unwrap()),
                "{message}"
            );
            assert_eq!(late.body()["gate"], gate);
        }
    }
    // Whoever counts whole seconds, as Telegram does, can't be earlier than the second in which it opened.
    daemon.ok("/reject", json!({"sent_at": opened.as_second()}));
    let named = daemon.await_gate("before", 1)["id"].clone();
    daemon.ok("/reject", json!({"gate": named, "sent_at": 1_000_000_000}));
}

#[test]
fn a_name_leads_to_a_task_file_in_the_folder_or_nowhere() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let tasks = daemon.folder().join("tasks");
    daemon.write_tasks("inside.md", &[Task::new("Asked", &succeeds(0.5))]);
    fs::create_dir(tasks.join("sub")).unwrap();
    fs::copy(tasks.join("inside.md"), tasks.join("sub/below.md")).unwrap();
    fs::copy(tasks.join("inside.md"), daemon.folder().join("outside.md")).unwrap();
    symlink(daemon.folder().join("outside.md"), tasks.join("link-out.md")).unwrap();
    symlink("inside.md", tasks.join("link-in.md")).unwrap();
    symlink("loop.md", tasks.join("loop.md")).unwrap();
    symlink(daemon.folder(), tasks.join("up")).unwrap();
    let start = |name: &str| daemon.ask(post("/start", &json!({"task_file": name, "replace": true})));

    for outside in [
        "../outside.md",
        "sub/../../outside.md",
        "link-out.md",
        "up/outside.md",
        "/etc/passwd",
        "..",
        ".",
        "../nowhere",
    ] {
        let message = start(outside).fails(400, "bad_request");
        assert!(message.contains("not in the task folder"), "{outside}: {message}");
    }
    for missing in ["nowhere.md", "inside.md/further", "nul\0.md", "", &"x".repeat(300), "sub/nowhere.md"] {
        let message = start(missing).fails(404, "not_found");
        assert!(message.contains("there is no task file") && message.contains("inside.md"), "{message}");
    }
    assert!(start("loop.md").fails(422, "invalid").contains("failed to read"));
    let absolute = tasks.join("inside.md");
    for inside in ["inside", "link-in.md", "sub/below.md", "sub/../inside.md", absolute.to_str().unwrap()] {
        start(inside).succeeds();
    }
}

#[test]
fn a_task_file_that_cannot_be_one_is_refused_without_waiting_for_it() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let tasks = daemon.folder().join("tasks");
    let start = |name: &str| daemon.ask(post("/start", &json!({"task_file": name}))).fails(422, "invalid");
    assert!(Command::new("mkfifo").arg(tasks.join("pipe.md")).status().unwrap().success());
    fs::create_dir(tasks.join("folder.md")).unwrap();
    assert!(start("pipe.md").contains("a pipe or a device, not a task file"));
    assert!(start("folder.md").contains("a folder, not a task file"));

    let write = |name: &str, bytes: &[u8]| fs::write(tasks.join(name), bytes).unwrap();
    write("latin1.md", b"## Task 1: Caf\xe9\n\n**Claude Instruction:**\nx\n");
    write("empty.md", b"");
    write("large.md", &b"## Task 1: Large\n\n**Claude Instruction:**\nx\n".repeat(1 + 1024 * 1024 / 44));
    write(
        "misspelt.md",
        b"## Task 1: One\n**Requires Aproval:** true\n\nx\n\n## Task 1: Two\n**Timeout:** soon\n",
    );
    assert!(start("latin1.md").contains("latin1.md:1:"));
    assert!(start("empty.md").contains("empty.md:1:1"));
    assert!(start("large.md").contains("large.md:1:1"));
    let all = start("misspelt.md");
    for part in ["misspelt.md:2:", "did you mean", "misspelt.md:6:", "misspelt.md:7:"] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert_eq!(daemon.status()["status"], "idle");

    let mut just_fits = b"## Task 1: Just\n\n**Claude Instruction:**\n".to_vec();
    just_fits.resize(1024 * 1024, b'x');
    write("fits.md", &just_fits);
    daemon.ok("/start", json!({"task_file": "fits.md"}));
}

#[test]
fn without_a_file_for_today_the_newest_five_are_offered() {
    let daemon =
        Daemon::with(Claude::stand_in()).set("orchestrator", "timezone", "Pacific/Kiritimati").start();
    let today = Timestamp::now().in_tz("Pacific/Kiritimati").unwrap().date();
    let none = daemon.ask(post("/start", &json!({}))).fails(404, "not_found");
    assert!(
        none.contains(&format!("tasks/{today}-tasks.md")) && none.contains("no task files yet"),
        "{none}"
    );

    for (age, name) in (1..).zip(["a.md", "b.md", "c.md", "d.md", "e.md", "f.md"]) {
        daemon.write_tasks(name, &[Task::new("Asked", &succeeds(0.5))]);
        let file = fs::File::options().write(true).open(daemon.folder().join("tasks").join(name)).unwrap();
        let modified = SystemTime::now() - Duration::from_hours(age);
        file.set_times(FileTimes::new().set_modified(modified)).unwrap();
    }
    let some = daemon.ask(post("/command", &json!({"command": "start"}))).fails(404, "not_found");
    assert!(some.contains("a.md, b.md, c.md, d.md, e.md: "), "{some}");

    daemon.write_tasks(&format!("{today}-tasks.md"), &[Task::new("Asked", &succeeds(0.5))]);
    daemon.ok("/start", json!({}));
}

#[test]
fn a_file_that_changes_is_noticed_and_one_that_was_done_is_not_done_again_by_accident() {
    let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    let path = daemon.folder().join("tasks/2025-11-20-tasks.md");
    daemon.start(&[Task::new("Asked", &succeeds(0.5)).with("Requires Approval", "true")]);
    assert_eq!(daemon.status()["task_file_changed"], false);
    let original = fs::read(&path).unwrap();
    fs::write(&path, [&original[..], b"\nmore\n"].concat()).unwrap();
    let changed = daemon.status();
    assert_eq!(changed["task_file_changed"], true);
    assert!(changed["message"].as_str().unwrap().contains("was changed since"), "{changed}");
    fs::remove_file(&path).unwrap();
    assert_eq!(daemon.status()["task_file_changed"], true);
    fs::write(&path, &original).unwrap();
    assert_eq!(daemon.status()["task_file_changed"], false);

    let gate = daemon.status()["gate"]["id"].clone();
    daemon.ok("/approve", json!({"gate": gate}));
    daemon.await_status("completed");
    let same = json!({"task_file": "2025-11-20-tasks.md"});
    let message = daemon.ask(post("/start", &same)).fails(409, "refused");
    assert!(message.contains("\"start 2025-11-20-tasks.md again\""), "{message}");
    daemon.ok("/command", json!({"command": "start 2025-11-20-tasks.md again"}));
    daemon.ok("/stop", json!({}));
    fs::write(&path, [&original[..], b"\nmore\n"].concat()).unwrap();
    daemon.ok("/start", same);
}

#[test]
fn a_program_that_is_not_there_holds_the_work_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("claude");
    let mut daemon = Daemon::with(Claude::program(&program)).approval_mode("auto").start();
    begin(&daemon, &succeeds(0.5));
    assert_held(&daemon, "no such file");

    fs::write(&program, fs::read(Claude::stand_in().program).unwrap()).unwrap();
    daemon.ok("/resume", json!({}));
    assert_held(&daemon, "not executable");

    daemon.kill9();
    daemon.restart();
    assert_held(&daemon, "not executable");
    fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
    daemon.ok("/resume", json!({}));
    let done = daemon.await_status("completed");
    assert_eq!(done["hold"], Value::Null);
}

#[test]
fn a_project_that_vanished_holds_the_work_and_says_so() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    fs::remove_dir(daemon.project()).unwrap();
    daemon.ok("/approve", json!({}));
    assert_held(&daemon, "project");
    fs::create_dir(daemon.project()).unwrap();
    daemon.ok("/resume", json!({}));
    daemon.await_status("completed");
}

#[test]
fn a_program_that_is_no_claude_fails_its_task() {
    let daemon = Daemon::with(Claude::program("/bin/true")).approval_mode("auto").start();
    begin(&daemon, &succeeds(0.5));
    let gate = await_trouble(&daemon);
    assert_eq!(gate["choices"], json!(["retry", "skip", "stop"]));
    assert!(!daemon.logs().is_empty());
}

#[test]
fn whatever_a_run_prints_its_task_ends_and_can_be_told() {
    for (what, prints) in [("binary", babbles(3_000_000)), ("a line of 64 MiB", drones(64 << 20))] {
        let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
        begin(&daemon, &(prints + &fails(0.5)));
        await_trouble(&daemon);
        let told = daemon.ask(post("/logs", &json!({"task": 1, "lines": 1000})));
        assert!(told.succeeds()["logs"].is_string(), "{what}");
        assert!(told.text.len() < 8 << 20, "{what}: {} bytes", told.text.len());
        daemon.assert_no_run_alive();
    }
}

#[test]
fn a_run_that_never_ends_is_ended_by_its_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, never) = (folder.path().join("ready"), folder.path().join("never"));
    let daemon = Daemon::with(Claude::stand_in())
        .approval_mode("auto")
        .set("claude", "timeout", 2)
        .set("claude", "grace", 1)
        .start();
    begin(&daemon, &waits(&ready, &never));
    until(SOON, "the run to be at work", || ready.exists());
    assert_eq!(daemon.status()["status"], "running");
    let gate = daemon.await_gate("failed", 1);
    assert!(daemon.logs().contains("timed out") || daemon.logs().contains("time"), "{}", daemon.logs());
    daemon.assert_no_run_alive();
    daemon.ok("/skip", json!({"gate": gate["id"]}));
}

fn raw(path: &str, body: impl Into<Vec<u8>>) -> Ask {
    let proven = ask("POST", path).header("x-webhook-secret", SECRET);
    proven.header("content-type", "application/json").raw(body)
}

fn begin(daemon: &Daemon, instruction: &str) {
    daemon.start(&[Task::new("Only", instruction)]);
    daemon.ok("/status", json!({}));
}

/// Waits for the gate after a run that failed or left nothing behind.
#[track_caller]
fn await_trouble(daemon: &Daemon) -> Value {
    let status = daemon.await_that(A_RUN, "a gate after the run", |status| {
        ["failed", "interrupted"].iter().any(|kind| status["gate"]["kind"] == *kind)
    });
    status["gate"].clone()
}

#[track_caller]
fn assert_held(daemon: &Daemon, reason: &str) {
    let held = daemon.await_that(SOON, reason, |status| {
        status["status"] == "held" && status["hold"]["reason"].as_str().unwrap().contains(reason)
    });
    assert_eq!(held["current"]["state"], "pending", "{held:#}");
    assert_eq!(held["hold"]["until"], Value::Null, "{held:#}");
    assert!(held["message"].as_str().unwrap().contains(reason), "{held:#}");
    daemon.assert_no_run_alive();
}
