//! What is wrong with a configuration: every problem at once, none of them quoting a secret.

use std::fmt;
use std::sync::Arc;

/// Where a value was written. In the order of precedence, lowest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Default,
    File { path: Arc<str>, line: Option<usize> },
    Dotenv { path: Arc<str>, line: Option<usize> },
    Environment { name: Arc<str> },
}

impl Origin {
    /// Whether the first source outranks the second, whatever the lines.
    pub(super) fn outranks(&self, other: &Self) -> bool {
        self.rank() > other.rank()
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Dotenv { .. } => 2,
            Self::Environment { .. } => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("defaults"),
            Self::File { path, line } | Self::Dotenv { path, line } => match line {
                Some(line) => write!(f, "{path}:{line}"),
                None => f.write_str(path),
            },
            Self::Environment { name } => write!(f, "variable {name}"),
        }
    }
}

/// One thing that is wrong, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    origin: Option<Origin>,
    sentence: String,
}

impl Problem {
    pub(super) fn at(origin: &Origin, sentence: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), sentence: sentence.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.sentence),
            None => f.write_str(&self.sentence),
        }
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

    pub(super) fn missing(sentence: &str) -> Self {
        Self { problems: vec![Problem { origin: None, sentence: sentence.to_owned() }] }
    }

    /// The problems, each as one sentence that begins with its place.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(ToString::to_string)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
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
