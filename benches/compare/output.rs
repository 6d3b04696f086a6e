//! How fast a run's output is taken in.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Section;
use crate::contender::{folder, until};
use crate::context::Context;
use crate::daemon::{Daemon, Setup};
use crate::printer::{Kind, PACE};
use crate::stand_in;
use crate::statistics::{Rounds, figure, quantile};
use crate::table::Table;

pub const SECTION: Section = Section {
    name: "output",
    title: "A run's output",
    method: "A program prints stream-json as fast as it can: into a file, and as a run of the daemon, which follows the file, writes \
        the readable log and judges; from the program's start to its end, and from the session's start to its end. The lines: \
        mixed ones (200 bytes to 4 KB, and one of 1 MB every 4 MB), prose alone, answers as they are made (a few words a line), \
        and tool results of 1 MB. Then the mixed ones at 100 MB a second, to see how far the follower lags; and more and more \
        of them, to see whether they stay in memory.",
    measure,
};

/// So much that what a session costs besides is next to nothing.
const BYTES: u64 = 500_000_000;
const A_RUN: Duration = Duration::from_mins(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
/// A question now and then: the processors have enough to do.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(5);
const MEBIBYTE: f64 = 1_048_576.0;

fn measure(context: &Context) -> Vec<Table> {
    vec![at_full_speed(context), at_a_pace(context), in_memory(context)]
}

fn at_full_speed(context: &Context) -> Table {
    let place = folder("printer");
    let head = [
        "lines",
        "MB a second into a file (limit)",
        "as a run",
        "times the file's",
        "processor time, s a GB",
    ];
    let mut table = Table::new("As fast as it goes", &head);
    for kind in Kind::ALL {
        let printer = stand_in::printer_of(kind, place.path(), BYTES, None);
        let daemon = Daemon::start(&Setup { claude: Some(printer.clone()), ..Setup::default() });
        let watched = daemon.server().watched();
        let (mut into_a_file, mut as_a_run, mut cpu) =
            (Rounds::default(), Rounds::default(), Rounds::default());
        let megabytes = BYTES as f64 / 1e6;
        for (round, backwards) in context.rounds() {
            eprintln!("output: {}, round {}", kind.name(), round + 1);
            if backwards {
                into_a_file.push(megabytes / seconds_into(&place.path().join("printed"), &printer));
            }
            let (began, before) = (Instant::now(), watched.cpu());
            let session = daemon.start_session(1);
            see_through(&daemon);
            as_a_run.push(megabytes / began.elapsed().as_secs_f64());
            cpu.push(watched.cpu().since(before).own.as_secs_f64() * 1000.0 / megabytes);
            fs::remove_dir_all(daemon.log_folder(&session)).unwrap();
            if !backwards {
                into_a_file.push(megabytes / seconds_into(&place.path().join("printed"), &printer));
            }
        }
        let ratio = as_a_run.over(&into_a_file).to_string();
        table.row([
            kind.name().to_owned(),
            into_a_file.to_string(),
            as_a_run.to_string(),
            ratio,
            cpu.to_string(),
        ]);
    }
    table
}

fn seconds_into(file: &Path, printer: &Path) -> f64 {
    let began = Instant::now();
    let output = File::create(file).unwrap();
    let status = Command::new(printer).stdin(Stdio::null()).stdout(output).status();
    assert!(status.is_ok_and(|status| status.success()));
    let took = began.elapsed().as_secs_f64();
    fs::remove_file(file).unwrap();
    took
}

fn see_through(daemon: &Daemon) {
    let mut connection = daemon.connection();
    let began = Instant::now();
    while connection.ok("/status", &json!({}))["status"] != "completed" {
        assert!(began.elapsed() < A_RUN, "the session's end: not after {A_RUN:?}");
        sleep(BETWEEN_QUESTIONS);
    }
}

fn at_a_pace(context: &Context) -> Table {
    let place = folder("printer");
    let bytes = BYTES / u64::from(context.hurry);
    let printer = stand_in::printer(place.path(), bytes, Some(PACE));
    let daemon = Daemon::start(&Setup { claude: Some(printer), ..Setup::default() });
    let watched = daemon.server().watched();
    let mut behind = Vec::new();
    let mut cpu = Rounds::default();
    for _ in 0..context.rounds.div_ceil(2) {
        let before = watched.cpu();
        let session = daemon.start_session(1);
        let output = daemon.output_of(&session, 1);
        until("the run's output", A_RUN, || output.metadata().ok().filter(|file| file.len() > 0).map(|_| ()));
        let followed = until("the run's follower", A_RUN, || watched.followed("task-1-run-1.ndjson"));
        while let Some((length, read)) = followed.progress() {
            behind.push(length.saturating_sub(read) / 1000);
            sleep(BETWEEN_LOOKS);
        }
        see_through(&daemon);
        cpu.push(watched.cpu().since(before).own.as_secs_f64() * 1e9 / bytes as f64);
        fs::remove_dir_all(daemon.log_folder(&session)).unwrap();
    }
    behind.sort_unstable();
    let head = ["", "behind, median", "p99", "at most", "processor time, s a GB", "resident at most, MiB"];
    let mut table = Table::new("At 100 MB a second", &head);
    let kilobytes =
        |share| quantile(&behind, share).map_or("–".to_owned(), |behind| format!("{behind} KB"));
    table.row([
        "orchestrator".to_owned(),
        kilobytes(0.5),
        kilobytes(0.99),
        kilobytes(1.0),
        cpu.to_string(),
        figure(watched.memory().1 as f64 / MEBIBYTE),
    ]);
    table
}

fn in_memory(context: &Context) -> Table {
    const GIGABYTE: u64 = 1_000_000_000;
    let mut table =
        Table::new("In memory", &["after a run of", "resident, MiB", "of it not a file's", "at most"]);
    let sizes = [GIGABYTE / 1000, GIGABYTE / 10, GIGABYTE, 10 * GIGABYTE];
    for bytes in sizes.into_iter().take(if context.huge { 4 } else { 3 }) {
        eprintln!("output: a run of {} MB", bytes / 1_000_000);
        let place = folder("printer");
        let printer = stand_in::printer(place.path(), bytes, None);
        let daemon = Daemon::start(&Setup { claude: Some(printer), ..Setup::default() });
        daemon.start_session(1);
        see_through(&daemon);
        let watched = daemon.server().watched();
        let (now, most) = watched.memory();
        let mebibytes = |bytes: u64| figure(bytes as f64 / MEBIBYTE);
        let size = format!("{} MB", bytes / 1_000_000);
        table.row([size, mebibytes(now), mebibytes(watched.anonymous()), mebibytes(most)]);
    }
    table
}
