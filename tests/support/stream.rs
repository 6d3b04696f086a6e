//! A reader of server-sent events that sees every byte, and can hang up between any two.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Instant;

use serde_json::Value;

use super::SOON;
use super::daemon::SECRET;
use super::openapi::Description;

/// An open stream, or the refusal of one.
pub struct EventStream {
    wire: BufReader<TcpStream>,
    pub status: u16,
    /// The answer's head, in lower case.
    pub head: String,
    /// The comments seen so far.
    pub comments: usize,
}

/// What stands between two empty lines.
#[derive(Debug, Default)]
pub struct Frame {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Vec<String>,
    pub retry: Option<String>,
}

impl Frame {
    /// The data, which is one line of JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let [line] = self.data.as_slice() else { panic!("not one line of data: {self:?}") };
        serde_json::from_str(line).unwrap()
    }
}

impl Frame {
    #[track_caller]
    fn assert_described(&self) {
        let schema = if self.event.as_deref() == Some("reset") { "ResetView" } else { "EventView" };
        let place = format!("/components/schemas/{schema}");
        if let Err(drift) = Description::get().conforms(&place, &self.json()) {
            panic!("the OpenAPI document doesn't know this event: {drift}\n{self:?}");
        }
    }
}

impl EventStream {
    /// Opens a stream as someone who knows the secret.
    #[track_caller]
    pub fn open(port: u16, last_event_id: Option<&str>) -> Self {
        let bearer = format!("Bearer {SECRET}");
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(last_event_id.map(|id| ("Last-Event-ID", id)));
        let stream = Self::ask(port, "/events", &headers);
        assert_eq!(stream.status, 200, "{}", stream.head);
        stream
    }

    /// Asks in HTTP/1.0, whose answers are not cut into chunks.
    #[track_caller]
    pub fn ask(port: u16, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n");
        for (name, value) in headers {
            request = format!("{request}{name}: {value}\r\n");
        }
        write!(stream, "{request}\r\n").unwrap();
        let mut wire = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(wire.read_line(&mut head).unwrap(), 0, "the head ended early: {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { wire, status, head: head.to_ascii_lowercase(), comments: 0 }
    }

    /// The next event, whatever the stream says in between; `None` when it ends.
    #[track_caller]
    pub fn event(&mut self) -> Option<Frame> {
        let asked = Instant::now();
        loop {
            let frame = self.frame(&mut usize::MAX.clone())?;
            if !frame.data.is_empty() {
                frame.assert_described();
                return Some(frame);
            }
            assert!(asked.elapsed() < SOON, "no event came in {SOON:?}");
        }
    }

    /// The next frame if it comes to its end before the budget of bytes does; `None` also when the stream ends.
    #[track_caller]
    pub fn frame(&mut self, budget: &mut usize) -> Option<Frame> {
        let mut frame = Frame::default();
        loop {
            let line = self.line(budget)?;
            let Some((field, value)) = line.split_once(':') else {
                assert_eq!(line, "", "neither a field nor the end of a frame");
                return Some(frame);
            };
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match field {
                "id" => frame.id = Some(value),
                "event" => frame.event = Some(value),
                "data" => frame.data.push(value),
                "retry" => frame.retry = Some(value),
                "" => self.comments += 1,
                other => panic!("an unknown field {other:?}"),
            }
        }
    }

    fn line(&mut self, budget: &mut usize) -> Option<String> {
        let mut line = Vec::new();
        let most = u64::try_from(*budget).unwrap();
        let read = self.wire.by_ref().take(most).read_until(b'\n', &mut line).unwrap();
        *budget -= read;
        (line.pop() == Some(b'\n')).then(|| String::from_utf8(line).unwrap())
    }

    /// The rest of an answer that is no stream.
    pub fn rest(mut self) -> String {
        let mut rest = String::new();
        self.wire.read_to_string(&mut rest).unwrap();
        rest
    }
}
