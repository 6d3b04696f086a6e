//! One task while it is being read.

use std::collections::BTreeSet;

use crate::domain::id::TaskNumber;
use crate::domain::plan::TaskSpec;

use super::key::Key;
use super::report::Report;
use super::value::{self, BadValue};

/// How many bad dependencies of one task are reported.
const MOST_BAD_DEPENDENCIES: usize = 20;

/// A task and what is known of where its parts stand.
pub(super) struct Draft {
    /// Where the heading's line begins.
    pub(super) at: usize,
    /// What has been read so far. After a mistaken heading the number is a guess, or 0.
    pub(super) spec: TaskSpec,
    /// Whether a mistake has been reported that may hide a key or its text.
    pub(super) garbled: bool,
    /// Whether a key after the instruction has been reported: what follows it isn't judged.
    pub(super) derailed: bool,
    /// Where each number of [`TaskSpec::depends_on`] stands.
    pub(super) depends_at: Vec<usize>,
    keys: Vec<(Key, usize)>,
}

impl Draft {
    /// Begins a task.
    pub(super) fn new(at: usize, number: TaskNumber, title: &str) -> Self {
        let spec = TaskSpec {
            number,
            title: title.to_owned(),
            kind: "general".to_owned(),
            priority: None,
            requires_approval: None,
            description: None,
            acceptance_criteria: Vec::new(),
            instruction: None,
            model: None,
            timeout: None,
            idle_timeout: None,
            check: None,
            depends_on: Vec::new(),
        };
        Self { at, spec, garbled: false, derailed: false, depends_at: Vec::new(), keys: Vec::new() }
    }

    /// Notes that a key was given; returns where it was given before.
    pub(super) fn note(&mut self, key: Key, at: usize) -> Option<usize> {
        let earlier = self.keys.iter().find(|(noted, _)| *noted == key);
        let earlier = earlier.map(|(_, at)| *at);
        self.keys.push((key, at));
        earlier
    }

    /// Where the key stands that was given last; the heading before any.
    pub(super) fn last_key_at(&self) -> usize {
        self.keys.last().map_or(self.at, |(_, at)| *at)
    }

    /// Whether a key was given, with whatever value.
    pub(super) fn has(&self, key: Key) -> bool {
        self.keys.iter().any(|(noted, _)| *noted == key)
    }

    /// Stores the value of a key that takes one line; the keys that take a text are stored by the parser.
    pub(super) fn set(
        &mut self,
        key: Key,
        text: &str,
        at: usize,
        checks: &[String],
        report: &mut Report<'_>,
    ) {
        let spec = &mut self.spec;
        let mut stored = Ok(());
        match key {
            Key::Type => spec.kind = text.to_lowercase(),
            Key::Priority => spec.priority = Some(text.to_owned()),
            Key::RequiresApproval => {
                stored = keep(&mut spec.requires_approval, value::boolean(text));
            }
            Key::Model => stored = keep(&mut spec.model, value::model(text)),
            Key::Timeout => stored = keep(&mut spec.timeout, value::time_limit(text)),
            Key::IdleTimeout => stored = keep(&mut spec.idle_timeout, value::time_limit(text)),
            Key::Check => stored = keep(&mut spec.check, value::check(text, checks)),
            Key::DependsOn => self.depend_on(text, at, report),
            Key::Description | Key::AcceptanceCriteria | Key::ClaudeInstruction => {}
        }
        if let Err(BadValue { message, help }) = stored {
            report.mistake(at, message, Some(help));
        }
    }

    fn depend_on(&mut self, text: &str, at: usize, report: &mut Report<'_>) {
        let mut seen = BTreeSet::new();
        let mut bad = 0;
        let mut next = at;
        for item in text.split(',') {
            let here = next + item.len() - item.trim_start().len();
            next += item.len() + 1;
            match value::dependency(item.trim()) {
                Ok(number) => {
                    if seen.insert(number) {
                        self.spec.depends_on.push(number);
                        self.depends_at.push(here);
                    }
                }
                Err(BadValue { message, help }) if bad < MOST_BAD_DEPENDENCIES => {
                    bad += 1;
                    report.mistake(here, message, Some(help));
                }
                Err(_) => {}
            }
        }
    }
}

fn keep<T>(slot: &mut Option<T>, value: Result<T, BadValue>) -> Result<(), BadValue> {
    *slot = Some(value?);
    Ok(())
}
