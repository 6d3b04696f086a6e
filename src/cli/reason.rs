//! Why a person is asked, in words that say where each reason comes from.

use crate::domain::gate::Reason;
use crate::domain::sentence::granted;

/// Why a person is asked, as a sentence part.
pub(super) fn because(reason: &Reason) -> String {
    match reason {
        Reason::Start => "the session is new".to_owned(),
        Reason::Manual => "every task waits (approval mode manual)".to_owned(),
        Reason::Required => "a task waits unless its file says otherwise (approval mode required)".to_owned(),
        Reason::Requested => "the task file asks for approval".to_owned(),
        Reason::ApproveBefore => "tasks of this type wait (approve_before)".to_owned(),
        Reason::Checkpoint { after } => format!("task {after} is completed, and is to be looked at"),
        Reason::Dependency { on } => format!("task {on}, on which it depends, is not completed"),
        Reason::Rejected { feedback: Some(feedback), .. } => format!("rejected: \"{feedback}\""),
        Reason::Rejected { feedback: None, .. } => "rejected".to_owned(),
        spent @ Reason::Spent { .. } => {
            let more = granted(std::slice::from_ref(spent)).unwrap_or_default();
            format!("{spent}; approve allows {more}")
        }
        plain @ (Reason::Fruitless { .. } | Reason::Untold { .. }) => plain.to_string(),
    }
}
