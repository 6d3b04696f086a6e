//! What is wrong with a configuration: every problem at once, none of them quoting a secret.

use std::fmt;
use std::path::Path;

/// Why a value isn't taken.
pub(super) enum Wrong {
    /// It isn't of the key's kind; the message says which one that is.
    Kind,
    /// Completes the sentence that begins with the key.
    Because(String),
}

/// The layer that a place is in, lowest first: what [`config::Value::origin`](::config::Value::origin) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    File,
    Dotenv,
    Credentials,
    Environment,
}

impl Layer {
    /// The layer of a place, and the line there or 0.
    pub(super) fn of(place: &str) -> (Self, usize) {
        if place.starts_with(VARIABLE) {
            return (Self::Environment, 0);
        }
        if place.starts_with(CREDENTIAL) {
            return (Self::Credentials, 0);
        }
        let split = place.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?)));
        let (path, line) = split.unwrap_or((place, 0));
        (if Path::new(path).ends_with(".env") { Self::Dotenv } else { Self::File }, line)
    }
}

/// What the place of a variable of the environment begins with.
const VARIABLE: &str = "variable ";

/// What the place of a credential begins with.
const CREDENTIAL: &str = "credential ";

/// The place of a credential.
pub(super) fn in_credentials(name: &str) -> String {
    format!("{CREDENTIAL}{name}")
}

/// The place of a variable of the environment.
pub(super) fn in_environment(name: &str) -> String {
    format!("{VARIABLE}{name}")
}

/// The place of a line of a file, counted from 1.
pub(super) fn on_line(path: &str, line: usize) -> String {
    format!("{path}:{line}")
}

/// One thing that is wrong, in a sentence. Sorts by layer, then by line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    layer: Layer,
    line: usize,
    place: String,
    sentence: String,
}

impl Problem {
    pub(super) fn at(place: &str, sentence: impl Into<String>) -> Self {
        let (layer, line) = Layer::of(place);
        Self { layer, line, place: place.to_owned(), sentence: sentence.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            return f.write_str(&self.sentence);
        }
        write!(f, "{}: {}", self.place, self.sentence)
    }
}

/// Everything that is wrong with a configuration, one line each, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    problems: Vec<Problem>,
}

impl ConfigErrors {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self { problems }
    }

    /// One problem that isn't of any place.
    pub(super) fn nowhere(sentence: impl Into<String>) -> Self {
        Self::new(vec![Problem::at("", sentence)])
    }

    /// The problems, each as one sentence that begins with its place.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(ToString::to_string)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences().collect::<Vec<_>>().join("\n"))
    }
}

/// The candidate that was probably meant.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
