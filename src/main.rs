//! Parses arguments, runs, and maps errors to exit codes.
fn main() {}
