//! Plain files: made for their owner only, found where they are allowed to be, read from their end.
//!
//! Knows paths and bytes; what they mean is for those above.

pub mod private;
mod reason;
pub mod tail;
pub mod task_folder;
pub mod whole;

pub use reason::reason;
