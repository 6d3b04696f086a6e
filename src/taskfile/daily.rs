//! The day's log: what a person wrote about the day, of which every task's prompt carries two sections.
//!
//! Also knows how a file's name tells its day, since that is how a task file finds its log.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::heading;
use super::outline::{Heading, Outline};
use super::source::with_newlines;

/// What the log of one day says to Claude.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayLog {
    /// The text of its `## Context` section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The text of its `## Notes` section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl DayLog {
    /// Reads a log. Sections that are missing or empty give `None`; any other text is left alone.
    pub fn parse(text: &str) -> Self {
        let text = with_newlines(text);
        Self { context: section(&text, "context"), notes: section(&text, "notes") }
    }
}

/// The date in a file's name: `2025-11-20` in `2025-11-20-tasks.md`. The first one, if it names several.
pub fn date_in_name(file_name: &str) -> Option<Date> {
    const LENGTH: usize = "2025-11-20".len();
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = file_name.as_bytes();
    (0..bytes.len()).find_map(|start| {
        let date = file_name.get(start..start + LENGTH)?;
        let shaped = date.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        let longer = start > 0 && digit(bytes.get(start - 1)) || digit(bytes.get(start + LENGTH));
        if shaped && !longer { date.parse().ok() } else { None }
    })
}

/// The text of the sections of one name, joined if there are several.
fn section(text: &str, name: &str) -> Option<String> {
    let outline = Outline::of(text);
    let bounds: Vec<&Heading> = outline.headings.iter().filter(|heading| heading.level <= 2).collect();
    let mut found: Vec<&str> = Vec::new();
    for (index, heading) in bounds.iter().enumerate() {
        let title = text[heading.line..heading.end].lines().next().unwrap_or_default();
        let title = heading::content(title).trim_end_matches(':');
        if heading.level == 2 && title.eq_ignore_ascii_case(name) {
            let end = bounds.get(index + 1).map_or(text.len(), |next| next.line);
            found.push(without_rules(&text[heading.end..end]));
        }
    }
    found.retain(|part| !part.is_empty());
    (!found.is_empty()).then(|| found.join("\n\n"))
}

fn without_rules(section: &str) -> &str {
    let end = Outline::of(section).content_end(section);
    section[..end].trim_matches(['\n', ' '])
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_section_ends_at_the_next_heading_of_its_rank() {
        let day = DayLog::parse(
            "## context:\r\n\r\na\r\n### deeper\r\n```\r\n## Notes\r\n```\r\n---\r\n# Other\r\nx\r\n## Context\r\nb\r\n## Notes\r\n\r\n",
        );
        assert_eq!(day.context.as_deref(), Some("a\n### deeper\n```\n## Notes\n```\n\nb"));
        assert_eq!(day.notes, None);
    }

    #[test]
    fn a_log_without_sections_is_empty() {
        assert_eq!(DayLog::parse("# Day\n\ntext"), DayLog::default());
    }

    #[test]
    fn a_name_tells_its_day() {
        let day = date(2025, 11, 20);
        assert_eq!(date_in_name("2025-11-20-tasks.md"), Some(day));
        assert_eq!(date_in_name("täsks_2025-11-20.md"), Some(day));
        assert_eq!(date_in_name("2025-13-45-then-2025-11-20"), Some(day));
        for name in ["tasks.md", "2025-13-45.md", "12025-11-20.md", "2025-11-201.md", "2025_11_20.md", ""] {
            assert_eq!(date_in_name(name), None, "{name}");
        }
    }
}
