//! The keys of a task, and the lines that are one or were meant to be one.

use strsim::osa_distance;

/// What a task file can say about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Type,
    Priority,
    RequiresApproval,
    Model,
    Timeout,
    IdleTimeout,
    Check,
    DependsOn,
    Description,
    AcceptanceCriteria,
    ClaudeInstruction,
}

/// A line that begins like `**Name:** value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyLine<'a> {
    /// The text between the asterisks and the colon.
    pub(super) name: &'a str,
    /// The key of that name, if there is one.
    pub(super) key: Option<Key>,
    /// How many bytes the name and its decoration take.
    pub(super) length: usize,
}

/// Where in a task file a line stands, which decides what it may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the first task.
    Intro,
    /// In a task, where only a key may stand.
    Header,
    /// Below a key of an unknown name, where a text is no mistake of its own.
    Misnamed,
    /// In the text of a task's description.
    Description,
    /// In the list of a task's acceptance criteria.
    Criteria,
    /// In a task's instruction.
    Instruction,
}

impl Place {
    /// Whether keys may still come here, so that whatever looks like one is meant as one.
    pub(super) fn takes_keys(self) -> bool {
        match self {
            Self::Header | Self::Misnamed | Self::Description | Self::Criteria => true,
            Self::Intro | Self::Instruction => false,
        }
    }
}

impl Key {
    /// Every key, in the order in which they are rendered.
    pub(super) const ALL: [Self; 11] = [
        Self::Type,
        Self::Priority,
        Self::RequiresApproval,
        Self::Model,
        Self::Timeout,
        Self::IdleTimeout,
        Self::Check,
        Self::DependsOn,
        Self::Description,
        Self::AcceptanceCriteria,
        Self::ClaudeInstruction,
    ];

    /// The key as it is spelled in a task file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Type => "Type",
            Self::Priority => "Priority",
            Self::RequiresApproval => "Requires Approval",
            Self::Model => "Model",
            Self::Timeout => "Timeout",
            Self::IdleTimeout => "Idle Timeout",
            Self::Check => "Check",
            Self::DependsOn => "Depends On",
            Self::Description => "Description",
            Self::AcceptanceCriteria => "Acceptance Criteria",
            Self::ClaudeInstruction => "Claude Instruction",
        }
    }

    /// The key that a line must mean although it isn't written as one, such as `Requires Aproval: true` in a description.
    ///
    /// Names of two words are recognised however they are misspelt, because nobody writes them by accident; names of
    /// one word only where keys may stand. The gate's key is never let pass.
    pub(super) fn meant_by(line: &str, place: Place) -> Option<Self> {
        let candidate = Candidate::read(line)?;
        let length = candidate.name.chars().count();
        let key = Self::ALL.into_iter().find(|key| {
            let tolerance = if key.name().contains(' ') { 2 } else { 0 };
            length.abs_diff(key.name().len()) <= tolerance
                && osa_distance(&candidate.name.to_lowercase(), &key.name().to_lowercase()) <= tolerance
        })?;
        let Candidate { bold, bullet, .. } = candidate;
        let strict = place.takes_keys();
        let meant = if key.name().contains(' ') {
            key == Self::RequiresApproval || strict || bold && !bullet
        } else {
            strict && (bold || !bullet)
        };
        meant.then_some(key)
    }

    /// The key that an unknown name was probably meant to be.
    pub(super) fn nearest(name: &str) -> Option<Self> {
        let wanted = folded(name);
        let similar = Self::ALL.into_iter().map(|key| (osa_distance(&wanted, &folded(key.name())), key));
        let (distance, key) = similar.min_by_key(|(distance, _)| *distance)?;
        if distance <= 2.max(key.name().len() / 4) && distance < wanted.chars().count() {
            return Some(key);
        }
        Self::ALL.into_iter().find(|key| {
            wanted.len() >= 4 && key.name().split(' ').any(|word| osa_distance(&folded(word), &wanted) <= 1)
        })
    }

    fn called(name: &str) -> Option<Self> {
        let wanted = folded(name);
        Self::ALL.into_iter().find(|key| folded(key.name()) == wanted)
    }
}

impl<'a> KeyLine<'a> {
    /// Reads the beginning of a line.
    pub(super) fn read(line: &'a str) -> Option<Self> {
        const LONGEST: usize = 80;
        let inner = line.strip_prefix("**")?;
        let name = &inner[..inner.find(":**")?];
        if name.len() > LONGEST || name.trim().is_empty() || name.contains(['*', ':']) {
            return None;
        }
        Some(Self { name: name.trim(), key: Key::called(name), length: name.len() + "**:**".len() })
    }
}

/// The beginning of a line that may be meant as a key, in whatever decoration.
struct Candidate<'a> {
    name: &'a str,
    bullet: bool,
    bold: bool,
}

impl<'a> Candidate<'a> {
    fn read(line: &'a str) -> Option<Self> {
        const LONGEST: usize = 40;
        let line = line.trim_start();
        let unmarked = without_bullet(line);
        let undecorated = unmarked.trim_start_matches(['*', '_', '`', '#', ' ']);
        let name = &undecorated[..undecorated.find([':', '：'])?];
        (name.len() <= LONGEST).then(|| Self {
            name: name.trim_matches(['*', '_', '`', ' ']),
            bullet: unmarked.len() < line.len(),
            bold: unmarked.starts_with(['*', '_']),
        })
    }
}

/// Leaves out what makes a line an item of a list.
fn without_bullet(line: &str) -> &str {
    let digits = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let after = if digits.len() < line.len() {
        digits.strip_prefix(['.', ')'])
    } else {
        line.strip_prefix(['-', '+', '*'])
    };
    after.filter(|after| after.starts_with([' ', '\t'])).map_or(line, str::trim_start)
}

/// Makes names comparable: letter case and the number of spaces don't matter.
fn folded(name: &str) -> String {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_finds_its_key() {
        for (name, key) in [
            ("Requires Aproval", Some(Key::RequiresApproval)),
            ("Approval", Some(Key::RequiresApproval)),
            ("Require Approvals", Some(Key::RequiresApproval)),
            ("Tpye", Some(Key::Type)),
            ("Instruction", Some(Key::ClaudeInstruction)),
            ("Instructions", Some(Key::ClaudeInstruction)),
            ("Dependson", Some(Key::DependsOn)),
            ("Acceptance", Some(Key::AcceptanceCriteria)),
            ("Frobnicate", None),
            ("X", None),
        ] {
            assert_eq!(Key::nearest(name), key, "{name}");
        }
    }

    #[test]
    fn the_gates_key_is_meant_in_any_decoration() {
        for line in [
            "Requires Approval: true",
            "  **Requires Approval**: true",
            "- __Requires Aproval:__ true",
            "1. `requires-approval`: true",
            "### Requires Approval: true",
            "**Requires Approval: true**",
            "Requires Approval：true",
        ] {
            for place in
                [Place::Intro, Place::Header, Place::Description, Place::Criteria, Place::Instruction]
            {
                assert_eq!(Key::meant_by(line, place), Some(Key::RequiresApproval), "{line}");
            }
        }
        assert_eq!(Key::meant_by("This requires approval: yes", Place::Instruction), None);
    }

    #[test]
    fn short_names_are_meant_only_where_keys_may_stand() {
        assert_eq!(Key::meant_by("Type: x", Place::Description), Some(Key::Type));
        assert_eq!(Key::meant_by("- **Type:** x", Place::Criteria), Some(Key::Type));
        assert_eq!(Key::meant_by("- Type: x", Place::Criteria), None);
        assert_eq!(Key::meant_by("**Type**: x", Place::Instruction), None);
    }
}
