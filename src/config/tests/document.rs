//! Holds `docs/configuration.md` and the table of keys equal. `UPDATE_DOCS=1` writes the tables of the document anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::config::keys::{CHECKS, KEYS, Key, Kind, RETIRED, SECTIONS};

/// Between these, the document is written by this test.
const FROM: &str = "<!-- From here on, written by `UPDATE_DOCS=1 cargo test --lib config`. -->\n";
const TO: &str = "\n<!-- To here. -->";

#[test]
fn the_document_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(FROM).unwrap();
    let (tables, after) = rest.split_once(TO).unwrap();
    if tables != document() {
        let is_asked = std::env::var_os("UPDATE_DOCS").is_some();
        assert!(is_asked, "{} is not the table of keys: UPDATE_DOCS=1 writes it", path.display());
        fs::write(&path, format!("{before}{FROM}{}{TO}{after}", document())).unwrap();
    }
}

fn document() -> String {
    let mut text = String::new();
    for section in SECTIONS.iter().filter(|section| **section != CHECKS) {
        let _ = write!(text, "\n## [{section}]\n\n| key | what it is for | value | default |\n");
        text.push_str("| --- | --- | --- | --- |\n");
        for key in KEYS.iter().filter(|key| key.section() == *section) {
            let (name, help, value) = (key.name(), key.help, key.kind.expected());
            let _ = writeln!(text, "| `{name}` | {help} | {value} | {} |", default(key));
        }
    }
    text.push_str("\n## Keys of earlier versions\n\n| key | instead |\n| --- | --- |\n");
    for (key, instead) in RETIRED {
        let _ = writeln!(text, "| `{key}` | {instead} |");
    }
    text
}

fn default(key: &Key) -> String {
    match (key.default, key.kind) {
        (Some(_), Kind::Choices(_)) => "all of them".to_owned(),
        (Some(default), _) => format!("`{default}`"),
        (None, _) => "none".to_owned(),
    }
}
