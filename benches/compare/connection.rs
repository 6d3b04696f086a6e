//! One HTTP connection that is kept open, and what comes back on it.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What every server of the comparison is called with.
pub const SECRET: &str = "bench-secret-0123456789abcdef";

const PATIENCE: Duration = Duration::from_secs(30);

/// A connection for one request at a time.
pub struct Connection {
    port: u16,
    stream: Option<TcpStream>,
}

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether the server ends the connection with it.
    closes: bool,
}

impl Connection {
    pub fn new(port: u16) -> Self {
        Self { port, stream: None }
    }

    /// Sends a request and waits for the answer; connects first where there is no connection any more.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        let asked = match self.stream.take() {
            Some(stream) => ask(stream, request).or_else(|_| ask(connect(self.port)?, request)),
            None => ask(connect(self.port)?, request),
        };
        let (answer, stream) = asked?;
        self.stream = (!answer.closes).then_some(stream);
        Ok(answer)
    }

    pub fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.ask(&post(path, body, "")).unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// Posts what must succeed.
    pub fn ok(&mut self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body);
        assert_eq!(status, 200, "POST {path} {body}: {answer}");
        answer
    }
}

/// A POST with the secret, in the header and in the body, so that every server takes it.
pub fn post(path: &str, body: &Value, headers: &str) -> Vec<u8> {
    let mut body = body.clone();
    body["secret"] = SECRET.into();
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {SECRET}\r\n\
         Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {SECRET}\r\n\r\n").into_bytes()
}

pub fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn ask(mut stream: TcpStream, request: &[u8]) -> io::Result<(Answer, TcpStream)> {
    stream.write_all(request)?;
    let mut seen = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if let Some(answer) = parse(&seen) {
            return Ok((answer, stream));
        }
        match stream.read(&mut buffer)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => seen.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The answer that these bytes are, once they are all of it.
pub fn parse(seen: &[u8]) -> Option<Answer> {
    let end = seen.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&seen[..end]).ok()?;
    let (mut length, mut closes) = (0, head.starts_with("HTTP/1.0"));
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    let body = seen.get(end + 4..end + 4 + length)?.to_vec();
    Some(Answer { status: head.split(' ').nth(1)?.parse().ok()?, body, closes })
}

impl Answer {
    pub fn closes(&self) -> bool {
        self.closes
    }
}
