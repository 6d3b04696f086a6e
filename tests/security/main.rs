//! What strangers and their programs can do to the daemon, line by line of `docs/security.md`: what they send, how many
//! they are, what a browser does for them, and what is left lying about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod crowd;
mod left_about;
mod secrets;
mod wire;
