//! Those who have no secret: they hold connections, or guess.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread::scope;

use super::support::http::connect_from;

/// How many connections say nothing.
pub const IDLE: usize = 1000;
/// How many send half a head, or half a body.
pub const SLOW: usize = 100;
/// How many addresses guess.
pub const ADDRESSES: usize = 100;
/// How often each does.
pub const GUESSES: usize = 100;
/// Connections that are held.
pub struct Held(Vec<TcpStream>);

impl Held {
    pub fn open(port: u16) -> Self {
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let idle = (0..IDLE).map(|_| connect());
        let slow = (0..SLOW).map(|number| {
            let mut connection = connect();
            let head = "POST /pause HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
            let rest = if number % 2 == 0 { "X-Sl" } else { "Content-Length: 60000\r\n\r\n{\"x\":\"" };
            connection.write_all(format!("{head}{rest}").as_bytes()).unwrap();
            connection
        });
        Self(idle.chain(slow).collect())
    }

    /// How many the daemon has neither answered nor closed.
    pub fn still_open(&mut self) -> usize {
        let is_open = |connection: &mut TcpStream| {
            connection.set_nonblocking(true).unwrap();
            connection.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        self.0.iter_mut().map(is_open).filter(|open| *open).count()
    }
}

/// What guesses came to.
#[derive(Default)]
pub struct Answered {
    pub let_in: usize,
    pub refused: usize,
    pub turned_away: usize,
}

impl Answered {
    pub fn add(&mut self, more: &Self) {
        self.let_in += more.let_in;
        self.refused += more.refused;
        self.turned_away += more.turned_away;
    }

    pub fn all(&self) -> usize {
        self.let_in + self.refused + self.turned_away
    }
}

/// Guesses from every address at a time, as fast as it is answered.
pub fn guess(port: u16) -> Answered {
    let mut answered = Answered::default();
    scope(|scope| {
        let guessers: Vec<_> = (1..=ADDRESSES)
            .map(|number| Ipv4Addr::new(127, 0, 2, u8::try_from(number).unwrap()))
            .map(|address| scope.spawn(move || guess_from(address, port)))
            .collect();
        for guesser in guessers {
            answered.add(&guesser.join().unwrap());
        }
    });
    answered
}

fn guess_from(address: Ipv4Addr, port: u16) -> Answered {
    let mut connection = connect_from(address, port);
    let mut guesses = String::new();
    for guess in 0..GUESSES {
        let last = if guess + 1 == GUESSES { "Connection: close\r\n" } else { "" };
        write!(
            guesses,
            "POST /status HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: test-secret-{guess:016}\r\n{last}\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        )
        .unwrap();
    }
    connection.write_all(guesses.as_bytes()).unwrap();
    let mut answers = String::new();
    connection.read_to_string(&mut answers).unwrap();
    let count = |status: &str| answers.matches(&format!("HTTP/1.1 {status}")).count();
    Answered { let_in: count("2"), refused: count("401"), turned_away: count("429") }
}
