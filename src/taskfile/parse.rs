//! Markdown → plan.
//!
//! Every mistake is found in one pass and reported with its place. Whatever looks like a task or a key but isn't written
//! as one is a mistake, never text: a misspelt key must not silently lose a gate, nor a misspelt heading a task.

use std::sync::Arc;

use crate::domain::id::TaskNumber;
use crate::domain::plan::Plan;

use super::diagnostic::{Diagnostics, quoted};
use super::draft::Draft;
use super::heading::{self, Reading};
use super::key::{Key, KeyLine, Place};
use super::report::Report;
use super::section::{Cut, CutKind, next_cut};
use super::source::Source;

/// What a task file means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The tasks.
    pub plan: Plan,
    /// The line of each task's heading, from 1.
    pub lines: Vec<u32>,
}

/// Reads a task file. `name` is what diagnostics call it; `checks` are the names that `Check` may have.
pub fn parse(name: &str, bytes: &[u8], checks: &[String]) -> Result<Parsed, Diagnostics> {
    let source = Source::decode(name, bytes).map_err(|error| Diagnostics(vec![error]))?;
    let mut reader =
        Reader { text: source.text(), checks, report: Report::new(&source), title: None, drafts: Vec::new() };
    reader.read();
    reader.judge_tasks();
    reader.judge_dependencies();
    reader.finish()
}

/// Where the reading of one file has got to.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) report: Report<'a>,
    pub(super) title: Option<String>,
    pub(super) drafts: Vec<Draft>,
    checks: &'a [String],
}

impl Reader<'_> {
    fn read(&mut self) {
        if let Some(nul) = self.text.find('\0') {
            let help = "save the file as plain text in UTF-8".to_owned();
            self.report.mistake(nul, "the file holds a NUL character", Some(help));
        }
        let mut place = Place::Intro;
        let mut from = 0;
        loop {
            let cut = next_cut(self.text, from, place);
            let end = cut.as_ref().map_or(self.text.len(), |cut| cut.at);
            self.part(place, from, end);
            let Some(Cut { at, kind }) = cut else {
                return;
            };
            (place, from) = match kind {
                CutKind::Heading(reading) => self.heading(at, reading),
                CutKind::Key(line) => self.key(at, line, place),
            };
        }
    }

    /// Begins a task; returns where and in which place reading goes on.
    fn heading(&mut self, at: usize, reading: Reading<'_>) -> (Place, usize) {
        let draft = match reading {
            Reading::Task { number, title } => {
                if title.is_empty() {
                    let help = format!("write \"## Task {number}: \" and what is to be done");
                    self.report.mistake(at, "the task has no title", Some(help));
                }
                Draft::new(at, number, title)
            }
            Reading::Mistaken { message, help, number } => {
                self.report.mistake(at, message, Some(help));
                Draft::new(at, number, "")
            }
            Reading::Other => Draft::new(at, TaskNumber(0), ""),
        };
        self.drafts.push(draft);
        (Place::Header, self.line_after(at))
    }

    /// Takes a key, or says why it can't be one; returns where and in which place reading goes on.
    fn key(&mut self, at: usize, line: KeyLine<'_>, place: Place) -> (Place, usize) {
        let next = self.line_after(at);
        let Some(draft) = self.drafts.last_mut() else {
            let message = format!("{} stands before the first task", quoted(line.name));
            self.report.mistake(at, message, Some(heading::SHAPE.to_owned()));
            return (Place::Intro, next);
        };
        let Some(key) = line.key else {
            draft.garbled = true;
            self.unknown_key(at, line.name);
            return (Place::Misnamed, next);
        };
        if place == Place::Instruction && key != Key::ClaudeInstruction {
            draft.derailed = true;
            self.late_key(at, key);
            return (place, next);
        }
        let earlier = draft.note(key, at);
        self.known_key(at, key, at + line.length, earlier)
    }

    fn known_key(&mut self, at: usize, key: Key, after: usize, earlier: Option<usize>) -> (Place, usize) {
        if let Some(earlier) = earlier {
            let number = self.report.line_number(earlier);
            let message = format!("{} is already given in line {number}", quoted(key.name()));
            self.report.mistake(at, message, None);
        }
        match key {
            Key::Description => (Place::Description, self.body_start(after)),
            Key::AcceptanceCriteria => (Place::Criteria, self.body_start(after)),
            Key::ClaudeInstruction => (Place::Instruction, self.body_start(after)),
            Key::Type
            | Key::Priority
            | Key::RequiresApproval
            | Key::Model
            | Key::Timeout
            | Key::IdleTimeout
            | Key::Check
            | Key::DependsOn => {
                self.value(key, at, after);
                (Place::Header, self.line_after(at))
            }
        }
    }

    fn unknown_key(&mut self, at: usize, name: &str) {
        let help = match Key::nearest(name) {
            Some(key) => format!("did you mean {}?", quoted(key.name())),
            None => format!("the keys are {}", Key::ALL.map(Key::name).join(", ")),
        };
        let column = at + self.text[at..].find(name).unwrap_or_default();
        self.report.mistake(column, format!("unknown key {}", quoted(name)), Some(help));
    }

    fn late_key(&mut self, at: usize, key: Key) {
        let above = self.text[..at].trim_end().rsplit('\n').next();
        let below_heading = above.is_some_and(heading::names_task);
        let help = if below_heading {
            "the heading above it is not read as one: give it two number signs, and an empty line before it"
        } else {
            "keys come before the instruction; to have it read as text, put it in a code fence"
        };
        let message = format!("{} stands after the instruction", quoted(key.name()));
        self.report.mistake(at, message, Some(help.to_owned()));
    }

    fn value(&mut self, key: Key, at: usize, after: usize) {
        let line = self.text[after..].split('\n').next().unwrap_or_default();
        let value = line.trim();
        let Some(draft) = self.drafts.last_mut() else {
            return;
        };
        if value.is_empty() {
            let message = format!("{} has no value", quoted(key.name()));
            self.report.mistake(at, message, None);
            return;
        }
        let start = after + line.len() - line.trim_start().len();
        draft.set(key, value, start, self.checks, &mut self.report);
    }

    /// Where the line after that of an offset begins.
    fn line_after(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// Where the text of a key begins: beside the key, or on the first line below it that isn't blank.
    fn body_start(&self, after: usize) -> usize {
        let rest = &self.text[after..];
        let content = rest.trim_start_matches([' ', '\t', '\n']);
        let blank = &rest[..rest.len() - content.len()];
        after + blank.rfind('\n').map_or(blank.len(), |newline| newline + 1)
    }

    fn finish(self) -> Result<Parsed, Diagnostics> {
        let lines = self.drafts.iter().map(|draft| self.report.line_number(draft.at)).collect();
        if let Some(diagnostics) = self.report.into_diagnostics() {
            return Err(diagnostics);
        }
        let tasks = self.drafts.into_iter().map(|draft| Arc::new(draft.spec)).collect();
        Ok(Parsed { plan: Plan { title: self.title, tasks }, lines })
    }
}
