//! What the gallery has to show. A variant that is added breaks the build here, and then the test until it is shown.

use std::collections::BTreeSet;

use orchestrator::domain::event::Event;
use orchestrator::domain::gate::{About, Decision, Gate, Next, Reason};
use orchestrator::domain::hold::{Hold, HoldKind};
use orchestrator::domain::refused::{Offer, Refused};
use orchestrator::domain::session::Why;
use serde_json::Value;

use crate::support::openapi::Description;

/// What has been shown, by number within each kind of thing.
#[derive(Default)]
pub struct Seen {
    events: BTreeSet<usize>,
    abouts: BTreeSet<usize>,
    reasons: BTreeSet<usize>,
    decisions: BTreeSet<usize>,
    intents: BTreeSet<usize>,
    holds: BTreeSet<&'static str>,
    refusals: BTreeSet<usize>,
    offers: BTreeSet<usize>,
    codes: BTreeSet<String>,
}

impl Seen {
    pub fn events(&mut self, events: &[Event]) {
        for event in events {
            self.events.insert(number(event));
            match event {
                Event::GateOpened { gate, .. } | Event::GateReminded { gate, .. } => self.gate(gate),
                Event::GateClosed { decision, .. } => {
                    self.decisions.insert(match decision {
                        Decision::Approved => 0,
                        Decision::Rejected => 1,
                        Decision::Retried => 2,
                        Decision::Skipped => 3,
                        Decision::Stopped => 4,
                        Decision::Withdrawn => 5,
                        Decision::Continued => 6,
                    });
                }
                Event::RunEnding { why, .. } => {
                    self.intents.insert(match why {
                        Why::Pause => 0,
                        Why::Skip => 1,
                        Why::Stop => 2,
                    });
                }
                Event::RunBlocked { hold, .. } | Event::HoldBegan { hold } => self.hold(hold),
                _ => {}
            }
        }
    }

    pub fn hold(&mut self, hold: &Hold) {
        self.holds.insert(hold.kind.as_str());
    }

    pub fn refusal(&mut self, refused: &Refused) {
        self.refusals.insert(match refused {
            Refused::NotNow(_) => 0,
            Refused::Unknown(_) => 1,
            Refused::StillOpen { .. } => 2,
            Refused::NotTheOpenGate(_) => 3,
        });
    }

    pub fn offer(&mut self, offer: &Offer) {
        self.offers.insert(match offer {
            Offer::Replace { .. } => 0,
            Offer::Again { .. } => 1,
            Offer::Start { .. } => 2,
        });
    }

    pub fn code(&mut self, code: &str) {
        self.codes.insert(code.to_owned());
    }

    /// Fails unless all of it was shown.
    pub fn is_everything(&self) {
        let all = |seen: &BTreeSet<usize>, number: usize, what: &str| {
            let missing: Vec<_> = (0..number).filter(|at| !seen.contains(at)).collect();
            assert!(missing.is_empty() && seen.len() == number, "{what} that aren't shown: {missing:?}");
        };
        all(&self.events, 26, "events");
        all(&self.abouts, 4, "kinds of gates");
        all(&self.reasons, 11, "reasons");
        all(&self.decisions, 7, "decisions");
        all(&self.intents, 3, "reasons to end a run");
        all(&self.refusals, 4, "refusals");
        all(&self.offers, 3, "offers");
        assert_eq!(self.holds, HoldKind::ALL.iter().map(|kind| kind.as_str()).collect());
        assert_eq!(self.codes, codes().into_iter().map(|(code, _)| code).collect());
    }

    fn gate(&mut self, gate: &Gate) {
        let (about, reasons) = match &gate.about {
            About::Before { next: Next::Task(_), reasons } => (0, reasons.as_slice()),
            About::Before { next: Next::End, reasons } => (1, reasons.as_slice()),
            About::Failed { .. } => (2, [].as_slice()),
            About::Interrupted { .. } => (3, [].as_slice()),
        };
        self.abouts.insert(about);
        self.reasons.extend(reasons.iter().map(|reason| match reason {
            Reason::Start => 0,
            Reason::Manual => 1,
            Reason::Required => 2,
            Reason::Requested => 3,
            Reason::ApproveBefore => 4,
            Reason::Checkpoint { .. } => 5,
            Reason::Dependency { .. } => 6,
            Reason::Rejected { .. } => 7,
            Reason::Spent { .. } => 8,
            Reason::Fruitless { .. } => 9,
            Reason::Untold { .. } => 10,
        }));
    }
}

/// Every code of an error with an answer that carries it: the examples of the OpenAPI document, which are made by the same
/// code as real ones.
pub fn codes() -> Vec<(String, Value)> {
    let responses = &Description::get().document["components"]["responses"];
    let examples =
        responses.as_object().unwrap().values().flat_map(|response| {
            response["content"]["application/json"]["examples"].as_object().unwrap().iter()
        });
    examples.map(|(code, example)| (code.clone(), example["value"].clone())).collect()
}

fn number(event: &Event) -> usize {
    match event {
        Event::SessionStarted { .. } => 0,
        Event::GateOpened { .. } => 1,
        Event::GateClosed { .. } => 2,
        Event::TaskStarted { .. } => 3,
        Event::TaskCompleted { .. } => 4,
        Event::TaskFailed { .. } => 5,
        Event::TaskInterrupted { .. } => 6,
        Event::TaskSkipped { .. } => 7,
        Event::TaskRetried { .. } => 8,
        Event::RunEnding { .. } => 9,
        Event::RunSuspended { .. } => 10,
        Event::RunBlocked { .. } => 11,
        Event::RunNeverRan { .. } => 12,
        Event::Paused { .. } => 13,
        Event::Resumed { .. } => 14,
        Event::GateReminded { .. } => 15,
        Event::HoldBegan { .. } => 16,
        Event::HoldEnded { .. } => 17,
        Event::SessionCompleted { .. } => 18,
        Event::SessionStopped { .. } => 19,
        Event::RunOutOfBudget { .. } => 20,
        Event::RunNotResumed { .. } => 21,
        Event::GotThrough { .. } => 22,
        Event::BudgetRaised { .. } => 23,
        Event::DatabaseReplaced { .. } => 24,
        Event::DatabaseRestored { .. } => 25,
    }
}
