//! A refusal that takes no transaction: a command without a key that the committed state forbids changes nothing, and leaves
//! nothing to remember.

use super::{Engine, Error, Request, Wish};
use crate::domain::change::World;
use crate::domain::command::Order;
use crate::domain::id::GateId;
use crate::domain::refused::Refused;
use crate::domain::transition::transition;

impl Engine {
    /// The refusal, if the committed state alone tells it. Only for one who holds the writer: nobody commits meanwhile.
    /// Whatever this can't tell is for the transaction.
    pub(super) fn refused_at_a_glance(&self, request: &Request) -> Option<Error> {
        let (Wish::Tell(command), None) = (&request.wish, &request.key) else { return None };
        let (snapshot, now) = (self.snapshot(), self.now());
        if snapshot.account.day != self.today() {
            return None;
        }
        let world = World {
            now,
            // No refusal names a gate that it doesn't open.
            fresh_gate: GateId::from_random(0),
            hold: snapshot.hold.clone().filter(|hold| hold.stands(now)),
            last_hold: snapshot.last_hold.clone(),
            run_open: snapshot.run.is_some(),
            today: snapshot.account,
        };
        let order = Order { command: command.clone(), by: request.by.clone(), sent_at: request.sent_at };
        match transition(snapshot.current().map(AsRef::as_ref), &order, &world) {
            Err(Refused::NotNow(message)) => Some(Error::Refused(message)),
            Err(Refused::Unknown(message)) => Some(Error::NotFound(message)),
            Err(Refused::StillOpen { .. } | Refused::NotTheOpenGate(_)) | Ok(_) => None,
        }
    }
}
