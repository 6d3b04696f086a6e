//! Puts the sources over one another: defaults, file, variables. Finds the keys that don't exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::keys::{CHECKS, KEYS, Key, RETIRED, SECTIONS};
use super::problem::{Origin, Problem, nearest};
use super::value::{Setting, Value, read_toml_value};
use super::variables::Variables;

/// The settings that count, by the path of their key.
pub(super) type Settings = BTreeMap<String, Setting>;

/// The defaults of the table of keys.
pub(super) fn defaults() -> Settings {
    let default = |key: &Key| {
        let setting = read_toml_value(key.default?, &Origin::Default)?;
        Some((key.path.to_owned(), setting))
    };
    KEYS.iter().filter_map(default).collect()
}

/// The settings of a file's top-level entries, without those whose key doesn't exist.
pub(super) fn from_file(entries: Vec<(String, Setting)>, problems: &mut Vec<Problem>) -> Settings {
    let mut settings = Settings::new();
    for (section, setting) in entries {
        if !SECTIONS.contains(&section.as_str()) {
            problems.push(Problem::at(&setting.origin, unknown_section(&section, &setting.value)));
            continue;
        }
        let Value::Table(keys) = setting.value else {
            let sentence =
                format!("{section} is a section: write [{section}] on a line of its own, and its keys below");
            problems.push(Problem::at(&setting.origin, sentence));
            continue;
        };
        for (name, setting) in keys {
            let path = format!("{section}.{name}");
            if section == CHECKS || super::keys::find(&path).is_some() {
                settings.insert(path, setting);
            } else {
                problems.push(Problem::at(&setting.origin, unknown_key(&section, &name)));
            }
        }
    }
    settings
}

/// Replaces every `${NAME}` in the settings that a file made; `$${` stands for `${`.
pub(super) fn interpolate(settings: &mut Settings, variables: &Variables, problems: &mut Vec<Problem>) {
    for (path, setting) in settings {
        interpolate_setting(path, setting, variables, problems);
    }
}

fn unknown_section(section: &str, value: &Value) -> String {
    if !matches!(value, Value::Table(_)) {
        let homes: Vec<_> = KEYS.iter().filter(|key| key.name() == section).collect();
        if let Some(key) = homes.first() {
            return format!(
                "{section} stands outside a section; did you mean {} in [{}]?",
                key.name(),
                key.section()
            );
        }
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
    let siblings = || KEYS.iter().filter(|key| key.section() == section);
    if let Some(near) = nearest(name, siblings().map(Key::name)) {
        return format!("{path} is not a key; did you mean {section}.{near}?");
    }
    if let Some(key) = KEYS.iter().find(|key| key.name() == name) {
        return format!("{path} is not a key; did you mean {}, in [{}]?", key.path, key.section());
    }
    let names: Vec<_> = siblings().map(Key::name).collect();
    format!("{path} is not a key; [{section}] has {}", names.join(", "))
}

fn interpolate_setting(
    path: &str,
    setting: &mut Setting,
    variables: &Variables,
    problems: &mut Vec<Problem>,
) {
    match &mut setting.value {
        Value::Text(text) => match filled_in(text, variables) {
            Ok(filled) if filled == *text => {}
            Ok(filled) => setting.template = Some(std::mem::replace(text, filled)),
            Err(wrong) => {
                problems.push(Problem::at(&setting.origin, format!("{path} {wrong}")));
                setting.value = Value::Other(UNFILLED);
            }
        },
        Value::List(items) => {
            for item in items {
                interpolate_setting(path, item, variables, problems);
            }
        }
        Value::Table(entries) => {
            for (name, entry) in entries {
                interpolate_setting(&format!("{path}.{name}"), entry, variables, problems);
            }
        }
        Value::Integer(_) | Value::Boolean(_) | Value::Other(_) => {}
    }
}

/// Marks a value that has been reported already.
pub(super) const UNFILLED: &str = "a text with a variable that isn't set";

fn filled_in(text: &str, variables: &Variables) -> Result<String, String> {
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
        let Some(value) = variables.get(name) else {
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

/// The name of a file in messages.
pub(super) fn shown_path(path: &std::path::Path) -> Arc<str> {
    path.display().to_string().into()
}
