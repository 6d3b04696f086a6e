//! How fast a run's output is taken in.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Section;
use crate::contender::{folder, until};
use crate::context::Context;
use crate::daemon::{Daemon, Setup};
use crate::printer::PACE;
use crate::stand_in;
use crate::statistics::{Rounds, figure, quantile};
use crate::table::Table;

pub const SECTION: Section = Section {
    name: "output",
    title: "A run's output",
    method: "A program prints stream-json (lines of 200 bytes to 4 KB, and one of 1 MB every 3 MB) as fast as it can: into a file, \
        and as a run of the daemon, which follows the file, writes the readable log and judges; from the program's start to its \
        end, and from the session's start to its end. Then the same at 100 MB a second, to see how far the follower lags.",
    measure,
};

const BYTES: u64 = 500_000_000;
const A_RUN: Duration = Duration::from_mins(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

fn measure(context: &Context) -> Vec<Table> {
    vec![at_full_speed(context), at_a_pace(context)]
}

fn at_full_speed(context: &Context) -> Table {
    let place = folder("printer");
    let bytes = BYTES / u64::from(context.hurry);
    let printer = stand_in::printer(place.path(), bytes, None);
    let daemon = Daemon::start(&Setup { claude: Some(printer.clone()), ..Setup::default() });
    let watched = daemon.server().watched();
    let (mut into_a_file, mut as_a_run, mut cpu) = (Rounds::default(), Rounds::default(), Rounds::default());
    let megabytes = bytes as f64 / 1e6;
    let file = || {
        let output = place.path().join("printed");
        let began = Instant::now();
        let status =
            Command::new(&printer).stdin(Stdio::null()).stdout(File::create(&output).unwrap()).status();
        assert!(status.is_ok_and(|status| status.success()));
        let took = began.elapsed().as_secs_f64();
        fs::remove_file(output).unwrap();
        megabytes / took
    };
    for (round, backwards) in context.few_rounds() {
        eprintln!("output: round {}", round + 1);
        if backwards {
            into_a_file.push(file());
        }
        let (began, before) = (Instant::now(), watched.cpu());
        let session = daemon.start_session(1);
        daemon.see_through(&session, 1);
        as_a_run.push(megabytes / began.elapsed().as_secs_f64());
        cpu.push(watched.cpu().since(before).own.as_secs_f64() * 1000.0 / megabytes);
        fs::remove_dir_all(daemon.log_folder(&session)).unwrap();
        if !backwards {
            into_a_file.push(file());
        }
    }
    let head =
        ["", "MB a second", "times the file's", "processor time of ours, s a GB", "resident at most, MiB"];
    let mut table = Table::new("As fast as it goes", &head);
    let none = || "–".to_owned();
    table.row(["into a file (limit)".to_owned(), into_a_file.to_string(), "1".to_owned(), none(), none()]);
    let most = figure(watched.memory().1 as f64 / 1_048_576.0);
    let ratio = as_a_run.over(&into_a_file).to_string();
    table.row(["as a run of the daemon".to_owned(), as_a_run.to_string(), ratio, cpu.to_string(), most]);
    table
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
        while let Some(followed) = watched.followed("task-1-run-1.ndjson") {
            let Some((length, read)) = followed.progress() else { break };
            behind.push(length.saturating_sub(read) / 1000);
            sleep(BETWEEN_LOOKS);
        }
        daemon.see_through(&session, 1);
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
        figure(watched.memory().1 as f64 / 1_048_576.0),
    ]);
    table
}
