//! The variables that `.env`, credentials and the environment set; the later of these wins.

use std::collections::BTreeMap;

use config::{Value, ValueKind};

use super::keys::{CHECKS, KEYS, Key, RETIRED};
use super::problem::{Layer, Problem, in_credentials, in_environment, nearest, on_line};
use super::sources::Placed;

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

/// What a service manager tells the daemon alone.
pub(super) const SERVICE: &[&str] =
    &["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", super::credentials::DIRECTORY];

/// Every variable by name, with its place as its origin.
#[derive(Default)]
pub(super) struct Variables {
    by_name: BTreeMap<String, Value>,
}

impl Variables {
    /// Adds the variables of a `.env` file. Its text is never quoted: it is where the secrets are.
    pub(super) fn add_dotenv(&mut self, text: &str, path: &str, problems: &mut Vec<Problem>) {
        let text = text.trim_start_matches('\u{feff}');
        let place = |line: Option<usize>| line.map_or_else(|| path.to_owned(), |line| on_line(path, line));
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            match item {
                Ok((name, value)) => {
                    let place = place(line_where(text, |line| assigns(line, &name)));
                    self.by_name.insert(name, Value::new(Some(&place), value));
                }
                Err(dotenvy::Error::LineParse(broken, _)) => {
                    let broken = broken.lines().next().unwrap_or_default().trim();
                    let place = place(line_where(text, |line| line.trim() == broken));
                    let sentence =
                        "not a line of the form NAME=value; put quotes around a value with spaces or signs";
                    problems.push(Problem::at(&place, sentence));
                }
                Err(_) => problems.push(Problem::at(path, "can't be read")),
            }
        }
    }

    /// Adds credentials, over those that are there.
    pub(super) fn add_credentials(&mut self, credentials: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in credentials {
            let value = Value::new(Some(&in_credentials(&name)), value);
            self.by_name.insert(name, value);
        }
    }

    /// Adds the variables of the environment, over those that are there.
    pub(super) fn add_environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in environment {
            let value = Value::new(Some(&in_environment(&name)), value);
            self.by_name.insert(name, value);
        }
    }

    /// The value of a variable, also an empty one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        match &self.by_name.get(name)?.kind {
            ValueKind::String(text) => Some(text),
            _ => None,
        }
    }

    /// A variable that isn't empty: what people leave empty in a `.env` they mean to leave out.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|text| !text.is_empty())
    }

    /// The text with every `${NAME}` replaced, or what is wrong with it; `$${` stands for `${`.
    pub(super) fn fill_in(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, variable) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                filled.push_str(before);
                filled.push_str("${");
                rest = &variable[2..];
                continue;
            }
            let Some((name, after)) = variable[2..].split_once('}') else {
                return Err("has a ${ without a }; write $${ for the two characters themselves".to_owned());
            };
            let Some(value) = self.get(name) else {
                return Err(format!(
                    "needs the variable {name}, which is set neither in .env nor in the environment"
                ));
            };
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// The keys that the variables of a layer set; of two names for one, the longer counts.
    pub(super) fn source(&self, layer: Layer, problems: &mut Vec<Problem>) -> Placed {
        let mut values = Placed::default();
        let of_layer = |value: &&Value| value.origin().is_some_and(|place| Layer::of(place).0 == layer);
        for (name, path) in SHORT_NAMES {
            if self.filled(name).is_some()
                && let Some(value) = self.by_name.get(*name).filter(of_layer)
            {
                values.set(path, value.clone());
            }
        }
        for (name, value) in self.by_name.iter().filter(|(_, value)| of_layer(value)) {
            let upper = name.to_uppercase();
            if !upper.starts_with(PREFIX) {
                continue;
            }
            match path_of(&upper) {
                Ok(path) => values.set(&path, value.clone()),
                Err(wrong) => {
                    let sentence = if layer == Layer::Dotenv { format!("{name} {wrong}") } else { wrong };
                    problems.push(Problem::at(value.origin().unwrap_or_default(), sentence));
                }
            }
        }
        values
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
    let variables: Vec<_> = KEYS.iter().map(Key::variable).collect();
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
