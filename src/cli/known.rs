//! What is known of a run that came to no good end, as paragraphs for a terminal.

use super::page::shortened;
use crate::domain::recovery::Recovery;

const LONGEST_TEXT: usize = 400;

/// How far the run got, and what it changed.
pub(super) fn known(recovery: &Recovery) -> Vec<String> {
    let changed = recovery.what_changed().map(|changed| shortened(&changed, LONGEST_TEXT));
    [Some(format!("Known: {}", shortened(&recovery.how_far(), LONGEST_TEXT))), changed]
        .into_iter()
        .flatten()
        .collect()
}
