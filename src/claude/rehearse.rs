//! The rehearsal: our own binary in Claude's place, behind the same process boundary, changing nothing.
//!
//! Speaks just enough stream-json to be followed and judged like the CLI.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::text::bounded;

/// The argument that makes our binary play the agent.
pub const REHEARSE: &str = "__rehearse";
const LONGEST_QUOTE: usize = 1500;
const LONGEST_PROMPT: u64 = 4 * 1024 * 1024;

/// Plays the agent; `args` are those after `__rehearse`, which are the CLI's.
pub fn rehearse_main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    match rehearse(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "rehearsal: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rehearse(args: &[String]) -> io::Result<()> {
    let mut prompt = Vec::new();
    io::stdin().take(LONGEST_PROMPT).read_to_end(&mut prompt)?;
    let prompt = String::from_utf8_lossy(&prompt);
    let conversation = value_of(args, "--session-id").or_else(|| value_of(args, "--resume"));
    let mut out = io::stdout().lock();
    for line in lines(&prompt, conversation, &std::env::current_dir()?.to_string_lossy()) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

fn lines(prompt: &str, conversation: Option<&str>, cwd: &str) -> [Value; 3] {
    let quote = bounded(prompt.trim(), LONGEST_QUOTE);
    let text = format!("Rehearsal: this is what Claude would be told.\n\n{quote}");
    let model = "rehearsal";
    [
        json!({"type": "system", "subtype": "init", "session_id": conversation, "model": model, "cwd": cwd, "tools": []}),
        json!({"type": "assistant", "session_id": conversation,
            "message": {"role": "assistant", "model": model, "content": [{"type": "text", "text": text}]}}),
        json!({"type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed",
            "result": "Rehearsal: nothing was changed.", "session_id": conversation, "num_turns": 0,
            "total_cost_usd": 0, "permission_denials": [], "rehearsal": true}),
    ]
}

fn value_of<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg == name)?;
    args.get(at + 1).map(String::as_str)
}
