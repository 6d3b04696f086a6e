//! How soon something happens that somebody waits for.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::json;

use crate::Section;
use crate::connection::Connection;
use crate::contender::folder;
use crate::context::Context;
use crate::daemon::{Daemon, Setup};
use crate::listening::{Events, Receiver};
use crate::peers::{Flask, Peers, Under};
use crate::stand_in;
use crate::statistics::Rounds;
use crate::table::Table;

pub const SECTION: Section = Section {
    name: "reaction",
    title: "Reaction",
    method: "One session with an approval before each task. From the approval's first byte to its answer, and to the first \
        statement of the program that it starts, which says so through a pipe; from that program's end, as a pidfd tells it, \
        to the next question on the event stream (it is committed then) and to its notification at a receiver on loopback. \
        Medians of the tasks, with the least and the most.",
    measure,
};

/// Milliseconds, task by task.
#[derive(Default)]
struct Reactions {
    answered: Rounds,
    spawned: Rounds,
    asked: Rounds,
    notified: Rounds,
}

fn measure(context: &Context) -> Vec<Table> {
    let tasks = context.tasks / 10;
    let head =
        ["ms", "approved → answered", "approved → spawned", "ended → next question", "ended → notified"];
    let mut table = Table::new("From cause to effect", &head);
    let mut row = |name: &str, seen: &Reactions| {
        let figures = [&seen.answered, &seen.spawned, &seen.asked, &seen.notified].map(ToString::to_string);
        table.row([name.to_owned()].into_iter().chain(figures));
    };
    eprintln!("reaction: orchestrator");
    row("orchestrator", &of_daemon(&Setup::default(), tasks));
    eprintln!("reaction: orchestrator, project in git");
    row("orchestrator, project in git", &of_daemon(&Setup { git: true, ..Setup::default() }, tasks));
    if let Some(python) = Peers::get().python.as_deref() {
        eprintln!("reaction: Flask program");
        row("Flask program, gunicorn", &of_flask(python, tasks));
    }
    row("a plain spawn", &of_plain_spawn(tasks));
    vec![table]
}

fn of_daemon(setup: &Setup, tasks: usize) -> Reactions {
    let (pipes, receiver) = (folder("pipes"), Receiver::start());
    let claude = Some(stand_in::held(pipes.path()));
    let daemon = Daemon::start(&Setup {
        approval_mode: "manual",
        claude,
        notify: Some(receiver.url()),
        git: setup.git,
    });
    let events = Events::follow(daemon.server().port);
    daemon.start_session(tasks);
    let mut connection = daemon.connection();
    let mut seen = Reactions::default();
    for _ in 1..tasks {
        let ended = approve(&mut connection, "/approve", pipes.path(), &mut seen);
        seen.asked.push(milliseconds(ended, events.next_after(ended, "gate_opened").at));
        seen.notified.push(milliseconds(ended, receiver.next_after(ended).at));
    }
    seen
}

/// Its state says that it waits before it notifies: there is no stream to see that on.
fn of_flask(python: &Path, tasks: usize) -> Reactions {
    let (pipes, receiver) = (folder("pipes"), Receiver::start());
    let claude = stand_in::held(pipes.path());
    let flask = Flask::start(python, Under::Gunicorn, "manual", Some(&claude), Some(&receiver.url()));
    flask.start_session(tasks);
    let mut connection = flask.server.connection();
    let mut seen = Reactions::default();
    for _ in 1..tasks {
        let ended = approve(&mut connection, "/webhook/approve", pipes.path(), &mut seen);
        seen.notified.push(milliseconds(ended, receiver.next_after(ended).at));
    }
    seen
}

fn of_plain_spawn(tasks: usize) -> Reactions {
    let pipes = folder("pipes");
    let program = stand_in::held(pipes.path());
    let mut seen = Reactions::default();
    for _ in 1..tasks {
        let began = Instant::now();
        let mut child = Command::new(&program).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        ready(pipes.path());
        seen.spawned.push(milliseconds(began, Instant::now()));
        go(pipes.path());
        child.wait().unwrap();
    }
    seen
}

/// Approves and sees the program through to its end; gives the instant of that.
fn approve(connection: &mut Connection, path: &str, pipes: &Path, seen: &mut Reactions) -> Instant {
    let place = pipes.to_owned();
    let watching = std::thread::spawn(move || (ready(&place), Instant::now()));
    let began = Instant::now();
    connection.ok(path, &json!({}));
    seen.answered.push(milliseconds(began, Instant::now()));
    let (pid, spawned) = watching.join().unwrap();
    seen.spawned.push(milliseconds(began, spawned));
    let held = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap();
    go(pipes);
    let mut polled = [PollFd::new(&held, PollFlags::IN)];
    while poll(&mut polled, None).is_err() {}
    Instant::now()
}

/// Waits for the stand-in's first words: its process id.
fn ready(pipes: &Path) -> i32 {
    let mut said = String::new();
    BufReader::new(File::open(pipes.join("ready")).unwrap()).read_line(&mut said).unwrap();
    said.trim().parse().unwrap()
}

fn go(pipes: &Path) {
    OpenOptions::new().write(true).open(pipes.join("go")).unwrap().write_all(b"go\n").unwrap();
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}
