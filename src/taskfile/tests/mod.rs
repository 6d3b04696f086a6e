//! Tests that need more than one module of this part.

mod examples;
mod files;
mod mistakes;
mod prompts;
mod properties;
mod reading;
mod speed;

use std::sync::Arc;

use crate::domain::plan::{Plan, TaskSpec};

use super::{Diagnostics, parse};

/// Parses a file that must be right.
fn plan(text: &str) -> Plan {
    match parse("tasks.md", text.as_bytes(), &["tests".to_owned()]) {
        Ok(parsed) => parsed.plan,
        Err(mistakes) => panic!("{}", mistakes.annotated()),
    }
}

/// Parses a file that must be right and have one task.
fn only_task(text: &str) -> Arc<TaskSpec> {
    let mut tasks = plan(text).tasks;
    assert_eq!(tasks.len(), 1, "{tasks:#?}");
    tasks.remove(0)
}

/// Parses a file that must be wrong.
fn mistakes(text: &str) -> Diagnostics {
    parse("tasks.md", text.as_bytes(), &["tests".to_owned()]).unwrap_err()
}
