//! How fast questions are answered, and what keeps them from it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::Section;
use crate::bare;
use crate::connection::{get, post};
use crate::contender::{Folder, Running, Server, folder, free_port, until};
use crate::context::{Context, LONG, in_turn};
use crate::daemon::{Daemon, Setup};
use crate::load::{Answers, Pace, ask};
use crate::peers::{Flask, Peers, Under};
use crate::printer::PACE;
use crate::stand_in;
use crate::statistics::{Rounds, figure};
use crate::table::Table;
use crate::watched::Watched;

pub const SECTION: Section = Section {
    name: "http",
    title: "HTTP",
    method: "Eight kept connections. At a rate, a question that can't be asked when it is due counts from when it was due; at \
        saturation each connection asks again with every answer. The session has ten tasks, and all are done; the bare axum \
        handler reads a row of SQLite that holds the body of our `/status`. Each question proves that it knows the secret, and \
        is written into the access log, which the bare handler does without. An `/approve` is one that is refused, as nothing waits; \
        replayed means repeated with its key. (What a true approval takes is under *Reaction*.) Processor time is the server's own, an answer, when saturated. p50, p99 and p99.9 are those of all rounds' answers together, in ms.",
    measure,
};

const TASKS: usize = 10;
const RATES: [u32; 2] = [200, 1000];
const A_MEASUREMENT: Duration = Duration::from_secs(2);

type Question = Box<dyn Fn(u64) -> Vec<u8>>;

/// One endpoint of one server.
struct Case {
    name: String,
    port: u16,
    watched: Watched,
    question: Question,
    status: u16,
    at: Vec<(Pace, Answers)>,
    per_second: Rounds,
    /// Microseconds of the server's own processor time an answer, saturated.
    cpu: Rounds,
    unexpected: usize,
}

fn measure(context: &Context) -> Vec<Table> {
    let lasting = A_MEASUREMENT / context.hurry.min(4);
    vec![quiet(context, lasting), with_history(context, lasting), beside_a_run(context, lasting)]
}

fn quiet(context: &Context, lasting: Duration) -> Table {
    let daemon = Daemon::start(&Setup::default());
    finish_a_session(&daemon);
    let axum = Axum::start(&daemon);
    let mut cases = of_daemon("orchestrator", daemon.server());
    cases.insert(1, case("bare axum, one read, `/status`", &axum.server, "/status", 200));
    let flasks: Vec<(Under, Flask)> = Peers::get().python.as_deref().map_or_else(Vec::new, |python| {
        [Under::Gunicorn, Under::Werkzeug]
            .map(|under| (under, Flask::start(python, under, "auto", None, None)))
            .into()
    });
    for (under, flask) in &flasks {
        flask.start_session(TASKS);
        flask.see_through();
        let name = format!("Flask program, {under:?}, `/status`").to_lowercase().replace("flask", "Flask");
        cases.push(case(&name, &flask.server, "/webhook/status", 200));
    }
    rounds(context, &mut cases, &[RATES[0], RATES[1]], lasting);
    shown("Nothing else to do", &cases, &[RATES[0], RATES[1]])
}

fn with_history(context: &Context, lasting: Duration) -> Table {
    let daemon = context.daemon_with(LONG, &Setup::default());
    let fresh = Daemon::start(&Setup::default());
    for daemon in [&fresh, &daemon] {
        finish_a_session(daemon);
    }
    let mut cases = of_daemon("no history", fresh.server());
    let long = of_daemon("10⁶ events, 10,000 tasks", daemon.server());
    let mut at = 1;
    for case in long {
        cases.insert(at, case);
        at += 2;
    }
    rounds(context, &mut cases, &RATES[..1], lasting);
    shown("With a long history", &cases, &RATES[..1])
}

/// While a run prints 100 MB a second; beside the bare handler while a program prints as much into a file.
fn beside_a_run(context: &Context, lasting: Duration) -> Table {
    let place = folder("printers");
    let bytes = PACE * (2 * lasting.as_secs() + 1);
    let printer = stand_in::printer(place.path(), bytes, Some(PACE));
    let daemon = Daemon::start(&Setup { claude: Some(printer.clone()), ..Setup::default() });
    let axum = Axum::start(&daemon);
    let flask = Peers::get()
        .python
        .as_deref()
        .map(|python| Flask::start(python, Under::Gunicorn, "auto", Some(&printer), None));
    let mut cases = vec![
        case("orchestrator, its run prints, `/status`", daemon.server(), "/status", 200),
        case("bare axum, a program prints into a file", &axum.server, "/status", 200),
    ];
    if let Some(flask) = &flask {
        cases.push(case("Flask program, gunicorn, its run prints", &flask.server, "/webhook/status", 200));
    }
    let mut memory = [Rounds::default(), Rounds::default()];
    for (round, backwards) in context.few_rounds() {
        in_turn(&mut cases, backwards, |case| {
            eprintln!("http: round {}: {}", round + 1, case.name);
            if case.port == daemon.server().port {
                let session = daemon.start_session(1);
                let output = daemon.output_of(&session, 1);
                until("the run's output", Duration::from_secs(30), || has_begun(&output));
                case.observe(&RATES[..1], lasting);
                daemon.see_through(&session, 1);
                memory[0].push(daemon.server().watched().memory().1 as f64 / 1_048_576.0);
                std::fs::remove_dir_all(daemon.log_folder(&session)).unwrap();
            } else if case.port == axum.server.port {
                let output = place.path().join("printed");
                let mut printing = Command::new(&printer);
                let mut printing = Running::start(&mut printing, &output).unwrap();
                until("the program's output", Duration::from_secs(30), || has_begun(&output));
                case.observe(&RATES[..1], lasting);
                until("the program's end", Duration::from_mins(1), || printing.has_ended().then_some(()));
                std::fs::remove_file(output).unwrap();
            } else if let Some(flask) = &flask {
                flask.start_session(1);
                case.observe(&RATES[..1], lasting);
                flask.see_through();
                memory[1].push(flask.server.watched().memory().1 as f64 / 1_048_576.0);
                std::fs::remove_file(flask.output_of(1)).unwrap();
            }
        });
    }
    let mut table = shown("While a run prints 100 MB a second", &cases, &RATES[..1]);
    table.note(format!(
        "Resident memory at most, after such runs of {} MB: orchestrator {} MiB, the Flask program {} MiB.",
        bytes / 1_000_000,
        figure(memory[0].spread().1),
        figure(memory[1].spread().1),
    ));
    table
}

fn has_begun(output: &std::path::Path) -> Option<()> {
    output.metadata().ok().filter(|file| file.len() > 1_000_000).map(|_| ())
}

fn finish_a_session(daemon: &Daemon) {
    let session = daemon.start_session(TASKS);
    daemon.see_through(&session, TASKS);
}

fn of_daemon(name: &str, server: &Server) -> Vec<Case> {
    let key = "Idempotency-Key: bench\r\n";
    let mut replayed = case(&format!("{name}, `/approve`, replayed"), server, "/approve", 409);
    replayed.question = Box::new(move |_| post("/approve", &json!({}), key));
    let mut health = case(&format!("{name}, `/health`"), server, "/health", 200);
    health.question = Box::new(|_| get("/health"));
    vec![
        case(&format!("{name}, `/status`"), server, "/status", 200),
        case(&format!("{name}, `/approve`, refused"), server, "/approve", 409),
        replayed,
        health,
    ]
}

fn case(name: &str, server: &Server, path: &str, status: u16) -> Case {
    let question = post(path, &json!({}), "");
    Case {
        name: name.to_owned(),
        port: server.port,
        watched: server.watched(),
        question: Box::new(move |_| question.clone()),
        status,
        at: Vec::new(),
        per_second: Rounds::default(),
        cpu: Rounds::default(),
        unexpected: 0,
    }
}

impl Case {
    fn observe(&mut self, rates: &[u32], lasting: Duration) {
        for pace in rates.iter().copied().map(Pace::PerSecond).chain([Pace::Saturation]) {
            let before = self.watched.cpu();
            let answers = ask(self.port, pace, lasting, &self.question).unwrap();
            let cpu = self.watched.cpu().since(before).own;
            self.unexpected += answers.other_than(self.status);
            if pace == Pace::Saturation {
                self.per_second.push(answers.per_second());
                self.cpu.push(cpu.as_secs_f64() * 1e6 / answers.count() as f64);
            }
            match self.at.iter_mut().find(|(other, _)| *other == pace) {
                Some((_, joined)) => joined.join(&answers),
                None => self.at.push((pace, answers)),
            }
        }
    }

    fn quantiles(&self, pace: Pace) -> String {
        let answers = self.at.iter().find(|(other, _)| *other == pace).map(|(_, answers)| answers);
        answers.map_or("–".to_owned(), |answers| {
            [0.5, 0.99, 0.999].map(|share| figure(answers.milliseconds(share))).join(" · ")
        })
    }
}

fn rounds(context: &Context, cases: &mut [Case], rates: &[u32], lasting: Duration) {
    for (round, backwards) in context.few_rounds() {
        in_turn(cases, backwards, |case| {
            eprintln!("http: round {}: {}", round + 1, case.name);
            case.observe(rates, lasting);
        });
    }
}

fn shown(title: &str, cases: &[Case], rates: &[u32]) -> Table {
    let mut head = vec![String::new()];
    head.extend(rates.iter().map(|rate| format!("at {rate}/s: p50 · p99 · p99.9")));
    head.extend(
        ["saturated: p50 · p99 · p99.9", "a second", "the first line is … times that", "processor time, µs"]
            .map(str::to_owned),
    );
    let mut table = Table::new(title, &head.iter().map(String::as_str).collect::<Vec<_>>());
    for case in cases {
        let mut row = vec![case.name.clone()];
        let paces = rates.iter().copied().map(Pace::PerSecond).chain([Pace::Saturation]);
        row.extend(paces.map(|pace| case.quantiles(pace)));
        row.extend([
            case.per_second.to_string(),
            cases[0].per_second.over(&case.per_second).to_string(),
            case.cpu.to_string(),
        ]);
        table.row(row);
        if case.unexpected > 0 {
            table.note(format!("{}: {} answers weren't a {}.", case.name, case.unexpected, case.status));
        }
    }
    table
}

/// The bare handler, with the body of a daemon's status.
pub struct Axum {
    _folder: Folder,
    pub server: Server,
}

impl Axum {
    pub fn start(daemon: &Daemon) -> Self {
        let folder = folder("axum");
        let database: PathBuf = folder.path().join("axum.db");
        bare::prepare_axum(&database, &daemon.status().to_string());
        let port = free_port();
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.arg("bare-axum").arg(&database).arg(port.to_string());
        let server = Server::start(&mut program, port, "/health", &folder.path().join("said"));
        Self { _folder: folder, server }
    }
}
