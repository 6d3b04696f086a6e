//! What it costs while nothing happens.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Section;
use crate::contender::until;
use crate::context::{Context, LONG};
use crate::daemon::{Daemon, Setup, binary};
use crate::peers::{Flask, Peers, Queue, Under};
use crate::serving::Axum;
use crate::stand_in;
use crate::statistics::{Rounds, figure};
use crate::table::Table;
use crate::watched::Watched;

pub const SECTION: Section = Section {
    name: "footprint",
    title: "Footprint",
    method: "All of them idle, side by side, for a minute, after a while to come to rest. Switches are context switches of all \
        threads, voluntary or not. A cold start is from exec to the first answer over HTTP.",
    measure,
};

const TO_REST: Duration = Duration::from_secs(5);
const A_MINUTE: Duration = Duration::from_mins(1);
const A_GIGABYTE: u64 = 1_000_000_000;

/// One that is idle.
struct Idle {
    name: &'static str,
    watched: Watched,
    cold_start: Rounds,
    before: (Duration, u64),
}

fn measure(context: &Context) -> Vec<Table> {
    let mut fresh = Daemon::start(&Setup::default());
    let cold = cold_starts(context, &mut fresh);
    let mut long = context.daemon_with(LONG, &Setup::default());
    let cold_long = cold_starts(context, &mut long);
    let (printed, _place) = after_a_gigabyte(context);
    let axum = Axum::start(&fresh);
    let peers = Peers::get();
    let flask =
        peers.python.as_deref().map(|python| Flask::start(python, Under::Gunicorn, "auto", None, None));
    let huey = peers.python.as_deref().map(|python| Queue::huey(python, "run"));
    let pueue = peers.pueue.as_deref().map(Queue::pueue);
    let tsp = peers.task_spooler.as_deref().map(Queue::task_spooler);

    let once = |start: Duration| Rounds::from_iter([start.as_secs_f64() * 1000.0]);
    let mut idle = vec![
        Idle::new("orchestrator", fresh.server().watched(), cold),
        Idle::new("orchestrator, 10⁶ events", long.server().watched(), cold_long),
        Idle::new("orchestrator, after a run of 1 GB", printed.server().watched(), Rounds::default()),
        Idle::new("bare axum, one read", axum.server.watched(), once(axum.server.cold_start)),
    ];
    if let Some(flask) = &flask {
        idle.push(Idle::new(
            "Flask program, gunicorn",
            flask.server.watched(),
            once(flask.server.cold_start),
        ));
    }
    for (name, queue) in [("huey, consumer", &huey), ("pueued", &pueue), ("task-spooler", &tsp)] {
        idle.extend(queue.iter().map(|queue| Idle::new(name, Watched::tree(queue.pid), Rounds::default())));
    }
    sleep(TO_REST);
    let lasting = A_MINUTE / context.hurry;
    eprintln!("footprint: {} s of rest", lasting.as_secs());
    idle.iter_mut().for_each(Idle::begin);
    let began = Instant::now();
    sleep(lasting);
    let head = [
        "idle",
        "resident, MiB",
        "of it not a file's",
        "at most",
        "threads",
        "open files",
        "switches a second",
        "ms of processor a minute",
        "cold start, ms",
    ];
    let mut table = Table::new("At rest", &head);
    for one in &idle {
        table.row(one.row(began.elapsed()));
    }
    table.note(format!("The binary has {} MB.", figure(fs::metadata(binary()).unwrap().len() as f64 / 1e6)));
    table.note(image());
    vec![table]
}

/// What an engine says that has built it.
fn image() -> String {
    let inspect = ["image", "inspect", "--format", "{{.Size}}", "orchestrator"];
    let size = Command::new("docker").args(inspect).output().ok().filter(|said| said.status.success());
    let size = size.and_then(|said| String::from_utf8_lossy(&said.stdout).trim().parse::<f64>().ok());
    size.map_or_else(
        || "The image isn't here: `docker build --tag orchestrator .` makes it.".to_owned(),
        |size| format!("The image has {} MB, Claude Code and Debian included.", figure(size / 1e6)),
    )
}

fn cold_starts(context: &Context, daemon: &mut Daemon) -> Rounds {
    context
        .rounds()
        .map(|_| {
            daemon.stop();
            daemon.restart().as_secs_f64() * 1000.0
        })
        .collect()
}

fn after_a_gigabyte(context: &Context) -> (Daemon, crate::contender::Folder) {
    eprintln!("footprint: a run of 1 GB");
    let place = crate::contender::folder("printer");
    let printer = stand_in::printer(place.path(), A_GIGABYTE / u64::from(context.hurry), None);
    let daemon = Daemon::start(&Setup { claude: Some(printer), ..Setup::default() });
    let session = daemon.start_session(1);
    daemon.see_through(&session, 1);
    until("the run's output to be there", TO_REST, || daemon.output_of(&session, 1).exists().then_some(()));
    fs::remove_dir_all(daemon.log_folder(&session)).unwrap();
    (daemon, place)
}

impl Idle {
    fn new(name: &'static str, watched: Watched, cold_start: Rounds) -> Self {
        Self { name, watched, cold_start, before: (Duration::ZERO, 0) }
    }

    fn begin(&mut self) {
        self.before = (self.watched.run_time(), self.watched.switches());
    }

    fn row(&self, lasted: Duration) -> Vec<String> {
        let cpu = self.watched.run_time().saturating_sub(self.before.0).as_secs_f64() * 1000.0;
        let switches = self.watched.switches().saturating_sub(self.before.1);
        let (now, most) = self.watched.memory();
        let mebibytes = |bytes: u64| figure(bytes as f64 / 1_048_576.0);
        vec![
            self.name.to_owned(),
            mebibytes(now),
            mebibytes(self.watched.anonymous()),
            mebibytes(most),
            self.watched.threads().to_string(),
            self.watched.open_files().to_string(),
            figure(switches as f64 / lasted.as_secs_f64()),
            figure(cpu * 60.0 / lasted.as_secs_f64()),
            self.cold_start.to_string(),
        ]
    }
}
