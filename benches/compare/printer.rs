//! A stand-in for the Claude CLI that prints stream-json without end, at an even pace or as fast as it can.
//!
//! What it prints is made up beforehand and printed over and over, so that it takes next to nothing from the machine.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How many bytes a second a run prints that is said to stream.
pub const PACE: u64 = 100_000_000;

const AT_ONCE: usize = 100_000;
const BETWEEN: Duration = Duration::from_millis(1);
const SMALL_LINES: usize = 1500;
const PROSE: &str = "I'll look at how the \"parser\" counts lines first: `src/taskfile/parse.rs` does it twice — once \
    for headings, once for keys — and only one of them knows about CRLF.\n\n";
const CODE: &str = "    fn next(&mut self) -> Option<Line<'a>> {\n\tlet (line, rest) = \
    self.rest.split_once('\\n')?;\n        self.rest = rest;\n        Some(Line { text: line, number: self.number })\n    }\n";

/// Prints so many bytes at so many a second, none for as fast as it goes, then the result.
pub fn print(bytes: u64, pace: Option<u64>, out: &mut impl Write) -> io::Result<()> {
    line(
        out,
        &json!({"type": "system", "subtype": "init", "session_id": "s", "model": "stand-in", "cwd": "/"}),
    )?;
    pour(bytes, pace, out)?;
    line(
        out,
        &json!({
            "total_cost_usd": 0.25, "usage": {"input_tokens": 7, "output_tokens": 5}, "modelUsage": {}, "result": "Done.",
            "permission_denials": [], "terminal_reason": "completed", "is_error": false, "subtype": "success", "type": "result",
        }),
    )
}

/// Prints so many bytes of whole lines, or a few more.
fn pour(bytes: u64, pace: Option<u64>, out: &mut impl Write) -> io::Result<()> {
    let block = block();
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

/// Some 3 MB of lines of 200 bytes to 4 KB, and one of 1 MB.
fn block() -> Vec<u8> {
    let mut block = Vec::new();
    for number in 0..SMALL_LINES {
        let length = number * 977 % 3200;
        block.extend(message(number, length).to_string().bytes().chain(*b"\n"));
    }
    block.extend(answered(&repeated(CODE, 440_000)).to_string().bytes().chain(*b"\n"));
    block
}

fn message(number: usize, length: usize) -> Value {
    match number % 3 {
        0 => assistant(&json!({"type": "text", "text": repeated(PROSE, length)})),
        1 => assistant(&json!({
            "type": "tool_use", "id": "toolu_2iCzsl1uYNCd8am", "name": "Edit",
            "input": {"file_path": "/home/op/project/src/taskfile/parse.rs", "new_string": repeated(CODE, length)},
        })),
        _ => answered(&repeated(CODE, length / 2)),
    }
}

fn assistant(content: &Value) -> Value {
    json!({
        "type": "assistant", "session_id": "59aa1a57-8852-48cc-96d5-2728cbacc819", "parent_tool_use_id": null,
        "message": {
            "id": "msg_Q9qG8_LGDuH5Z9yY", "type": "message", "role": "assistant", "content": [content], "model": "stand-in",
            "stop_reason": null, "usage": {"input_tokens": 1200, "output_tokens": 310},
        },
    })
}

/// As the CLI has it: the text twice.
fn answered(text: &str) -> Value {
    json!({
        "type": "user", "session_id": "59aa1a57-8852-48cc-96d5-2728cbacc819", "parent_tool_use_id": null,
        "message": {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_2iCzsl1uYNCd8am", "content": text}],
        },
        "tool_use_result": {"type": "text", "file": {"filePath": "src/taskfile/parse.rs", "content": text}},
    })
}

fn repeated(text: &str, length: usize) -> String {
    text.chars().cycle().take(length).collect()
}

fn line(out: &mut impl Write, value: &Value) -> io::Result<()> {
    out.write_all(format!("{value}\n").as_bytes())
}
