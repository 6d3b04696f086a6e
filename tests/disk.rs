//! A disk that gets full: while a run works, and before the daemon is started. Only root can mount the small file systems that
//! these tests fill; where it can't be done they are left out, and say so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, fills, succeeds, waits};
use support::daemon::{A_RUN, Builder, Daemon, task_of};
use support::disk::Disk;
use support::eventually::{eventually, until};
use support::http::{post, stranger};
use support::receiver::{Delivery, Receiver};
use support::taskfile::Task;

const MIB: u64 = 1 << 20;

fn daemon(disk: &Disk) -> Builder {
    Daemon::with(Claude::stand_in()).approval_mode("auto").set("limits", "min_free", "1MB").on_disk(disk)
}

/// `limits.min_free` before a run starts, half of it while one works.
#[test]
fn a_run_that_fills_the_disk_is_ended_and_goes_on_in_its_session_when_there_is_room() {
    let Some(disk) = Disk::mount("size=64m") else { return };
    let receiver = Receiver::start();
    let daemon = daemon(&disk)
        .set("limits", "min_free", "20MiB")
        .set("orchestrator", "on_failure", "retry")
        .set("orchestrator", "max_attempts", 1)
        .set("webhooks", "n8n_notify_url", receiver.url())
        .start();
    let (hog, ready, go) = (disk.path().join("hog"), disk.path().join("ready"), disk.path().join("go"));
    let work = |left: u64| fills(&hog, disk.free() - left) + &waits(&ready, &go);
    daemon.start(&[Task::new("Hog", &work(15 * MIB)), Task::new("Next", &succeeds(0.5))]);
    until(A_RUN, "the run to have left less than it was begun with", || ready.exists());
    let run = daemon.await_claude();
    let more = disk.free() - 5 * MIB;
    fs::write(disk.path().join("more"), vec![0; usize::try_from(more).unwrap()]).unwrap();

    let held = daemon.await_status("held");

    assert!(!run.identity.is_alive());
    daemon.assert_no_run_alive();
    assert_eq!((&held["hold"]["kind"], &held["hold"]["until"]), (&json!("disk"), &Value::Null));
    assert_eq!((&held["failed"], &task_of(&held, 1)["state"]), (&json!(0), &json!("pending")));
    let began = receiver.await_event(SOON, "run_blocked", None);
    let text = began.letter["telegram"]["text"].as_str().unwrap();
    let (before, after) = text.split_once(" MB are free").unwrap();
    let (before, left) = before.rsplit_once(' ').unwrap();
    // What the daemon wrote in the meantime is gone from it, or on its way.
    assert!((4.5..6.0).contains(&left.parse::<f64>().unwrap()), "{text}");
    let told = format!("{before} N MB are free{after}").replace(daemon.folder().to_str().unwrap(), "FOLDER");
    assert_snapshot!(told, @r"
    <b>⏳ On hold: the disk is nearly full</b>
    Task 1/2 waits; the attempt doesn't count
    📝 Hog
    <blockquote>only N MB are free where FOLDER/logs is, and limits.min_free asks for 20 MB; work goes on by itself when there is room</blockquote>
    ");
    fs::remove_file(disk.path().join("more")).unwrap();
    let narrow = daemon.status();
    assert_eq!(narrow["status"], "held", "what is enough for a run that works is too little to begin with");
    fs::remove_file(&hog).unwrap();

    let ended = daemon.await_status("completed");

    assert_eq!(
        (&task_of(&ended, 1)["runs"], &task_of(&ended, 1)["summary"]),
        (&json!(2), &json!("Done after all."))
    );
    assert!(!daemon.logs().contains("attempt 2"), "{}", daemon.logs());
    receiver.await_event(SOON, "session_completed", None);
    let told: Vec<String> = receiver.accepted().iter().map(Delivery::event).map(str::to_owned).collect();
    let count = |event: &str| told.iter().filter(|told| *told == event).count();
    assert_eq!((count("run_blocked"), count("hold_began"), count("hold_ended")), (1, 0, 1), "{told:?}");
}

/// A daemon that is started on a full disk says so at its door and begins by itself: whoever restarts what ends would only
/// start it again and again.
mod a_daemon_on_a_full_disk {
    use super::*;

    #[track_caller]
    fn waits_at_its_door(daemon: &mut Daemon) -> String {
        daemon.restart_unwell();
        let (_, health) = daemon.get("/health").unwrap();
        let health: Value = serde_json::from_str(&health).unwrap();
        let reason = health["reasons"][0].as_str().unwrap().to_owned();
        let (status, answer) = daemon.post("/webhook/command", json!({"command": "status"}));
        assert_eq!(
            (status, &answer["error"]["code"], &answer["message"]),
            (503, &json!("unavailable"), &json!(reason))
        );
        assert!(answer["telegram"]["text"].as_str().unwrap().contains("no room for "), "{answer:#}");
        daemon.ask(post("/status", &json!({}))).fails(503, "unavailable");
        let unknown = daemon.ask(stranger("/status", &json!({})));
        assert!(!unknown.text.contains("there is no room"), "strangers learn nothing");
        unknown.fails(401, "unauthorized");
        assert_eq!(daemon.call(&["health"]).code, Some(1));
        assert_eq!(daemon.said().matches("ERROR").count(), 1, "{}", daemon.said());
        reason.replace(daemon.folder().to_str().unwrap(), "FOLDER")
    }

    #[track_caller]
    fn begins_by_itself(daemon: &Daemon) {
        eventually(SOON, "the daemon to be well", || match daemon.get("/health") {
            Ok((200, _)) => Ok(()),
            other => Err(format!("{other:?}\n{}", daemon.said())),
        });
    }

    #[test]
    fn for_the_first_time() {
        let Some(disk) = Disk::mount("size=32m") else { return };
        let mut daemon = daemon(&disk).prepare();
        disk.fill();

        assert_snapshot!(waits_at_its_door(&mut daemon), @r"there is no room for FOLDER/orchestrator.db: 0 bytes are free on its disk; make some there, and the daemon begins by itself");

        let said = daemon.call(&["status"]);
        assert_snapshot!(said.err.replace(daemon.folder().to_str().unwrap(), "FOLDER"), @r"error: there is no room for FOLDER/orchestrator.db: 0 bytes are free on its disk; make some there, and the daemon begins by itself");
        disk.clear();
        begins_by_itself(&daemon);
        daemon.start(&[Task::new("Work", &succeeds(0.5))]);
        daemon.await_status("completed");
    }

    #[test]
    fn with_a_session_that_waits() {
        let Some(disk) = Disk::mount("size=32m") else { return };
        let mut daemon = daemon(&disk).start();
        daemon.start(&[Task::new("Asked", &succeeds(0.5)).with("Requires Approval", "true")]);
        let gate = daemon.await_gate("before", 1);
        assert!(daemon.sigterm().success());
        // What SQLite has to make anew at the next start, and may have left behind.
        for rest in ["orchestrator.db-shm", "orchestrator.db-wal"] {
            let _ = fs::remove_file(daemon.folder().join(rest));
        }
        disk.fill();

        assert_snapshot!(waits_at_its_door(&mut daemon), @r"there is no room for FOLDER/orchestrator.db: 0 bytes are free on its disk; make some there, and the daemon begins by itself");

        disk.clear();
        begins_by_itself(&daemon);
        daemon.ok("/approve", json!({"gate": gate["id"]}));
        assert_eq!(daemon.await_status("completed")["completed"], 1);
    }

    #[test]
    fn that_can_hold_no_more_files() {
        let Some(disk) = Disk::mount("size=32m,nr_inodes=60") else { return };
        let mut daemon = daemon(&disk).prepare();
        disk.fill_with_files();

        assert_snapshot!(waits_at_its_door(&mut daemon), @r"there is no room for FOLDER/logs: its file system can hold no more files; make some there, and the daemon begins by itself");

        disk.clear();
        begins_by_itself(&daemon);
    }

    #[test]
    fn ends_when_it_is_asked_to() {
        let Some(disk) = Disk::mount("size=32m") else { return };
        let mut daemon = daemon(&disk).prepare();
        disk.fill();
        daemon.restart_unwell();

        let status = daemon.sigterm();

        assert!(status.success(), "{status}\n{}", daemon.said());
    }

    /// Nobody waits there who could be told later.
    #[test]
    fn of_which_a_command_says_at_once_that_it_is_full() {
        let Some(disk) = Disk::mount("size=32m") else { return };
        let daemon = daemon(&disk).prepare();
        daemon.write_tasks("day.md", &[Task::new("Work", &succeeds(0.5))]);
        disk.fill();

        let said = daemon.call(&["run", "tasks/day.md", "--yes"]);

        assert_eq!(said.code, Some(1), "{}", said.err);
        assert_snapshot!(said.err.replace(daemon.folder().to_str().unwrap(), "FOLDER"), @r"error: there is no room for FOLDER/orchestrator.db: 0 bytes are free on its disk; make some there");
    }
}
