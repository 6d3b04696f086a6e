//! The variables that `.env` and the environment set; the environment wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::keys::{CHECKS, KEYS, RETIRED};
use super::problem::{Origin, Problem, nearest};
use super::value::{Setting, Value};

/// What the names of this program's own variables begin with.
pub(super) const PREFIX: &str = "ORCHESTRATOR__";

/// Short names of variables, and the keys they set.
pub(super) const SHORT_NAMES: &[(&str, &str)] = &[
    ("WEBHOOK_SECRET", "webhooks.secret"),
    ("TELEGRAM_CHAT_ID", "telegram.chat_id"),
    ("N8N_NOTIFY_URL", "webhooks.n8n_notify_url"),
];

/// The variable that replaces the program in `claude.command`.
pub(super) const CLAUDE_CLI_PATH: &str = "CLAUDE_CLI_PATH";

/// Every variable by name, as a setting with its place.
#[derive(Default)]
pub(super) struct Variables {
    by_name: BTreeMap<String, Setting>,
}

impl Variables {
    /// Adds the variables of a `.env` file. Its text is never quoted: it is where the secrets are.
    pub(super) fn add_dotenv(&mut self, text: &str, path: &Arc<str>, problems: &mut Vec<Problem>) {
        let text = text.trim_start_matches('\u{feff}');
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            match item {
                Ok((name, value)) => {
                    let line = line_where(text, |line| assigns(line, &name));
                    let origin = Origin::Dotenv { path: path.clone(), line };
                    self.by_name.insert(name, Setting::text(&value, origin));
                }
                Err(dotenvy::Error::LineParse(broken, _)) => {
                    let line = line_where(text, |line| {
                        line.trim() == broken.lines().next().unwrap_or_default().trim()
                    });
                    let origin = Origin::Dotenv { path: path.clone(), line };
                    let sentence =
                        "not a line of the form NAME=value; put quotes around a value with spaces or signs";
                    problems.push(Problem::at(&origin, sentence));
                }
                Err(_) => {
                    let origin = Origin::Dotenv { path: path.clone(), line: None };
                    problems.push(Problem::at(&origin, "can't be read"));
                }
            }
        }
    }

    /// Adds the variables of the environment, over those that are there.
    pub(super) fn add_environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in environment {
            let origin = Origin::Environment { name: name.as_str().into() };
            self.by_name.insert(name, Setting::text(&value, origin));
        }
    }

    /// The value of a variable, also an empty one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        match &self.by_name.get(name)?.value {
            Value::Text(text) => Some(text),
            Value::Integer(_) | Value::Boolean(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
                None
            }
        }
    }

    /// A variable that isn't empty: what people leave empty in a `.env` they mean to leave out.
    pub(super) fn filled(&self, name: &str) -> Option<&Setting> {
        self.by_name.get(name).filter(|_| self.get(name) != Some(""))
    }

    /// The settings that variables make, by the path of their key.
    pub(super) fn settings(&self, problems: &mut Vec<Problem>) -> BTreeMap<String, Setting> {
        let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
        for (name, path) in SHORT_NAMES {
            if let Some(setting) = self.filled(name) {
                settings.insert((*path).to_owned(), setting.clone());
            }
        }
        for (name, setting) in &self.by_name {
            let upper = name.to_uppercase();
            if !upper.starts_with(PREFIX) {
                continue;
            }
            match path_of(&upper) {
                Ok(path) => {
                    let outranked =
                        settings.get(&path).is_some_and(|other| other.origin.outranks(&setting.origin));
                    if !outranked {
                        settings.insert(path, setting.clone());
                    }
                }
                Err(wrong) => {
                    let sentence = match setting.origin {
                        Origin::Environment { .. } => wrong,
                        Origin::Default | Origin::File { .. } | Origin::Dotenv { .. } => {
                            format!("{name} {wrong}")
                        }
                    };
                    problems.push(Problem::at(&setting.origin, sentence));
                }
            }
        }
        settings
    }
}

/// The key that a variable in capitals sets, or why there is none.
fn path_of(variable: &str) -> Result<String, String> {
    if let Some(key) = KEYS.iter().find(|key| key.variable() == variable) {
        return Ok(key.path.to_owned());
    }
    let path = variable.trim_start_matches(PREFIX).replace("__", ".").to_lowercase();
    if let Some((CHECKS, name)) = path.split_once('.')
        && !name.is_empty()
        && !name.contains('.')
    {
        return Ok(path);
    }
    if let Some((_, advice)) = RETIRED.iter().find(|(retired, _)| *retired == path) {
        return Err(format!("sets a key that is gone: {advice}"));
    }
    let variables: Vec<_> = KEYS.iter().map(super::keys::Key::variable).collect();
    Err(match nearest(variable, variables.iter().map(String::as_str)) {
        Some(near) => format!("sets no key; did you mean {near}?"),
        None => format!("sets no key; the names look like {PREFIX}SERVER__PORT"),
    })
}

fn assigns(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// The last line that fits, counted from 1.
fn line_where(text: &str, fits: impl Fn(&str) -> bool) -> Option<usize> {
    let lines = text.lines().enumerate().filter(|(_, line)| fits(line));
    lines.last().map(|(index, _)| index + 1)
}
