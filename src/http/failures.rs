//! How many wrong proofs came from where in this minute: bounded in memory, however many addresses there are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::origin::origin;

/// How many wrong proofs a minute an address may give before it is told to stop.
const FAILURES: u32 = 10;
/// How many addresses are kept in mind; more in one minute are told to stop at once.
const ADDRESSES: usize = 10_000;

/// The wrong proofs of one minute.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    counts: HashMap<IpAddr, u32>,
}

impl Failures {
    /// Counts a wrong proof; answers whether it is one too many.
    pub(super) fn are_too_many(&self, from: IpAddr, now: Timestamp) -> bool {
        let number = now.as_second().div_euclid(60);
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.number != number {
            *minute = Minute { number, counts: HashMap::new() };
        }
        let from = origin(from);
        if minute.counts.len() >= ADDRESSES && !minute.counts.contains_key(&from) {
            return true;
        }
        let count = minute.counts.entry(from).or_default();
        *count = count.saturating_add(1);
        *count > FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn ten_a_minute_are_heard_from_each_address() {
        let failures = Failures::default();
        let [one, other] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        for _ in 0..FAILURES {
            assert!(!failures.are_too_many(one, at(60)));
        }
        assert!(failures.are_too_many(one, at(119)));
        assert!(!failures.are_too_many(other, at(119)));
        assert!(!failures.are_too_many(one, at(120)));
    }

    #[test]
    fn a_million_addresses_take_no_more_memory_than_ten_thousand() {
        let failures = Failures::default();
        let mut heard = 0;
        for number in 0..1_000_000 {
            heard += usize::from(!failures.are_too_many(Ipv4Addr::from_bits(number).into(), at(0)));
        }
        assert_eq!(heard, ADDRESSES);
        assert_eq!(failures.0.lock().unwrap().counts.len(), ADDRESSES);
        assert!(!failures.are_too_many(Ipv4Addr::from_bits(999_999).into(), at(60)), "a minute later");
        assert_eq!(failures.0.lock().unwrap().counts.len(), 1);
    }
}
