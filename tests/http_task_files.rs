//! Task files as `start` meets them: outside the folder, not there, not files, not right, changed, done before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs::{self, FileTimes};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::json;
use support::claude::{Claude, succeeds};
use support::daemon::Daemon;
use support::http::post;
use support::taskfile::Task;

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
