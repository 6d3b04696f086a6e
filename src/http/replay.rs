//! What a signature was used for. It covers an id, a time and a body, but neither the endpoint nor the header
//! `Idempotency-Key`: whoever has overheard a signed request could send it to another endpoint, or again with another
//! key. So the first use decides which command a signature is good for, until it is too old to be good for anything.
//! Reads, which ignore keys, take any that is good.
//!
//! Only those who know the secret can add to what is kept here. It is in memory: after a restart it begins anew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::signature::{Signed, TOLERANCE};

/// What changes nothing.
const READS: [&str; 10] = [
    "/events",
    "/gates",
    "/health",
    "/logs",
    "/metrics",
    "/notifications",
    "/openapi.json",
    "/sessions",
    "/status",
    "/tasks",
];

/// The uses of all signatures that are still good.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    uses: HashMap<[u8; 32], Use>,
    /// When those that are too old were last thrown out.
    cleared: i64,
}

#[derive(Debug)]
struct Use {
    request: [u8; 32],
    until: i64,
}

impl Uses {
    /// Whether a good signature may be used for this: it was used for nothing yet, or for the same, or nothing is changed.
    pub(super) fn allow(
        &self,
        signed: &Signed<'_>,
        endpoint: &str,
        key: Option<&[u8]>,
        now: Timestamp,
    ) -> bool {
        let content = digest(&[signed.id.as_bytes(), signed.timestamp.as_bytes(), signed.body]);
        let request = digest(&[endpoint.as_bytes(), &[u8::from(key.is_some())], key.unwrap_or_default()]);
        let tolerance = TOLERANCE.cast_signed();
        let now = now.as_second();
        let until = signed.timestamp.parse().unwrap_or(now).saturating_add(tolerance);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.abs_diff(kept.cleared) > TOLERANCE {
            kept.uses.retain(|_, earlier| earlier.until >= now);
            kept.cleared = now;
        }
        let first = kept.uses.entry(content).or_insert(Use { request, until }).request;
        first == request || READS.contains(&endpoint)
    }
}

/// The hash of several parts, each told from the next by its length.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update((part.len() as u64).to_le_bytes()).chain_update(part)
    });
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_signature_is_good_for_one_request_however_often_it_comes() {
        let uses = Uses::default();
        let signed = Signed { id: "msg_1", timestamp: "1000", signatures: "", body: b"{}" };
        let allow = |endpoint: &str, key: Option<&str>| {
            uses.allow(&signed, endpoint, key.map(str::as_bytes), at(1000))
        };
        assert!(allow("/status", None) && allow("/status", None));
        assert!(!allow("/stop", None), "what was a question is no command");
        let another = Signed { id: "msg_2", ..signed };
        let allow = |endpoint: &str, key: Option<&str>| {
            uses.allow(&another, endpoint, key.map(str::as_bytes), at(1000))
        };
        assert!(allow("/stop", None) && allow("/stop", None));
        for (endpoint, key) in [("/skip", None), ("/stop", Some("")), ("/stop", Some("k"))] {
            assert!(!allow(endpoint, key), "{endpoint} {key:?}");
        }
        assert!(allow("/status", None) && allow("/logs", Some("k")), "keys are nothing to reads");
    }

    #[test]
    fn what_is_too_old_to_be_good_is_not_kept() {
        let uses = Uses::default();
        for second in 0..10_000_i64 {
            let timestamp = second.to_string();
            let signed = Signed { id: "msg", timestamp: &timestamp, signatures: "", body: b"" };
            assert!(uses.allow(&signed, "/status", None, at(second)));
        }
        assert!(uses.0.lock().unwrap().uses.len() <= 2 * usize::try_from(TOLERANCE).unwrap() + 2);
    }
}
