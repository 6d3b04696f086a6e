//! How things read in a chat: HTML that Telegram takes, and buttons. Pure.
//!
//! Whatever is quoted is escaped and shut in; no message is longer than Telegram allows. Knows events, gates and sessions,
//! and nothing of how a message gets to a phone.

mod answer;
mod card;
mod failure;
mod help;
mod keyboard;
mod lists;
mod logs;
mod message;
mod notice;
mod outlook;
mod part;
mod probe;
mod progress;
mod quoted;
mod rank;
mod run;
mod scene;
mod status;
mod story;
mod text;
mod words;

pub use self::answer::answer;
pub use self::failure::{Fault, failure, refusal};
pub use self::help::help;
pub use self::keyboard::{Button, Keyboard};
pub use self::lists::{ListedGate, ListedNotification, ListedSession, gates, notifications, sessions, tasks};
pub use self::logs::{Log, logs};
pub use self::message::{Message, ParseMode};
pub use self::notice::{Kind, Notice, notice};
pub use self::probe::probe;
pub use self::progress::{progress, progress_end};
pub use self::scene::Scene;
pub use self::status::{Status, status};
