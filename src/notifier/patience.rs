//! When a notification is tried again, and when it is given up.

use std::time::Duration;

use jiff::Timestamp;

use super::post::Heard;
use crate::store::outbox::{Notification, Settled};

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_mins(5);
/// How long attempts are made in vain.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(24);
/// How long after its start a daemon gives nothing up for its age: both it and the receiver may have been off.
const AFTER_START: Duration = Duration::from_mins(15);
/// How many times the receiver may refuse one notification.
const REFUSALS: u32 = 5;
/// How much a pause may be longer or shorter, so that many don't come at the same time.
const JITTER: f64 = 0.2;

/// The rules of delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    started: Timestamp,
}

impl Patience {
    /// The patience of a daemon that started then.
    pub(super) fn since(started: Timestamp) -> Self {
        Self { started }
    }

    /// What follows from what was heard.
    pub(super) fn judge(self, notification: &Notification, heard: Heard, now: Timestamp) -> Settled {
        match heard {
            Heard::Accepted { message_id } => Settled::Delivered { message_id },
            Heard::Gone(error) => Settled::Dead { error },
            Heard::Refused(error) if notification.refusals + 1 >= REFUSALS => Settled::Dead { error },
            Heard::Refused(error) | Heard::Failed { error, .. } if self.is_over(notification, now) => {
                Settled::Dead { error }
            }
            Heard::Refused(error) => {
                let next_at = later(now, pause(notification.attempts));
                Settled::Later { next_at, refused: true, asked: false, error }
            }
            Heard::Failed { error, retry_after: Some(pause) } => {
                Settled::Later { next_at: later(now, pause), refused: false, asked: true, error }
            }
            Heard::Failed { error, retry_after: None } => {
                let next_at = later(now, pause(notification.attempts));
                Settled::Later { next_at, refused: false, asked: false, error }
            }
        }
    }

    fn is_over(self, notification: &Notification, now: Timestamp) -> bool {
        let longer_than = |since: Timestamp, limit: Duration| later(since, limit) <= now;
        notification.since.is_some_and(|since| longer_than(since, GIVEN_UP_AFTER))
            && longer_than(self.started, AFTER_START)
    }
}

/// After 1, 2, 4 … 300 s, more or less.
fn pause(attempts: u32) -> Duration {
    let pause = Duration::from_secs(2_u64.saturating_pow(attempts)).min(LONGEST);
    pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * fastrand::f64())
}

fn later(from: Timestamp, pause: Duration) -> Timestamp {
    from.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn notification(attempts: u32, refusals: u32, since: Option<i64>) -> Notification {
        Notification {
            ordinal: 1,
            id: "n".to_owned(),
            session: None,
            chat: None,
            lane: "/".to_owned(),
            task: None,
            gate: None,
            kind: "info".to_owned(),
            event: "paused".to_owned(),
            message: "Paused".to_owned(),
            telegram: RawValue::from_string("{}".to_owned()).unwrap(),
            at: at(0),
            state: "pending".to_owned(),
            attempts,
            refusals,
            since: since.map(at),
            next_at: at(0),
            error: None,
        }
    }

    fn failed(retry_after: Option<u64>) -> Heard {
        Heard::Failed { error: "503".to_owned(), retry_after: retry_after.map(Duration::from_secs) }
    }

    fn wait(settled: &Settled, now: i64) -> f64 {
        let Settled::Later { next_at, .. } = settled else { panic!("{settled:?}") };
        next_at.duration_since(at(now)).as_secs_f64()
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let patience = Patience::since(at(0));
        for (attempts, about) in [(0, 1.0), (1, 2.0), (2, 4.0), (8, 256.0), (9, 300.0), (400, 300.0)] {
            for _ in 0..100 {
                let waited =
                    wait(&patience.judge(&notification(attempts, 0, Some(0)), failed(None), at(10)), 10);
                assert!((about * 0.79..=about * 1.21).contains(&waited), "{attempts}: {waited}");
            }
        }
    }

    #[test]
    fn the_receivers_own_pause_is_obeyed() {
        let settled = Patience::since(at(0)).judge(&notification(0, 0, None), failed(Some(17)), at(10));
        assert!((wait(&settled, 10) - 17.0).abs() < 0.01, "{settled:?}");
        assert!(
            matches!(settled, Settled::Later { asked: true, .. }),
            "it makes no later pause longer: {settled:?}"
        );
    }

    #[test]
    fn the_fifth_refusal_is_the_last_and_failures_are_none() {
        let patience = Patience::since(at(0));
        let refused = || Heard::Refused("400".to_owned());
        let once_more = patience.judge(&notification(30, 3, Some(0)), refused(), at(10));
        assert!(matches!(once_more, Settled::Later { refused: true, .. }), "{once_more:?}");
        let over = patience.judge(&notification(4, 4, Some(0)), refused(), at(10));
        assert!(matches!(over, Settled::Dead { .. }), "{over:?}");
        let failed = patience.judge(&notification(400, 4, Some(0)), failed(None), at(10));
        assert!(matches!(failed, Settled::Later { refused: false, .. }), "{failed:?}");
    }

    #[test]
    fn after_a_day_in_vain_it_is_given_up_but_not_by_a_daemon_that_has_just_started() {
        let old = || notification(300, 0, Some(0));
        let judged = |started, now| Patience::since(at(started)).judge(&old(), failed(None), at(now));
        assert!(matches!(judged(0, DAY - 1), Settled::Later { .. }));
        assert!(matches!(judged(0, DAY), Settled::Dead { .. }));
        assert!(matches!(judged(DAY - 60, DAY), Settled::Later { .. }));
        assert!(matches!(judged(DAY, DAY + 15 * 60), Settled::Dead { .. }));
    }
}
