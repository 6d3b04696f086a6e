//! Holds `.cargo/rooms.ld` against the source: a room that is called something else by now would silently be strewn among the
//! others again. What comes of it is in `docs/benchmarks.md`: the resident memory of a daemon at rest.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn whatever_the_linker_is_to_keep_together_is_there() {
    let script = read(".cargo/rooms.ld");
    let ours: Vec<Vec<String>> = script
        .split(|c: char| c.is_whitespace() || "()".contains(c))
        .filter_map(|pattern| pattern.strip_prefix(".text.*"))
        .map(|pattern| pattern.trim_end_matches('*'))
        .filter_map(|name| match name.strip_prefix("orchestrator..") {
            Some(rooms) => Some(rooms.trim_end_matches("..").split("..").map(str::to_owned).collect()),
            None => name.strip_prefix("12orchestrator").map(parts),
        })
        .collect();
    assert!(ours.len() > 20, "{ours:?}");
    for rooms in ours {
        assert!(is_there(&rooms), ".cargo/rooms.ld: there is no {}", rooms.join("::"));
    }
}

/// What a mangled name is made of: `3cli6doctor` is `cli::doctor`.
fn parts(mangled: &str) -> Vec<String> {
    let (mut rest, mut parts) = (mangled, Vec::new());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (length, name) = rest.split_at(digits);
        let length: usize = length.parse().unwrap_or_else(|_| panic!("{mangled}: no length before {name}"));
        assert!(name.len() >= length, "{mangled}: {name} is shorter than {length}");
        parts.push(name[..length].to_owned());
        rest = &name[length..];
    }
    parts
}

/// Whether there is a module with this path, or a function in one.
fn is_there(rooms: &[String]) -> bool {
    let (last, above) = rooms.split_last().unwrap();
    let folder = above.iter().fold(PathBuf::from("src"), |folder, room| folder.join(room));
    let inside = [folder.with_extension("rs"), folder.join("mod.rs")];
    [folder.join(last).join("mod.rs"), folder.join(format!("{last}.rs"))]
        .iter()
        .any(|file| rooted(file).exists())
        || inside.iter().any(|file| {
            fs::read_to_string(rooted(file))
                .is_ok_and(|source| source.split(|c: char| !is_of_a_name(c)).any(|word| word == last))
        })
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn read(path: &str) -> String {
    fs::read_to_string(rooted(Path::new(path))).unwrap()
}

fn rooted(path: &Path) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
