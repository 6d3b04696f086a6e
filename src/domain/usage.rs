//! What a run used up, and how far that is known: the CLI tells it with its result, and not every run comes to one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::usd::Usd;

/// What a run used up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The cost that the CLI reported.
    pub cost: Usd,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Whether it is only what is known: the run ended without a result, which tells the cost and all the tokens.
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_least: bool,
    /// How many earlier runs of the same Claude session it includes that had ended so.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub includes: u32,
    /// The model that the CLI said it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The CLI's own session id, by which a run can be continued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What the answers that were seen in this run's own output add up to.
    #[serde(skip)]
    pub seen: Tokens,
}

/// Tokens in and out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Input tokens, cached ones included.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
}

impl Tokens {
    /// Both together.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self { input: self.input.saturating_add(more.input), output: self.output.saturating_add(more.output) }
    }
}

impl Usage {
    /// Tokens in and out.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// What it cost, as far as that is known.
    pub fn cost(&self) -> Cost {
        Cost { known: self.cost, at_least: self.at_least }
    }

    /// What was used up beyond what was booked of the same Claude session before.
    ///
    /// The CLI's figures go on counting over a session that is resumed. They include a run that it could end in good order,
    /// also one without a result, and not one that was killed. What this run itself was seen to use tells which it was.
    #[must_use]
    pub fn beyond(&self, before: &Reported) -> Self {
        let told = Tokens { input: before.input_tokens, output: before.output_tokens };
        let all = told.and(before.untold.tokens);
        let goes_on_from =
            |tokens: Tokens| self.cost >= before.cost && self.input_tokens >= self.seen.input + tokens.input;
        if self.at_least {
            self.clone()
        } else if before.untold.tokens.input > 0 && goes_on_from(all) {
            Self { includes: before.untold.runs, ..self.without(before.cost, all) }
        } else if goes_on_from(told) {
            self.without(before.cost, told)
        } else {
            self.clone()
        }
    }

    fn without(&self, cost: Usd, tokens: Tokens) -> Self {
        Self {
            cost: Usd::from_micros(self.cost.micros().saturating_sub(cost.micros())),
            input_tokens: self.input_tokens.saturating_sub(tokens.input),
            output_tokens: self.output_tokens.saturating_sub(tokens.output),
            ..self.clone()
        }
    }
}

/// What is booked of one of the CLI's own sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The cost that the CLI last reported for it.
    pub cost: Usd,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// What runs used up since then, at least, that ended without telling.
    #[serde(default, skip_serializing_if = "Untold::is_nothing")]
    pub untold: Untold,
}

/// What runs were seen to use up that ended without telling what they had used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    /// How many.
    pub runs: u32,
    /// Their tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
}

impl Untold {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Reported {
    /// Whether it is nothing at all.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// After another run of the same session, of which the CLI gave these figures.
    #[must_use]
    pub fn after(self, given: &Usage) -> Self {
        let tokens = Tokens { input: given.input_tokens, output: given.output_tokens };
        if given.at_least {
            let untold = Untold { runs: self.untold.runs + 1, tokens: self.untold.tokens.and(tokens) };
            return Self { untold, ..self };
        }
        Self {
            cost: given.cost,
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            untold: Untold::default(),
        }
    }
}

/// What something cost, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// What is known.
    #[serde(rename = "cost")]
    pub known: Usd,
    /// Whether there may be more: a run ended without telling what it cost.
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_least: bool,
}

impl Cost {
    /// As an entry of its own, beside its name: `$0.42`, `at least $0.42`, `unknown`.
    pub fn as_entry(self) -> String {
        let known = self.known;
        match (self.at_least, known.micros()) {
            (false, _) => known.to_string(),
            (true, 0) => "unknown".to_owned(),
            (true, _) => format!("at least {known}"),
        }
    }
}

/// As a part of a sentence: `$0.42`, `at least $0.42`, `cost unknown`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_unknown = self.at_least && self.known == Usd::default();
        write!(f, "{}{}", if is_unknown { "cost " } else { "" }, self.as_entry())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(cents: i64, input: u64, seen: u64) -> Usage {
        Usage {
            cost: Usd::from_micros(cents * 10_000),
            input_tokens: input,
            seen: Tokens { input: seen, output: 0 },
            ..Usage::default()
        }
    }

    fn killed(seen: u64) -> Usage {
        Usage { at_least: true, ..result(0, seen, seen) }
    }

    /// The figures are the real CLI's, of a run that was told to end, and of one that was killed.
    #[test]
    fn every_token_is_booked_once_whether_the_cli_goes_on_counting_or_not() {
        let fresh = Reported::default();
        let first = killed(8000);
        assert_eq!(first.beyond(&fresh), first);
        let before = fresh.after(&first);

        let told_to_end = result(7, 15_000, 7000).beyond(&before);
        assert_eq!((told_to_end.input_tokens, told_to_end.includes), (7000, 1));
        assert_eq!(before.after(&result(7, 15_000, 7000)).untold, Untold::default());

        let killed = result(2, 7000, 7000).beyond(&before);
        assert_eq!((killed.input_tokens, killed.includes, killed.cost.micros()), (7000, 0, 20_000));
    }

    #[test]
    fn what_was_told_before_a_kill_is_taken_off_and_what_was_not_is_not() {
        let before = Reported::default().after(&result(40, 10_000, 10_000)).after(&killed(3000));
        let after_a_kill = result(50, 12_000, 2000).beyond(&before);
        assert_eq!((after_a_kill.input_tokens, after_a_kill.cost.micros()), (2000, 100_000));
        let after_an_end = result(60, 15_000, 2000).beyond(&before);
        assert_eq!((after_an_end.input_tokens, after_an_end.includes), (2000, 1));
        let counts_anew = result(10, 2000, 2000).beyond(&before);
        assert_eq!((counts_anew.input_tokens, counts_anew.cost.micros()), (2000, 100_000));
    }

    #[test]
    fn a_cost_says_what_is_known_of_it() {
        let cost = |micros, at_least| Cost { known: Usd::from_micros(micros), at_least };
        for (cost, told, entry) in [
            (cost(420_000, false), "$0.42", "$0.42"),
            (cost(0, false), "$0.00", "$0.00"),
            (cost(420_000, true), "at least $0.42", "at least $0.42"),
            (cost(0, true), "cost unknown", "unknown"),
        ] {
            assert_eq!((cost.to_string().as_str(), cost.as_entry().as_str()), (told, entry));
        }
    }
}
