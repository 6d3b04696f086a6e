//! Hostile files must be judged in time that grows with their length, not with its square.

use std::time::{Duration, Instant};

use crate::taskfile::parse;

const BYTES: usize = 256 * 1024;

#[test]
fn no_large_file_takes_long() {
    let task = "## Task 1: x\n**Claude Instruction:**\n";
    let repeated = [
        ("keys", "**Type:**\n"),
        ("unknown keys", "**T:** x\n"),
        ("fenced keys", "```\n**Type:** x\n```\n"),
        ("headings", "## Task 1: x\n"),
        ("nested lists", "- "),
        ("nested quotes", ">"),
        ("deepening list", "- a\n  - b\n"),
        ("open brackets", "["),
        ("open emphasis", "*a _b "),
        ("backticks", "` `` "),
        ("link definitions", "[a]: b\n"),
        ("comments", "<!-- a\n"),
        ("rules", "text\n---\n"),
        ("dependencies", "x,"),
    ];
    for (name, piece) in repeated {
        let intro = if name == "dependencies" { "## Task 1: x\n**Depends On:** " } else { task };
        let mut file = format!("{intro}{}", piece.repeat(BYTES / piece.len()));
        file.truncate(BYTES);
        let start = Instant::now();
        let _ = parse("tasks.md", file.as_bytes(), &[]);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(15), "{name} took {took:?}");
    }
}
