//! Runs what the README tells a newcomer to run, word by word but for the port.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::document::Document;
use support::follower::{Follower, TREE};

#[test]
fn the_first_command_works_through_a_task_file() {
    let place = Follower::new();
    let first = readme().texts("sh").remove(0);
    let arguments = first.strip_prefix("cargo run -- ").expect("the README opens with cargo run");

    let output = place.run(&format!("orchestrator {arguments}"));

    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains("2 of 2 tasks done"), "{told}");
}

#[test]
fn the_second_command_is_what_ci_passes() {
    assert_eq!(readme().texts("sh")[1], "tests/all.sh\n");
    let ci = fs::read_to_string(Path::new(TREE).join(".ci/run")).unwrap();
    assert!(ci.contains("step \"tests\" tests/all.sh\n"), "CI runs the README's test command");
}

#[test]
fn the_task_file_it_shows_has_no_mistakes() {
    let place = Follower::new();
    fs::write(place.path("shown.md"), readme().texts("markdown").remove(0)).unwrap();
    assert!(place.run("orchestrator check shown.md").status.success());
    let check = readme().script_with("orchestrator check");
    assert!(place.run(&check).status.success());
}

#[test]
fn the_configuration_it_shows_is_one() {
    let place = Follower::new();
    fs::write(place.path("config.toml"), readme().texts("toml").remove(0)).unwrap();
    let output = place.run("orchestrator check examples/first-tasks.md");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_run_in_a_terminal_stops_at_the_gate_where_there_is_none() {
    let place = Follower::new();
    let output = place.run(&readme().script_with("orchestrator run examples/example-tasks.md"));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn the_day_by_curl_goes_from_start_to_end() {
    let place = Follower::new();
    assert!(place.run(&readme().script_with("orchestrator init")).status.success());
    fs::copy(
        Path::new(TREE).join("examples/example-tasks.md"),
        place.path("orchestrator_tasks/2025-11-20-tasks.md"),
    )
    .unwrap();
    let daemon = place.serve(&readme().script_with("orchestrator serve"));
    let day = readme().script_with("tell start");
    let (preface, commands) = day.split_once("\n\n").unwrap();
    let tell = |command: &str| {
        let output = place.run(&format!("{preface}\n{command}"));
        serde_json::from_slice::<Value>(&output.stdout).map_err(|_| output)
    };
    place.await_rest();

    let mut told = Vec::new();
    for command in commands.lines() {
        let answer = tell(command).unwrap();
        assert_ne!(answer["status"], "error", "{command}: {answer:#}");
        let now = place.await_rest();
        told.push((
            command.split_whitespace().nth(1).unwrap().to_owned(),
            now["status"].as_str().unwrap().to_owned(),
        ));
    }

    drop(daemon);
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

fn readme() -> Document {
    Document::read("README.md")
}
