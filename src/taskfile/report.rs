//! The mistakes in one file, while it is being read.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::source::Source;

/// Collects mistakes in whatever order they are found.
pub(super) struct Report<'a> {
    source: &'a Source,
    found: Vec<(usize, Diagnostic)>,
}

impl<'a> Report<'a> {
    /// Begins without mistakes.
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, found: Vec::new() }
    }

    /// Adds a mistake at an offset.
    pub(super) fn mistake(&mut self, at: usize, message: impl Into<String>, help: Option<String>) {
        let diagnostic = self.source.diagnostic(at, message, help);
        self.found.push((at, diagnostic));
    }

    /// How many mistakes have been found so far.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// The 1-based number of the line that holds an offset.
    pub(super) fn line_number(&self, at: usize) -> u32 {
        self.source.line_number(at)
    }

    /// All mistakes in the order in which they stand in the file; `None` if there are none.
    pub(super) fn into_diagnostics(mut self) -> Option<Diagnostics> {
        self.found.sort_by_key(|(at, _)| *at);
        let found: Vec<_> = self.found.into_iter().map(|(_, mistake)| mistake).collect();
        (!found.is_empty()).then_some(Diagnostics(found))
    }
}
