//! Holds `Dockerfile`, `.dockerignore` and `deploy/compose.yaml` against what they repeat of other files. That they work is
//! for `tests/image.sh`, which needs an engine.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// How the stages begin that compile.
const TOOLCHAIN: &str = "FROM rust:";

#[test]
fn the_image_is_built_by_the_toolchain_of_the_tree() {
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.split("channel = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let dockerfile = read("Dockerfile");
    let tags: Vec<_> = dockerfile.lines().filter_map(|line| line.strip_prefix(TOOLCHAIN)).collect();
    assert!(!tags.is_empty());
    for tag in tags {
        assert!(
            tag.starts_with(&format!("{channel}-")),
            "Dockerfile: rust:{tag}, but the tree wants {channel}"
        );
    }
}

#[test]
fn the_image_holds_the_claude_that_the_tests_drive() {
    let lock = read("deploy/claude.lock");
    let rows: Vec<Vec<&str>> = lock
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let architectures: Vec<_> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(architectures, ["amd64", "arm64"]);

    let tools = npm_lock("tests/e2e/tools/package-lock.json");
    let tested = &tools["packages"]["node_modules/@anthropic-ai/claude-code-linux-x64"];
    for row in &rows {
        assert_eq!(row[2], tested["version"].as_str().unwrap(), "{}", row[1]);
        assert_eq!(row[3].len(), 128, "{}: a SHA-512 in hexadecimal", row[1]);
    }
    assert_eq!(rows[0][3], hexadecimal(tested["integrity"].as_str().unwrap()));
}

#[test]
fn the_n8n_beside_the_daemon_is_the_one_that_the_tests_drive() {
    let tested = npm_lock("tests/e2e/n8n/package-lock.json");
    let version = tested["packages"]["node_modules/n8n"]["version"].as_str().unwrap();
    assert!(
        read("deploy/compose.yaml").contains(&format!("n8nio/n8n:{version}\n")),
        "compose.yaml: {version}"
    );
}

/// What a build needs and the image's context lacks is only noticed by whoever has an engine.
#[test]
fn whatever_the_source_includes_is_copied_into_the_build() {
    let (dockerfile, ignore) = (read("Dockerfile"), read(".dockerignore"));
    let copied: BTreeSet<&str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| line.split_whitespace().rev().skip(1))
        .collect();
    let included = included();
    assert!(included.len() > 3, "{included:?}");
    for path in included.iter().map(|path| path.to_str().unwrap()) {
        assert!(copied.iter().any(|from| is_at(path, from)), "Dockerfile copies no {path}: {copied:?}");
    }
    for path in copied {
        let mut let_in = ignore.lines().filter_map(|line| line.strip_prefix('!'));
        assert!(let_in.any(|kept| is_at(path, kept)), ".dockerignore keeps {path} out");
    }
}

/// The Dockerfile takes tests and benches out of the manifest, from their `[[` to the next empty line.
#[test]
fn what_the_image_takes_out_of_the_manifest_ends_with_an_empty_line() {
    assert!(read("Dockerfile").contains(r"sed -i '/^\[\[/,/^$/d' Cargo.toml"));
    let manifest = read("Cargo.toml");
    let tables: Vec<_> = manifest.split("\n\n").filter(|part| part.contains("[[")).collect();
    assert!(!tables.is_empty());
    for table in tables {
        assert_eq!(table.lines().filter(|line| line.starts_with('[')).count(), 1, "{table}");
    }
}

/// Anyone who gets at an image reads what its layers and its settings hold.
#[test]
fn no_secret_is_a_part_of_the_image() {
    let dockerfile = read("Dockerfile");
    let settings = dockerfile.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
    for line in settings {
        let line = line.to_uppercase();
        assert!(!["SECRET", "TOKEN", "PASSWORD", "API_KEY"].iter().any(|word| line.contains(word)), "{line}");
    }
    assert!(
        read(".dockerignore").lines().any(|line| line == "*"),
        "only what is named gets into the context"
    );
}

#[test]
fn only_caddy_listens_to_the_world() {
    let compose = read("deploy/compose.yaml");
    let published: Vec<_> = compose.lines().filter(|line| line.trim_start().starts_with("ports:")).collect();
    assert_eq!(
        published,
        [
            r#"    ports: ["127.0.0.1:5000:5000"]"#,
            r#"    ports: ["127.0.0.1:5678:5678"]"#,
            r#"    ports: ["80:80", "443:443", "443:443/udp"]"#
        ]
    );
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn npm_lock(name: &str) -> Value {
    serde_json::from_str(&read(name)).unwrap()
}

/// npm writes a checksum in base64, sha512sum in hexadecimal.
fn hexadecimal(integrity: &str) -> String {
    let bytes = STANDARD.decode(integrity.strip_prefix("sha512-").unwrap()).unwrap();
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn is_at(path: &str, place: &str) -> bool {
    Path::new(path).starts_with(place)
}

/// The files outside `src` that its code includes, tests aside.
fn included() -> BTreeSet<PathBuf> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut included = BTreeSet::from([PathBuf::from("migrations")]);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for path in text.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let path = file.parent().unwrap().join(path).canonicalize().unwrap();
            let tree = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
            included.insert(path.strip_prefix(tree).unwrap().to_owned());
        }
    }
    included
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && path.file_name().unwrap() != "tests" {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}
