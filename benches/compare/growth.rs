//! Whether anything costs more as the history, a session or a log grows.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use orchestrator::files::tail;
use serde_json::json;

use crate::Section;
use crate::connection::post;
use crate::contender::size_of;
use crate::context::{Context, History, LONG, MIDDLING, SHORT, in_turn};
use crate::daemon::{Daemon, Setup};
use crate::peers::{Flask, Peers, Under};
use crate::statistics::{Rounds, figure};
use crate::table::Table;

pub const SECTION: Section = Section {
    name: "growth",
    title: "Growth",
    method: "Databases with a history that a generator made out of a real session: every row as the daemon wrote it, under \
        other ids, through the real schema. Logs are real bytes, as a run of tools and text would leave them.",
    measure,
};

const HISTORIES: [History; 3] = [SHORT, MIDDLING, LONG];
const SESSIONS: [usize; 3] = [10, 100, 500];
const ASKED: u32 = 200;
const MEGABYTE: u64 = 1_000_000;

fn measure(context: &Context) -> Vec<Table> {
    vec![tasks(context), starts(context), logs(context), sizes(context)]
}

/// One cell of the table: a session's length in a history.
struct Cell {
    history: History,
    session: usize,
    cost: Rounds,
}

fn tasks(context: &Context) -> Table {
    let most = context.tasks;
    let mut sessions = SESSIONS.map(|session| session.min(most)).to_vec();
    sessions.dedup();
    let mut cells: Vec<Cell> = HISTORIES
        .iter()
        .flat_map(|history| {
            let cell =
                |session: &usize| Cell { history: *history, session: *session, cost: Rounds::default() };
            sessions.iter().map(cell)
        })
        .collect();
    for (round, backwards) in context.few_rounds() {
        in_turn(&mut cells, backwards, |cell| {
            eprintln!("growth: round {}: {} events, {} tasks", round + 1, cell.history.events, cell.session);
            cell.cost.push(milliseconds_a_task(context, cell.history, cell.session));
        });
    }
    let mut head = vec![String::new()];
    head.extend(sessions.iter().map(|session| format!("sessions of {session}")));
    let mut table = Table::new(
        "ms a task, and times the first of its program",
        &head.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let first = cells[0].cost.clone();
    for cells in cells.chunks(sessions.len()) {
        let mut row = vec![name(cells[0].history)];
        row.extend(
            cells.iter().map(|cell| format!("{}; × {}", cell.cost, figure(cell.cost.over(&first).median()))),
        );
        table.row(row);
    }
    if let Some(python) = Peers::get().python.as_deref() {
        let costs: Vec<Rounds> = sessions.iter().map(|session| of_flask(context, python, *session)).collect();
        let mut row = vec!["the Flask program".to_owned()];
        row.extend(costs.iter().map(|cost| format!("{cost}; × {}", figure(cost.over(&costs[0]).median()))));
        table.row(row);
    }
    table
}

fn of_flask(context: &Context, python: &Path, tasks: usize) -> Rounds {
    eprintln!("growth: the Flask program, {tasks} tasks");
    let flask = Flask::start(python, Under::Werkzeug, "auto", None, None);
    let round = |_| {
        flask.start_session(tasks);
        flask.see_through();
        let changed = |task| flask.output_of(task).metadata().unwrap().modified().unwrap();
        let took = changed(tasks).duration_since(changed(1)).unwrap_or_default();
        took.as_secs_f64() * 1000.0 / (tasks - 1) as f64
    };
    context.few_rounds().map(round).collect()
}

fn name(history: History) -> String {
    format!("{} events, {} tasks before", history.events, history.tasks)
}

/// As many sessions as it takes for three hundred tasks: the fewer and shorter, the more a disturbance counts.
fn milliseconds_a_task(context: &Context, history: History, tasks: usize) -> f64 {
    let daemon = context.daemon_with(history, &Setup::default());
    let sessions = (context.tasks * 3 / 5 / tasks).max(1);
    let mut took = Duration::ZERO;
    for _ in 0..sessions {
        let session = daemon.start_session(tasks);
        daemon.see_through(&session, tasks);
        let (first, last) = (daemon.printed_at(&session, 1), daemon.printed_at(&session, tasks));
        took += last.duration_since(first).unwrap_or_default();
    }
    took.as_secs_f64() * 1000.0 / (sessions * (tasks - 1)) as f64
}

fn starts(context: &Context) -> Table {
    let head = [
        "ms from exec to the first answer",
        "after a proper end",
        "after SIGKILL, with a dirty WAL",
        "of so many KB",
    ];
    let mut table = Table::new("Start", &head);
    for history in HISTORIES {
        eprintln!("growth: starts with {} events", history.events);
        let mut daemon = context.daemon_with(history, &Setup::default());
        let (mut clean, mut dirty, mut wal) = (Rounds::default(), Rounds::default(), Rounds::default());
        for _ in context.few_rounds() {
            daemon.stop();
            clean.push(daemon.restart().as_secs_f64() * 1000.0);
            let session = daemon.start_session(context.tasks / 10);
            daemon.see_through(&session, context.tasks / 10);
            daemon.kill();
            wal.push(
                daemon
                    .folder()
                    .join("orchestrator.db-wal")
                    .metadata()
                    .map_or(0.0, |file| file.len() as f64 / 1000.0),
            );
            dirty.push(daemon.restart().as_secs_f64() * 1000.0);
        }
        table.row([name(history), clean.to_string(), dirty.to_string(), wal.to_string()]);
    }
    table
}

fn logs(context: &Context) -> Table {
    let head = ["a log of", "ms in the process", "times the first", "ms over HTTP", "times the first"];
    let mut table = Table::new("The last 20 lines of a task's log", &head);
    let daemon = Daemon::start(&Setup::default());
    let session = daemon.start_session(2);
    daemon.see_through(&session, 2);
    let log = daemon.log_folder(&session).join("task-1-run-1.log");
    let question = post("/logs", &json!({"lines": 20, "task": 1}), "");
    let mut first: Option<(Rounds, Rounds)> = None;
    let sizes = [5_000, MEGABYTE, 1000 * MEGABYTE, 10_000 * MEGABYTE];
    for size in sizes.into_iter().take(if context.huge { 4 } else { 3 }) {
        eprintln!("growth: a log of {} KB", size / 1000);
        grow(&log, size);
        let read: Rounds = context.few_rounds().map(|_| reading(&log)).collect();
        let asked: Rounds = context.few_rounds().map(|_| median_of(&daemon, &question)).collect();
        let (first_read, first_asked) = first.get_or_insert_with(|| (read.clone(), asked.clone()));
        table.row([
            format!("{} KB", size / 1000),
            read.to_string(),
            figure(read.median() / first_read.median()),
            asked.to_string(),
            figure(asked.median() / first_asked.median()),
        ]);
    }
    table
}

/// Milliseconds that the endpoint's own function takes to read a log's end.
fn reading(log: &Path) -> f64 {
    let took: Rounds = (0..ASKED)
        .map(|_| {
            let began = Instant::now();
            assert_eq!(tail::lines(log, 20).unwrap().lines().count(), 20);
            began.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    took.median()
}

/// Milliseconds from a question to its answer, one after the other.
fn median_of(daemon: &Daemon, question: &[u8]) -> f64 {
    let mut connection = daemon.connection();
    let took: Rounds = (0..ASKED)
        .map(|_| {
            let began = Instant::now();
            assert_eq!(connection.ask(question).unwrap().status, 200);
            began.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    took.median()
}

/// Adds what a run says until the log is so long.
fn grow(log: &Path, size: u64) {
    let begun = log.metadata().map_or(0, |file| file.len());
    let mut file =
        BufWriter::with_capacity(1 << 20, File::options().append(true).create(true).open(log).unwrap());
    let (mut written, mut number) = (begun, 0_u64);
    while written < size {
        number += 1;
        let line = match number % 3 {
            0 => format!("● Bash: cargo test --locked --test part_{number}\n"),
            1 => format!(
                "I'll look at how part {number} counts lines first: it does it twice, and only one knows about CRLF.\n"
            ),
            _ => format!(
                "  test result: ok. {} passed; 0 failed; 0 ignored; finished in 0.0{} s\n",
                number % 97,
                number % 9
            ),
        };
        file.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
    }
    file.flush().unwrap();
}

fn sizes(context: &Context) -> Table {
    let head = ["bytes a task", "database", "run's folder", "the same, as blocks of the disk"];
    let mut table = Table::new("Room", &head);
    let daemon = Daemon::start(&Setup::default());
    let session = daemon.start_session(10);
    daemon.see_through(&session, 10);
    let before = database_bytes(&daemon);
    let session = daemon.start_session(context.tasks);
    daemon.see_through(&session, context.tasks);
    let database = database_bytes(&daemon) - before;
    let (length, blocks) = size_of(&daemon.log_folder(&session));
    let a_task = |bytes: u64| figure(bytes as f64 / context.tasks as f64);
    table.row([
        "a stand-in that answers at once".to_owned(),
        a_task(database),
        a_task(length),
        a_task(blocks),
    ]);
    table
}

/// As long as the database is once its log is part of it.
fn database_bytes(daemon: &Daemon) -> u64 {
    let copy = daemon.folder().join("copy.db");
    let _ = fs::remove_file(&copy);
    crate::history::vacuum_into(&daemon.database(), &copy);
    copy.metadata().unwrap().len()
}
