//! What a value means as a number, a duration, a list, a command or a path; pure.

use std::collections::BTreeMap;
use std::path::{Component, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use config::{Value, ValueKind};
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::keys::Kind;
use super::problem::{Wrong, nearest};
use super::setting::Setting;
use super::sources::inline;
use super::variables::{PREFIX, SERVICE, SHORT_NAMES};
use crate::domain::duration;
use crate::domain::size::Size;
use crate::domain::usd::Usd;
use crate::files;
use crate::user::User;

/// The shortest secret that isn't refused, in characters.
const SHORTEST_SECRET: usize = 16;

fn because<T>(sentence: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Because(sentence.into()))
}

/// Any text but the empty one.
pub(super) fn text(setting: &Setting) -> Result<String, Wrong> {
    setting.text().filter(|text| !text.trim().is_empty()).map(str::to_owned).ok_or(Wrong::Kind)
}

pub(super) fn url(setting: &Setting) -> Result<String, Wrong> {
    let text = text(setting)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return because(format!("must be {}", Kind::Url.expected()));
    }
    if host.contains('@') {
        return because("must not hold a password: put it into webhooks.notify_headers");
    }
    Ok(text)
}

pub(super) fn secret(setting: &Setting) -> Result<SecretString, Wrong> {
    let text = setting.text().ok_or(Wrong::Kind)?;
    let length = text.chars().count();
    if length < SHORTEST_SECRET {
        return because(format!("has {length} characters, but must be {}", Kind::Secret.expected()));
    }
    if text.trim() != text || text.contains(char::is_control) {
        return because("begins or ends with a space, or holds a line break");
    }
    if text.strip_prefix("whsec_").is_some_and(|encoded| STANDARD.decode(encoded).is_err()) {
        return because("begins with whsec_, so the rest must be base64");
    }
    Ok(SecretString::from(text))
}

pub(super) fn headers(setting: &Setting) -> Result<BTreeMap<String, SecretString>, Wrong> {
    let header = |(name, value): (String, Setting)| {
        if !is_header_name(&name) {
            return because(format!("names a header {name:?}, which no header can be called"));
        }
        match value.text().filter(|text| !text.contains(char::is_control)) {
            Some(text) => Ok((name, SecretString::from(text))),
            None => because(format!("needs a text in quotes, of one line, for {name}")),
        }
    };
    setting.entries()?.into_iter().map(header).collect()
}

/// The characters of a token, RFC 9110 section 5.6.2.
fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

pub(super) fn port(setting: &Setting) -> Result<u16, Wrong> {
    integer(setting)?.try_into().map_err(|_| Wrong::Kind)
}

pub(super) fn count(setting: &Setting) -> Result<u32, Wrong> {
    let number = integer(setting)?.try_into().map_err(|_| Wrong::Kind)?;
    if (1..=1000).contains(&number) { Ok(number) } else { Err(Wrong::Kind) }
}

/// An amount that something can be bought for.
pub(super) fn dollars(setting: &Setting) -> Result<Usd, Wrong> {
    #[expect(clippy::cast_precision_loss, reason = "exact below nine billion million dollars")]
    let dollars = match (&setting.filled.kind, setting.untyped()) {
        (ValueKind::I64(number), _) => *number as f64,
        (ValueKind::Float(number), _) => *number,
        (_, Some(text)) => text.parse().map_err(|_| Wrong::Kind)?,
        _ => return Err(Wrong::Kind),
    };
    let amount = Usd::from_dollars(dollars);
    if dollars.is_finite() && amount > Usd::default() { Ok(amount) } else { Err(Wrong::Kind) }
}

/// A size in bytes.
pub(super) fn size(setting: &Setting) -> Result<Size, Wrong> {
    match &setting.filled.kind {
        ValueKind::I64(_) | ValueKind::String(_) => {
            Size::parse(&setting.filled.to_string()).ok_or(Wrong::Kind)
        }
        _ => Err(Wrong::Kind),
    }
}

pub(super) fn tokens(setting: &Setting) -> Result<u64, Wrong> {
    let digits = setting.untyped().map(|text| text.replace('_', ""));
    let number = match digits {
        Some(digits) => digits.parse().map_err(|_| Wrong::Kind)?,
        None => integer(setting)?,
    };
    u64::try_from(number).ok().filter(|tokens| *tokens > 0).ok_or(Wrong::Kind)
}

fn integer(setting: &Setting) -> Result<i64, Wrong> {
    match (&setting.filled.kind, setting.untyped()) {
        (ValueKind::I64(number), _) => Ok(*number),
        (_, Some(text)) => text.parse().map_err(|_| Wrong::Kind),
        _ => Err(Wrong::Kind),
    }
}

pub(super) fn switch(setting: &Setting) -> Result<bool, Wrong> {
    match (&setting.filled.kind, setting.untyped()) {
        (ValueKind::Boolean(switch), _) => Ok(*switch),
        (_, Some(text)) => text.parse().map_err(|_| Wrong::Kind),
        _ => Err(Wrong::Kind),
    }
}

/// A duration that may be zero.
pub(super) fn duration(setting: &Setting) -> Result<Duration, Wrong> {
    let written = match &setting.filled.kind {
        ValueKind::I64(_) | ValueKind::String(_) => setting.filled.to_string(),
        _ => return Err(Wrong::Kind),
    };
    duration::parse(&written)
        .or_else(|why| because(format!("is {}, but must be {} ({why})", setting.shown(), duration::EXPECTED)))
}

/// A duration that may not.
pub(super) fn positive_duration(setting: &Setting) -> Result<Duration, Wrong> {
    match duration(setting)? {
        Duration::ZERO => because("is no time at all, but must be longer"),
        duration => Ok(duration),
    }
}

pub(super) fn zone(setting: &Setting) -> Result<TimeZone, Wrong> {
    let name = text(setting)?;
    files::zone::named(&name).or_else(|_| {
        let known: Vec<_> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let near = nearest(&name, known.iter().map(String::as_str)).ok_or(Wrong::Kind)?;
        because(format!("is {}, which is no time zone; did you mean {near:?}?", setting.shown()))
    })
}

/// Texts and numbers as a list of texts. A variable may hold a TOML list, or texts between commas.
pub(super) fn list(setting: &Setting) -> Result<Vec<String>, Wrong> {
    match (&setting.filled.kind, setting.untyped()) {
        (ValueKind::Array(items), _) => items.iter().map(list_item).collect(),
        (_, Some(text)) if text.starts_with('[') => match inline(text).map(|list| list.kind) {
            Some(ValueKind::Array(items)) => items.iter().map(list_item).collect(),
            _ => Err(Wrong::Kind),
        },
        (_, Some(text)) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(str::to_owned).collect())
        }
        _ => Err(Wrong::Kind),
    }
}

fn list_item(item: &Value) -> Result<String, Wrong> {
    match &item.kind {
        ValueKind::String(text) if text.trim().is_empty() => because("holds an empty text"),
        ValueKind::String(_) | ValueKind::I64(_) => Ok(item.to_string().trim().to_owned()),
        _ => Err(Wrong::Kind),
    }
}

/// Task types as task files give them: in lower case.
pub(super) fn task_types(setting: &Setting) -> Result<Vec<String>, Wrong> {
    Ok(list(setting)?.iter().map(|name| name.to_lowercase()).collect())
}

/// Names of variables for the child, never one that lets it give commands in the operator's name.
pub(super) fn passed_on(setting: &Setting) -> Result<Vec<String>, Wrong> {
    let names = list(setting)?;
    for name in &names {
        let starts_well = !name.starts_with(|c: char| c.is_ascii_digit());
        if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let name = setting.shown_part(name.split('=').next().unwrap_or_default());
            return because(format!("holds {name} and more: it takes names of variables, without values"));
        }
        if SERVICE.contains(&name.as_str()) {
            return because(format!("holds {name}, which is between this daemon and whoever started it"));
        }
        if name.starts_with(PREFIX) || SHORT_NAMES.iter().any(|(short, _)| short == name) {
            return because(format!(
                "holds {name}, which is this daemon's own: whoever reads it could approve tasks"
            ));
        }
    }
    Ok(names)
}

/// A user that this system knows, and from whom something can be kept.
pub(super) fn user(setting: &Setting) -> Result<User, Wrong> {
    let name = text(setting)?;
    match User::find(&name) {
        Ok(Some(user)) if user.uid == 0 => because(
            "is root, from whom nothing can be kept; name a user that is made for it (docs/isolation.md)",
        ),
        Ok(Some(user)) => Ok(user),
        Ok(None) => because(format!(
            "is {}, and there is no such user; `useradd --system --create-home {name}` makes one (docs/isolation.md)",
            setting.shown()
        )),
        Err(error) => because(format!("is {}, which can't be looked up: {error}", setting.shown())),
    }
}

/// Ids, as a list whether one or several were written, numbers as their digits. An empty text is not an empty list,
/// which would let everybody in.
pub(super) fn ids(setting: &Setting) -> Result<Vec<String>, Wrong> {
    match &setting.filled.kind {
        ValueKind::String(text) if text.trim_matches([',', ' ']).is_empty() => {
            because("is empty; write [] if anyone may")
        }
        ValueKind::String(_) if setting.untyped().is_some() => list(setting),
        ValueKind::String(_) | ValueKind::I64(_) => Ok(vec![list_item(&setting.filled)?]),
        _ => list(setting),
    }
}

/// Arguments as a shell would split them; possibly none.
pub(super) fn arguments(setting: &Setting) -> Result<Vec<String>, Wrong> {
    split(setting.text().ok_or(Wrong::Kind)?)
}

fn split(text: &str) -> Result<Vec<String>, Wrong> {
    shell_words::split(text).or_else(|_| because("can't be split into words: a quote is left open"))
}

/// What relative paths are relative to.
#[derive(Clone)]
pub(super) struct Folders {
    pub(super) base: PathBuf,
    pub(super) home: Option<PathBuf>,
}

impl Folders {
    pub(super) fn path(&self, setting: &Setting) -> Result<PathBuf, Wrong> {
        Ok(self.absolute(&text(setting)?))
    }

    /// A program and its arguments.
    pub(super) fn command(&self, setting: &Setting) -> Result<Vec<String>, Wrong> {
        let mut words = split(&text(setting)?)?;
        let program = words.first_mut().ok_or(Wrong::Kind)?;
        *program = self.program(program);
        Ok(words)
    }

    /// A program; one given by a relative path is relative as other paths are.
    pub(super) fn program(&self, program: &str) -> String {
        if program.contains('/') {
            self.absolute(program).to_string_lossy().into_owned()
        } else {
            program.to_owned()
        }
    }

    /// The path from the root, without `.` steps; `~/` is the home folder.
    fn absolute(&self, text: &str) -> PathBuf {
        let path = match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            (Some(_), None) | (None, _) => self.base.join(text),
        };
        path.components().filter(|step| *step != Component::CurDir).collect()
    }
}
