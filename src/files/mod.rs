//! Plain files: made for their owner only, found where they are allowed to be, read from their end, put
//! aside rather than lost; and the room there is for more.
//!
//! Knows paths and bytes; what they mean is for those above.

mod beside;
pub mod plain;
pub mod private;
mod reason;
mod room;
mod size;
pub mod tail;
pub mod task_folder;
pub mod whole;
pub mod zone;

pub use beside::{beside, free, put_aside};
pub use reason::reason;
pub use room::{holds_no_more_files, is_full, room};
pub use size::size;
