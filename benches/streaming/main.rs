//! What a run that prints without end costs those who ask meanwhile: `cargo bench --bench streaming`.
//!
//! The real daemon, called over HTTP as n8n calls it, in three states by turns: idle; idle beside a program that prints
//! as much as a run would, which shows what the machine itself makes of that; and while a run prints. The target: while
//! a run prints 100 MB a second, the p99 of `/status` within three times that of the idle daemon, and less than 24 MiB
//! resident after 1 GB. Prints figures, judges nothing: machines are noisy, so look at ratios.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a benchmark stops where it fails, and its figures are for people"
)]

mod caller;
mod printer;
mod watched;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::fmt::Display;
use std::fs::{self, File};
use std::io::stdout;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use caller::{CONNECTIONS, Callers, PER_SECOND};
use printer::{PACE, PRINT};
use support::claude::Claude;
use support::daemon::{A_RUN, Daemon};
use support::eventually::eventually;
use support::taskfile::Task;
use watched::Watched;

/// What cargo tells a benchmark, and not a test.
const BENCH: &str = "--bench";
const ROUNDS: u64 = 5;
const PRINTED_A_ROUND: u64 = 200_000_000;
const A_ROUND: Duration = Duration::from_secs(PRINTED_A_ROUND / PACE);
const LEFT_ALONE: Duration = Duration::from_secs(20);
const COLD_STARTS: usize = 9;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
const QUIET: Duration = Duration::from_millis(300);

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.find(|argument| argument == PRINT || argument == BENCH).as_deref() {
        Some(PRINT) => printer::print(arguments.next().unwrap().parse().unwrap(), &mut stdout()).unwrap(),
        Some(_) => measure(),
        None => println!("a benchmark, not a test: cargo bench --bench streaming"),
    }
}

/// What was seen of the daemon in one of its states, round by round.
#[derive(Default)]
struct State {
    answers: Vec<Vec<Duration>>,
    cpu: Duration,
    took: Duration,
}

/// What was seen of it as a follower.
#[derive(Default)]
struct Following {
    behind: Vec<u64>,
    memory: u64,
}

fn measure() {
    let mut daemon = start_daemon();
    let starts = cold_starts(&mut daemon);
    let watched = Watched::new(daemon.pid());
    let (cpu, switches) = (watched.cpu(), watched.switches());
    sleep(LEFT_ALONE);
    let alone = (watched.cpu().saturating_sub(cpu), watched.switches() - switches);
    let at_first = watched.memory();

    let tasks: Vec<_> =
        (1..=ROUNDS).map(|round| Task::new(&format!("Print, round {round}"), "Print.")).collect();
    daemon.start(&tasks);
    let (mut idle, mut beside, mut printing) = (State::default(), State::default(), State::default());
    let mut following = Following::default();
    let before = watched.memory();
    for round in 1..=ROUNDS {
        daemon.await_gate("before", round);
        idle.observe(&daemon, &watched, || sleep(A_ROUND));
        beside.observe(&daemon, &watched, print_beside);
        daemon.ok("/approve", json!({}));
        printing.observe(&daemon, &watched, || following.see_through(round, &watched));
    }
    daemon.await_status("completed");
    sleep(Duration::from_secs(1));
    let after = watched.memory();

    println!("\norchestrator {}, {}", env!("CARGO_PKG_VERSION"), machine());
    println!(
        "{ROUNDS} rounds of {} MB at {} MB/s; /status {} times a second over {CONNECTIONS} connections\n",
        PRINTED_A_ROUND / 1_000_000,
        PACE / 1_000_000,
        CONNECTIONS * PER_SECOND,
    );
    row("", &["idle", "beside a printer", "while a run prints"]);
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
        let idle = idle.quantile(share);
        let ratio = |state: &State| {
            let took = state.quantile(share);
            format!("{} ({:.1}x)", millis(took), took.as_secs_f64() / idle.as_secs_f64())
        };
        row(&format!("/status {name}, ms"), &[millis(idle), ratio(&beside), ratio(&printing)]);
    }
    row("processor time, %", &[idle.load(), beside.load(), printing.load()]);
    let gigabytes = (ROUNDS * PRINTED_A_ROUND) as f64 / 1e9;
    let own = printing.cpu.as_secs_f64()
        - idle.cpu.as_secs_f64() / idle.took.as_secs_f64() * printing.took.as_secs_f64();
    println!();
    row("", &["at its start", "before the runs", "at most while they print", "after them", "at most ever"]);
    let memory = [at_first.0, before.0, following.memory, after.0, after.1];
    row("resident memory, MiB", &memory.map(|bytes| format!("{:.1}", bytes as f64 / 1_048_576.0)));
    println!();
    row("follower", &["behind, median", "behind, p99", "behind, at most", "processor time a GB"]);
    following.behind.sort_unstable();
    let behind = |share| format!("{} KB", at(&following.behind, share) / 1000);
    row("", &[behind(0.5), behind(0.99), behind(1.0), format!("{:.2} s", own / gigabytes)]);
    println!();
    row("left alone", &["switches a second", "processor time", "cold start, ms", "binary, MB"]);
    row(
        "",
        &[
            format!("{:.2}", alone.1 as f64 / LEFT_ALONE.as_secs_f64()),
            format!("{:.2} %", share(alone.0, LEFT_ALONE)),
            millis(at(&starts, 0.5)),
            format!("{:.1}", fs::metadata(env!("CARGO_BIN_EXE_orchestrator")).unwrap().len() as f64 / 1e6),
        ],
    );
}

fn start_daemon() -> Daemon {
    let program = std::env::current_exe().unwrap();
    let flags = format!("{PRINT} {PRINTED_A_ROUND}").leak();
    Daemon::with(Claude { program, flags, environment: Vec::new() }).approval_mode("manual").start()
}

/// How long it takes until the first answer, shortest first.
fn cold_starts(daemon: &mut Daemon) -> Vec<Duration> {
    let mut took: Vec<_> = (0..COLD_STARTS)
        .map(|_| {
            assert!(daemon.sigterm().success());
            let began = Instant::now();
            daemon.restart();
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    took
}

fn print_beside() {
    let unfollowed = tempfile::NamedTempFile::new().unwrap();
    let mut printer = Command::new(std::env::current_exe().unwrap())
        .args([PRINT, &PRINTED_A_ROUND.to_string()])
        .stdin(Stdio::null())
        .stdout(File::options().append(true).open(unfollowed.path()).unwrap())
        .spawn()
        .unwrap();
    assert!(printer.wait().unwrap().success());
}

impl State {
    /// Calls the daemon while `something` goes on.
    fn observe(&mut self, daemon: &Daemon, watched: &Watched, something: impl FnOnce()) {
        sleep(QUIET);
        let (cpu, began) = (watched.cpu(), Instant::now());
        let callers = Callers::start(daemon.port());
        something();
        self.answers.push(callers.stop());
        self.took += began.elapsed();
        self.cpu += watched.cpu().saturating_sub(cpu);
    }

    /// The median of the rounds' quantiles; of the longest, the longest.
    fn quantile(&self, share: f64) -> Duration {
        let of_round = |answers: &Vec<Duration>| {
            let mut answers = answers.clone();
            answers.sort_unstable();
            at(&answers, share)
        };
        let mut rounds: Vec<_> = self.answers.iter().map(of_round).collect();
        rounds.sort_unstable();
        at(&rounds, if share < 1.0 { 0.5 } else { 1.0 })
    }

    fn load(&self) -> String {
        format!("{:.0}", share(self.cpu, self.took))
    }
}

impl Following {
    /// Watches the daemon follow a run to its end.
    fn see_through(&mut self, round: u64, watched: &Watched) {
        let name = format!("task-{round}-run-1.ndjson");
        let followed =
            eventually(A_RUN, "the run to be followed", || watched.followed(&name).ok_or("not yet"));
        while let Some((printed, read)) = followed.progress() {
            self.behind.push(printed.saturating_sub(read));
            self.memory = self.memory.max(watched.memory().0);
            if printed > PRINTED_A_ROUND && read == printed {
                return;
            }
            sleep(BETWEEN_LOOKS);
        }
    }
}

fn at<T: Copy>(sorted: &[T], share: f64) -> T {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let place = (sorted.len() as f64 * share) as usize;
    sorted[place.min(sorted.len() - 1)]
}

fn share(cpu: Duration, of: Duration) -> f64 {
    100.0 * cpu.as_secs_f64() / of.as_secs_f64()
}

fn millis(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1000.0)
}

fn row(name: &str, cells: &[impl Display]) {
    print!("{name:<22}");
    for cell in cells {
        print!("{:>26}", cell.to_string());
    }
    println!();
}

fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{}; {} × {}, Linux {}, load {}",
        orchestrator::app::clock().strftime("%Y-%m-%d"),
        std::thread::available_parallelism().map_or(0, usize::from),
        model.map_or("unknown processor", |(_, model)| model),
        kernel.trim(),
        load.split(' ').next().unwrap_or_default(),
    )
}
