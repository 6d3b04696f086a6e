//! Those who are told: a receiver of notifications, and a reader of the event stream.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::connection::{connect, get};

const PATIENCE: Duration = Duration::from_secs(30);

/// Something that was told, and when.
#[derive(Clone, Debug)]
pub struct Told {
    pub at: Instant,
    pub what: String,
}

/// Takes whatever is posted to it.
pub struct Receiver {
    port: u16,
    told: Channel<Told>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, told) = channel();
        spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                spawn(move || take(stream, &tell));
            }
        });
        Self { port, told }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/notify", self.port)
    }

    /// The next thing that is told after an instant.
    pub fn next_after(&self, instant: Instant) -> Told {
        next_after(&self.told, instant, |_| true)
    }
}

fn next_after(told: &Channel<Told>, instant: Instant, is_it: impl Fn(&str) -> bool) -> Told {
    loop {
        let next = told.recv_timeout(PATIENCE).expect("something is told");
        if next.at > instant && is_it(&next.what) {
            return next;
        }
    }
}

fn take(mut stream: TcpStream, tell: &Sender<Told>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((_, value)) =
                line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let at = Instant::now();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            .ok()?;
        let letter: Value = serde_json::from_slice(&body).unwrap_or_default();
        let what = letter["event"].as_str().or(letter["message"].as_str()).unwrap_or_default().to_owned();
        let _ = tell.send(Told { at, what });
    }
}

/// The event stream of a daemon.
pub struct Events {
    stream: TcpStream,
    told: Channel<Told>,
}

impl Events {
    pub fn follow(port: u16) -> Self {
        let mut stream = connect(port).unwrap();
        stream.set_read_timeout(None).unwrap();
        stream.write_all(&get("/events")).unwrap();
        let (tell, told) = channel();
        let reader = BufReader::new(stream.try_clone().unwrap());
        spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                if let Some(what) = line.strip_prefix("event:") {
                    let _ = tell.send(Told { at: Instant::now(), what: what.trim().to_owned() });
                }
            }
        });
        Self { stream, told }
    }

    /// The next event of this kind after an instant.
    pub fn next_after(&self, instant: Instant, kind: &str) -> Told {
        next_after(&self.told, instant, |what| what == kind)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
