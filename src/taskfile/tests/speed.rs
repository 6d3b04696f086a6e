//! Hostile files of the largest size must be judged in seconds, in a debug build too.

use std::time::{Duration, Instant};

use crate::taskfile::{MAX_BYTES, parse};

#[test]
fn no_file_of_the_largest_size_takes_long() {
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
        let mut file = format!("{intro}{}", piece.repeat(MAX_BYTES / piece.len()));
        file.truncate(MAX_BYTES);
        let start = Instant::now();
        let _ = parse("tasks.md", file.as_bytes(), &[]);
        let took = start.elapsed();
        eprintln!("{name}: {took:?}");
        assert!(took < Duration::from_secs(20), "{name} took {took:?}");
    }
}
