//! Which limits a session has reached, and how much is left of them.
//!
//! A limit that is reached is a reason to ask, on the gate before the next task. It never ends the session by itself,
//! and nothing goes past it unasked.

use super::id::TaskNumber;
use super::limits::{Allowance, Amount, Budget, DayAccount};
use super::session::Session;
use super::usd::Usd;

/// One session's purse: its limits, what was granted beyond them, and what was used up.
#[derive(Clone, Copy, Debug)]
pub struct Purse<'a> {
    /// The session.
    pub session: &'a Session,
    /// What was granted to the session and its tasks.
    pub allowances: &'a [Allowance],
    /// The day's account, over all sessions.
    pub today: DayAccount,
}

/// A budget of which nothing is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub budget: Budget,
    /// How much is used up.
    pub used: Amount,
    /// Of how much.
    pub of: Amount,
    /// Whether it may be more: a run ended without telling what it used up.
    pub at_least: bool,
}

impl<'a> Purse<'a> {
    /// The purse of a session as it stands.
    pub fn of(session: &'a Session, today: DayAccount) -> Self {
        let allowances = session.open().map_or(&[][..], |open| &open.allowances);
        Self { session, allowances, today }
    }

    /// The budgets from which a task can get nothing more.
    pub fn reached(&self, task: TaskNumber) -> Vec<Reached> {
        let reached = Budget::ALL.into_iter().filter_map(|budget| {
            let of = self.limit(budget, task)?;
            let used = self.used(budget, task);
            used.reaches(of).then(|| Reached { budget, used, of, at_least: self.is_at_least(budget, task) })
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
        let task = (budget == Budget::CostPerTask).then_some(task);
        Some(Allowance { budget, task, up_to: used.plus(configured) })
    }

    /// A limit, or what was granted in its place. A day's grant may be older than a session with a higher limit.
    fn limit(&self, budget: Budget, task: TaskNumber) -> Option<Amount> {
        let configured = self.session.policy.limits.of(budget)?;
        if budget.is_daily() {
            let granted = self.today.granted(budget).filter(|granted| granted.reaches(configured));
            return Some(granted.unwrap_or(configured));
        }
        let granted = self.allowances.iter().rfind(|allowance| {
            allowance.budget == budget && allowance.task.is_none_or(|about| about == task)
        });
        Some(granted.map_or(configured, |allowance| allowance.up_to))
    }

    fn is_at_least(&self, budget: Budget, task: TaskNumber) -> bool {
        match budget {
            Budget::CostPerTask => self.session.task(task).is_some_and(|task| task.progress.untold > 0),
            Budget::CostPerSession => self.session.cost().at_least,
            Budget::CostPerDay | Budget::TokensPerDay => self.today.untold > 0,
            Budget::RuntimePerSession => false,
        }
    }

    fn used(&self, budget: Budget, task: TaskNumber) -> Amount {
        match budget {
            Budget::CostPerTask => {
                let task = self.session.task(task);
                Amount::Usd(task.map(|task| task.progress.cost).unwrap_or_default())
            }
            Budget::CostPerSession => Amount::Usd(self.session.cost().known),
            Budget::CostPerDay => Amount::Usd(self.today.cost),
            Budget::TokensPerDay => Amount::Tokens(self.today.tokens),
            Budget::RuntimePerSession => {
                Amount::Time(self.session.tasks.iter().map(|task| task.progress.duration).sum())
            }
        }
    }
}
