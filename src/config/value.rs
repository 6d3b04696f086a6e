//! Values as they were written, each with its place, before anyone asks what they mean.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// The text with its `${NAME}`s, when they were replaced: what a message may quote.
    pub(super) template: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Setting>),
    Table(Vec<(String, Setting)>),
    /// What no key takes, by its name.
    Other(&'static str),
}

impl Setting {
    pub(super) fn text(text: &str, origin: Origin) -> Self {
        Self { value: Value::Text(text.to_owned()), origin, template: None }
    }

    /// Whether the value comes from a variable, so that a number could only be written as a text.
    pub(super) fn is_untyped(&self) -> bool {
        self.template.is_some()
            || match self.origin {
                Origin::Default | Origin::File { .. } => false,
                Origin::Dotenv { .. } | Origin::Environment { .. } => true,
            }
    }

    /// Whether variables were filled in anywhere in the value.
    pub(super) fn is_filled_in(&self) -> bool {
        self.template.is_some()
            || match &self.value {
                Value::List(items) => items.iter().any(Self::is_filled_in),
                Value::Table(entries) => entries.iter().any(|(_, entry)| entry.is_filled_in()),
                Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::Other(_) => false,
            }
    }

    /// The value for a message: quoted, short, and without what variables put into it.
    pub(super) fn shown(&self) -> String {
        match (&self.value, &self.template) {
            (_, Some(template)) => quoted(template),
            (Value::Text(text), None) => quoted(text),
            (Value::Integer(number), None) => number.to_string(),
            (Value::Boolean(switch), None) => switch.to_string(),
            (Value::List(_) | Value::Table(_) | Value::Other(_), None) => self.noun().to_owned(),
        }
    }

    /// The sort of value, for messages about secrets.
    pub(super) fn noun(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a number",
            Value::Boolean(_) => "a boolean",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(noun) => noun,
        }
    }
}

fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{:?}", start + "…")
}

/// Reads a TOML file; its lines are counted from 1. Only the first syntax error is told: what follows it may be nonsense.
pub(super) fn read_toml(text: &str, path: &Arc<str>) -> Result<Vec<(String, Setting)>, Problem> {
    let place = |offset: usize| Origin::File { path: path.clone(), line: Some(line_of(text, offset)) };
    match DeTable::parse(text) {
        Ok(table) => Ok(entries(table.get_ref(), &place)),
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let sentence = format!("not valid TOML: {}", one_line(error.message()));
            Err(Problem::at(&place(offset), sentence))
        }
    }
}

/// Reads one TOML value, for variables that hold a list or a table.
pub(super) fn read_toml_value(text: &str, origin: &Origin) -> Option<Setting> {
    let document = format!("value = {text}");
    let table = DeTable::parse(&document).ok()?;
    let mut entries = entries(table.get_ref(), &|_| origin.clone());
    let (_, setting) = entries.pop()?;
    entries.is_empty().then_some(setting)
}

fn entries(table: &DeTable<'_>, place: &impl Fn(usize) -> Origin) -> Vec<(String, Setting)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            (key.span().start, key.get_ref().to_string(), setting(value, key.span().start, place))
        })
        .collect();
    entries.sort_by_key(|(offset, ..)| *offset);
    entries.into_iter().map(|(_, key, setting)| (key, setting)).collect()
}

fn setting(value: &Spanned<DeValue<'_>>, offset: usize, place: &impl Fn(usize) -> Origin) -> Setting {
    let read = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number that is too large"), Value::Integer),
        DeValue::Boolean(switch) => Value::Boolean(*switch),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| setting(item, item.span().start, place)).collect())
        }
        DeValue::Table(table) => Value::Table(entries(table, place)),
    };
    Setting { value: read, origin: place(offset), template: None }
}

/// The line that a byte is on, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}

fn one_line(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join(", ")
}
