//! What the daemon and a service manager say to each other: ready, alive, ending; credentials; and what stays between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orchestrator::domain::policy::Policy;
use orchestrator::engine::{Engine, Settings};
use orchestrator::store::Store;
use orchestrator::supervisor::Supervisor;
use orchestrator::upkeep::watchdog;
use rustix::process::Signal;
use serde_json::json;
use support::SOON;
use support::claude::{Claude, succeeds, waits};
use support::daemon::{Daemon, SECRET};
use support::database::Other;
use support::eventually::until;
use support::service_manager::{ServiceManager, environment_of};
use support::taskfile::Task;
use tokio_util::sync::CancellationToken;

#[test]
fn a_daemon_is_ready_when_it_answers_and_says_when_it_ends() {
    let mut daemon = Daemon::with(Claude::stand_in()).prepare();
    let manager = ServiceManager::of(&mut daemon);
    let port = daemon.port();
    let heard = std::thread::spawn(move || {
        let before = manager.until("READY=1");
        // At once, not soon.
        TcpStream::connect(("127.0.0.1", port)).expect("whoever says that it is ready answers");
        (before, manager)
    });
    daemon.restart();
    let (before, manager) = heard.join().unwrap();
    for message in &before {
        assert!(message.starts_with("EXTEND_TIMEOUT_USEC="), "before it was ready it said {message:?}");
    }
    manager.until("STATUS=ready, no session yet");
    manager.until("WATCHDOG=1");
    assert!(daemon.sigterm().success(), "{}", daemon.said());
    manager.until("STOPPING=1");
}

#[test]
fn it_says_where_things_stand() {
    let mut daemon = Daemon::with(Claude::stand_in()).prepare();
    let manager = ServiceManager::of(&mut daemon);
    daemon.restart();
    let started = daemon.start(&[Task::new("One", &succeeds(0.1)), Task::new("Two", &succeeds(0.1))]);
    let session = started["session"].as_str().unwrap();
    manager.until(&format!("STATUS=session {session}: waiting approval, 0 of 2 tasks done"));
    daemon.ok("/stop", json!({}));
    manager.until(&format!("STATUS=session {session}: stopped, 0 of 2 tasks done"));
}

#[test]
fn a_database_that_answers_with_an_error_is_no_reason_for_a_restart() {
    let mut daemon = Daemon::with(Claude::stand_in()).prepare();
    let manager = ServiceManager::of(&mut daemon);
    daemon.restart();
    let mut other = Other::open(&daemon);
    other.execute("BEGIN IMMEDIATE");
    until(SOON, "a beat to be refused", || {
        manager.forget();
        daemon
            .said()
            .contains("the database answers, but can't be written: the database can't be written now")
    });
    manager.until("WATCHDOG=1");
    other.execute("ROLLBACK");
    until(SOON, "a beat to be written", || daemon.said().contains("the database can be written again"));
    manager.until("WATCHDOG=1");
}

/// With the clock held still but for what sleeps: ten minutes pass in which a beat never comes to its end.
#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_feeds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let pairs = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "120000000")];
    let environment = pairs.map(|(name, value)| (name.into(), value.into()));
    let engine = engine(folder.path()).await;
    let supervisor = Supervisor::named_in(environment, std::process::id());
    let writer = engine.store().writer().await;
    let (reporting, stop) = (Arc::clone(&engine), CancellationToken::new());
    let report = tokio::spawn(watchdog::report(reporting, supervisor, stop.clone()));
    tokio::time::sleep(Duration::from_mins(10)).await;
    let heard = || {
        let mut message = [0; 4096];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    socket.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!([heard(), heard()], ["READY=1", "STATUS=ready, no session yet"]);
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 4096]).is_err(), "it said that it was alive while its one writer hung");
    socket.set_nonblocking(false).unwrap();
    drop(writer);
    tokio::task::yield_now().await;
    let heard = tokio::task::spawn_blocking(move || {
        let mut message = [0; 4096];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    });
    assert_eq!(heard.await.unwrap(), "WATCHDOG=1");
    stop.cancel();
    report.await.unwrap();
}

#[test]
fn the_secret_comes_as_a_credential_and_goes_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, go) = (folder.path().join("ready"), folder.path().join("go"));
    let mut daemon = Daemon::with(Claude::stand_in())
        .set("webhooks", "secret", "${WEBHOOK_SECRET}")
        .approval_mode("auto")
        .prepare();
    let manager = ServiceManager::of(&mut daemon);
    let credentials = manager.hand_over(&mut daemon, &[("WEBHOOK_SECRET", &format!("{SECRET}\n"))]);
    daemon.restart();
    daemon.start(&[Task::new("One", &(waits(&ready, &go) + &succeeds(0.1)))]);
    until(SOON, "the run", || ready.exists());
    let run = daemon.run_tree();
    let environments: Vec<_> =
        run.iter().filter_map(|process| environment_of(process.identity.pid)).collect();
    assert!(environments.len() >= 2, "the launcher and the CLI live: {run:#?}");
    for environment in environments {
        for word in ["NOTIFY_SOCKET", "WATCHDOG", "CREDENTIALS", credentials.to_str().unwrap(), SECRET] {
            assert!(!environment.contains(word), "{word} is in the environment:\n{environment}");
        }
    }
    assert!(!daemon.said().contains(SECRET));
    std::fs::write(&go, "").unwrap();
    daemon.await_status("completed");
}

/// As `KillMode=process` does it: only the daemon is told to end, or killed by the watchdog.
#[test]
fn a_restart_in_mid_run_adopts_the_run() {
    for signal in [Signal::TERM, Signal::ABORT] {
        let folder = tempfile::tempdir().unwrap();
        let (ready, go) = (folder.path().join("ready"), folder.path().join("go"));
        let mut daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").prepare();
        let manager = ServiceManager::of(&mut daemon);
        daemon.restart();
        daemon.start(&[Task::new("One", &(waits(&ready, &go) + &succeeds(0.1)))]);
        until(SOON, "the run", || ready.exists());
        let before = daemon.await_claude().identity;
        daemon.signal(signal);
        daemon.await_end();
        manager.forget();
        daemon.restart();
        manager.until("READY=1");
        assert_eq!(daemon.await_claude().identity, before);
        std::fs::write(&go, "").unwrap();
        let status = daemon.await_status("completed");
        assert_eq!(status["tasks"][0]["runs"], 1);
    }
}

#[test]
fn what_a_restart_cannot_change_has_an_exit_code_of_its_own() {
    let mut daemon = Daemon::with(Claude::stand_in()).set("server", "prot", 1).prepare();
    let (code, said) = daemon.serve_in_vain();
    assert_eq!(code, Some(1), "{said}");
    let _manager = ServiceManager::of(&mut daemon);
    let (code, said) = daemon.serve_in_vain();
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("server.prot is not a key; did you mean server.port?"), "{said}");
}

async fn engine(folder: &Path) -> Arc<Engine> {
    let settings = Settings {
        policy: Policy::default(),
        checks: Vec::new(),
        tasks_dir: folder.join("tasks"),
        daily_dir: folder.join("daily"),
        logs_dir: folder.join("logs"),
        timezone: TimeZone::UTC,
        rehearse: false,
        audience: None,
        birthplace: ("boot".to_owned(), "pid:[1]".to_owned()),
        clock: || Timestamp::UNIX_EPOCH,
    };
    Engine::new(Store::open(&folder.join("o.db")).await.unwrap(), settings).await.unwrap()
}
