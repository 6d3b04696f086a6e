//! Plain files: made for their owner only, found where they are allowed to be, read from their end, put
//! aside rather than lost.
//!
//! Knows paths and bytes; what they mean is for those above.

mod beside;
pub mod private;
mod reason;
mod size;
pub mod tail;
pub mod task_folder;
pub mod whole;

pub use beside::{beside, free, put_aside};
pub use reason::reason;
pub use size::size;
