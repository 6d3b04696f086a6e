//! What may be spent: limits of money, tokens and time, what a person has granted beyond them, and which are reached.
//!
//! A limit that is reached is a reason to ask, on the gate before the next task. It never ends the session by itself,
//! and nothing goes past it unasked.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::duration::{human, seconds, whole_seconds};
use super::id::TaskNumber;
use super::session::Session;
use super::usd::Usd;

/// The limits of a session; what isn't set isn't limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// What the runs of one task may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_task: Option<Usd>,
    /// What the runs of one session may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_session: Option<Usd>,
    /// What all runs of one day may cost, whichever session they belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_day: Option<Usd>,
    /// How many tokens all runs of one day may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_day: Option<u64>,
    /// How long the runs of one session may take together.
    #[serde(skip_serializing_if = "Option::is_none", with = "whole_seconds")]
    pub runtime_per_session: Option<Duration>,
    /// How many runs may fail one after another without a change in the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures_in_a_row: Option<u32>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What a budget is, if it is limited.
    pub fn of(&self, budget: Budget) -> Option<Amount> {
        match budget {
            Budget::CostPerTask => self.cost_per_task.map(Amount::Usd),
            Budget::CostPerSession => self.cost_per_session.map(Amount::Usd),
            Budget::CostPerDay => self.cost_per_day.map(Amount::Usd),
            Budget::TokensPerDay => self.tokens_per_day.map(Amount::Tokens),
            Budget::RuntimePerSession => self.runtime_per_session.map(Amount::Time),
        }
    }
}

/// One of the limits that something is used up of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Money for one task.
    CostPerTask,
    /// Money for one session.
    CostPerSession,
    /// Money for one day.
    CostPerDay,
    /// Tokens for one day.
    TokensPerDay,
    /// Time of one session's runs.
    RuntimePerSession,
}

impl Budget {
    /// Every budget, in the order in which they are told.
    pub const ALL: [Self; 5] = [
        Self::CostPerTask,
        Self::CostPerSession,
        Self::CostPerDay,
        Self::TokensPerDay,
        Self::RuntimePerSession,
    ];

    /// The word used in the configuration and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CostPerTask => "cost_per_task",
            Self::CostPerSession => "cost_per_session",
            Self::CostPerDay => "cost_per_day",
            Self::TokensPerDay => "tokens_per_day",
            Self::RuntimePerSession => "runtime_per_session",
        }
    }

    /// Whose budget it is, as the end of a sentence.
    pub fn whose(self) -> &'static str {
        match self {
            Self::CostPerTask => "on this task",
            Self::CostPerSession | Self::RuntimePerSession => "in this session",
            Self::CostPerDay | Self::TokensPerDay => "today",
        }
    }
}

/// So much of what a budget is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Money.
    Usd(Usd),
    /// Tokens, in and out.
    Tokens(u64),
    /// Time.
    Time(#[serde(with = "seconds")] Duration),
}

impl Amount {
    /// Whether it is no less than another of its kind; amounts of different kinds have nothing to do with each other.
    pub fn reaches(self, of: Self) -> bool {
        match (self, of) {
            (Self::Usd(used), Self::Usd(of)) => used >= of,
            (Self::Tokens(used), Self::Tokens(of)) => used >= of,
            (Self::Time(used), Self::Time(of)) => used >= of,
            (Self::Usd(_) | Self::Tokens(_) | Self::Time(_), _) => false,
        }
    }

    fn plus(self, more: Self) -> Self {
        match (self, more) {
            (Self::Usd(used), Self::Usd(more)) => Self::Usd(used + more),
            (Self::Tokens(used), Self::Tokens(more)) => Self::Tokens(used.saturating_add(more)),
            (Self::Time(used), Self::Time(more)) => Self::Time(used.saturating_add(more)),
            (used @ (Self::Usd(_) | Self::Tokens(_) | Self::Time(_)), _) => used,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usd(usd) => usd.fmt(f),
            Self::Tokens(tokens) => f.write_str(&grouped(*tokens)),
            Self::Time(time) => f.write_str(&human(time)),
        }
    }
}

/// A number as people read long ones: `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a person granted beyond a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Of which budget.
    pub budget: Budget,
    /// For which task, where the budget is a task's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskNumber>,
    /// For which day, where the budget is a day's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Date>,
    /// What stands in the limit's place.
    pub up_to: Amount,
}

/// What all runs of a day used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The day, in the configured zone; a run counts where it ended.
    pub day: Date,
    /// The money.
    pub cost: Usd,
    /// The tokens, in and out.
    pub tokens: u64,
}

impl Spent {
    /// A day on which nothing was spent yet.
    pub fn nothing(day: Date) -> Self {
        Self { day, cost: Usd::default(), tokens: 0 }
    }
}

/// One session's purse: its limits, what was granted beyond them, and what was used up.
#[derive(Clone, Copy, Debug)]
pub struct Purse<'a> {
    /// The session.
    pub session: &'a Session,
    /// What was granted.
    pub allowances: &'a [Allowance],
    /// The day's account, over all sessions.
    pub today: Spent,
}

impl<'a> Purse<'a> {
    /// The purse of a session as it stands.
    pub fn of(session: &'a Session, today: Spent) -> Self {
        let allowances = session.open().map_or(&[][..], |open| &open.allowances);
        Self { session, allowances, today }
    }

    /// The budgets from which a task can get nothing more: how much is used, and of how much.
    pub fn reached(&self, task: TaskNumber) -> Vec<(Budget, Amount, Amount)> {
        let reached = Budget::ALL.into_iter().filter_map(|budget| {
            let of = self.limit(budget, task)?;
            let used = self.used(budget, task);
            used.reaches(of).then_some((budget, used, of))
        });
        reached.collect()
    }

    /// The money that a run of a task may cost: the least that is left of any budget that money is limited by.
    pub fn money_left(&self, task: TaskNumber) -> Option<Usd> {
        let left = Budget::ALL.into_iter().filter_map(|budget| {
            match (self.limit(budget, task)?, self.used(budget, task)) {
                (Amount::Usd(of), Amount::Usd(used)) => {
                    Some(Usd::from_micros((of.micros().saturating_sub(used.micros())).max(0)))
                }
                (Amount::Usd(_) | Amount::Tokens(_) | Amount::Time(_), _) => None,
            }
        });
        left.min()
    }

    /// One limit's worth more than what is used up, for as long as the budget lasts.
    pub fn raise(&self, budget: Budget, task: TaskNumber) -> Option<Allowance> {
        let (configured, limit) = (self.session.policy.limits.of(budget)?, self.limit(budget, task)?);
        let used = self.used(budget, task);
        if !used.reaches(limit) {
            return None;
        }
        let (task, day) = match budget {
            Budget::CostPerTask => (Some(task), None),
            Budget::CostPerSession | Budget::RuntimePerSession => (None, None),
            Budget::CostPerDay | Budget::TokensPerDay => (None, Some(self.today.day)),
        };
        Some(Allowance { budget, task, day, up_to: used.plus(configured) })
    }

    /// A limit, or what was granted in its place.
    fn limit(&self, budget: Budget, task: TaskNumber) -> Option<Amount> {
        let configured = self.session.policy.limits.of(budget)?;
        let granted = self.allowances.iter().rfind(|allowance| {
            allowance.budget == budget
                && allowance.task.is_none_or(|about| about == task)
                && allowance.day.is_none_or(|day| day == self.today.day)
        });
        Some(granted.map_or(configured, |allowance| allowance.up_to))
    }

    fn used(&self, budget: Budget, task: TaskNumber) -> Amount {
        match budget {
            Budget::CostPerTask => {
                let task = self.session.task(task);
                Amount::Usd(task.map(|task| task.progress.cost).unwrap_or_default())
            }
            Budget::CostPerSession => Amount::Usd(self.session.cost()),
            Budget::CostPerDay => Amount::Usd(self.today.cost),
            Budget::TokensPerDay => Amount::Tokens(self.today.tokens),
            Budget::RuntimePerSession => {
                Amount::Time(self.session.tasks.iter().map(|task| task.progress.duration).sum())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        let amounts = [
            (Amount::Usd(Usd::from_micros(4_980_000)), "$4.98"),
            (Amount::Tokens(999), "999"),
            (Amount::Tokens(1_234_567), "1,234,567"),
            (Amount::Time(Duration::from_mins(90)), "1h 30m"),
        ];
        for (amount, told) in amounts {
            assert_eq!(amount.to_string(), told);
        }
    }

    #[test]
    fn amounts_of_different_kinds_never_meet() {
        assert!(!Amount::Tokens(9).reaches(Amount::Usd(Usd::default())));
        assert!(Amount::Tokens(9).reaches(Amount::Tokens(9)));
        assert_eq!(Amount::Tokens(u64::MAX).plus(Amount::Tokens(1)), Amount::Tokens(u64::MAX));
    }
}
