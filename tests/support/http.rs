//! Speaking to the daemon as a script, n8n or a stranger might: any method, header and body, and all of the answer.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::SOON;
use super::daemon::{Daemon, SECRET};
use super::openapi::Description;

/// A request in the making.
#[derive(Clone)]
pub struct Ask {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// A POST by someone who knows the secret.
pub fn post(path: &str, body: &Value) -> Ask {
    stranger(path, body).header("authorization", &format!("Bearer {SECRET}"))
}

/// A POST by someone who hasn't said that they know the secret.
pub fn stranger(path: &str, body: &Value) -> Ask {
    ask("POST", path).header("content-type", "application/json").raw(body.to_string())
}

/// Any request, as bare as it can be.
pub fn ask(method: &str, path: &str) -> Ask {
    Ask { method: method.parse().unwrap(), path: path.into(), headers: Vec::new(), body: None }
}

impl Ask {
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Marks the request so that repeating it does nothing.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    #[must_use]
    pub fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    async fn send(self, client: reqwest::Client, url: String) -> reqwest::Result<Answer> {
        let mut request = client.request(self.method.clone(), url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        Description::get().assert_knows(self.method.as_str(), &self.path, status, &headers, &text);
        Ok(Answer { status, headers, text })
    }
}

/// All of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    #[track_caller]
    pub fn body(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:#?}");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The body of a success.
    #[track_caller]
    pub fn succeeds(&self) -> Value {
        let body = self.body();
        assert_eq!(self.status, 200, "{body:#}");
        body
    }

    /// The message of a failure, which has the one shape of them all.
    #[track_caller]
    pub fn fails(&self, status: u16, code: &str) -> String {
        let body = self.body();
        assert_eq!((self.status, &body["error"]["code"]), (status, &json!(code)), "{body:#}");
        let message = body["message"].as_str().expect("a message").to_owned();
        assert!(!message.is_empty());
        assert_eq!(body["status"], "error");
        assert_eq!(body["error"], json!({"code": code, "message": message}));
        let told = ["status", "message", "error", "telegram", "session", "task", "gate"];
        let fields = body.as_object().unwrap();
        assert!(fields.keys().all(|key| told.contains(&key.as_str())), "{body:#}");
        message
    }
}

impl Daemon {
    #[track_caller]
    pub fn ask(&self, ask: Ask) -> Answer {
        let (told, url) = (format!("{} {}", ask.method, ask.path), self.url(&ask.path));
        match self.runtime.block_on(ask.send(self.client.clone(), url)) {
            Ok(answer) => answer,
            Err(error) => panic!("{told}: {error:?}\n{}", self.said()),
        }
    }

    /// Asks one that may be ending: it answers, or its door is closed.
    pub fn ask_at_its_end(&self, ask: Ask) -> Option<Answer> {
        let url = self.url(&ask.path);
        self.runtime.block_on(ask.send(self.client.clone(), url)).ok()
    }

    /// Asks all at the same time.
    #[track_caller]
    pub fn ask_at_once(&self, asks: impl IntoIterator<Item = Ask>) -> Vec<Answer> {
        self.runtime.block_on(async {
            let mut asked = JoinSet::new();
            for ask in asks {
                let url = self.url(&ask.path);
                asked.spawn(ask.send(self.client.clone(), url));
            }
            asked.join_all().await.into_iter().map(|answer| answer.expect("an answer")).collect()
        })
    }

    /// A connection that sends what it is told, byte by byte.
    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        Connection(stream)
    }
}

/// A connection of one's own. Dropped, it is closed.
pub struct Connection(TcpStream);

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        Self(stream)
    }
}

impl Connection {
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// The head of a POST by someone who knows the secret, with a body to follow.
    #[track_caller]
    pub fn send_head(&mut self, path: &str, length: usize) {
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {SECRET}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        ));
    }

    /// Sends what may no longer be wanted.
    pub fn try_send(&mut self, text: &str) -> std::io::Result<()> {
        self.0.write_all(text.as_bytes())
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) {
        // It may have been closed from the other side before.
        let _ = self.0.shutdown(Shutdown::Write);
    }

    /// Whether an answer or an end has come that wasn't read yet.
    pub fn has_news(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        !peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// What has come so far, which may be the end of a connection that was cut.
    pub fn read_what_came(mut self) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.0.read(&mut buffer) {
            text.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Everything that the daemon sends until it closes the connection.
    #[track_caller]
    pub fn read_to_end(mut self) -> String {
        let mut text = Vec::new();
        self.0.read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }
}

/// A connection from another of this machine's own addresses, which are all that begin with 127.
pub fn connect_from(address: Ipv4Addr, port: u16) -> TcpStream {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((address, 0))).unwrap();
        socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.unwrap()
    });
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}
