//! What can be judged only when all tasks are read: their number, their numbers, and what they depend on.

use std::collections::HashMap;

use crate::domain::id::TaskNumber;

use super::MAX_TASKS;
use super::heading::SHAPE;
use super::key::Key;
use super::parse::Reader;

impl Reader<'_> {
    /// Judges the list of tasks.
    pub(super) fn judge_tasks(&mut self) {
        if self.drafts.is_empty() && self.report.count() == 0 {
            let message =
                if self.text.trim().is_empty() { "the file is empty" } else { "the file has no tasks" };
            self.report.mistake(0, message, Some(SHAPE.to_owned()));
        }
        if let Some(first_too_many) = self.drafts.get(MAX_TASKS) {
            let message = format!("too many tasks: {}, at most {MAX_TASKS}", self.drafts.len());
            self.report.mistake(first_too_many.at, message, None);
        }
        let mut lines = HashMap::new();
        for draft in &self.drafts {
            let number = draft.spec.number;
            let earlier = lines.insert(number, self.report.line_number(draft.at));
            if let Some(line) = earlier.filter(|_| number.0 > 0) {
                let message = format!("there is already a task {number} in line {line}");
                self.report.mistake(draft.at, message, None);
            }
            let speaks = draft.has(Key::Description) || draft.has(Key::ClaudeInstruction);
            if !speaks && !draft.garbled && !draft.derailed {
                let message = "the task has neither an instruction nor a description";
                let help = "write what Claude is to do below **Claude Instruction:**".to_owned();
                self.report.mistake(draft.at, message, Some(help));
            }
        }
    }

    /// Holds every dependency to the tasks that stand earlier in the file.
    pub(super) fn judge_dependencies(&mut self) {
        let mut first_with = HashMap::new();
        for (index, draft) in self.drafts.iter().enumerate() {
            first_with.entry(draft.spec.number).or_insert(index);
        }
        let mistaken_headings = first_with.contains_key(&TaskNumber(0));
        for (index, draft) in self.drafts.iter().enumerate() {
            for (number, at) in draft.spec.depends_on.iter().zip(&draft.depends_at) {
                let message = match first_with.get(number) {
                    Some(earlier) if *earlier < index => continue,
                    _ if *number == draft.spec.number => {
                        format!("task {number} cannot depend on itself")
                    }
                    Some(_) => format!("task {number} comes later in the file"),
                    None if mistaken_headings => continue,
                    None => format!("there is no task {number}"),
                };
                let help = "a task can depend only on earlier ones".to_owned();
                self.report.mistake(*at, message, Some(help));
            }
        }
    }
}
