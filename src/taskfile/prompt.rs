//! One task → the text that Claude reads.
//!
//! Everything Claude is told stands in this text; nothing is told by the order of runs or by what earlier ones said.

use std::fmt::Write as _;

use crate::domain::plan::TaskSpec;

use super::criteria;
use super::daily::DayLog;

/// What goes into the prompt of one run.
#[derive(Clone, Copy, Debug)]
pub struct PromptParts<'a> {
    /// The task.
    pub spec: &'a TaskSpec,
    /// Which task of its session this is, from 1.
    pub position: usize,
    /// How many tasks the session has.
    pub total: usize,
    /// The day's log, if there is one.
    pub day: Option<&'a DayLog>,
    /// What the operator said with approvals, oldest first.
    pub notes: &'a [String],
    /// What the operator said about earlier runs, oldest first.
    pub feedback: &'a [String],
    /// Why the task's check failed after the run before, if it did.
    pub check_output: Option<CheckOutput<'a>>,
}

/// What a failed check printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckOutput<'a> {
    /// The check's name in the configuration.
    pub name: &'a str,
    /// Its output, already cut to a sensible length.
    pub output: &'a str,
}

/// Writes the prompt of a new run.
pub fn prompt(parts: &PromptParts<'_>) -> String {
    let PromptParts { spec, day, .. } = parts;
    let mut text = introduction(parts);
    push_section(&mut text, "Description", spec.description.as_deref());
    push_section(&mut text, "Instruction", spec.instruction.as_deref());
    push_list(&mut text, "Acceptance criteria", &spec.acceptance_criteria);
    push_said(&mut text, parts.notes, parts.feedback);
    if let Some(check) = parts.check_output {
        push_check(&mut text, check);
    }
    let context = day.and_then(|day| day.context.as_deref());
    let notes = day.and_then(|day| day.notes.as_deref());
    push_section(&mut text, "Context of the day", context);
    push_section(&mut text, "Notes of the day", notes);
    text
}

/// Writes the prompt that resumes an interrupted Claude session, which still knows its task.
pub fn continue_prompt(parts: &PromptParts<'_>) -> String {
    let PromptParts { spec, .. } = parts;
    let mut text = format!(
        "You were interrupted while working on task {}: {}\n\n\
         Look at what is already done, then finish this task. Do only this task.\n",
        spec.number, spec.title
    );
    push_said(&mut text, parts.notes, parts.feedback);
    if let Some(check) = parts.check_output {
        push_check(&mut text, check);
    }
    text
}

fn introduction(parts: &PromptParts<'_>) -> String {
    let PromptParts { spec, position, total, .. } = parts;
    let place = if *total == 1 {
        "This is the only task. Do it and nothing beyond it.".to_owned()
    } else {
        format!(
            "This is task {position} of {total}. Do only this one: the others are done in runs of their own, \
             before and after it."
        )
    };
    format!("# Task {}: {}\n\n{place}\n", spec.number, spec.title)
}

fn push_said(text: &mut String, notes: &[String], feedback: &[String]) {
    push_list(text, "Notes from the operator", notes);
    push_list(text, "The operator's feedback on earlier runs", feedback);
}

/// Adds a section, unless it would be empty.
fn push_section(text: &mut String, heading: &str, body: Option<&str>) {
    let body = body.unwrap_or_default().trim_matches('\n');
    if !body.trim().is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n## {heading}\n\n{body}\n");
    }
}

fn push_list(text: &mut String, heading: &str, items: &[String]) {
    let items: String =
        items.iter().map(|item| item.trim()).filter(|item| !item.is_empty()).map(criteria::write).collect();
    push_section(text, heading, Some(&items));
}

fn push_check(text: &mut String, check: CheckOutput<'_>) {
    let output = check.output.trim_matches('\n').trim_end();
    let fence = "`".repeat(3.max(longest_run_of_backticks(output) + 1));
    let body = format!(
        "After the previous run the check `{}` failed; the task is completed only when it passes. It printed:\n\n\
         {fence}text\n{output}\n{fence}",
        check.name
    );
    push_section(text, "The failed check", Some(&body));
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or_default()
}
