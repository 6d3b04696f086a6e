//! What the daemon writes and reads on its machine: modes, links, control characters, and commands without a shell.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::secrets::tree;
use super::support::claude::{Claude, succeeds};
use super::support::daemon::{Daemon, SECRET};
use super::support::http::{post, stranger};
use super::support::taskfile::Task;

/// Every file of the program's code, by its path in the tree.
pub fn sources() -> BTreeMap<String, String> {
    let files = files_below(&tree().join("src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let named = |path: PathBuf| {
        (path.strip_prefix(tree()).unwrap().display().to_string(), fs::read_to_string(path).unwrap())
    };
    files.map(named).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| files_below(folder)));
    files
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

/// A umask of 0 takes nothing from the modes that a program asks for.
#[test]
fn whatever_the_umask_what_is_written_is_its_owners_alone() {
    let daemon = Daemon::with(Claude::stand_in()).after("umask 0").approval_mode("auto").start();
    daemon.start(&[Task::new("Works", &succeeds(0.5))]);
    daemon.await_status("completed");
    let copy = daemon.folder().join("copy.db");
    let made = daemon.command(&["backup", copy.to_str().unwrap()]).output().unwrap();
    assert!(made.status.success(), "{made:?}");

    let made_by_the_test = ["config.toml", "daemon.stderr", "project", "tasks", "home", "tmp"];
    let is_ours = |path: &PathBuf| {
        let below = path.strip_prefix(daemon.folder()).unwrap();
        !made_by_the_test.iter().any(|name| below.starts_with(name))
    };
    let written: Vec<_> = files_below(daemon.folder()).into_iter().filter(is_ours).collect();
    for name in
        ["orchestrator.db", "orchestrator.db-wal", "orchestrator.db.lock", "task-1-run-1.ndjson", "copy.db"]
    {
        assert!(written.iter().any(|path| path.ends_with(name)), "{name} is among {written:#?}");
    }
    for path in written {
        assert_eq!(mode(&path) & 0o077, 0, "{} has mode {:o}", path.display(), mode(&path));
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != daemon.folder()) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}

#[test]
fn a_log_that_was_replaced_by_a_link_or_a_pipe_is_not_followed() {
    let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    daemon.start(&[Task::new("Works", &succeeds(0.5))]);
    let session = daemon.await_status("completed")["session"].as_str().unwrap().to_owned();
    let log = daemon.folder().join("logs").join(session).join("task-1-run-1.log");
    let logs = || daemon.ask(post("/logs", &json!({"task": 1})));
    assert!(logs().succeeds()["logs"].as_str().unwrap().contains("Done"));

    fs::remove_file(&log).unwrap();
    symlink(daemon.folder().join("config.toml"), &log).unwrap();
    let message = logs().fails(500, "internal");
    assert!(!message.contains(SECRET), "{message}");
    fs::remove_file(&log).unwrap();
    assert!(Command::new("mkfifo").arg(&log).status().unwrap().success());
    logs().fails(500, "internal");
}

#[test]
fn a_session_is_no_path() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    for session in ["../../etc", "..", ".", "/etc/passwd", "20251120-093015/../..", "%2e%2e", "a\0b"] {
        for path in ["/logs", "/status", "/tasks"] {
            daemon.ask(post(path, &json!({"session": session, "task": 1}))).fails(404, "not_found");
        }
    }
}

/// What strangers and operators send reaches stderr neither as a command to the terminal nor as a line of its own.
#[test]
fn nobody_can_command_the_terminal_that_shows_the_diagnostics() {
    for format in ["text", "json"] {
        let mut daemon = Daemon::with(Claude::stand_in())
            .set("logging", "level", "trace")
            .set("logging", "format", format)
            .start();
        daemon.start(&[Task::new("\u{1b}[2J\u{202e}Title", &succeeds(0.5))]);
        let forged = "Eve\n2025-11-20T09:30:15Z ERROR forged\r\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}";
        daemon.ok("/reject", json!({"user": forged, "feedback": forged, "chat_id": forged}));
        daemon.ok("/approve", json!({"note": forged}));
        daemon.await_status("completed");
        daemon.ask(post("/approve", &json!({"gate": forged})));
        daemon.ask(post("/start", &json!({"task_file": forged})));
        daemon.ask(stranger("/%1b%5b2J\u{202e}", &json!({"x": forged})));
        daemon.sigterm();
        let said = fs::read_to_string(daemon.folder().join("daemon.stderr")).unwrap();
        let commanding = |c: char| {
            c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        };
        assert!(said.lines().count() > 3 && !said.contains(commanding), "{said:?}");
        assert!(
            !said
                .lines()
                .any(|line| line.contains(" ERROR forged") && line.starts_with("2025-11-20T09:30:15Z")),
            "{said}"
        );
        if format == "json" {
            for line in said.lines() {
                serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            }
        }
        let access = fs::read_to_string(daemon.folder().join("logs/webhook-access.log")).unwrap();
        assert!(!access.contains(commanding), "{access:?}");
    }
}

/// What a shell would make something of is a word like any other.
#[test]
fn a_check_is_run_without_a_shell() {
    let names =
        ["$(touch owned)", "`touch owned`", "*", "a;touch owned", "a&&b", "> owned", "$HOME", "~", "a|b"];
    let words: Vec<_> = names.iter().map(|name| shell_words::quote(name).into_owned()).collect();
    let daemon = Daemon::with(Claude::stand_in())
        .approval_mode("auto")
        .set("checks", "names", format!("touch -- {}", words.join(" ")))
        .start();
    daemon.start(&[Task::new("Checked", &succeeds(0.5)).with("Check", "names")]);
    daemon.await_status("completed");
    let mut made: Vec<_> =
        fs::read_dir(daemon.project()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    made.sort();
    let mut expected = names.map(std::ffi::OsString::from);
    expected.sort();
    assert_eq!(made, expected);
}
