//! What a value means as a number, a duration, a list, a command or a path; pure.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::value::{Setting, Value, read_toml_value};
use crate::domain::duration;

/// Why a value isn't taken.
pub(super) enum Wrong {
    /// It isn't of the key's kind; the message says which one that is.
    Kind,
    /// Completes the sentence that begins with the key.
    Because(String),
}

pub(super) fn nonempty(setting: &Setting) -> Result<&str, Wrong> {
    match &setting.value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text),
        Value::Text(_)
        | Value::Integer(_)
        | Value::Boolean(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Other(_) => Err(Wrong::Kind),
    }
}

pub(super) fn integer(setting: &Setting) -> Result<i64, Wrong> {
    match &setting.value {
        Value::Integer(number) => Ok(*number),
        Value::Text(text) if setting.is_untyped() => text.trim().parse().map_err(|_| Wrong::Kind),
        Value::Text(_) | Value::Boolean(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
            Err(Wrong::Kind)
        }
    }
}

pub(super) fn duration_of(setting: &Setting) -> Result<Duration, Wrong> {
    let written = match &setting.value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Boolean(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => return Err(Wrong::Kind),
    };
    duration::parse(&written).map_err(|why| {
        Wrong::Because(format!("is {}, but must be {} ({why})", setting.shown(), duration::EXPECTED))
    })
}

pub(super) fn positive_duration_of(setting: &Setting) -> Result<Duration, Wrong> {
    let duration = duration_of(setting)?;
    if duration.is_zero() {
        return Err(Wrong::Because("is no time at all, but must be longer".to_owned()));
    }
    Ok(duration)
}

/// Texts and numbers as a list of texts. A variable may hold a TOML list, or texts between commas.
pub(super) fn list_of(setting: &Setting) -> Result<Vec<String>, Wrong> {
    match &setting.value {
        Value::List(items) => items.iter().map(list_item).collect(),
        Value::Text(text) if setting.is_untyped() && text.trim().starts_with('[') => {
            match read_toml_value(text.trim(), &setting.origin).map(|list| list.value) {
                Some(Value::List(items)) => items.iter().map(list_item).collect(),
                Some(_) | None => Err(Wrong::Kind),
            }
        }
        Value::Text(text) if setting.is_untyped() => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(str::to_owned).collect())
        }
        Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::Table(_) | Value::Other(_) => {
            Err(Wrong::Kind)
        }
    }
}

pub(super) fn list_item(item: &Setting) -> Result<String, Wrong> {
    match &item.value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Text(_) => Err(Wrong::Because("holds an empty text".to_owned())),
        Value::Boolean(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => Err(Wrong::Kind),
    }
}

/// The entries of a table. A variable may hold a TOML table in braces.
pub(super) fn table_of(setting: &Setting) -> Result<Vec<(String, Setting)>, Wrong> {
    match &setting.value {
        Value::Table(entries) => Ok(entries.clone()),
        Value::Text(text) if setting.is_untyped() => {
            match read_toml_value(text.trim(), &setting.origin).map(|table| table.value) {
                Some(Value::Table(entries)) => Ok(entries),
                Some(_) | None => Err(Wrong::Kind),
            }
        }
        Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::List(_) | Value::Other(_) => {
            Err(Wrong::Kind)
        }
    }
}

/// A program and its arguments; a program given by a relative path is relative to the configuration, as other paths are.
pub(super) fn command_of(setting: &Setting, base: &Path, home: Option<&Path>) -> Result<Vec<String>, Wrong> {
    let mut words = split(nonempty(setting)?)?;
    let Some(program) = words.first_mut() else {
        return Err(Wrong::Kind);
    };
    *program = program_at(program, base, home);
    Ok(words)
}

pub(super) fn program_at(program: &str, base: &Path, home: Option<&Path>) -> String {
    if program.contains('/') {
        absolute(program, base, home).to_string_lossy().into_owned()
    } else {
        program.to_owned()
    }
}

pub(super) fn split(text: &str) -> Result<Vec<String>, Wrong> {
    shell_words::split(text)
        .map_err(|_| Wrong::Because("can't be split into words: a quote is left open".to_owned()))
}

/// The path from the root, without `.` steps; `~/` is the home folder.
pub(super) fn absolute(text: &str, base: &Path, home: Option<&Path>) -> PathBuf {
    let path = match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        (Some(_), None) | (None, _) => base.join(text),
    };
    path.components().filter(|step| *step != Component::CurDir).collect()
}

/// The characters of a token, RFC 9110 section 5.6.2.
pub(super) fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
