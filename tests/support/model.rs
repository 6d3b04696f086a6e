//! A scripted model on loopback, behind the real Claude CLI.
//!
//! A script says what the model answers, turn by turn, to a conversation whose newest user message contains a marker.
//! Every turn carries its number (the count of assistant messages so far): the closest number not above it is served, so a
//! conversation that goes on past its script gets its last turn again.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::eventually::eventually;
use super::rig::Rig;
use super::{SOON, free_port};

/// One answer of the model.
#[derive(Clone)]
pub struct Turn {
    answer: Answer,
    before: Duration,
}

#[derive(Clone)]
enum Answer {
    Message {
        text: String,
        tools: Vec<(&'static str, Value)>,
        input_tokens: u32,
        output_tokens: u32,
        whole: bool,
    },
    Refusal {
        status: u16,
        kind: &'static str,
        message: &'static str,
    },
}

impl Turn {
    /// The model says something; further calls add what it does and what it costs.
    pub fn says(text: &str) -> Self {
        let answer = Answer::Message {
            text: text.into(),
            tools: Vec::new(),
            input_tokens: 1000,
            output_tokens: 100,
            whole: true,
        };
        Self { answer, before: Duration::ZERO }
    }

    /// The API refuses, as with 401, 429 or 500.
    pub fn refuses(status: u16, kind: &'static str, message: &'static str) -> Self {
        Self { answer: Answer::Refusal { status, kind, message }, before: Duration::ZERO }
    }

    /// … and writes a file.
    #[must_use]
    pub fn writes(self, path: &Path, content: &str) -> Self {
        self.calls("Write", json!({"file_path": path, "content": content}))
    }

    /// … and runs a command.
    #[must_use]
    pub fn runs(self, command: &str) -> Self {
        self.calls("Bash", json!({"command": command}))
    }

    /// … and runs a command that adds a line to `ready` and goes on when `go` exists: a run that the test catches while it
    /// works, however fast or slow the machine is.
    #[must_use]
    pub fn waits(self, ready: &Path, go: &Path) -> Self {
        let (ready, go) = (quote(ready), quote(go));
        self.runs(&format!("echo $$ >> {ready}; until [ -e {go} ]; do sleep 0.02; done"))
    }

    #[must_use]
    fn calls(mut self, tool: &'static str, arguments: Value) -> Self {
        let Answer::Message { tools, .. } = &mut self.answer else { panic!("a refusal calls no tools") };
        tools.push((tool, arguments));
        self
    }

    /// … and uses so many tokens, from which the CLI works out its `total_cost_usd`.
    #[must_use]
    pub fn using(mut self, input: u32, output: u32) -> Self {
        let Answer::Message { input_tokens, output_tokens, .. } = &mut self.answer else {
            panic!("a refusal uses no tokens")
        };
        (*input_tokens, *output_tokens) = (input, output);
        self
    }

    /// … and stops in the middle of a sentence, at the longest that an answer may be.
    #[must_use]
    pub fn cut_short(mut self) -> Self {
        let Answer::Message { whole, .. } = &mut self.answer else { panic!("a refusal is short") };
        *whole = false;
        self
    }

    /// … after having been silent for so long.
    #[must_use]
    pub fn after(mut self, silence: Duration) -> Self {
        self.before = silence;
        self
    }

    fn fixture(&self, marker: Option<&str>, turn: usize) -> Value {
        let mut matching = json!({"turnIndex": turn});
        if let Some(marker) = marker {
            matching["userMessage"] = marker.into();
        }
        let before = u64::try_from(self.before.as_millis()).unwrap();
        match &self.answer {
            Answer::Message { text, tools, input_tokens, output_tokens, whole } => {
                let mut response = json!({
                    "content": text,
                    "usage": {"input_tokens": input_tokens, "output_tokens": output_tokens},
                });
                if !whole {
                    response["finishReason"] = "length".into();
                }
                if !tools.is_empty() {
                    let call = |(name, arguments): &(_, Value)| json!({"name": name, "arguments": arguments.to_string()});
                    response["toolCalls"] = tools.iter().map(call).collect();
                }
                json!({"match": matching, "response": response, "streamingProfile": {"ttft": before}})
            }
            Answer::Refusal { status, kind, message } => json!({
                "match": matching,
                "response": {"error": {"type": kind, "message": message}, "status": status},
                "chaos": {"latencyMs": before},
            }),
        }
    }
}

fn quote(path: &Path) -> String {
    shell_words::quote(path.to_str().expect("a path in UTF-8")).into_owned()
}

/// What the model answers to whom.
#[derive(Clone, Default)]
pub struct Script {
    fixtures: Vec<Value>,
}

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    /// To a conversation whose newest user message contains `marker`.
    #[must_use]
    pub fn on(mut self, marker: &str, turns: impl IntoIterator<Item = Turn>) -> Self {
        let turns = turns.into_iter().enumerate();
        self.fixtures.extend(turns.map(|(number, turn)| turn.fixture(Some(marker), number)));
        self
    }

    /// To any other conversation that has come as far as turn `number`: a resumed one, whose newest message the daemon chose.
    #[must_use]
    pub fn otherwise_at(mut self, number: usize, turn: &Turn) -> Self {
        self.fixtures.push(turn.fixture(None, number));
        self
    }
}

/// The running model; dropped, it is gone.
pub struct Model {
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Model {
    pub fn start(script: &Script) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let process = serve(&folder, port, script);
        Self { folder, port, process }
    }

    /// The same model, at the same address, from now on follows another script.
    pub fn follow(&mut self, script: &Script) {
        self.end();
        self.process = serve(&self.folder, self.port, script);
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What `ANTHROPIC_BASE_URL` must be.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn end(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.end();
    }
}

fn serve(folder: &TempDir, port: u16, script: &Script) -> Child {
    let rig = Rig::get();
    let fixtures = folder.path().join("fixtures.json");
    fs::write(&fixtures, json!({"fixtures": script.fixtures}).to_string()).unwrap();
    let log_path = folder.path().join("model.log");
    let log = fs::File::create(&log_path).unwrap();
    let mut process = Command::new(&rig.node)
        .arg(&rig.model)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "--validate-on-load", "--strict", "-f"])
        .arg(&fixtures)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    eventually(SOON, "the loopback model to listen", || {
        if let Some(status) = process.try_wait().unwrap() {
            panic!("the loopback model ended with {status}:\n{}", fs::read_to_string(&log_path).unwrap());
        }
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
    });
    process
}
