//! What may be spent: limits of money, tokens and time, and what a person has granted beyond them.
//!
//! Which of them are reached is `super::purse`'s to say.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::duration::{human, seconds, whole_seconds};
use super::id::TaskNumber;
use super::number::grouped;
use super::usage::Usage;
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

    /// Whether money is limited.
    pub fn are_of_money(&self) -> bool {
        [self.cost_per_task, self.cost_per_session, self.cost_per_day].iter().any(Option::is_some)
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

    /// Whether it is a day's, whichever session spends it.
    pub fn is_daily(self) -> bool {
        match self {
            Self::CostPerDay | Self::TokensPerDay => true,
            Self::CostPerTask | Self::CostPerSession | Self::RuntimePerSession => false,
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

    /// So much more of the same; an amount of another kind adds nothing.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
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

/// What a person granted beyond a limit of a task or a session; what is granted for a day stands in its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Of which budget.
    pub budget: Budget,
    /// For which task, where the budget is a task's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskNumber>,
    /// What stands in the limit's place.
    pub up_to: Amount,
}

/// One day's account, over all sessions: what its runs used up, and what was granted beyond the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayAccount {
    /// The day, in the configured zone; a run counts where it ended.
    pub day: Date,
    /// The money.
    pub cost: Usd,
    /// The tokens, in and out.
    pub tokens: u64,
    /// How many of the runs ended without telling what they used up, so that there may be more.
    pub untold: u32,
    /// What stands in the place of the limit of money, for whichever session.
    pub cost_up_to: Option<Usd>,
    /// What stands in the place of the limit of tokens.
    pub tokens_up_to: Option<u64>,
}

impl DayAccount {
    /// A day on which nothing has happened yet.
    pub fn new(day: Date) -> Self {
        Self { day, cost: Usd::default(), tokens: 0, untold: 0, cost_up_to: None, tokens_up_to: None }
    }

    /// Adds what a run used up.
    pub fn book(&mut self, usage: &Usage) {
        self.cost += usage.cost;
        self.tokens = self.tokens.saturating_add(usage.tokens());
        self.untold = (self.untold + u32::from(usage.at_least)).saturating_sub(usage.includes);
    }

    /// What a person granted of a budget for this day.
    pub fn granted(&self, budget: Budget) -> Option<Amount> {
        match budget {
            Budget::CostPerDay => self.cost_up_to.map(Amount::Usd),
            Budget::TokensPerDay => self.tokens_up_to.map(Amount::Tokens),
            Budget::CostPerTask | Budget::CostPerSession | Budget::RuntimePerSession => None,
        }
    }

    /// Puts an amount in the place of the limit that it is of, for the rest of the day.
    pub fn grant(&mut self, up_to: Amount) {
        match up_to {
            Amount::Usd(up_to) => self.cost_up_to = Some(up_to),
            Amount::Tokens(up_to) => self.tokens_up_to = Some(up_to),
            Amount::Time(_) => {}
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
