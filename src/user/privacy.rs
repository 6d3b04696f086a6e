//! Keeps what this process knows out of the reach of others of the same user.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// From now on nobody but root can read this process's memory and environment, trace it, or find a core dump of it.
///
/// What it starts is not bound by that, for starting a program makes it readable again; the limit on core dumps is
/// inherited, and can be raised.
pub fn keep_private() {
    // Both only ever take something away, which the kernel refuses to nobody.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let Rlimit { maximum, .. } = getrlimit(Resource::Core);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
}
