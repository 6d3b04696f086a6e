//! Where the secret must not be: in answers, in process lists, in what is compared byte by byte.

use std::fs;
use std::marker::PhantomData;
use std::path::Path;

use secrecy::SecretString;
use serde_json::json;

use super::support::SOON;
use super::support::claude::{Claude, succeeds, waits};
use super::support::daemon::{Daemon, SECRET};
use super::support::eventually::until;
use super::support::http::{ask, post, stranger};
use super::support::processes::{self, Process};
use super::support::stream::EventStream;
use super::support::taskfile::Task;

#[test]
fn no_answer_holds_a_secret() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let mut events = EventStream::open(daemon.port(), None);
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let mut said = events.event().unwrap().data;
    for path in ["/status", "/tasks", "/sessions", "/gates", "/logs", "/notifications", "/pause", "/resume"] {
        said.push(daemon.ask(post(path, &json!({"secret": SECRET}))).text);
    }
    for path in ["/health", "/openapi.json", "/metrics"] {
        said.push(daemon.ask(ask("GET", path).header("x-webhook-secret", SECRET)).text);
    }
    let open = || {
        ask("POST", "/status").header("content-type", "application/json").header("x-webhook-secret", SECRET)
    };
    for wrong in [
        post("/command", &json!({"command": 7, "secret": SECRET})),
        post("/command", &json!({"command": "dance", "secret": SECRET})),
        post("/status", &json!({"session": "20000101-000000", "secret": SECRET})),
        post("/logs", &json!({"secret": [SECRET]})),
        stranger(&format!("/status?secret={SECRET}"), &json!({})),
        stranger(&format!("/{SECRET}"), &json!({})),
        open().raw(format!("{{\"secret\":\"{SECRET}\",\"secret\":\"{SECRET}\"}}")),
        open().raw(format!("{{\"secret\":\"{SECRET}\"")),
        open().raw(format!("\"{SECRET}\"")),
    ] {
        let answer = daemon.ask(wrong);
        assert!((400..500).contains(&answer.status), "{answer:?}");
        assert!(
            answer
                .headers
                .values()
                .all(|value| !value.as_bytes().windows(8).any(|part| part == &SECRET.as_bytes()[..8]))
        );
        said.push(answer.text);
    }
    for text in said {
        assert!(!text.contains(&SECRET[..20]), "{text}");
    }
}

#[test]
fn no_process_of_the_daemon_or_its_runs_has_a_secret_among_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, go) = (folder.path().join("ready"), folder.path().join("go"));
    let daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    daemon.start(&[Task::new("Long", &(waits(&ready, &go) + &succeeds(0.5)))]);
    until(SOON, "the run to be at work", || ready.exists());
    let mut processes: Vec<_> = Process::read(daemon.pid()).into_iter().collect();
    let mut known = 0;
    while known < processes.len() {
        let parent = processes[known].identity.pid;
        processes.extend(processes::alive().into_iter().filter(|process| process.parent == parent));
        known += 1;
    }
    assert!(processes.len() >= 3, "the daemon, the launcher and the program: {processes:#?}");
    for process in processes {
        assert!(!process.arguments.iter().any(|argument| argument.contains(&SECRET[..20])), "{process:?}");
    }
    fs::write(&go, "").unwrap();
    daemon.await_status("completed");
}

/// `==` ends at the first byte that differs. Secrets have no `==`, and where their text is taken out of them it is to be
/// sent or hashed; the two places that compare do so in constant time.
#[test]
fn nothing_compares_a_secret_byte_by_byte() {
    assert!(Probe::<String>(PhantomData).can_be_compared(), "the probe works");
    assert!(!Probe::<SecretString>(PhantomData).can_be_compared());

    let mut comparing = Vec::new();
    for (file, text) in super::left_about::sources() {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().filter(|line| line.contains("expose_secret()")) {
            assert!(!line.contains("==") && !line.contains("!=") && !line.contains(".eq("), "{file}: {line}");
        }
        if code.contains("ct_eq") || code.contains("verify_slice") {
            comparing.push(file);
        }
    }
    comparing.sort();
    assert_eq!(comparing, ["src/http/auth.rs", "src/signature.rs"]);
}

/// Says whether a type has `==`: its own method comes before that of the trait, but only where it applies.
struct Probe<T>(PhantomData<T>);

impl<T: PartialEq> Probe<T> {
    #[expect(clippy::unused_self, reason = "the trait's method has one, and the two are to be called alike")]
    fn can_be_compared(&self) -> bool {
        true
    }
}

trait OtherwiseNot {
    fn can_be_compared(&self) -> bool {
        false
    }
}

impl<T> OtherwiseNot for Probe<T> {}

/// Where the tree is.
pub fn tree() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
