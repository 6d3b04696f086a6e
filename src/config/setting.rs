//! A value that is about to be read: as it was written, and with its variables filled in.

use std::collections::BTreeMap;

use config::{Value, ValueKind};

use super::problem::Wrong;
use super::problem::{Layer, Problem};
use super::sources::inline;
use super::variables::Variables;

/// A value, and where it was written.
pub(super) struct Setting {
    /// What a message may quote.
    written: Value,
    /// What counts.
    pub(super) filled: Value,
    pub(super) place: String,
}

impl Setting {
    /// Replaces every `${NAME}` that a file holds. `None` when a problem was noted.
    pub(super) fn fill(
        path: &str,
        written: Value,
        place: String,
        variables: &Variables,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        if Layer::of(&place).0 > Layer::File {
            return Some(Self { filled: written.clone(), written, place });
        }
        let before = problems.len();
        let filled = filled(path, &written, &place, variables, problems);
        (problems.len() == before).then_some(Self { written, filled, place })
    }

    /// The text, also an empty one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.filled.kind {
            ValueKind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a value from a variable, which may stand for a number or a list.
    pub(super) fn untyped(&self) -> Option<&str> {
        let untyped = self.is_filled_in() || Layer::of(&self.place).0 > Layer::File;
        self.text().filter(|_| untyped).map(str::trim)
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.filled.kind, ValueKind::Table(_))
    }

    /// The entries of a table. A variable may hold a TOML table in braces.
    pub(super) fn entries(&self) -> Result<BTreeMap<String, Self>, Wrong> {
        let parsed = self.untyped().and_then(inline);
        let ValueKind::Table(entries) = parsed.as_ref().map_or(&self.filled.kind, |table| &table.kind) else {
            return Err(Wrong::Kind);
        };
        let entry = |(name, filled): (&String, &Value)| {
            let written = match &self.written.kind {
                ValueKind::Table(written) => written.get(name).unwrap_or(filled),
                _ if self.is_filled_in() => &self.written,
                _ => filled,
            };
            let place = written.origin().unwrap_or(&self.place).to_owned();
            (name.clone(), Self { written: written.clone(), filled: filled.clone(), place })
        };
        Ok(entries.iter().map(entry).collect())
    }

    /// The value for a message: quoted, short, and without what variables put into it.
    pub(super) fn shown(&self) -> String {
        match &self.written.kind {
            ValueKind::String(text) => quoted(text),
            ValueKind::I64(_) | ValueKind::Boolean(_) => self.written.to_string(),
            _ => self.noun().to_owned(),
        }
    }

    /// A part of the value for a message, unless a variable may have put it there.
    pub(super) fn shown_part(&self, part: &str) -> String {
        if self.is_filled_in() { "a text".to_owned() } else { format!("{part:?}") }
    }

    /// The sort of value, for messages about secrets.
    pub(super) fn noun(&self) -> &'static str {
        match self.written.kind {
            ValueKind::String(_) => "a text",
            ValueKind::Boolean(_) => "a boolean",
            ValueKind::Float(_) => "a number with a fraction",
            ValueKind::Array(_) => "a list",
            ValueKind::Table(_) => "a table",
            ValueKind::Nil => "a date or time",
            ValueKind::I64(_) => "a number",
            ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a number that is too large",
        }
    }

    fn is_filled_in(&self) -> bool {
        self.written != self.filled
    }
}

fn filled(
    path: &str,
    value: &Value,
    place: &str,
    variables: &Variables,
    problems: &mut Vec<Problem>,
) -> Value {
    let place = value.origin().unwrap_or(place);
    let kind = match &value.kind {
        ValueKind::String(text) => match variables.fill_in(text) {
            Ok(text) => ValueKind::String(text),
            Err(wrong) => {
                problems.push(Problem::at(place, format!("{path} {wrong}")));
                ValueKind::Nil
            }
        },
        ValueKind::Array(items) => {
            let item = |item| filled(path, item, place, variables, problems);
            ValueKind::Array(items.iter().map(item).collect())
        }
        ValueKind::Table(entries) => {
            let entry = |(name, entry): (&String, _)| {
                let filled = filled(&format!("{path}.{name}"), entry, place, variables, problems);
                (name.clone(), filled)
            };
            ValueKind::Table(entries.iter().map(entry).collect())
        }
        other => other.clone(),
    };
    Value::new(value.origin().map(str::to_owned).as_ref(), kind)
}

fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{:?}", start + "…")
}
