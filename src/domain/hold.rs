//! What keeps every task from starting, whichever session it belongs to.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run::Obstacle;

/// How long at least to wait before what stood in the way is met again; twice as long each time it is still there.
const SHORTEST: Duration = Duration::from_mins(1);
/// How long at most.
const LONGEST: Duration = Duration::from_mins(30);
/// After so long without a run that got through, a person is asked.
const PATIENCE: Duration = Duration::from_hours(24);
/// How long after a limit's reset work goes on.
const AFTER_RESET: Duration = Duration::from_secs(1);

/// A reason for which nothing may start, until a time or until a person acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What kind of thing is in the way.
    pub kind: HoldKind,
    /// When it ends by itself; without a time it waits for `resume`.
    pub until: Option<Timestamp>,
    /// What happened and what would help, as a sentence.
    pub reason: String,
    /// When it was met first, if no run has got through since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How often it was met before, since then.
    #[serde(default, skip_serializing_if = "is_first")]
    pub again: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_first(again: &u32) -> bool {
    *again == 0
}

/// What kind of thing is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// The account's usage limit is reached.
    UsageLimit,
    /// The CLI isn't logged in.
    Login,
    /// The API is not available: out of reach, overloaded, or failing.
    Api,
    /// The CLI can't be started.
    Launch,
    /// Processes of a run can't be ended.
    Leftover,
    /// The disk is full, or nearly so.
    Disk,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::UsageLimit, Self::Login, Self::Api, Self::Launch, Self::Leftover, Self::Disk];

    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsageLimit => "usage_limit",
            Self::Login => "login",
            Self::Api => "api",
            Self::Launch => "launch",
            Self::Leftover => "leftover",
            Self::Disk => "disk",
        }
    }
}

impl Hold {
    /// One that waits for a person, or for whoever began it.
    pub fn lasting(kind: HoldKind, reason: String) -> Self {
        Self { kind, until: None, reason, since: None, again: 0 }
    }

    /// One that ends by itself.
    pub fn until(kind: HoldKind, until: Timestamp, reason: String) -> Self {
        Self { until: Some(until), ..Self::lasting(kind, reason) }
    }

    /// The hold that an obstacle met by a run asks for. `last` is the one before, if no run has got through since.
    pub fn for_obstacle(obstacle: &Obstacle, last: Option<&Self>, now: Timestamp) -> Self {
        match obstacle {
            Obstacle::UsageLimit { resets_at: None, message } => {
                Self::lasting(HoldKind::UsageLimit, format!("{message}; when there is more: /resume"))
            }
            Obstacle::UsageLimit { resets_at: Some(at), message } => {
                Self::limited(*at, message.clone(), last, now)
            }
            Obstacle::Login { message, remedy } => {
                let remedy = remedy.as_deref().unwrap_or("log in with `claude` as the daemon's user");
                Self::lasting(HoldKind::Login, format!("{message} ({remedy}, then /resume)"))
            }
            Obstacle::Api { message } => {
                let first = Self::until(HoldKind::Api, later(now, SHORTEST), message.clone());
                first.in_series(last, now)
            }
            Obstacle::Launch { message } => {
                Self::lasting(HoldKind::Launch, format!("{message}; when that is mended: /resume"))
            }
            Obstacle::Disk { message } => Self::lasting(HoldKind::Disk, message.clone()),
        }
    }

    /// A usage limit ends just after its reset. One that should be over and isn't is met again as other things are.
    fn limited(resets_at: Timestamp, message: String, last: Option<&Self>, now: Timestamp) -> Self {
        let until = later(resets_at, AFTER_RESET);
        let announced = Self::until(HoldKind::UsageLimit, until, message);
        let is_back = last.is_some_and(|last| last.kind == HoldKind::UsageLimit);
        if later(now, LONGEST) < until || (now < resets_at && !is_back) {
            return Self { since: Some(now), ..announced };
        }
        Self { until: Some(until.max(later(now, SHORTEST))), ..announced }.in_series(last, now)
    }

    /// Waits longer the oftener it was met, and in the end for a person.
    fn in_series(self, last: Option<&Self>, now: Timestamp) -> Self {
        let Some(last) = last.filter(|last| last.kind == self.kind) else {
            return Self { since: Some(now), ..self };
        };
        let (since, again) = (last.since.unwrap_or(now), last.again.saturating_add(1));
        if later(since, PATIENCE) <= now {
            let reason = format!("{}; it has been so for a day: /resume tries again", self.reason);
            return Self { until: None, reason, since: Some(since), again, ..self };
        }
        let pause = SHORTEST.saturating_mul(2_u32.saturating_pow(again)).min(LONGEST);
        Self {
            until: self.until.map(|until| until.max(later(now, pause))),
            since: Some(since),
            again,
            ..self
        }
    }

    /// Whether it still stands.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it ends by itself: at its time, or when whoever began it sees that what it is about is over.
    pub fn ends_by_itself(&self) -> bool {
        match self.kind {
            HoldKind::Disk | HoldKind::Leftover => true,
            HoldKind::UsageLimit | HoldKind::Login | HoldKind::Api | HoldKind::Launch => self.until.is_some(),
        }
    }

    /// Whether it is only one of many of which people have heard already.
    pub fn is_repeated(&self) -> bool {
        self.again > 0 && self.until.is_some()
    }

    /// Whether its end by time is only a trial, so that it is over when a run has got through.
    pub fn ends_in_a_trial(&self) -> bool {
        self.kind == HoldKind::Api || self.is_repeated()
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_763_631_000 + second).unwrap()
    }

    fn api() -> Obstacle {
        Obstacle::Api { message: "overloaded".to_owned() }
    }

    fn limit(second: i64) -> Obstacle {
        Obstacle::UsageLimit { resets_at: Some(at(second)), message: "limit reached".to_owned() }
    }

    fn waits(hold: &Hold, now: i64) -> Option<i64> {
        hold.until.map(|until| until.as_second() - at(now).as_second())
    }

    #[test]
    fn what_keeps_coming_back_waits_longer_each_time_and_after_a_day_for_a_person() {
        let (mut now, mut last, mut waited) = (0, None, Vec::new());
        loop {
            let hold = Hold::for_obstacle(&api(), last.as_ref(), at(now));
            let Some(wait) = waits(&hold, now) else {
                assert!(hold.reason.ends_with("it has been so for a day: /resume tries again"));
                assert!(!hold.is_repeated(), "whoever is asked is told");
                break;
            };
            assert_eq!(hold.is_repeated(), !waited.is_empty(), "only the first is told");
            waited.push(wait / 60);
            now += wait;
            last = Some(hold);
        }
        assert_eq!(waited[..7], [1, 2, 4, 8, 16, 30, 30]);
        assert!((24 * 3600..25 * 3600).contains(&now), "{now}");
    }

    #[test]
    fn a_limit_ends_just_after_its_reset() {
        let hold = Hold::for_obstacle(&limit(2), None, at(0));
        assert_eq!(waits(&hold, 0), Some(3));
        assert!(hold.stands(at(2)) && !hold.stands(at(3)));
    }

    #[test]
    fn a_limit_that_should_be_over_is_not_met_in_a_hot_loop() {
        let first = Hold::for_obstacle(&limit(0), None, at(0));
        assert_eq!(waits(&first, 0), Some(60));
        let second = Hold::for_obstacle(&limit(0), Some(&first), at(60));
        assert_eq!((waits(&second, 60), second.is_repeated()), (Some(120), true));
        let soon = Hold::for_obstacle(&limit(182), Some(&second), at(180));
        assert_eq!(waits(&soon, 180), Some(240));
    }

    #[test]
    fn the_next_limit_is_news() {
        let first = Hold::for_obstacle(&limit(3600), None, at(0));
        let weekly = Hold::for_obstacle(&limit(3 * 86_400), Some(&first), at(3601));
        assert_eq!(waits(&weekly, 3601), Some(3 * 86_400 - 3600));
        assert!(!weekly.is_repeated());
    }

    #[test]
    fn one_kind_is_no_repetition_of_another() {
        let limit = Hold::for_obstacle(&limit(60), None, at(0));
        let api = Hold::for_obstacle(&api(), Some(&limit), at(61));
        assert_eq!((waits(&api, 61), api.is_repeated()), (Some(60), false));
    }
}
