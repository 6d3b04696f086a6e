//! How long the operator waits while strangers crowd the daemon: `cargo bench --bench security`.
//!
//! The real daemon in three states by turns: left alone; beside 1,000 idle connections and 100 that send half a request;
//! and while 10,000 wrong secrets come from 100 addresses as fast as they are answered. The operator asks `/status` all
//! the while, each time over a new connection. The target: a median under 50 ms in each. Nobody must be let in. Prints
//! figures: machines are noisy, so look at ratios.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a benchmark stops where it fails, and its figures are for people"
)]

mod strangers;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use strangers::{ADDRESSES, Answered, GUESSES, Held, IDLE, SLOW, guess};
use support::claude::Claude;
use support::daemon::{Daemon, SECRET};

/// What cargo tells a benchmark, and not a test.
const BENCH: &str = "--bench";
const ROUNDS: usize = 5;
/// Less than the daemon lets a connection wait.
const A_ROUND: Duration = Duration::from_secs(4);
const BETWEEN: Duration = Duration::from_millis(10);

fn main() {
    if std::env::args().any(|argument| argument == BENCH) {
        measure();
    } else {
        println!("a benchmark, not a test: cargo bench --bench security");
    }
}

fn measure() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let daemon = Daemon::with(Claude::stand_in()).start();
    let (mut alone, mut crowded, mut guessed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut answered, mut took, mut memory) = (Answered::default(), Duration::ZERO, [0; 3]);
    let mut fewest = IDLE + SLOW;
    for _ in 0..ROUNDS {
        alone.push(asked_for(daemon.port(), || sleep(A_ROUND)));
        memory[0] = memory[0].max(resident(&daemon));

        let mut held = Held::open(daemon.port());
        crowded.push(asked_for(daemon.port(), || sleep(A_ROUND)));
        memory[1] = memory[1].max(resident(&daemon));
        fewest = fewest.min(held.still_open());
        drop(held);

        let began = Instant::now();
        guessed.push(asked_for(daemon.port(), || answered.add(&guess(daemon.port()))));
        took += began.elapsed();
        memory[2] = memory[2].max(resident(&daemon));
    }
    assert_eq!((answered.let_in, answered.all()), (0, ROUNDS * ADDRESSES * GUESSES));

    println!("\norchestrator {}, load {}", env!("CARGO_PKG_VERSION"), load());
    println!(
        "{ROUNDS} rounds; {IDLE} idle and {SLOW} slow connections, of which {fewest} or more were open at the end of a round; \
         {GUESSES} guesses from each of {ADDRESSES} addresses\n"
    );
    println!("{:<24}{:>20}{:>20}{:>20}", "", "left alone", "connections held", "secrets guessed");
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
        let first = quantile(&alone, share);
        let cell = |state: &[Vec<Duration>]| {
            let took = quantile(state, share);
            format!("{:.2} ({:.1}x)", took.as_secs_f64() * 1000.0, took.as_secs_f64() / first.as_secs_f64())
        };
        let name = format!("/status {name}, ms");
        println!("{name:<24}{:>20}{:>20}{:>20}", cell(&alone), cell(&crowded), cell(&guessed));
    }
    let [one, two, three] = memory.map(|kib| format!("{:.1}", kib as f64 / 1024.0));
    println!("{:<24}{one:>20}{two:>20}{three:>20}", "resident memory, MiB");
    let rate = answered.all() as f64 / took.as_secs_f64();
    println!(
        "\nof {} guesses {} were let in, {} refused (401), {} turned away (429); {rate:.0} a second",
        answered.all(),
        answered.let_in,
        answered.refused,
        answered.turned_away
    );
}

/// How long each answer took that the operator asked for while `something` went on.
fn asked_for(port: u16, something: impl FnOnce()) -> Vec<Duration> {
    let over = AtomicBool::new(false);
    scope(|scope| {
        let operator = scope.spawn(|| {
            let mut took = Vec::new();
            while !over.load(Ordering::Relaxed) {
                sleep(BETWEEN);
                let began = Instant::now();
                ask(port);
                took.push(began.elapsed());
            }
            took
        });
        something();
        over.store(true, Ordering::Relaxed);
        operator.join().unwrap()
    })
}

fn ask(port: u16) {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let question = format!(
        "POST /status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    connection.write_all(question.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// The median of the rounds' quantiles; of the longest, the longest.
fn quantile(rounds: &[Vec<Duration>], share: f64) -> Duration {
    let mut rounds: Vec<_> = rounds
        .iter()
        .map(|took| {
            let mut took = took.clone();
            took.sort_unstable();
            at(&took, share)
        })
        .collect();
    rounds.sort_unstable();
    at(&rounds, if share < 1.0 { 0.5 } else { 1.0 })
}

fn at(sorted: &[Duration], share: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let place = (sorted.len() as f64 * share) as usize;
    sorted[place.min(sorted.len() - 1)]
}

/// In KiB.
fn resident(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap();
    load.split(' ').next().unwrap().to_owned()
}
