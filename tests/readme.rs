//! Runs what the README tells a newcomer to run, word by word but for the port.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use support::eventually::eventually;
use support::free_port;
use tempfile::TempDir;

const README: &str = include_str!("../README.md");
const TREE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_first_command_works_through_a_task_file() {
    let place = Place::new();
    let first = blocks("sh").remove(0);
    let arguments = first.strip_prefix("cargo run -- ").expect("the README opens with cargo run");

    let output = place.run(&format!("orchestrator {arguments}"));

    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains("2 of 2 tasks done"), "{told}");
}

#[test]
fn the_second_command_is_this_one() {
    assert_eq!(blocks("sh")[1], "cargo test\n");
    let ci = fs::read_to_string(Path::new(TREE).join(".ci/run")).unwrap();
    assert!(ci.contains("cargo test --locked"), "CI runs the README's test command");
}

#[test]
fn the_task_file_it_shows_has_no_mistakes() {
    let place = Place::new();
    fs::write(place.dir.path().join("shown.md"), blocks("markdown").remove(0)).unwrap();
    assert!(place.run("orchestrator check shown.md").status.success());
    let check = block_with("orchestrator check");
    assert!(place.run(&check).status.success());
}

#[test]
fn the_configuration_it_shows_is_one() {
    let place = Place::new();
    fs::write(place.dir.path().join("config.toml"), blocks("toml").remove(0)).unwrap();
    let output = place.run("orchestrator check examples/first-tasks.md");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_run_in_a_terminal_stops_at_the_gate_where_there_is_none() {
    let place = Place::new();
    let output = place.run(&block_with("orchestrator run examples/example-tasks.md"));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn the_day_by_curl_goes_from_start_to_end() {
    let place = Place::new();
    assert!(place.run(&block_with("orchestrator init")).status.success());
    fs::copy(
        Path::new(TREE).join("examples/example-tasks.md"),
        place.dir.path().join("orchestrator_tasks/2025-11-20-tasks.md"),
    )
    .unwrap();
    let serve = block_with("orchestrator serve");
    let mut daemon = place.command(&format!("exec env {serve}")).spawn().unwrap();
    let day = block_with("tell start");
    let (preface, commands) = day.split_once("\n\n").unwrap();
    let tell = |command: &str| {
        let output = place.run(&format!("{preface}\n{command}"));
        serde_json::from_slice::<Value>(&output.stdout).map_err(|_| output)
    };
    let rest = || {
        eventually(Duration::from_secs(20), "the daemon to wait or to be done", || {
            let status = tell("tell status '{}'").map_err(|output| format!("{output:?}"))?;
            if status["status"] == "running" { Err(status.to_string()) } else { Ok(status) }
        })
    };
    rest();

    let mut told = Vec::new();
    for command in commands.lines() {
        let answer = tell(command).unwrap();
        assert_ne!(answer["status"], "error", "{command}: {answer:#}");
        let now = rest();
        told.push((
            command.split_whitespace().nth(1).unwrap().to_owned(),
            now["status"].as_str().unwrap().to_owned(),
        ));
    }

    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let told: Vec<(&str, &str)> =
        told.iter().map(|(command, status)| (command.as_str(), status.as_str())).collect();
    assert_eq!(
        told,
        [
            ("start", "waiting_approval"),
            ("approve", "waiting_approval"),
            ("status", "waiting_approval"),
            ("logs", "waiting_approval"),
            ("pause", "paused"),
            ("resume", "waiting_approval"),
            ("skip", "completed"),
            ("status", "completed"),
        ]
    );
}

/// A newcomer's folder: the examples, and `orchestrator` on the `PATH`.
struct Place {
    dir: TempDir,
    port: u16,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["bin", "examples"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_orchestrator"), dir.path().join("bin/orchestrator")).unwrap();
        for example in fs::read_dir(Path::new(TREE).join("examples")).unwrap() {
            let example = example.unwrap();
            fs::copy(example.path(), dir.path().join("examples").join(example.file_name())).unwrap();
        }
        Self { dir, port: free_port() }
    }

    fn command(&self, script: &str) -> Command {
        let path = format!("{}:{}", self.dir.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command
            .arg("-euc")
            .arg(script.replace("127.0.0.1:5000", &format!("127.0.0.1:{}", self.port)))
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env("ORCHESTRATOR__SERVER__PORT", self.port.to_string());
        command
    }

    fn run(&self, script: &str) -> Output {
        self.command(script).stdin(std::process::Stdio::null()).output().unwrap()
    }
}

/// The README's code blocks in a language, in order.
fn blocks(language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let after = README.split(&fence).skip(1);
    after.map(|text| text.split("```").next().unwrap().to_owned()).collect()
}

fn block_with(text: &str) -> String {
    blocks("sh")
        .into_iter()
        .find(|block| block.contains(text))
        .unwrap_or_else(|| panic!("no block with {text}"))
}
