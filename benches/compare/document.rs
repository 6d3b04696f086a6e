//! `docs/benchmarks.md`: a preface that is written by hand, and the sections as they were last measured.

use std::fs;
use std::path::{Path, PathBuf};

use crate::table::Table;
use crate::{SECTIONS, Section};

const PREFACE: &str = include_str!("preface.md");

/// Puts a section's new figures in the place of its old ones and leaves the others as they are.
pub fn replace(measured: &Section, tables: &[Table], machine: &str) {
    let before = fs::read_to_string(path()).unwrap_or_default();
    let mut text = PREFACE.to_owned();
    for section in &SECTIONS {
        let (begin, end) = marks(section);
        let old = before.split_once(&begin).and_then(|(_, rest)| Some(rest.split_once(&end)?.0.to_owned()));
        let body = if section.name == measured.name { Some(written(section, tables, machine)) } else { old };
        if let Some(body) = body {
            text.extend(["\n", &begin, &body, &end]);
        }
    }
    fs::write(path(), text).unwrap();
}

fn written(section: &Section, tables: &[Table], machine: &str) -> String {
    let tables: Vec<String> = tables.iter().map(ToString::to_string).collect();
    format!("\n## {}\n\n{}\n\n{}\n{}.\n\n", section.title, section.method, tables.join("\n"), machine)
}

fn marks(section: &Section) -> (String, String) {
    (format!("<!-- {} -->\n", section.name), format!("<!-- end of {} -->\n", section.name))
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md")
}
