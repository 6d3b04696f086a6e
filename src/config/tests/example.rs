//! Holds `config.toml.example` and the table of keys against each other.

use std::fs;

use super::{Given, SECRET};
use crate::config::Config;
use crate::config::keys::{KEYS, SECTIONS};
use crate::domain::limits::Budget;
use crate::domain::policy::Policy;

const EXAMPLE: &str = include_str!("../../../config.toml.example");

#[test]
fn the_example_is_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let without = Config::load(None, folder.path(), []).unwrap();
    fs::write(folder.path().join("config.toml"), EXAMPLE).unwrap();
    let with = Config::load(None, folder.path(), []).unwrap();
    assert_eq!(format!("{with:?}"), format!("{without:?}"));
}

#[test]
fn the_example_loads_with_every_key_taken_in() {
    let enabled: Vec<_> = EXAMPLE.lines().map(enabled).collect();
    let variables =
        [("WEBHOOK_SECRET", SECRET), ("PREVIOUS_WEBHOOK_SECRET", SECRET), ("NOTIFY_SECRET", SECRET)];
    let given = Given { file: Some(&enabled.join("\n")), environment: &variables, ..Given::default() };
    let config = given.load().unwrap();
    let limits = config.orchestrator.policy.limits.clone();
    assert!(
        Budget::ALL.iter().all(|budget| limits.of(*budget).is_some()) && limits.failures_in_a_row.is_some()
    );
    assert_eq!(config.orchestrator.policy, Policy { limits, ..Policy::default() });
    assert_eq!(config.checks.len(), 2);
}

/// The line without the `#` of a key; prose has a space after it.
fn enabled(line: &str) -> &str {
    line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())).unwrap_or(line)
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    for key in KEYS {
        let header = format!("[{}]", key.section());
        let section = EXAMPLE
            .lines()
            .skip_while(|line| *line != header)
            .skip(1)
            .take_while(|line| !line.starts_with('['));
        let start = format!("{} = ", key.name());
        let shown: Vec<_> = section.filter_map(|line| enabled(line).strip_prefix(&start)).collect();
        let [shown] = shown[..] else {
            panic!("{} occurs {} times", key.path, shown.len());
        };
        if let Some(default) = key.default {
            assert_eq!(shown, default, "{}", key.path);
        }
    }
}

#[test]
fn every_key_is_in_a_section() {
    for key in KEYS {
        assert!(SECTIONS.contains(&key.section()) && !key.name().is_empty(), "{}", key.path);
        assert!(key.help.ends_with('.'), "{}", key.path);
    }
}
