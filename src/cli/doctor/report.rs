//! What was found, line by line: how it is, and what would help.

use serde::Serialize;
use serde_json::json;

use crate::cli::page::Page;
use crate::cli::say::{self, GREEN, RED, YELLOW, harmless};
use crate::domain::number::count;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Something can go wrong.
    Warn,
    /// Something will go wrong.
    Fail,
}

/// How one thing is.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    level: Level,
    message: String,
    remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, message: message.into(), remedy: None }
    }

    pub(super) fn warn(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, message: message.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fail(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Fail, message: message.into(), remedy: Some(remedy.into()) }
    }
}

/// Everything that was found so far; each finding is told at once, unless all are wanted together.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, findings: Vec::new() }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        if !self.json {
            say::out(line(&finding, Page::of(std::io::stdout())));
        }
        self.findings.push(finding);
    }

    /// Tells how many things are how; answers whether nothing fails.
    pub(super) fn close(self) -> bool {
        let failures = self.count(Level::Fail);
        let warnings = self.count(Level::Warn);
        if self.json {
            say::out(json!({"ok": failures == 0, "findings": self.findings}));
        } else {
            say::out(match (failures, warnings) {
                (0, 0) => "\nAll is well.".to_owned(),
                (0, warnings) => format!("\nNothing fails; {}.", count(warnings, "warning")),
                (failures, 0) => format!("\n{}.", count(failures, "failure")),
                (failures, warnings) => {
                    format!("\n{}, {}.", count(failures, "failure"), count(warnings, "warning"))
                }
            });
        }
        failures == 0
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

fn line(finding: &Finding, page: Page) -> String {
    let (style, word) = match finding.level {
        Level::Ok => (GREEN, "ok  "),
        Level::Warn => (YELLOW, "warn"),
        Level::Fail => (RED, "fail"),
    };
    let remedy = finding.remedy.as_ref().map_or_else(String::new, |remedy| format!(" → {remedy}"));
    let text = harmless(&format!("{}: {}{remedy}", finding.check, finding.message));
    let filled = page.fill(&text, "      ", "      ");
    format!("{style}{word}{style:#}  {}", filled.trim_start())
}
