//! The rules, pure: no I/O, no clock, no async.

pub mod duration;
pub mod id;
pub mod plan;
pub mod policy;
pub mod run;
pub mod usd;
