//! Task files: what a person writes, what the daemon makes of it, and what Claude reads in the end.
//!
//! | module | from | to |
//! | --- | --- | --- |
//! | [`parse()`] | a task file's bytes | a [`Plan`](crate::domain::plan::Plan), or every mistake at once |
//! | [`render()`] | a plan | a task file |
//! | [`prompt()`] | one task of a plan | the text that Claude is given |
//! | [`daily`] | the day's log | its context and notes |
//! | [`diagnostic`] | a mistake | the lines that point at it |
//!
//! Two invariants. Nothing that a person wrote is dropped without a word: it is part of a task, before the first task,
//! or a mistake. And `parse(render(plan))` gives the same plan for every plan that [`parse()`](parse::parse) can give.
//!
//! What makes the second one hold: the text under a key is read as a markdown document of its own, so neither what
//! stands above it nor whether it begins beside or below its key can change what it means.
//!
//! Pure: no file is opened and no clock read here, and nothing is known of sessions.

mod criteria;
pub mod daily;
pub mod diagnostic;
mod draft;
mod heading;
mod judge;
mod key;
mod outline;
pub mod parse;
mod part;
pub mod prompt;
pub mod render;
mod report;
mod section;
mod source;
#[cfg(test)]
mod tests;
mod value;

pub use daily::{DayLog, date_in_name};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use parse::{Parsed, parse};
pub use prompt::{CheckOutput, PromptParts, continue_prompt, prompt};
pub use render::render;

/// The most tasks that one file may hold.
pub const MAX_TASKS: usize = 500;

/// The most bytes that one file may hold.
pub const MAX_BYTES: usize = 1024 * 1024;
