//! Task files, as a person would write them.

use std::fmt::Write as _;

/// One task; its number is its place in the file.
pub struct Task {
    title: String,
    keys: Vec<(&'static str, String)>,
    instruction: String,
}

impl Task {
    pub fn new(title: &str, instruction: &str) -> Self {
        Self { title: title.into(), keys: Vec::new(), instruction: instruction.into() }
    }

    /// Adds a line such as `**Type:** database`.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: &str) -> Self {
        self.keys.push((key, value.into()));
        self
    }
}

pub fn task_file(tasks: &[Task]) -> String {
    let mut markdown = String::from("# Tasks - 2025-11-20\n");
    for (number, task) in (1..).zip(tasks) {
        write!(markdown, "\n## Task {number}: {}\n", task.title).unwrap();
        for (key, value) in &task.keys {
            writeln!(markdown, "**{key}:** {value}").unwrap();
        }
        write!(markdown, "\n**Claude Instruction:**\n{}\n", task.instruction.trim_end()).unwrap();
    }
    markdown
}
