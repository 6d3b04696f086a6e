//! The way from the CLI to the model, on which everything goes wrong that does on the real one.

use std::io::{BufReader, Read as _, Write as _, copy};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::loopback::{Asked, read};
use super::model::Model;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The API answers with an error.
    Refuses { status: u16, kind: &'static str, message: &'static str },
    /// The API says to a subscriber that what there is for five hours is used up, and perhaps in how long there is more.
    UsageLimit { resets_after: Option<Duration> },
    /// The answer begins, and the connection breaks in the middle of it.
    Cuts,
    /// Nothing is ever answered.
    Silence,
}

impl Fault {
    pub fn refuses(status: u16, kind: &'static str, message: &'static str) -> Self {
        Self::Refuses { status, kind, message }
    }
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    /// How many requests still come through.
    spared: usize,
    /// When each request came.
    came: Vec<SystemTime>,
}

/// Listens as long as the test lasts.
pub struct Gateway {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Gateway {
    /// A way on which nothing ever comes through.
    pub fn to_nowhere(fault: Fault) -> Self {
        Self::new(0, 0, fault)
    }

    /// A way to the model on which nothing comes through until it is mended.
    pub fn broken(model: &Model, fault: Fault) -> Self {
        Self::breaking(model, 0, fault)
    }

    /// One on which so many requests come through first.
    pub fn breaking(model: &Model, spared: usize, fault: Fault) -> Self {
        Self::new(model.port(), spared, fault)
    }

    fn new(model: u16, spared: usize, fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { fault: Some(fault), spared, came: Vec::new() }));
        let held = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&held);
                // Whoever hangs up in the middle is not what is looked at here.
                thread::spawn(move || drop(pass(stream, model, &state)));
            }
        });
        Self { port, state }
    }

    /// Lets everything through from now on.
    pub fn mend(&self) {
        self.state.lock().unwrap().fault = None;
    }

    /// When each request came.
    pub fn came(&self) -> Vec<SystemTime> {
        self.state.lock().unwrap().came.clone()
    }

    /// What `ANTHROPIC_BASE_URL` must be.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// One request a connection, so that what happens to it depends on nothing before.
fn pass(stream: TcpStream, model: u16, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let asked = read(&mut reader)?;
    let fault = {
        let mut state = state.lock().unwrap();
        state.came.push(SystemTime::now());
        let spared = state.spared > 0;
        state.spared = state.spared.saturating_sub(1);
        state.fault.clone().filter(|_| !spared)
    };
    match fault {
        None => forward(&asked, stream, model),
        Some(Fault::Refuses { status, kind, message }) => refuse(stream, status, kind, message, &[]),
        Some(Fault::UsageLimit { resets_after }) => {
            let message = "This request would exceed your account's rate limit. Please try again later.";
            refuse(stream, 429, "rate_limit_error", message, &used_up(resets_after))
        }
        Some(Fault::Cuts) => begin(stream),
        Some(Fault::Silence) => reader.read_to_end(&mut Vec::new()).map(drop),
    }
}

fn forward(asked: &Asked, mut client: TcpStream, model: u16) -> std::io::Result<()> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, model))?;
    write!(server, "{} {} HTTP/1.1\r\n", asked.method, asked.path)?;
    let passed = asked.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("connection"));
    for (name, value) in passed {
        write!(server, "{name}: {value}\r\n")?;
    }
    write!(server, "Connection: close\r\n\r\n{}", asked.body)?;
    copy(&mut server, &mut client).map(drop)
}

fn used_up(resets_after: Option<Duration>) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("anthropic-ratelimit-unified-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-representative-claim", "five_hour".to_owned()),
    ];
    headers.extend(resets_after.map(|after| {
        let at = (SystemTime::now() + after).duration_since(UNIX_EPOCH).unwrap().as_secs();
        ("anthropic-ratelimit-unified-reset", at.to_string())
    }));
    headers
}

fn refuse(
    mut client: TcpStream,
    status: u16,
    kind: &str,
    message: &str,
    headers: &[(&str, String)],
) -> std::io::Result<()> {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}}).to_string();
    write!(
        client,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    )?;
    for (name, value) in headers {
        write!(client, "{name}: {value}\r\n")?;
    }
    write!(client, "Connection: close\r\n\r\n{body}")
}

fn begin(mut client: TcpStream) -> std::io::Result<()> {
    let usage = json!({"input_tokens": 1000, "output_tokens": 1});
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )?;
    for event in [
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I beg"}}),
    ] {
        let text = format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
        write!(client, "{:x}\r\n{text}\r\n", text.len())?;
    }
    client.shutdown(Shutdown::Both)
}
