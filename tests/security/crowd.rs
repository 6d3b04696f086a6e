//! Many at a time: secrets that are guessed, connections that are held, and the operator in the middle of it.

use std::io::Write as _;
use std::net::Ipv4Addr;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::support::SOON;
use super::support::claude::{Claude, succeeds};
use super::support::daemon::{Daemon, SECRET};
use super::support::eventually::until;
use super::support::http::{Connection, connect_from};
use super::support::stream::EventStream;
use super::support::taskfile::Task;

const ADDRESSES: u8 = 100;
const GUESSES: usize = 100;

fn status(secret: &str, last: bool) -> String {
    let connection = if last { "Connection: close\r\n" } else { "" };
    format!(
        "POST /status HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Webhook-Secret: {secret}\r\n{connection}Content-Length: 2\r\n\r\n{{}}"
    )
}

/// All guesses of one address but the first ones, which were answered.
fn guesses(answered: usize) -> String {
    let guess = |number: usize| status(&format!("test-secret-{number:08}89abcdef"), number + 1 == GUESSES);
    (answered..GUESSES).map(guess).collect::<Vec<_>>().concat()
}

#[test]
fn ten_thousand_guesses_from_a_hundred_addresses_let_nobody_in_and_lock_nobody_out() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let addresses = (0..ADDRESSES).map(|number| Ipv4Addr::new(127, 0, 1, 1 + number));
    let mut strangers: Vec<_> =
        addresses.map(|address| (address, connect_from(address, daemon.port()))).collect();
    for (_, stream) in &mut strangers {
        stream.write_all(guesses(0).as_bytes()).unwrap();
    }
    // Meanwhile the operator asks, from an address of their own and from each of those that guess.
    for (address, _) in &strangers {
        daemon.status();
        let mut same = connect_from(*address, daemon.port());
        same.write_all(status(SECRET, true).as_bytes()).unwrap();
        let answer = Connection::from(same).read_to_end();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    for (address, mut stream) in strangers {
        let (mut refused, mut turned_away) = (0, 0);
        loop {
            let answers = Connection::from(stream).read_what_came();
            let count = |status: &str| answers.matches(&format!("HTTP/1.1 {status} ")).count();
            refused += count("401");
            turned_away += count("429");
            assert_eq!(
                answers.matches("HTTP/1.1 ").count(),
                count("401") + count("429"),
                "{address} was let in"
            );
            if refused + turned_away == GUESSES {
                break;
            }
            // A stranger's connection ends after a minute: on a slow machine more than one is needed.
            stream = connect_from(address, daemon.port());
            stream.write_all(guesses(refused + turned_away).as_bytes()).unwrap();
        }
        // New minutes may have begun in between.
        assert!((10..GUESSES).contains(&refused), "{address}: {refused} of {GUESSES} were heard");
    }
}

/// Connections that are held are no more than the daemon can afford: it still has files to open and processes to start,
/// and who has many gives up theirs first.
#[test]
fn a_crowd_takes_its_own_places_and_not_the_operators() {
    let daemon = Daemon::with(Claude::stand_in()).after("ulimit -n 384").approval_mode("auto").start();
    let (greedy, modest) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 3));
    // From the very address that the crowd comes from, as where all come through one proxy.
    let mut stream = EventStream::open(daemon.port(), None);
    let mut one = Connection::from(connect_from(modest, daemon.port()));
    let mut crowd: Vec<_> = (0..400).map(|_| Connection::from(connect_from(greedy, daemon.port()))).collect();

    daemon.start(&[Task::new("Works", &succeeds(0.5))]);
    daemon.await_status("completed");
    let mut told = Vec::new();
    while told.last().is_none_or(|kind| kind != "session_completed") {
        told.push(stream.event().expect("the stream goes on").event.unwrap_or_default());
    }
    let closed = crowd.iter_mut().filter_map(|connection| connection.has_news().then_some(())).count();
    assert!(closed >= 400 - 128, "only {closed} were closed");
    one.send(&status(SECRET, true));
    assert!(one.read_to_end().starts_with("HTTP/1.1 200 OK\r\n"), "who has one keeps it");
    assert_eq!(daemon.said().matches("too many connections").count(), 1, "{}", daemon.said());
    assert!(!daemon.said().contains("failed to accept"), "{}", daemon.said());
}

/// `cargo bench --bench security` measures how long they wait.
#[test]
fn beside_a_thousand_idle_connections_and_a_hundred_slow_ones_the_operator_is_answered() {
    allow_many_files();
    let daemon = Daemon::with(Claude::stand_in()).start();
    let before = daemon.open_files();
    let idle: Vec<_> = (0..1000).map(|_| daemon.connect()).collect();
    let mut slow: Vec<_> = (0..100).map(|_| daemon.connect()).collect();
    for connection in &mut slow {
        connection.send_head("/pause", 60_000);
        connection.send("{");
    }
    until(SOON, "all to be accepted", || daemon.open_files() >= before + 1100);
    for _ in 0..50 {
        daemon.status();
    }
    assert!(daemon.open_files() >= before + 1100, "they are still there");
    drop((idle, slow));
    until(SOON, "all to be given back", || daemon.open_files() <= before + 1);
}

/// For this process and what it starts from now on, as far as the system allows.
fn allow_many_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(65_536).min(65_536).max(current.unwrap_or(65_536));
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).unwrap();
}
