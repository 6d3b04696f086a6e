//! Holds the map in `src/lib.rs` against the imports: arrows point down only, and the tree has the rooms it names.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const MAP: &str = include_str!("../src/lib.rs");

#[test]
fn arrows_point_down_only() {
    let floors = floors();
    let mut wrong = Vec::new();
    for (room, file) in files() {
        for (line, imported) in imports(&fs::read_to_string(&file).unwrap()) {
            let (from, to) = (floors[&room], floors.get(&imported));
            let is_down = to.is_some_and(|to| *to < from);
            if imported != room && !is_down {
                wrong.push(format!("{}:{line}: {room} imports {imported}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that don't point down:\n{}", wrong.join("\n"));
}

/// A file of the rules is read from the top down: whatever it reaches for doesn't reach back.
#[test]
fn no_files_of_the_domain_import_each_other_in_a_circle() {
    let domain =
        files().into_iter().filter(|(room, file)| room == "domain" && !file.starts_with("src/domain/tests"));
    let mut left: BTreeMap<String, BTreeSet<String>> = domain
        .map(|(_, file)| (stem(&file), siblings(&fs::read_to_string(&file).unwrap())))
        .filter(|(name, _)| name != "mod")
        .collect();
    let names: BTreeSet<String> = left.keys().cloned().collect();
    for (name, reached) in &mut left {
        reached.retain(|other| other != name && names.contains(other));
    }
    assert!(left.values().flatten().count() > 50, "{left:?}");
    while !left.is_empty() {
        let before = left.len();
        let standing: BTreeSet<String> = left.keys().cloned().collect();
        left.retain(|_, reached| reached.iter().any(|other| standing.contains(other)));
        assert_ne!(left.len(), before, "among these are circles: {left:#?}");
    }
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The files beside it that a file reaches for, in its code and not in its own tests.
fn siblings(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let reached = lines.flat_map(|line| line.split("super::").skip(1));
    reached
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn the_map_names_the_rooms_that_there_are() {
    let rooms: BTreeSet<String> = files().into_iter().map(|(room, _)| room).collect();
    let named: BTreeSet<String> = floors().into_keys().collect();
    assert_eq!(rooms, named);
}

/// The rows of the map's table: `| 4 | [`store`]: … · [`claude`]: … |`.
fn floors() -> BTreeMap<String, u32> {
    let mut floors = BTreeMap::new();
    for row in MAP.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let Some((floor, rooms)) = row.split_once(" | ") else { continue };
        let Ok(floor) = floor.parse() else { continue };
        for room in rooms.split("[`").skip(1) {
            floors.insert(room.split('`').next().unwrap().to_owned(), floor);
        }
    }
    assert!(floors.len() > 5, "the map in lib.rs has no table of floors: {floors:?}");
    floors
}

/// The source files, each with its room; `main.rs` and `lib.rs` are the doors, not rooms.
fn files() -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    collect(Path::new("src"), &mut files);
    let room = |file: &PathBuf| {
        let below = file.strip_prefix("src").unwrap();
        let first = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        first.trim_end_matches(".rs").to_owned()
    };
    files
        .into_iter()
        .map(|file| (room(&file), file))
        .filter(|(room, _)| !["main", "lib"].contains(&room.as_str()))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// The rooms that a file reaches for, with the lines where it does; documentation may point anywhere.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut imports = Vec::new();
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    for (number, line) in code {
        for reached in line.split("crate::").skip(1) {
            let grouped = reached.strip_prefix('{').map(|group| group.split('}').next().unwrap_or(group));
            let names = grouped.map_or_else(|| vec![reached], |group| group.split(',').collect());
            for name in names {
                let name: String =
                    name.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                imports.push((number + 1, name));
            }
        }
    }
    imports
}
