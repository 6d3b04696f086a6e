//! Who did something: a person by the name they are known by, or one of the parts that act in their stead.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// A name that a person recognises.
    pub name: String,
    /// The chat that the command came from, which needs no notification of what it caused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<String>,
}

impl Actor {
    /// Someone or something with a name and no chat.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), chat: None }
    }

    /// The policy, where it decides in a person's stead.
    pub fn policy() -> Self {
        Self::named("policy")
    }

    /// The worker, which reports what it saw.
    pub fn worker() -> Self {
        Self::named("worker")
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
