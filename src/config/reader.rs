//! Asks the built configuration for what its values mean, and notes what they can't.

use config::{Config, Map, Value};

use super::convert::{Folders, text};
use super::keys::{self, Kind};
use super::problem::Problem;
use super::problem::Wrong;
use super::setting::Setting;
use super::sources::Placed;
use super::variables::Variables;

/// Everything that was configured, and what was wrong with it so far.
pub(super) struct Reader {
    pub(super) config: Config,
    pub(super) variables: Variables,
    /// What the file alone says: it knows where tables are, whose origin `config` drops when it merges them.
    pub(super) file: Placed,
    pub(super) folders: Folders,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    /// A value that must be right; when it isn't, that is noted and any value returned, because a configuration with a
    /// problem is never handed out.
    pub(super) fn get<T: Default>(
        &mut self,
        path: &str,
        parse: impl FnOnce(&Setting) -> Result<T, Wrong>,
    ) -> T {
        self.find(path, parse).unwrap_or_default()
    }

    /// A value that may be unset.
    pub(super) fn find<T>(
        &mut self,
        path: &str,
        parse: impl FnOnce(&Setting) -> Result<T, Wrong>,
    ) -> Option<T> {
        let setting = self.setting(path)?;
        self.read(path, &setting, parse)
    }

    /// One of the words that the key's kind allows, in any letter case.
    pub(super) fn choice<T: Copy>(&mut self, path: &str, meanings: &[(&str, T)], fallback: T) -> T {
        let meaning = self.find(path, |setting| {
            let word = text(setting)?.to_lowercase();
            let meaning = meanings.iter().find(|(name, _)| *name == word);
            meaning.map(|(_, meaning)| *meaning).ok_or(Wrong::Kind)
        });
        meaning.unwrap_or(fallback)
    }

    /// The values of a section by name.
    pub(super) fn section(&self, section: &str) -> Map<String, Value> {
        self.config.get_table(section).unwrap_or_default()
    }

    pub(super) fn setting(&mut self, path: &str) -> Option<Setting> {
        let (section, name) = path.split_once('.')?;
        let value = self.section(section).remove(name)?;
        let place = value.origin().or_else(|| self.file.place(path)).unwrap_or_default().to_owned();
        Setting::fill(path, value, place, &self.variables, &mut self.problems)
    }

    /// Reads a setting, and notes what is wrong with it.
    pub(super) fn read<T>(
        &mut self,
        path: &str,
        setting: &Setting,
        parse: impl FnOnce(&Setting) -> Result<T, Wrong>,
    ) -> Option<T> {
        let because = match parse(setting) {
            Ok(value) => return Some(value),
            Err(Wrong::Because(because)) => because,
            Err(Wrong::Kind) => {
                let kind = kind_of(path);
                let shown = if kind.is_secret() { setting.noun().to_owned() } else { setting.shown() };
                format!("is {shown}, but must be {}", kind.expected())
            }
        };
        self.complain(path, &setting.place, &because);
        None
    }

    /// Notes what is wrong with a key; completes the sentence that begins with it.
    pub(super) fn complain(&mut self, path: &str, place: &str, because: &str) {
        self.problems.push(Problem::at(place, format!("{path} {because}")));
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
