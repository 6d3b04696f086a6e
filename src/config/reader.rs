//! Asks settings for what they mean, and notes what they can't.
//!
//! A method gives `None` when it noted a problem, or when an optional key is unset: a configuration with a problem is
//! never built.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::convert::{
    Wrong, absolute, command_of, duration_of, integer, is_header_name, list_of, nonempty,
    positive_duration_of, split, table_of,
};
use super::keys::{self, Kind};
use super::layers::{Settings, UNFILLED};
use super::problem::{Problem, nearest};
use super::value::{Setting, Value};

/// The shortest secret that isn't refused, in characters.
const SHORTEST_SECRET: usize = 16;

/// Settings, the folder that relative paths are relative to, and what was wrong so far.
pub(super) struct Reader {
    pub(super) settings: Settings,
    pub(super) base: PathBuf,
    pub(super) home: Option<PathBuf>,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn text(&mut self, path: &str) -> Option<String> {
        self.read(path, |setting| nonempty(setting).map(str::to_owned))
    }

    pub(super) fn url(&mut self, path: &str) -> Option<String> {
        self.read(path, |setting| {
            let text = nonempty(setting)?;
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
            if host.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(Wrong::Because(format!("must be {}", Kind::Url.expected())));
            }
            if host.contains('@') {
                return Err(Wrong::Because(
                    "must not hold a password: put it into webhooks.notify_headers".to_owned(),
                ));
            }
            Ok(text.to_owned())
        })
    }

    pub(super) fn secret(&mut self, path: &str) -> Option<SecretString> {
        self.read(path, |setting| {
            let Value::Text(text) = &setting.value else {
                return Err(Wrong::Kind);
            };
            let length = text.chars().count();
            if length < SHORTEST_SECRET {
                return Err(Wrong::Because(format!(
                    "has {length} characters, but must be {}",
                    Kind::Secret.expected()
                )));
            }
            if text.trim() != text || text.contains(char::is_control) {
                return Err(Wrong::Because("begins or ends with a space, or holds a line break".to_owned()));
            }
            Ok(SecretString::from(text.as_str()))
        })
    }

    pub(super) fn headers(&mut self, path: &str) -> Option<BTreeMap<String, SecretString>> {
        self.read(path, |setting| {
            let read = table_of(setting)?;
            let mut headers = BTreeMap::new();
            for (name, value) in read {
                if !is_header_name(&name) {
                    return Err(Wrong::Because(format!(
                        "names a header {name:?}, which no header can be called"
                    )));
                }
                match &value.value {
                    Value::Text(text) if !text.contains(char::is_control) => {
                        headers.insert(name, SecretString::from(text.as_str()));
                    }
                    Value::Other(UNFILLED) => return Err(Wrong::Kind),
                    Value::Text(_)
                    | Value::Integer(_)
                    | Value::Boolean(_)
                    | Value::List(_)
                    | Value::Table(_)
                    | Value::Other(_) => {
                        return Err(Wrong::Because(format!(
                            "needs a text in quotes, of one line, for {name}"
                        )));
                    }
                }
            }
            Ok(headers)
        })
    }

    pub(super) fn port(&mut self, path: &str) -> Option<u16> {
        self.read(path, |setting| {
            integer(setting).and_then(|number| u16::try_from(number).map_err(|_| Wrong::Kind))
        })
    }

    pub(super) fn count(&mut self, path: &str) -> Option<u32> {
        self.read(path, |setting| {
            let number = u32::try_from(integer(setting)?).map_err(|_| Wrong::Kind)?;
            if (1..=1000).contains(&number) { Ok(number) } else { Err(Wrong::Kind) }
        })
    }

    pub(super) fn switch(&mut self, path: &str) -> Option<bool> {
        self.read(path, |setting| match &setting.value {
            Value::Boolean(switch) => Ok(*switch),
            Value::Text(text) if setting.is_untyped() => text.trim().parse().map_err(|_| Wrong::Kind),
            Value::Text(_) | Value::Integer(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
                Err(Wrong::Kind)
            }
        })
    }

    /// A duration that may be zero.
    pub(super) fn duration(&mut self, path: &str) -> Option<Duration> {
        self.read(path, duration_of)
    }

    /// A duration that may not.
    pub(super) fn positive_duration(&mut self, path: &str) -> Option<Duration> {
        self.read(path, positive_duration_of)
    }

    pub(super) fn zone(&mut self, path: &str) -> Option<TimeZone> {
        self.read(path, |setting| {
            let name = nonempty(setting)?;
            TimeZone::get(name).map_err(|_| {
                let known: Vec<_> = jiff::tz::db().available().map(|name| name.to_string()).collect();
                match nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => Wrong::Because(format!(
                        "is {}, which is no time zone; did you mean {near:?}?",
                        setting.shown()
                    )),
                    None => Wrong::Kind,
                }
            })
        })
    }

    /// One of the words that the key's kind allows, in any letter case.
    pub(super) fn choice<T: Copy>(&mut self, path: &str, meanings: &[(&str, T)]) -> Option<T> {
        self.read(path, |setting| {
            let word = nonempty(setting)?.to_lowercase();
            let meaning = meanings.iter().find(|(name, _)| *name == word);
            meaning.map(|(_, meaning)| *meaning).ok_or(Wrong::Kind)
        })
    }

    pub(super) fn list(&mut self, path: &str) -> Option<Vec<String>> {
        self.read(path, list_of)
    }

    /// Ids, as a list whether one or several were written, numbers as their digits. An empty text is not an empty list,
    /// which would let everybody in.
    pub(super) fn ids(&mut self, path: &str) -> Option<Vec<String>> {
        self.read(path, |setting| match &setting.value {
            Value::Integer(number) => Ok(vec![number.to_string()]),
            Value::Text(text) if text.trim_matches([',', ' ']).is_empty() => {
                Err(Wrong::Because("is empty; write [] if anyone may".to_owned()))
            }
            Value::Text(text) if !setting.is_untyped() => Ok(vec![text.trim().to_owned()]),
            Value::Text(_) | Value::List(_) => list_of(setting),
            Value::Boolean(_) | Value::Table(_) | Value::Other(_) => Err(Wrong::Kind),
        })
    }

    pub(super) fn path(&mut self, path: &str) -> Option<PathBuf> {
        let (base, home) = (self.base.clone(), self.home.clone());
        self.read(path, |setting| nonempty(setting).map(|text| absolute(text, &base, home.as_deref())))
    }

    /// Arguments as a shell would split them; possibly none.
    pub(super) fn arguments(&mut self, path: &str) -> Option<Vec<String>> {
        self.read(path, |setting| match &setting.value {
            Value::Text(text) => split(text),
            Value::Integer(_) | Value::Boolean(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
                Err(Wrong::Kind)
            }
        })
    }

    /// A program and its arguments.
    pub(super) fn command(&mut self, path: &str) -> Option<Vec<String>> {
        let (base, home) = (self.base.clone(), self.home.clone());
        self.read(path, |setting| command_of(setting, &base, home.as_deref()))
    }

    /// Reads the setting of any key, and notes what is wrong with it.
    pub(super) fn read<T>(
        &mut self,
        path: &str,
        parse: impl FnOnce(&Setting) -> Result<T, Wrong>,
    ) -> Option<T> {
        let setting = self.settings.get(path)?;
        match parse(setting) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let kind = kind_of(path);
                if let Some(sentence) = sentence(path, kind, setting, wrong) {
                    self.problems.push(Problem::at(&setting.origin, sentence));
                }
                None
            }
        }
    }

    /// A part of a key's value for a message, unless a variable was filled in there.
    pub(super) fn quoted(&self, path: &str, part: &str) -> String {
        if self.settings.get(path).is_some_and(Setting::is_filled_in) {
            return "a text".to_owned();
        }
        format!("{part:?}")
    }

    /// Notes what is wrong with a key whose value was read.
    pub(super) fn complain(&mut self, path: &str, because: &str) {
        if let Some(setting) = self.settings.get(path) {
            self.problems.push(Problem::at(&setting.origin, format!("{path} {because}")));
        }
    }
}

/// The kind of a key's value; that of a check's parts too, though they are in no table.
fn kind_of(path: &str) -> Kind {
    match keys::find(path) {
        Some(key) => key.kind,
        None if path.split('.').nth(2) == Some("timeout") => Kind::Duration,
        None => Kind::Command,
    }
}

/// What to say of a wrong value; nothing of one that was reported before.
fn sentence(path: &str, kind: Kind, setting: &Setting, wrong: Wrong) -> Option<String> {
    if holds_unfilled(setting) {
        return None;
    }
    Some(match wrong {
        Wrong::Because(because) => format!("{path} {because}"),
        Wrong::Kind => {
            let shown = if kind.is_secret() { setting.noun().to_owned() } else { setting.shown() };
            format!("{path} is {shown}, but must be {}", kind.expected())
        }
    })
}

fn holds_unfilled(setting: &Setting) -> bool {
    match &setting.value {
        Value::Other(noun) => *noun == UNFILLED,
        Value::List(items) => items.iter().any(holds_unfilled),
        Value::Table(entries) => entries.iter().any(|(_, entry)| holds_unfilled(entry)),
        Value::Text(_) | Value::Integer(_) | Value::Boolean(_) => false,
    }
}
