//! The layers as sources of the `config` crate, which puts them over one another. Finds the keys that don't exist.

use std::fmt;

use config::{ConfigError, File, FileFormat, FileSourceString, Map, Source, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{CHECKS, KEYS, Key, RETIRED, SECTIONS, find};
use super::problem::{Problem, nearest, on_line};

/// Values by section and name, each with its place as its origin, which the sources of `config` don't tell.
#[derive(Clone, Default)]
pub(super) struct Placed(Map<String, Map<String, Value>>);

impl Placed {
    pub(super) fn set(&mut self, path: &str, value: Value) {
        if let Some((section, name)) = path.split_once('.') {
            self.0.entry(section.to_owned()).or_default().insert(name.to_owned(), value);
        }
    }

    /// The place of a key's value.
    pub(super) fn place(&self, path: &str) -> Option<&str> {
        let (section, name) = path.split_once('.')?;
        self.0.get(section)?.get(name)?.origin()
    }
}

/// Without the values, some of which are secret.
impl fmt::Debug for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placed").finish_non_exhaustive()
    }
}

impl Source for Placed {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.iter().map(|(section, keys)| (section.clone(), keys.clone().into())).collect())
    }
}

/// The defaults of the table of keys.
pub(super) fn defaults() -> File<FileSourceString, FileFormat> {
    let lines = KEYS.iter().filter_map(|key| Some(format!("{} = {}", key.path, key.default?)));
    File::from_str(&lines.collect::<Vec<_>>().join("\n"), FileFormat::Toml)
}

/// Reads one TOML value, for variables that hold a list or a table.
pub(super) fn inline(text: &str) -> Option<Value> {
    let document = File::from_str(&format!("value = {text}"), FileFormat::Toml);
    let mut entries = document.collect().ok()?;
    let value = entries.remove("value")?;
    entries.is_empty().then_some(value)
}

/// The values of a TOML file, without those whose key doesn't exist. Only the first syntax error is told: what follows
/// it may be nonsense.
pub(super) fn file(text: &str, path: &str, problems: &mut Vec<Problem>) -> Placed {
    let place = |offset: usize| {
        let before = text.as_bytes().iter().take(offset);
        on_line(path, before.filter(|byte| **byte == b'\n').count() + 1)
    };
    let mut values = Placed::default();
    let document = match DeTable::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let place = place(error.span().map_or(0, |span| span.start));
            problems.push(Problem::at(&place, format!("not valid TOML: {message}")));
            return values;
        }
    };
    for (section, value) in document.get_ref() {
        let known = SECTIONS.contains(&section.get_ref().as_ref());
        let (DeValue::Table(keys), true) = (value.get_ref(), known) else {
            let sentence = no_section(section.get_ref(), value.get_ref());
            problems.push(Problem::at(&place(section.span().start), sentence));
            continue;
        };
        let section = section.get_ref();
        for (key, value) in keys {
            let (name, offset) = (key.get_ref(), key.span().start);
            let path = format!("{section}.{name}");
            if section == CHECKS || find(&path).is_some() {
                values.set(&path, placed(value, offset, &place));
            } else {
                problems.push(Problem::at(&place(offset), unknown_key(section, name)));
            }
        }
    }
    values
}

fn placed(value: &Spanned<DeValue<'_>>, offset: usize, place: &impl Fn(usize) -> String) -> Value {
    let kind = match value.get_ref() {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(ValueKind::I128(i128::MAX), ValueKind::I64),
        DeValue::Float(number) => number.as_str().parse().map_or(ValueKind::Nil, ValueKind::Float),
        DeValue::Boolean(switch) => (*switch).into(),
        DeValue::Datetime(_) => ValueKind::Nil,
        DeValue::Array(items) => {
            ValueKind::Array(items.iter().map(|item| placed(item, item.span().start, place)).collect())
        }
        DeValue::Table(entries) => {
            let named = entries
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), placed(value, key.span().start, place)));
            ValueKind::Table(named.collect())
        }
    };
    Value::new(Some(&place(offset)), kind)
}

fn no_section(section: &str, value: &DeValue<'_>) -> String {
    if SECTIONS.contains(&section) {
        return format!("{section} is a section: write [{section}] on a line of its own, and its keys below");
    }
    if !matches!(value, DeValue::Table(_))
        && let Some(key) = KEYS.iter().find(|key| key.name() == section)
    {
        return format!("{section} stands outside a section; did you mean {section} in [{}]?", key.section());
    }
    match nearest(section, SECTIONS.iter().copied()) {
        Some(near) => format!("[{section}] is not a section; did you mean [{near}]?"),
        None => format!("[{section}] is not a section; the sections are {}", SECTIONS.join(", ")),
    }
}

fn unknown_key(section: &str, name: &str) -> String {
    let path = format!("{section}.{name}");
    if let Some((_, advice)) = RETIRED.iter().find(|(retired, _)| *retired == path) {
        return format!("{path} is gone: {advice}; delete the line");
    }
    let siblings = || KEYS.iter().filter(|key| key.section() == section).map(Key::name);
    if let Some(near) = nearest(name, siblings()) {
        return format!("{path} is not a key; did you mean {section}.{near}?");
    }
    if let Some(key) = KEYS.iter().find(|key| key.name() == name) {
        return format!("{path} is not a key; did you mean {}, in [{}]?", key.path, key.section());
    }
    format!("{path} is not a key; [{section}] has {}", siblings().collect::<Vec<_>>().join(", "))
}
