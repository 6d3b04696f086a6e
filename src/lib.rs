//! A daemon that works through a task file with Claude Code, one job at a time, and asks its operator before anything
//! that matters.
//!
//! # Bird's-eye view
//!
//! Everything is a consequence of three ideas.
//!
//! 1. **One pure function**, [`domain::transition::transition`], says what a command does to a session: the next state,
//!    what happened, and what is to be stored or asked for besides. What comes next is decided in one place, `settle`.
//! 2. **One transaction** of the [`engine`] writes all of it. Nothing is acknowledged before it has committed.
//! 3. **One doorbell** rings after each commit. The [`worker`] and the [`notifier`] re-read what is committed and
//!    reconcile; a ring that is missed, a restart and a crash cost nothing.
//!
//! A command's way: [`http`] or [`cli`] → [`engine::Engine::execute`] → `transition` → [`store`] → commit → doorbell →
//! [`worker`] → [`claude::spawn`] → [`claude::see_through`] → [`engine::Engine::finish`] → `transition` → …
//!
//! What it tells goes three ways, in the same transaction: into the story ([`store::events`]), into the answer, and into the
//! outbox ([`store::outbox`]), in words of [`telegram`]; the [`notifier`] carries it from there to n8n.
//!
//! # The map
//!
//! Arrows point down only, and modules of one floor don't import each other; `tests/floors.rs` holds this table.
//!
//! | floor | rooms |
//! | --- | --- |
//! | 8 | [`cli`]: one file a subcommand, exit codes |
//! | 7 | [`app`]: the composition root |
//! | 6 | [`http`], [`worker`], [`notifier`], [`upkeep`]: the things that live |
//! | 5 | [`engine`]: the only writer of session state |
//! | 4 | [`store`]: all the SQL · [`claude`]: one run of the CLI · [`config`] · [`lifecycle`] · [`telemetry`] · [`outward`]: HTTP to others · [`supervisor`]: what systemd is told |
//! | 3 | [`files`]: plain files, private ones, whole ones, task files in their folder · [`user`]: running programs as another user |
//! | 2 | [`taskfile`]: markdown ↔ plan → prompt · [`telegram`]: how things read in a chat · [`signature`]: Standard Webhooks; all pure |
//! | 1 | [`domain`]: the rules, pure |
//!
//! # What holds everywhere, said as what there isn't
//!
//! - No state outside the database: memory holds a snapshot of what is committed, files hold what runs printed.
//! - No clock, no randomness and no I/O in [`domain`] and [`taskfile`]; the time is a parameter, and [`app::clock`] the
//!   one place that asks for it.
//! - No SQL outside [`store`], and no decision in it.
//! - No session, database or HTTP in [`claude`]: it knows files, processes and what a run printed.
//! - No JSON body, header or status code below [`http`].
//! - No second path for recovery: a run that a dead daemon left is seen through by the code that sees through a fresh one.
//! - No process of a run that outlives the run, and never two process trees at once.
//! - No verdict from an exit code: "completed" is the CLI's own result and the task's check.
//! - No gate id that is used twice, and no answer that can meet another gate than the one it names.
//! - No secret in a log, an event, an error, a process list or a run's environment.
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
pub mod notifier;
pub mod outward;
pub mod signature;
pub mod store;
pub mod supervisor;
pub mod taskfile;
pub mod telegram;
pub mod telemetry;
pub mod upkeep;
pub mod user;
pub mod worker;
