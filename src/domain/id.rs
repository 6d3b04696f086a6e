//! The names of things: ids that a person can read, type or tap.
//!
//! An id never carries meaning beyond identity; nothing here knows where ids are stored.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names one session: `YYYYMMDD-HHMMSS` in the configured zone, suffixed `-2`, `-3` when taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    /// Wraps an id that was made by [`crate::engine`] or read back from the store.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as it is written in a file name or a message.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one gate, for ever: `g7_` and four base32 characters. A closed gate's id is never used again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GateId(String);

impl GateId {
    /// What every gate id begins with.
    pub const PREFIX: &'static str = "g7_";
    /// RFC 4648 base32 in lower case, so that an id survives being typed on a phone.
    const ALPHABET: &'static [u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

    /// Makes the id that 20 random bits name; higher bits are ignored.
    pub fn from_random(bits: u32) -> Self {
        let mut id = String::from(Self::PREFIX);
        for shift in [15, 10, 5, 0] {
            id.push(char::from(Self::ALPHABET[(bits >> shift) as usize & 31]));
        }
        Self(id)
    }

    /// Reads an id as a person may type it: any letter case. `None` when it can't be a gate's.
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.to_ascii_lowercase();
        let random = id.strip_prefix(Self::PREFIX)?;
        let well_formed = random.len() == 4 && random.bytes().all(|byte| Self::ALPHABET.contains(&byte));
        well_formed.then_some(Self(id))
    }

    /// What someone calls a gate: an id in any letter case, else a name that no gate has.
    pub fn named(text: &str) -> Self {
        const LONGEST: usize = 40;
        Self::parse(text).unwrap_or_else(|| Self(text.chars().take(LONGEST).collect()))
    }

    /// The id as it is written in a command, a button or a message.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one run; counts up over the whole database and fences late results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number that a task carries in its heading: `## Task 2: …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskNumber(pub u32);

impl fmt::Display for TaskNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
