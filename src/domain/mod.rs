//! The rules, pure: no I/O, no clock, no async.
//!
//! [`transition`](transition::transition) is the whole of it; the other rooms hold the words it is written in.

pub mod actor;
mod answers;
mod attempt;
pub mod change;
pub mod command;
pub mod duration;
pub mod event;
pub mod gate;
pub mod hold;
pub mod id;
pub mod instant;
pub mod limits;
pub mod number;
pub mod plain;
pub mod plan;
pub mod policy;
pub mod purse;
pub mod recovery;
pub mod refused;
pub mod run;
pub mod sentence;
pub mod session;
mod settle;
pub mod size;
pub mod standing;
pub mod task;
#[cfg(test)]
mod tests;
pub mod transition;
mod turn;
pub mod usage;
pub mod usd;
pub mod words;
