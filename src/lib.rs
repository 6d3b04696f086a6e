//! A daemon that works through a task file with Claude Code, one job at a time.
pub mod domain;
pub mod store;
