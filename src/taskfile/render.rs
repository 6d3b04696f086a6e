//! Plan → markdown: the file that a person would have written.

use std::fmt::Write as _;

use crate::domain::plan::{Plan, TaskSpec};

use super::key::Key;
use super::{criteria, heading, value};

/// Writes a plan as a task file that [`parse()`](super::parse::parse) reads back as the same plan.
///
/// That holds for plans that were parsed; a plan from elsewhere may hold texts that no task file can express (a task
/// heading within an instruction), and parsing what is written here tells.
pub fn render(plan: &Plan) -> String {
    let mut file = String::new();
    if let Some(title) = &plan.title {
        push_line(&mut file, &heading::line_with("#", title));
        file.push('\n');
    }
    for (index, task) in plan.tasks.iter().enumerate() {
        if index > 0 {
            file.push('\n');
        }
        push_task(&mut file, task);
    }
    file
}

fn push_task(file: &mut String, task: &TaskSpec) {
    let title = format!("Task {}: {}", task.number, task.title);
    push_line(file, &heading::line_with("##", &title));
    for key in Key::ALL {
        if let Some(value) = value_of(task, key) {
            push_line(file, &format!("**{}:** {value}", key.name()));
        }
    }
    push_description(file, task);
    push_criteria(file, task);
    push_instruction(file, task);
    file.push_str("\n---\n");
}

/// The value of a key that takes one line, if the task has it.
fn value_of(task: &TaskSpec, key: Key) -> Option<String> {
    match key {
        Key::Type => Some(task.kind.clone()),
        Key::Priority => task.priority.clone(),
        Key::RequiresApproval => task.requires_approval.map(|value| value.to_string()),
        Key::Model => task.model.clone(),
        Key::Timeout => task.timeout.map(value::write_duration),
        Key::IdleTimeout => task.idle_timeout.map(value::write_duration),
        Key::Check => task.check.clone(),
        Key::DependsOn => {
            let numbers: Vec<String> = task.depends_on.iter().map(ToString::to_string).collect();
            (!numbers.is_empty()).then(|| numbers.join(", "))
        }
        Key::Description | Key::AcceptanceCriteria | Key::ClaudeInstruction => None,
    }
}

/// Begins a description beside its key, unless its first line is indented, which would be lost there.
fn push_description(file: &mut String, task: &TaskSpec) {
    if let Some(text) = &task.description {
        let gap = if text.starts_with([' ', '\t']) { '\n' } else { ' ' };
        push_line(file, &format!("**{}:**{gap}{text}", Key::Description.name()));
    }
}

fn push_criteria(file: &mut String, task: &TaskSpec) {
    if task.acceptance_criteria.is_empty() {
        return;
    }
    push_line(file, &format!("**{}:**", Key::AcceptanceCriteria.name()));
    for criterion in &task.acceptance_criteria {
        file.push_str(&criteria::write(criterion));
    }
}

fn push_instruction(file: &mut String, task: &TaskSpec) {
    if let Some(text) = &task.instruction {
        push_line(file, &format!("\n**{}:**\n{text}", Key::ClaudeInstruction.name()));
    }
}

fn push_line(file: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(file, "{line}");
}
