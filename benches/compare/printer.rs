//! A stand-in for the Claude CLI that prints stream-json without end, at an even pace or as fast as it can.
//!
//! What it prints is made up beforehand and printed over and over, so that it takes next to nothing from the machine.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How many bytes a second a run prints that is said to stream.
pub const PACE: u64 = 100_000_000;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prose, tool calls and tool results of 200 bytes to 4 KB, and a line of 1 MB every 3 MB.
    Mixed,
    /// Prose of up to 3 KB, all of which goes into the readable log.
    Prose,
    /// Answers as they are made, a few words a line, as `--include-partial-messages` has it.
    Partial,
    /// Tool results of 1 MB.
    Long,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Mixed, Self::Prose, Self::Partial, Self::Long];

    pub fn name(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Prose => "prose",
            Self::Partial => "partial",
            Self::Long => "long",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

const AT_ONCE: usize = 100_000;
const BETWEEN: Duration = Duration::from_millis(1);
const SMALL_LINES: usize = 1500;
const PARTS: usize = 40;
const PROSE: &str = "I'll look at how the \"parser\" counts lines first: `src/taskfile/parse.rs` does it twice — once \
    for headings, once for keys — and only one of them knows about CRLF.\n\n";
const CODE: &str = "    fn next(&mut self) -> Option<Line<'a>> {\n\tlet (line, rest) = \
    self.rest.split_once('\\n')?;\n        self.rest = rest;\n        tracing::trace!(line = self.number, \"a line \
    was read\");\n        Some(Line { text: line, number: self.number })\n    }\n";

/// Prints so many bytes at so many a second, none for as fast as it goes, then the result.
pub fn print(kind: Kind, bytes: u64, pace: Option<u64>, out: &mut impl Write) -> io::Result<()> {
    let began = json!({"subtype": "init", "session_id": "s", "model": "stand-in", "cwd": "/"});
    out.write_all(line("system", &began).as_bytes())?;
    pour(&block(kind), bytes, pace, out)?;
    let result = json!({
        "total_cost_usd": 0.25, "usage": {"input_tokens": 7, "output_tokens": 5}, "modelUsage": {}, "result": "Done.",
        "permission_denials": [], "terminal_reason": "completed", "is_error": false, "subtype": "success",
    });
    out.write_all(line("result", &result).as_bytes())
}

/// Prints so many bytes of whole lines, or a few more.
fn pour(block: &[u8], bytes: u64, pace: Option<u64>, out: &mut impl Write) -> io::Result<()> {
    let mut ahead = block.split_inclusive(|byte| *byte == b'\n').cycle();
    let (began, mut printed) = (Instant::now(), 0);
    let mut slice = Vec::new();
    while printed < bytes {
        slice.clear();
        if let Some(pace) = pace {
            let due = Duration::from_nanos(printed * 1_000_000_000 / pace);
            sleep((due + BETWEEN).saturating_sub(began.elapsed()));
        }
        while slice.len() < AT_ONCE {
            slice.extend_from_slice(ahead.next().unwrap_or(b"\n"));
        }
        out.write_all(&slice)?;
        printed += slice.len() as u64;
    }
    Ok(())
}

/// Some megabytes of lines.
fn block(kind: Kind) -> Vec<u8> {
    let length = |number| number * 977 % 3200;
    let lines: String = match kind {
        Kind::Mixed => (0..SMALL_LINES)
            .map(|number| message(number, length(number)))
            .chain([answered(440_000)])
            .collect(),
        Kind::Prose => (0..SMALL_LINES).map(|number| said(length(number))).collect(),
        Kind::Partial => (0..SMALL_LINES).map(partly).collect(),
        Kind::Long => answered(440_000).repeat(3),
    };
    lines.into_bytes()
}

fn message(number: usize, length: usize) -> String {
    match number % 3 {
        0 => said(length),
        1 => assistant(&json!({
            "type": "tool_use", "id": "toolu_2iCzsl1uYNCd8am", "name": "Edit",
            "input": {"file_path": "/home/op/project/src/taskfile/parse.rs", "new_string": repeated(CODE, length)},
        })),
        _ => answered(length / 2),
    }
}

fn said(length: usize) -> String {
    assistant(&json!({"type": "text", "text": repeated(PROSE, length)}))
}

/// A few words, and in the end all of them.
fn partly(number: usize) -> String {
    let length = PROSE.len() / 4;
    if number % PARTS == PARTS - 1 {
        return said(length * (PARTS - 1));
    }
    let delta = json!({"type": "text_delta", "text": repeated(PROSE, length)});
    let members = json!({
        "event": {"type": "content_block_delta", "index": 0, "delta": delta}, "parent_tool_use_id": null,
        "session_id": "59aa1a57-8852-48cc-96d5-2728cbacc819", "uuid": "69b3d31e-e981-4d05-a3d3-c8d4e376c318",
    });
    line("stream_event", &members)
}

fn assistant(content: &Value) -> String {
    let members = json!({
        "session_id": "59aa1a57-8852-48cc-96d5-2728cbacc819", "parent_tool_use_id": null,
        "message": {
            "id": "msg_Q9qG8_LGDuH5Z9yY", "type": "message", "role": "assistant", "content": [content], "model": "stand-in",
            "stop_reason": null, "usage": {"input_tokens": 1200, "output_tokens": 310},
        },
    });
    line("assistant", &members)
}

/// As the CLI has it: the text twice.
fn answered(length: usize) -> String {
    let text = repeated(CODE, length);
    let members = json!({
        "session_id": "59aa1a57-8852-48cc-96d5-2728cbacc819", "parent_tool_use_id": null,
        "message": {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_2iCzsl1uYNCd8am", "content": text}],
        },
        "tool_use_result": {"type": "text", "file": {"filePath": "src/taskfile/parse.rs", "content": text}},
    });
    line("user", &members)
}

fn repeated(text: &str, length: usize) -> String {
    text.chars().cycle().take(length).collect()
}

/// A line as the CLI prints it, with its type before all else.
fn line(kind: &str, members: &Value) -> String {
    let members = members.to_string();
    format!("{{\"type\":\"{kind}\",{}\n", &members[1..])
}
