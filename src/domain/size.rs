//! Sizes as people write them: `500MB`, `2GiB`, or a bare number of bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What may be written, for messages that say so.
pub const EXPECTED: &str = "a size such as \"500MB\", \"2GiB\" or a whole number of bytes";

const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// So many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(pub u64);

impl Size {
    /// Reads a size; `None` when it isn't one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim().to_ascii_lowercase();
        let (_, bytes) = UNITS.iter().find(|(known, _)| *known == unit)?;
        number.parse::<u64>().ok()?.checked_mul(*bytes).map(Self)
    }

    /// Half of it.
    #[must_use]
    pub fn half(self) -> Self {
        Self(self.0 / 2)
    }
}

/// Rounded down: `48 MB`, `1.9 GB`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        let (unit, name) = match bytes {
            0..1000 => return write!(f, "{bytes} bytes"),
            1000..1_000_000 => (1000, "kB"),
            1_000_000..1_000_000_000 => (1_000_000, "MB"),
            1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
            _ => (1_000_000_000_000, "TB"),
        };
        match (bytes / unit, bytes % unit * 10 / unit) {
            (whole @ 0..10, tenths @ 1..) => write!(f, "{whole}.{tenths} {name}"),
            (whole, _) => write!(f, "{whole} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn reads_what_people_write_and_writes_what_people_read() {
        for (text, bytes, told) in [
            ("500", 500, "500 bytes"),
            ("500MB", 500_000_000, "500 MB"),
            ("2GiB", 1 << 31, "2.1 GB"),
            (" 1 kb ", 1000, "1 kB"),
            ("48kib", 49_152, "49 kB"),
            ("3TB", 3_000_000_000_000, "3 TB"),
        ] {
            let size = Size::parse(text).unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, told), "{text}");
        }
        for text in ["", "MB", "-1", "1.5GB", "2 parsecs", "99999999999TB", "1 2"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
