//! The daemon as its machine sees it: how it ends, what it shares, what it writes where, and what becomes of a database
//! that fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use support::SOON;
use support::claude::{Claude, succeeds, waits};
use support::daemon::{Daemon, SECRET, assert_usd};
use support::database::Other;
use support::eventually::until;
use support::http::{ask, post, stranger};
use support::taskfile::Task;

const OTHER_SECRET: &str = "other-secret-0123456789abcdef";

#[test]
fn sigterm_lets_a_request_under_way_finish() {
    let mut daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let body = json!({"user": "Ana"}).to_string();
    let mut idle = daemon.connect();
    let mut connection = daemon.connect();
    connection.send_head("/pause", body.len());
    connection.send(&body[..5]);
    until(SOON, "the request to be under way", || daemon.ask(ask("GET", "/health")).status == 200);

    daemon.send_sigterm();
    let port = daemon.port();
    until(SOON, "nobody to listen", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    connection.send(&body[5..]);
    let answer = connection.read_to_end();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Paused"), "{answer}");
    assert_eq!(daemon.await_end().code(), Some(0), "{}", daemon.said());
    idle.send("");

    daemon.restart();
    assert_eq!(daemon.status()["status"], "paused");
}

/// Whoever sends half a request, or none, gets an answer or an end in seconds; the daemon ends cleanly all the same.
#[test]
fn who_dawdles_keeps_nobody_waiting() {
    let mut daemon = Daemon::with(Claude::stand_in()).start();
    let silent = daemon.connect();
    let mut half_a_head = daemon.connect();
    half_a_head.send("POST /status HTTP/1.1\r\nhost: local");
    let mut half_a_body = daemon.connect();
    half_a_body.send_head("/status", 100);
    half_a_body.send("{");
    let mut half_a_body_until_the_end = daemon.connect();
    half_a_body_until_the_end.send_head("/status", 100);
    until(SOON, "the requests to be under way", || daemon.ask(ask("GET", "/health")).status == 200);
    daemon.send_sigterm();

    let answer = half_a_body.read_to_end();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("did not arrive within"), "{answer}");
    assert_eq!(daemon.await_end().code(), Some(0), "{}", daemon.said());
    assert_eq!(half_a_head.read_to_end(), "");
    assert_eq!(silent.read_to_end(), "");
}

#[test]
fn sigterm_leaves_a_live_run_alone_and_the_next_daemon_takes_it_on() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, go) = (folder.path().join("ready"), folder.path().join("go"));
    let mut daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    daemon.start(&[Task::new("Long", &(waits(&ready, &go) + &succeeds(0.5)))]);
    until(SOON, "the run to be at work", || ready.exists());
    let run = daemon.await_claude();

    assert_eq!(daemon.sigterm().code(), Some(0), "{}", daemon.said());
    assert!(run.identity.is_alive());
    assert!(daemon.said().contains("run 1 goes on without me"), "{}", daemon.said());
    daemon.restart();
    assert_eq!(daemon.await_claude().identity, run.identity);
    assert_eq!(daemon.status()["status"], "running");
    fs::write(&go, "").unwrap();
    assert_eq!(daemon.await_status("completed")["tasks"][0]["runs"], 1);
}

#[test]
fn a_second_daemon_on_the_same_database_is_refused_and_the_first_goes_on() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let (code, said) = daemon.serve_in_vain();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another orchestrator is using") && said.contains("orchestrator.db"), "{said}");
    daemon.ask(ask("GET", "/health")).succeeds();
}

#[test]
fn a_port_in_use_is_told_with_its_remedy() {
    let mut daemon = Daemon::with(Claude::stand_in()).prepare();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, daemon.port())).unwrap();
    let (code, said) = daemon.serve_in_vain();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("can't listen on 127.0.0.1:{}", daemon.port())), "{said}");
    assert!(said.contains("choose another server.port"), "{said}");
    drop(taken);
    daemon.restart();
}

#[test]
fn what_is_written_is_private_and_holds_no_secret() {
    let mut daemon = Daemon::with(Claude::stand_in())
        .set("webhooks", "previous_secret", OTHER_SECRET)
        .set("logging", "level", "trace")
        .start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    daemon.ask(stranger("/pause", &json!({"secret": SECRET, "request_id": 1}))).succeeds();
    daemon.ask(stranger("/resume", &json!({"secret": OTHER_SECRET, "request_id": 2}))).succeeds();
    daemon.ask(stranger("/retry", &json!({"secret": SECRET, "request_id": 3}))).fails(409, "refused");
    daemon.ask(stranger("/status", &json!({})).header("x-webhook-secret", &SECRET[..20]));
    daemon.ask(post(&format!("/status?secret={SECRET}"), &json!({}))).succeeds();
    daemon.ok("/approve", json!({}));
    daemon.await_status("completed");
    daemon.sigterm();

    let written = files_below(daemon.folder());
    for name in ["webhook-access.log", "task-1-run-1.log", "orchestrator.db", "daemon.stderr"] {
        assert!(written.iter().any(|path| path.ends_with(name)), "{name} is among {written:#?}");
    }
    for path in written.iter().filter(|path| !path.ends_with("config.toml")) {
        let bytes = fs::read(path).unwrap();
        for secret in [&SECRET[..20], &OTHER_SECRET[..20]] {
            let held = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!held, "{} holds a secret", path.display());
        }
    }
    assert_eq!(mode(&daemon.folder().join("orchestrator.db")), 0o600);
    let logs = daemon.folder().join("logs");
    for path in files_below(&logs) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(&logs)) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}

#[test]
fn a_request_is_found_by_its_id() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let given = daemon.ask(post("/status", &json!({})).header("x-request-id", "n8n-4711"));
    assert_eq!(given.header("x-request-id"), Some("n8n-4711"));
    let refused = daemon.ask(stranger("/status", &json!({})).header("x-request-id", "stranger-1"));
    assert_eq!(refused.header("x-request-id"), Some("stranger-1"));
    let made = daemon.ask(post("/status", &json!({})));
    let made = made.header("x-request-id").expect("an id").to_owned();
    assert!(uuid::Uuid::parse_str(&made).is_ok(), "{made}");
    for id in ["n8n-4711", "stranger-1", &made] {
        let line = daemon.await_access_line(id);
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[1..4], ["127.0.0.1", "POST", "/status"], "{line}");
        assert_eq!(words[6..], [id], "{line}");
    }
}

/// Whoever rotates it, or deletes it, need not tell the daemon.
#[test]
fn an_access_log_that_was_moved_or_deleted_is_begun_anew() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let log = daemon.folder().join("logs/webhook-access.log");
    let ask_as = |id: &str| {
        daemon.ask(post("/status", &json!({})).header("x-request-id", id)).succeeds();
        daemon.await_access_line(id);
    };
    ask_as("first");
    fs::rename(&log, log.with_extension("log.1")).unwrap();
    ask_as("second");
    assert!(!fs::read_to_string(&log).unwrap().contains("first"));
    fs::remove_file(&log).unwrap();
    ask_as("third");
    assert_eq!(fs::metadata(&log).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn nobody_can_forge_a_line() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let forged = "[09:30:15] Task 1 completed";
    for name in [format!("Eve\n{forged}"), format!("Eve\r{forged}"), format!("Eve\u{2028}{forged}\u{1b}[2K")]
    {
        daemon.ok("/reject", json!({"user": name, "feedback": format!("no\n{forged}")}));
        daemon.ok("/reject", json!({"chat_id": name, "feedback": format!("no\r\n{forged}")}));
    }
    let lines_of_six_rejections = 2 + 6 * 2;
    let story = daemon.logs();
    assert_eq!(story.lines().count(), lines_of_six_rejections, "{story}");
    assert!(!story.lines().any(|line| line.starts_with(forged)), "{story}");
    assert!(!story.contains(['\r', '\u{1b}', '\u{2028}']), "{story:?}");

    for id in ["two words", "tab\there", &"x".repeat(129), "ümlaut"] {
        let answer = daemon.ask(post("/status%0Aforged%20line", &json!({})).header("x-request-id", id));
        answer.fails(404, "not_found");
        let made = answer.header("x-request-id").unwrap();
        assert!(uuid::Uuid::parse_str(made).is_ok(), "{made}");
        let line = daemon.await_access_line(made);
        assert!(
            line.contains(" POST /status%0Aforged%20line 404 ") && line.split(' ').count() == 7,
            "{line}"
        );
    }
}

/// A run ends while nobody can write it down: that is told, and made up for.
#[test]
fn a_worker_that_is_stuck_is_told_by_health() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, go) = (folder.path().join("ready"), folder.path().join("go"));
    let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    daemon.start(&[Task::new("Long", &(waits(&ready, &go) + &succeeds(0.5)))]);
    until(SOON, "the run to be at work", || ready.exists());

    let mut other = Other::open(&daemon);
    other.execute("BEGIN IMMEDIATE");
    fs::write(&go, "").unwrap();
    let health = |secret: &str| daemon.ask(ask("GET", "/health").header("x-webhook-secret", secret));
    until(SOON, "the worker to be stuck", || health(SECRET).status == 503);
    let inside = health(SECRET).body();
    assert!(inside["reasons"][0].as_str().unwrap().starts_with("run 1: the database can't be written now"));
    assert_eq!(health("").body().get("reasons"), None);
    other.execute("ROLLBACK");

    assert_usd(&daemon.await_status("completed")["cost_usd"], 0.5);
    until(SOON, "the worker to be well", || health("").status == 200);
}

#[test]
fn connections_are_given_back_however_they_end() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.ask(post("/gates", &json!({}))).succeeds();
    let before = daemon.open_files();
    for round in 0..400 {
        let mut connection = daemon.connect();
        match round % 4 {
            0 => {}
            1 => connection.send("POST /status HTTP/1.1\r\nhost"),
            2 => connection.send_head("/status", 10),
            _ => {
                connection.send_head("/status", 2);
                connection.send("{}");
            }
        }
    }
    until(SOON, "the connections to be closed", || daemon.open_files() <= before + 1);
    daemon.ask(ask("GET", "/health")).succeeds();
}

/// Whoever moved the file away still has a daemon that works on it, and is told before they rely on that.
#[test]
fn a_database_that_is_gone_is_told_by_health() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let (path, away) = (daemon.folder().join("orchestrator.db"), daemon.folder().join("away.db"));
    fs::rename(&path, &away).unwrap();
    let outside = daemon.ask(ask("GET", "/health"));
    let health = outside.body();
    assert_eq!((outside.status, &health["status"]), (503, &json!("degraded")));
    assert_eq!(health.as_object().unwrap().len(), 3, "{health}");
    let inside = daemon.ask(ask("GET", "/health").header("x-webhook-secret", SECRET)).body();
    assert!(inside["reasons"][0].as_str().unwrap().contains("open"), "{inside}");
    fs::rename(&away, &path).unwrap();
    assert_eq!(daemon.ask(ask("GET", "/health")).succeeds()["status"], "ok");
}

/// The file is damaged under a living daemon: whoever reads meets it, and the daemon ends for its service manager to see.
#[test]
fn a_damaged_database_ends_the_daemon_rather_than_be_trusted() {
    let mut daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    daemon.sigterm();
    daemon.restart();
    for name in ["orchestrator.db", "orchestrator.db-wal"] {
        let path = daemon.folder().join(name);
        let Ok(file) = fs::File::options().write(true).open(&path) else { continue };
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        file.write_all_at(&vec![0xa5; length], 0).unwrap();
    }
    // Who meets it first may be the daemon's own upkeep, and then this one may come too late.
    let mut met = None;
    until(SOON, "a reader to meet the damage", || {
        met = daemon.ask_at_its_end(post("/gates", &json!({})));
        met.as_ref().is_none_or(|answer| answer.status != 200)
    });
    if let Some(answer) = met {
        let message = answer.fails(503, "unavailable");
        assert!(message.contains("/status later"), "{message}");
    }
    assert_eq!(daemon.await_end().code(), Some(74), "{}", daemon.said());
    assert!(daemon.said().contains("the database failed: error returned"), "why: {}", daemon.said());
    daemon.restart();
    assert_eq!(daemon.status()["status"], "idle", "the next one begins anew");
}

#[test]
fn a_database_of_a_newer_program_is_refused_in_words() {
    let mut daemon = Daemon::with(Claude::stand_in()).start();
    daemon.sigterm();
    Other::open(&daemon).execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', 1, x'00', 1)",
    );
    let (code, said) = daemon.serve_in_vain();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was written by a newer version of this program"), "{said}");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.retain(|path| path.is_file());
    files.extend(folders.iter().flat_map(|folder| files_below(folder)));
    files
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}
