//! Someone who follows `GET /events` all the while and comes again, as often as they are cut off, with the last id they saw.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::arena::{Arena, PATIENCE};
use crate::support::daemon::SECRET;
use crate::wire;

const A_MOMENT: Duration = Duration::from_millis(2);
/// How long a read waits before the listener looks whether it is still wanted.
const A_WHILE: Duration = Duration::from_millis(100);

/// What was heard: each event by its number.
#[derive(Default)]
pub struct Listener {
    heard: Mutex<BTreeMap<i64, Value>>,
    last_id: Mutex<Option<String>>,
    done: AtomicBool,
}

impl Listener {
    /// Listens until it is told that it has heard everything.
    pub fn listen(&self, arena: &Arena) {
        while !self.done.load(Ordering::Relaxed) && !arena.is_condemned() {
            // A stream breaks off whenever its daemon dies.
            let _ = self.stream(arena);
            std::thread::sleep(A_MOMENT);
        }
    }

    /// Waits until the newest event was heard, and gives all of them.
    pub fn all(&self, arena: &Arena) -> BTreeMap<i64, Value> {
        let newest = arena.database().numbers("SELECT coalesce(max(id), 0) FROM events")[0];
        let since = Instant::now();
        let last = || self.heard.lock().unwrap().keys().next_back().copied().unwrap_or_default();
        while last() < newest && since.elapsed() < PATIENCE && !arena.is_condemned() {
            std::thread::sleep(A_MOMENT);
        }
        if last() != newest {
            arena.complain(format!("events: the newest is {newest}, and {} was told last", last()));
        }
        self.done.store(true, Ordering::Relaxed);
        self.heard.lock().unwrap().clone()
    }

    /// Lets go of a stream that nothing is to be expected of.
    pub fn stop(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    fn stream(&self, arena: &Arena) -> io::Result<()> {
        let mut stream = wire::connect(arena.port())?;
        stream.set_read_timeout(Some(A_WHILE))?;
        let last = self.last_id.lock().unwrap().clone();
        write!(
            stream,
            "GET /events HTTP/1.0\r\nhost: localhost\r\nauthorization: Bearer {SECRET}\r\nlast-event-id: {}\r\n\r\n",
            last.as_deref().unwrap_or("0")
        )?;
        let mut lines = Lines { wire: BufReader::new(stream), line: Vec::new() };
        let (mut id, mut event) = (None, String::new());
        while !self.done.load(Ordering::Relaxed) {
            let Some(line) = lines.next()? else { continue };
            match line.split_once(": ") {
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("event", value)) => value.clone_into(&mut event),
                Some(("data", data)) => self.hear(arena, &event, data, id.take(), last.is_some()),
                _ => {}
            }
        }
        Ok(())
    }

    fn hear(&self, arena: &Arena, event: &str, data: &str, id: Option<String>, came_again: bool) {
        let told: Value = serde_json::from_str(data).unwrap_or_default();
        if event == "reset" {
            if came_again {
                arena.complain(format!("events: what was told was never committed: {data}"));
            }
            return;
        }
        let Some(number) = told["id"].as_i64() else {
            return arena.complain(format!("events: {event} without a number: {data}"));
        };
        let mut heard = self.heard.lock().unwrap();
        let last = heard.keys().next_back().copied().unwrap_or_default();
        if number != last + 1 {
            arena.complain(format!("events: after {last} comes {number}"));
        }
        heard.insert(number, told);
        *self.last_id.lock().unwrap() = id;
    }
}

struct Lines {
    wire: BufReader<TcpStream>,
    line: Vec<u8>,
}

impl Lines {
    /// The next line; `None` if it isn't all there yet.
    fn next(&mut self) -> io::Result<Option<String>> {
        match self.wire.read_until(b'\n', &mut self.line) {
            Ok(_) if self.line.pop() == Some(b'\n') => {
                Ok(Some(String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned()))
            }
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if wire::is_silence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
