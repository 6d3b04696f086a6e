//! Waiting on a condition with a deadline: the only way a test waits for anything.

use std::fmt::Debug;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(5);

/// Looks until there is something to return; past the deadline it panics with what was waited for and what was seen last.
#[track_caller]
pub fn eventually<T, Seen: Debug>(
    deadline: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<T, Seen>,
) -> T {
    let started = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if started.elapsed() > deadline => {
                panic!("waited {deadline:?} for {what}; last seen: {seen:#?}")
            }
            Err(_) => std::thread::sleep(INTERVAL),
        }
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub fn until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    eventually(deadline, what, || condition().then_some(()).ok_or("not yet"));
}
