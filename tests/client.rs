//! The commands as a person types them: through a running daemon, without one, and where one can't be reached.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread::spawn;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::claude::{Claude, fails, succeeds, uses, waits};
use support::daemon::Daemon;
use support::eventually::{eventually, until};
use support::http::post;
use support::taskfile::Task;
use support::terminal::{Place, Said};
use support::{SOON, free_port};

const FILE: &str = "Plan.md";

/// What was said by a call that did what it was to do.
#[track_caller]
fn done(said: &Said) -> &str {
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    &said.out
}

/// What was said by a call that wasn't carried out.
#[track_caller]
fn not_done(said: &Said, code: i32) -> &str {
    assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
    said.err.strip_prefix("error: ").unwrap_or_else(|| panic!("{said:?}"))
}

/// A daemon with a session of these tasks that waits for its start.
fn waiting(tasks: &[Task]) -> Daemon {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.write_tasks(FILE, tasks);
    done(&daemon.call(&["start", FILE]));
    daemon
}

fn one_task() -> [Task; 1] {
    [Task::new("Lay the ground", &succeeds(0.5))]
}

fn open_gate(daemon: &Daemon) -> String {
    daemon.status()["gate"]["id"].as_str().expect("an open gate").to_owned()
}

fn prompt(daemon: &Daemon, task: u32, run: u32) -> String {
    let session = daemon.status()["session"].as_str().unwrap().to_owned();
    let name = format!("logs/{session}/task-{task}-run-{run}.prompt.md");
    fs::read_to_string(daemon.folder().join(name)).unwrap()
}

#[test]
fn a_session_is_led_from_the_command_line() {
    let daemon = waiting(&[
        Task::new("Try", &fails(0.25)),
        Task::new("Leave out", &succeeds(0.5)),
        Task::new("Finish", &succeeds(0.5)),
    ]);
    let gate = daemon.await_gate("before", 1)["id"].as_str().unwrap().to_owned();
    let page = daemon.call(&["status"]);
    for shown in
        ["? Waiting for approval", "May this start? Task 1/3, Try", &format!("orchestrator approve {gate}")]
    {
        assert!(done(&page).contains(shown), "{shown}:\n{}", page.out);
    }

    let rejected = daemon.call(&["reject", &gate.to_uppercase(), "mind", "the cellar"]);
    assert!(done(&rejected).contains("mind the cellar"), "{rejected:?}");
    assert!(not_done(&daemon.call(&["approve", &gate]), 3).contains("already rejected by the terminal"));
    assert!(done(&daemon.call(&["pause"])).contains("aused"));
    done(&daemon.call(&["approve", &open_gate(&daemon), "with care"]));
    assert_eq!(daemon.status()["status"], "paused");
    assert!(done(&daemon.call(&["status"])).contains("orchestrator resume"));
    done(&daemon.call(&["resume"]));

    daemon.await_gate("failed", 1);
    assert!(prompt(&daemon, 1, 1).contains("with care"));
    assert!(done(&daemon.call(&["status"])).contains("What now? Task 1/3, Try failed"));
    assert!(not_done(&daemon.call(&["approve"]), 3).contains("retry"));
    done(&daemon.call(&["retry", "#1", "look twice"]));
    daemon.await_gate("failed", 1);
    assert!(prompt(&daemon, 1, 2).contains("look twice"));
    done(&daemon.call(&["skip", &open_gate(&daemon)]));
    daemon.await_gate("before", 2);
    done(&daemon.call(&["skip", "2"]));
    daemon.await_gate("before", 3);
    done(&daemon.call(&["approve"]));
    daemon.await_status("completed");

    let tasks = daemon.call(&["tasks"]);
    let states: Vec<_> = done(&tasks).lines().map(|line| line.trim().chars().next().unwrap()).collect();
    assert_eq!(states, ['–', '–', '✓'], "{}", tasks.out);
    assert!(done(&daemon.call(&["sessions"])).contains("completed"));
    assert!(done(&daemon.call(&["logs", "100"])).contains("Task 3/3, Finish"));
    assert_eq!(done(&daemon.call(&["logs", "1"])).lines().count(), 1);
    assert!(not_done(&daemon.call(&["start", FILE]), 3).contains("again"));
    done(&daemon.call(&["start", "tasks/Plan.md", "again"]));
    assert!(not_done(&daemon.call(&["start", FILE, "--again"]), 3).contains("still open"));
    done(&daemon.call(&["start", FILE, "--again", "--replace"]));
    done(&daemon.call(&["stop"]));
    assert!(done(&daemon.call(&["status"])).starts_with("! Stopped"));
}

#[test]
fn words_arrive_as_they_were_typed() {
    let daemon = waiting(&one_task());
    let note = "it's \"quoted\",  with  spaces,\n\ta tab, a $HOME, a \\ and 日本語";
    done(&daemon.call(&["reject", note]));
    let gate = daemon.status()["gate"].clone();
    assert_eq!(gate["reasons"].as_array().unwrap().last().unwrap(), &json!(format!("rejected: {note}")));
    done(&daemon.call(&["approve", gate["id"].as_str().unwrap(), "--", "--force is", "not needed"]));
    daemon.await_status("completed");
    assert!(prompt(&daemon, 1, 1).contains("--force is not needed"));
    assert!(prompt(&daemon, 1, 1).contains("it's \"quoted\",  with  spaces,"));
}

#[test]
fn json_is_the_body_as_it_is() {
    let daemon = waiting(&one_task());
    let gate = open_gate(&daemon);
    for (arguments, path, body) in [
        (&["tasks", "--json"][..], "/tasks", json!({})),
        (&["sessions", "--limit", "1", "--json"], "/sessions", json!({"limit": 1})),
        (&["logs", "--json", "5"], "/logs", json!({"lines": 5})),
        (&["logs", "--task", "1", "--json"], "/logs", json!({"task": 1})),
    ] {
        let body = daemon.ask(post(path, &body)).text;
        assert_eq!(done(&daemon.call(arguments)), format!("{body}\n"));
    }
    let timeless = |mut status: Value| {
        // Both tell the time that has passed.
        status.as_object_mut().unwrap().retain(|field, _| field != "runtime_seconds" && field != "message");
        status
    };
    let status = serde_json::from_str(done(&daemon.call(&["status", "--json"]))).unwrap();
    assert_eq!(timeless(status), timeless(daemon.status()));

    let refused = daemon.call(&["retry", "--json"]);
    let body: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!((refused.code, &body["error"]["code"]), (Some(3), &json!("refused")));
    assert_eq!((&body["gate"]["id"], refused.err.starts_with("error: ")), (&json!(gate), true));
}

#[test]
fn the_exit_code_says_how_it_went() {
    let daemon = waiting(&one_task());
    fs::write(daemon.folder().join("tasks/bad.md"), "## Task 1: No instruction\n").unwrap();
    for (code, arguments) in [
        (0, &["status"][..]),
        (1, &["status", "--session", "20200101-000000"]),
        (1, &["start", "nothing.md", "--replace"]),
        (1, &["start", "../config.toml", "--replace"]),
        (1, &["start", "bad.md", "--replace"]),
        (1, &["approve", "g7_aaaa"]),
        (1, &["logs", "#7"]),
        (2, &["approve", "--what"]),
        (2, &["skip", "the second"]),
        (2, &["stop", "it"]),
        (2, &["pause", "later"]),
        (2, &["logs", "0"]),
        (2, &["logs", "twenty"]),
        (2, &["logs", "--follow", "--json"]),
        (2, &["aprove"]),
        (3, &["retry"]),
        (3, &["start", FILE]),
    ] {
        let said = daemon.call(arguments);
        assert_eq!((said.code, said.err.is_empty()), (Some(code), code == 0), "{arguments:?}: {said:?}");
    }
    assert!(daemon.call(&["aprove"]).err.contains("approve"), "the nearest is named");
}

#[test]
fn the_help_teaches_by_example() {
    let place = Place::configured(&[], "");
    for command in [
        "status", "start", "approve", "reject", "pause", "resume", "skip", "retry", "stop", "tasks",
        "sessions", "logs",
    ] {
        let said = place.call(&[command, "--help"]);
        let examples = done(&said).split_once("\nExamples:\n").expect("examples").1;
        assert!(examples.contains(&format!("  orchestrator {command}")), "{examples}");
        assert!(said.out.contains("--json"), "{}", said.out);
    }
    for command in ["status", "approve", "retry", "logs"] {
        insta::assert_snapshot!(format!("help_of_{command}"), place.call(&[command, "--help"]).out);
    }
}

#[test]
fn without_a_daemon_the_answers_are_the_same_and_the_next_one_carries_on() {
    let mut daemon = Daemon::with(Claude::stand_in()).prepare();
    daemon.write_tasks(FILE, &one_task());
    let call = |arguments: &[&str]| {
        let said = daemon.call(arguments);
        assert!(said.err.starts_with("note: no daemon is running"), "{said:?}");
        assert!(said.err.contains("`orchestrator serve` carries on"), "{said:?}");
        said
    };
    assert!(call(&["status"]).out.starts_with("No session yet."));
    assert_eq!(call(&["logs"]).code, Some(1));
    let started = call(&["start", FILE]);
    assert!(started.out.contains("g7_"), "{started:?}");
    let tasks = call(&["tasks", "--json"]).out;
    let (code, page) = (call(&["start", FILE]).code, call(&["status"]).out);
    assert_eq!(code, Some(3));

    daemon.restart();
    assert_eq!(done(&daemon.call(&["tasks", "--json"])), tasks);
    let without_time = |page: &str| page.lines().filter(|line| !line.contains("since")).collect::<String>();
    assert_eq!(without_time(done(&daemon.call(&["status"]))), without_time(&page));
    daemon.sigterm();

    let approved = daemon.call(&["approve", "by candlelight"]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    let story = daemon.call(&["logs"]).out;
    assert!(story.contains("approved by the terminal"), "{story}");
    daemon.restart();
    daemon.await_status("completed");
    assert!(prompt(&daemon, 1, 1).contains("by candlelight"));
    let folder = daemon.folder().join("logs");
    let day = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let told: String = day
        .filter(|path| path.extension().is_some_and(|kind| kind == "log"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert!(told.contains("approved by the terminal"), "the day's log has it too: {told}");
}

/// What `serve` can't do without, and what only matters to callers from elsewhere, keeps nobody out here.
#[test]
fn without_a_daemon_no_secret_is_needed() {
    let place =
        Place::configured(&[], &format!("[server]\nport = {}\nallowed_hosts = [\"a.b\"]", free_port()));
    let said = place.call(&["status"]);
    assert_eq!((said.code, said.out.lines().next()), (Some(0), Some("No session yet.")), "{said:?}");
}

#[test]
fn a_daemon_that_wants_signatures_gets_them() {
    let daemon = Daemon::with(Claude::stand_in()).set("webhooks", "require_signature", true).start();
    daemon.write_tasks(FILE, &one_task());
    done(&daemon.call(&["start", FILE]));
    assert!(done(&daemon.call(&["status"])).contains("Waiting for approval"));
}

#[test]
fn a_wrong_secret_is_told_with_its_remedy() {
    let daemon = waiting(&one_task());
    let with =
        |name: &str, value: &str| Said::from(daemon.command(&["approve"]).env(name, value).output().unwrap());
    let wrong = with("WEBHOOK_SECRET", "another-secret-0123456789");
    assert!(not_done(&wrong, 1).contains("doesn't accept this configuration's secret"), "{wrong:?}");
    fs::write(daemon.folder().join("other.toml"), format!("[server]\nport = {}\n", daemon.port())).unwrap();
    let none = daemon.call(&["approve", "--config", "other.toml"]);
    assert!(not_done(&none, 1).contains("none is configured here"), "{none:?}");
    assert_eq!(daemon.status()["status"], "waiting_approval");
}

#[test]
fn a_daemon_that_is_not_where_it_should_be_is_looked_for() {
    let daemon = waiting(&one_task());
    let elsewhere = free_port().to_string();
    let mut call = daemon.command(&["approve"]);
    let said = Said::from(call.env("ORCHESTRATOR__SERVER__PORT", &elsewhere).output().unwrap());
    let message = not_done(&said, 4);
    for told in
        [&format!("http://127.0.0.1:{elsewhere}"), "server.port", "orchestrator run", "orchestrator.db"]
    {
        assert!(message.contains(told), "{told}: {message}");
    }
    assert_eq!(daemon.status()["status"], "waiting_approval");
}

#[test]
fn what_is_no_orchestrator_is_not_believed() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let place = Place::configured(&[], &format!("[server]\nport = {port}"));
    let other = spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    });
    let said = place.call(&["status"]);
    other.join().unwrap();
    assert!(not_done(&said, 4).contains("is no orchestrator (HTTP 200)"), "{said:?}");
}

/// The command is carried out, its answer is lost on the way; the second attempt gets the same answer.
#[test]
fn a_broken_connection_costs_nothing_and_does_nothing_twice() {
    let daemon = waiting(&one_task());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (near, far) = (listener.local_addr().unwrap().port(), daemon.port());
    let between = spawn(move || {
        for is_broken in [true, false] {
            let (near, _) = listener.accept().unwrap();
            let beyond = TcpStream::connect((Ipv4Addr::LOCALHOST, far)).unwrap();
            let (mut from, mut to) = (near.try_clone().unwrap(), beyond.try_clone().unwrap());
            let forth = spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            let (mut answer, mut near) = (BufReader::new(beyond), near);
            let mut first = String::new();
            answer.read_line(&mut first).unwrap();
            if !is_broken {
                near.write_all(first.as_bytes()).unwrap();
                let _ = std::io::copy(&mut answer, &mut near);
            }
            let _ = near.shutdown(Shutdown::Both);
            forth.join().unwrap();
        }
    });
    let mut call = daemon.command(&["reject", "not yet"]);
    let said = Said::from(call.env("ORCHESTRATOR__SERVER__PORT", near.to_string()).output().unwrap());
    between.join().unwrap();
    done(&said);
    assert_eq!(daemon.logs().matches("rejected by the terminal").count(), 1, "{}", daemon.logs());
}

#[test]
fn a_story_is_followed_until_its_session_ends() {
    let mut daemon = Daemon::with(Claude::stand_in()).start();
    let (ready, go) = (daemon.folder().join("ready"), daemon.folder().join("go"));
    daemon.write_tasks(FILE, &[Task::new("Take long", &(waits(&ready, &go) + &succeeds(0.5)))]);
    done(&daemon.call(&["start", FILE]));
    let story = daemon.command(&["logs", "1", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let output = daemon.command(&["logs", "#1", "-f"]).stdout(Stdio::piped()).spawn().unwrap();
    done(&daemon.call(&["approve"]));
    until(SOON, "the run to be at work", || ready.exists());
    daemon.sigterm();
    daemon.restart();
    fs::write(&go, "").unwrap();
    daemon.await_status("completed");

    let story = Said::from(story.wait_with_output().unwrap());
    let all = daemon.logs();
    let known = all.lines().position(|line| line == story.out.lines().next().unwrap()).unwrap();
    assert_eq!(story.code, Some(0));
    assert_eq!(story.out.lines().collect::<Vec<_>>(), all.lines().skip(known).collect::<Vec<_>>());
    assert!(story.out.contains("Session completed"), "{story:?}");
    let output = Said::from(output.wait_with_output().unwrap());
    assert!(output.code == Some(0) && output.out.contains("■ Done"), "{output:?}");
}

#[test]
fn what_is_over_is_not_followed() {
    let mut daemon = waiting(&one_task());
    done(&daemon.call(&["stop"]));
    let told = daemon.logs() + "\n";
    assert_eq!(done(&daemon.call(&["logs", "--follow"])), told);
    daemon.sigterm();
    let said = daemon.call(&["logs", "--follow"]);
    assert_eq!((said.code, said.out, said.err.matches("note:").count()), (Some(0), told, 1));
    assert_eq!(daemon.call(&["logs", "#7", "--follow"]).code, Some(1));
}

#[test]
fn ctrl_c_ends_following_and_nothing_else() {
    let daemon = waiting(&one_task());
    let mut child = daemon.command(&["logs", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("Session started"), "{first}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = eventually(SOON, "the end of following", || child.try_wait().unwrap().ok_or("follows"));
    assert_eq!(status.code(), Some(0));
    assert_eq!(daemon.status()["status"], "waiting_approval");
}

#[test]
fn a_terminal_gets_a_page_that_fits_and_colours_if_it_wants_them() {
    let title = "A title that is much longer than any terminal of this kind is wide, and 日本語 too";
    let tasks = [Task::new(title, &succeeds(0.0)), Task::new("Read", &(uses("Read", "x") + &succeeds(0.0)))];
    let mut place = Place::configured(&[], &format!("tasks_dir = \".\"\n[server]\nport = {}", free_port()));
    fs::write(place.path("Plan.md"), support::taskfile::task_file(&tasks)).unwrap();
    assert_eq!(place.call(&["start", "Plan.md"]).code, Some(0));
    for columns in [40, 80, 120, 200] {
        let mut terminal = place.terminal(columns, &["status"]);
        let screen = terminal.ended_with(0);
        for shown in ["Waiting for approval", "0/2 tasks", "approve g7_", "stop g7_", "logs/"] {
            assert!(screen.contains(shown), "{shown}:\n{screen}");
        }
        assert!(terminal.written().contains("\u{1b}[1m"), "{screen}");
        assert_eq!(columns >= 120, !screen.contains('…'), "{screen}");
    }
    assert!(!place.call(&["status"]).out.contains('\u{1b}'));
    place.set("NO_COLOR", "1");
    let mut terminal = place.terminal(80, &["status"]);
    terminal.ended_with(0);
    assert!(!terminal.written().contains('\u{1b}'), "{:?}", terminal.written());
}
