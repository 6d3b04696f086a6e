//! Scripts that can be executed as soon as they are written.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Has another process write a script: one that this process had open for writing would be busy (`ETXTBSY`) for as long as
/// a program that another test is starting has our descriptors.
#[track_caller]
pub fn write_executable(path: &Path, script: &str) {
    let mut writing = Command::new("/bin/sh");
    writing.args(["-c", "cat >\"$0\" && chmod 755 \"$0\""]).arg(path).stdin(Stdio::piped());
    let mut writing = writing.spawn().unwrap();
    writing.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(writing.wait().unwrap().success(), "{} can't be written", path.display());
}
