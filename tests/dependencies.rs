//! Holds `docs/dependencies.md` against `Cargo.toml` and `cargo tree`: every crate has a line that says why it is there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use toml::de::DeTable;

const TREE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn every_dependency_of_the_program_has_its_line() {
    assert_eq!(explained("The program"), asked_for("dependencies"));
}

#[test]
fn every_dependency_of_the_tests_has_its_line() {
    let program = asked_for("dependencies");
    let tests = asked_for("dev-dependencies").difference(&program).cloned().collect::<Vec<_>>();
    assert_eq!(explained("The tests"), tests.into_iter().collect());
}

#[test]
fn the_counts_are_right() {
    let direct = asked_for("dependencies").len();
    let opening =
        format!("\n{direct} crates are asked for, {} are compiled for the program in all", compiled());
    assert!(document().contains(&opening), "docs/dependencies.md should begin with:{opening}");
}

fn document() -> String {
    fs::read_to_string(Path::new(TREE).join("docs/dependencies.md")).unwrap()
}

/// The crates with a row in the section of that name; a second row for one fails.
fn explained(section: &str) -> BTreeSet<String> {
    let text = document();
    let section = text.split("\n## ").find(|part| part.starts_with(&format!("{section}\n"))).unwrap();
    let mut names = BTreeSet::new();
    for row in section.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let name = cells[0].trim_end_matches('`');
        assert!(cells.len() == 3 && cells[1..].iter().all(|cell| cell.len() > 5), "{row}");
        assert!(names.insert(name.to_owned()), "{name} is explained twice");
    }
    names
}

/// The crates of a table of the manifest.
fn asked_for(table: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(Path::new(TREE).join("Cargo.toml")).unwrap();
    let manifest = DeTable::parse(&manifest).unwrap().into_inner();
    let names = manifest[table].get_ref().as_table().unwrap().keys();
    names.map(|name| name.get_ref().to_string()).collect()
}

/// How many crates besides ours cargo compiles for the program on Linux.
fn compiled() -> usize {
    let tree = [
        "tree",
        "--locked",
        "--edges",
        "normal,build",
        "--target",
        "x86_64-unknown-linux-gnu",
        "--prefix",
        "none",
    ];
    let output =
        Command::new(env!("CARGO")).args(tree).args(["--format", "{p}"]).current_dir(TREE).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let crates: BTreeSet<&str> = text.lines().map(|line| line.split(" (").next().unwrap()).collect();
    crates.into_iter().filter(|name| !name.is_empty() && !name.starts_with("orchestrator ")).count()
}
