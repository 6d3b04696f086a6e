//! A daemon that works through a task file with Claude Code, one job at a time.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod app;
pub mod claude;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod files;
pub mod http;
pub mod lifecycle;
pub mod store;
pub mod taskfile;
pub mod telemetry;
pub mod worker;
