//! Asks `/status` at an even rate, over connections that are kept, and notes how long each answer takes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use super::support::daemon::SECRET;

/// How many connections ask.
pub const CONNECTIONS: u32 = 2;
/// How often each does.
pub const PER_SECOND: u32 = 125;

const BETWEEN: Duration = Duration::from_millis(1000 / PER_SECOND as u64);

/// Callers at work.
pub struct Callers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Duration>>>,
}

impl Callers {
    pub fn start(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..CONNECTIONS).map(|number| {
            let stop = Arc::clone(&stop);
            spawn(move || call(port, BETWEEN * number / CONNECTIONS, &stop).unwrap())
        });
        Self { threads: threads.collect(), stop }
    }

    /// Stops them and gives how long each answer took.
    pub fn stop(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

/// An answer's time counts from when its question was due if the one before it was late, so that a slow answer isn't
/// hidden by the questions that it kept from being asked.
fn call(port: u16, offset: Duration, stop: &AtomicBool) -> io::Result<Vec<Duration>> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    connection.set_nodelay(true)?;
    let question = format!(
        "POST /status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {SECRET}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let mut took = Vec::new();
    let mut due = Instant::now() + offset;
    let mut buffer = vec![0; 64 * 1024];
    while !stop.load(Ordering::Relaxed) {
        let left = due.saturating_duration_since(Instant::now());
        sleep(left);
        let asked = if left.is_zero() { due } else { Instant::now() };
        connection.write_all(question.as_bytes())?;
        read_answer(&mut connection, &mut buffer)?;
        took.push(asked.elapsed());
        due += BETWEEN;
    }
    Ok(took)
}

fn read_answer(connection: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    let mut length = 0;
    loop {
        length += match connection.read(&mut buffer[length..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => count,
        };
        let text = String::from_utf8_lossy(&buffer[..length]);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200"), "{text}");
        let whole = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() >= whole.parse().unwrap() {
            return Ok(());
        }
    }
}
