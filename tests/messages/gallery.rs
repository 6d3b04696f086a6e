//! The page with everything that is ever said in a chat: when, how it looks, which buttons it has.

use std::fmt::Write as _;

use orchestrator::telegram::{self, Message};

use crate::seen::Seen;
use crate::support::desk::{Desk, Told};
use crate::support::telegram_html::{Parsed, parse};

const INTRODUCTION: &str = include_str!("introduction.md");

/// The page in the making, the HTML behind it, and what it has shown so far.
pub struct Gallery {
    pub page: String,
    pub html: String,
    pub seen: Seen,
}

impl Gallery {
    pub fn new() -> Self {
        Self { page: INTRODUCTION.to_owned(), html: String::new(), seen: Seen::default() }
    }

    pub fn section(&mut self, heading: &str, about: &str) {
        writeln!(self.page, "\n## {heading}\n\n{about}").unwrap();
    }

    /// What is sent to those who didn't cause it.
    #[track_caller]
    pub fn notice(&mut self, heading: &str, when: &str, desk: &Desk, told: &Told) {
        let notice = telegram::notice(&told.events, &desk.scene())
            .unwrap_or_else(|| panic!("{heading}: nothing is sent of {:?}", told.events));
        self.seen.events(&told.events);
        let about = format!("{when} `type`: `{}`, `event`: `{}`.", notice.kind.as_str(), notice.event);
        self.message(heading, &about, &notice.telegram);
        assert_eq!(
            notice.gate.is_some(),
            told.events
                .iter()
                .any(|event| event.kind().starts_with("gate_") && event.kind() != "gate_closed")
        );
        assert!(!notice.message.is_empty());
    }

    /// What the one reads who gave the command.
    pub fn answer(&mut self, heading: &str, when: &str, desk: &Desk, told: &Told) {
        self.seen.events(&told.events);
        self.message(heading, when, &telegram::answer(&told.events, &told.message, &desk.scene()));
    }

    /// A line that isn't ours to send.
    pub fn line(&mut self, heading: &str, when: &str, text: &str) {
        let fence = "`".repeat(3);
        writeln!(self.page, "\n### {heading}\n\n{when}\n\n{fence}text\n{text}\n{fence}").unwrap();
    }

    pub fn message(&mut self, heading: &str, when: &str, message: &Message) {
        let Parsed { text, .. } = parse(&message.text).unwrap_or_else(|error| panic!("{heading}: {error}"));
        let fence = "`".repeat(3);
        writeln!(self.page, "\n### {heading}\n\n{when}\n\n{fence}text\n{text}\n{fence}").unwrap();
        writeln!(self.html, "=== {heading}\n{}", message.text).unwrap();
        let Some(keyboard) = &message.reply_markup else { return };
        let rows = keyboard.rows().iter().map(|row| {
            let button = |button: &telegram::Button| format!("`{}` says `{}`", button.label(), button.says());
            row.iter().map(button).collect::<Vec<_>>().join(" · ")
        });
        let rows: Vec<_> = rows.collect();
        writeln!(self.page, "\nButtons:\n\n- {}", rows.join("\n- ")).unwrap();
        writeln!(self.html, "[{}]", rows.join("]\n[")).unwrap();
    }
}
