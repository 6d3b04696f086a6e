//! A daemon that works through a task file with Claude Code, one job at a time.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod domain;
