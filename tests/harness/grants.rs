//! Which runs anybody has allowed: counted from the commands and the task files alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::judge::granted;
use crate::record::Asked;

/// A session, a task and which of its runs.
type Place = (String, u64, u64);

/// What a task file says of its tasks, by number.
#[derive(Clone, Debug, Default)]
struct Rules {
    /// Those that ask for no approval of their own.
    free: BTreeSet<u64>,
    /// Those after which somebody wants to look.
    watched: BTreeSet<u64>,
}

#[derive(Clone, Debug, Default)]
struct Ledger {
    rules: Rules,
    /// Whether anybody has said yes to the session.
    begun: bool,
    /// Whether a completed task is to be looked at before anything goes on by itself.
    owed: bool,
    unused: BTreeMap<u64, u64>,
    went_by_itself: BTreeSet<u64>,
}

pub struct Grants<'a> {
    asked: BTreeMap<&'a str, &'a Asked>,
    ledgers: BTreeMap<String, Ledger>,
    seen: BTreeSet<Place>,
}

impl<'a> Grants<'a> {
    pub fn new(asked: &'a [Asked], files: &BTreeMap<String, String>) -> Self {
        let ledger = |text: &String| Ledger { rules: Rules::read(text), ..Ledger::default() };
        Self {
            asked: asked.iter().map(|asked| (asked.key.as_str(), asked)).collect(),
            ledgers: files.iter().map(|(session, text)| (session.clone(), ledger(text))).collect(),
            seen: BTreeSet::new(),
        }
    }

    /// A command was about to be sent: from here on, what it allows may happen.
    pub fn ask(&mut self, key: &str) {
        let Some(asked) = self.asked.get(key).filter(|asked| granted(asked)) else { return };
        let Some(ledger) = asked.session.as_ref().and_then(|session| self.ledgers.get_mut(session)) else {
            return;
        };
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        match asked.path {
            "/approve" | "/retry" => {
                ledger.begun = true;
                ledger.owed = false;
                *ledger.unused.entry(asked.task.unwrap_or_default()).or_default() += 1;
            }
            // A run that was ended to be continued needs no second approval.
            "/pause" if body["now"] == true => {
                ledger.owed = false;
                let told = asked.answer.as_ref().and_then(|answer| answer.json()["task"].as_u64());
                *ledger.unused.entry(told.or(asked.task).unwrap_or_default()).or_default() += 1;
            }
            // A task that is skipped while it ends may count as completed or not.
            "/skip" | "/stop" => ledger.owed = false,
            _ => {}
        }
    }

    pub fn has_seen(&self, place: &Place) -> bool {
        self.seen.contains(place)
    }

    /// A run began: by an approval of its own, else because its task needs none.
    pub fn use_up(&mut self, place: Place) -> Result<(), &'static str> {
        self.seen.insert(place.clone());
        let (session, task, _) = place;
        let ledger = self.ledgers.get_mut(&session).ok_or("nobody began its session")?;
        if let Some(unused) = ledger.unused.get_mut(&task).filter(|unused| **unused > 0) {
            *unused -= 1;
            return Ok(());
        }
        if !ledger.rules.free.contains(&task) {
            return Err("nobody approved it");
        }
        if !ledger.begun {
            return Err("nobody approved the session's start");
        }
        if ledger.owed {
            return Err("nobody approved what the checkpoint before it asked");
        }
        if !ledger.went_by_itself.insert(task) {
            return Err("nobody asked for it a second time");
        }
        Ok(())
    }

    pub fn completed(&mut self, session: &str, task: u64) {
        if let Some(ledger) = self.ledgers.get_mut(session).filter(|it| it.rules.watched.contains(&task)) {
            ledger.owed = true;
        }
    }
}

impl Rules {
    fn read(text: &str) -> Self {
        let mut rules = Self::default();
        let mut task = 0;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("## Task ") {
                task = rest.split(':').next().and_then(|number| number.parse().ok()).unwrap_or_default();
            }
            if line == "**Requires Approval:** false" {
                rules.free.insert(task);
            }
            if line == "**Type:** watched" {
                rules.watched.insert(task);
            }
        }
        rules
    }
}
