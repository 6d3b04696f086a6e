//! The CLI's `result` line, by which a run is judged. Pure.

use super::json::Json;
use super::text::{about_tool, bounded};
use crate::domain::usage::Tokens;
use crate::domain::usd::Usd;

const LONGEST_DENIAL: usize = 200;
const MOST_DENIALS: usize = 50;

/// What the CLI's `result` line says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunResult {
    /// `success`, or the kind of error; API errors too are called `success`.
    pub subtype: String,
    /// Whether it is an error after all.
    pub is_error: Option<bool>,
    /// Why the CLI ended, such as `completed`.
    pub terminal_reason: Option<String>,
    /// The API's HTTP status, if it answered with an error.
    pub api_error_status: Option<u64>,
    /// What kind of error it is, where the CLI has a word for it.
    pub api_error: Option<String>,
    /// The closing words, or the errors.
    pub text: String,
    /// What it cost, if it says so.
    pub cost: Option<Usd>,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// The model that did most of it.
    pub model: Option<String>,
    /// The CLI's own session id.
    pub conversation: Option<String>,
    /// What was not allowed.
    pub denials: Vec<String>,
}

impl RunResult {
    /// Whether the CLI says that the work is done.
    pub fn is_success(&self) -> bool {
        self.subtype == "success" && self.is_error == Some(false)
    }
}

/// Reads the line's members.
pub(super) fn result(line: Json<'_>) -> RunResult {
    let (input_tokens, output_tokens, model) = consumption(line);
    let owned = |key| line.get(key).owned();
    RunResult {
        subtype: owned("subtype").unwrap_or_default(),
        is_error: line.get("is_error").parsed(),
        terminal_reason: owned("terminal_reason"),
        api_error_status: line.get("api_error_status").parsed(),
        api_error: owned("api_error"),
        text: owned("result").unwrap_or_else(|| errors(line)),
        cost: cost(line),
        input_tokens,
        output_tokens,
        model,
        conversation: owned("session_id"),
        denials: denials(line),
    }
}

/// What isn't an amount, such as a negative number, would give money back that was spent, or be taken for nothing.
fn cost(line: Json<'_>) -> Option<Usd> {
    let dollars: f64 = line.get("total_cost_usd").parsed()?;
    (dollars.is_finite() && dollars >= 0.0).then(|| Usd::from_dollars(dollars))
}

fn errors(line: Json<'_>) -> String {
    let texts: Vec<_> = line.get("errors").items().filter_map(Json::text).collect();
    texts.join("\n")
}

fn denials(line: Json<'_>) -> Vec<String> {
    let denials = line.get("permission_denials").items();
    denials
        .take(MOST_DENIALS)
        .filter_map(|denial| {
            let name = denial.get("tool_name").text()?;
            let text = format!("{name} {}", about_tool(denial.get("tool_input")));
            Some(bounded(text.trim(), LONGEST_DENIAL))
        })
        .collect()
}

/// What the API says of an answer.
pub(super) fn tokens(usage: Json<'_>) -> Tokens {
    let input = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    Tokens {
        input: input.iter().map(|key| usage.get(key).number()).fold(0, u64::saturating_add),
        output: usage.get("output_tokens").number(),
    }
}

/// Input and output tokens of all models, and the model with the most output. `usage` alone can be zero where
/// `modelUsage` isn't.
fn consumption(line: Json<'_>) -> (u64, u64, Option<String>) {
    let models = || line.get("modelUsage").members();
    if models().next().is_none() {
        let Tokens { input, output } = tokens(line.get("usage"));
        return (input, output, None);
    }
    let total = |keys: &[&str]| {
        let counts = models().flat_map(|(_, one)| keys.iter().map(move |key| one.get(key).number()));
        counts.fold(0, u64::saturating_add)
    };
    let input = total(&["inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"]);
    let busiest = models().max_by_key(|(name, one)| (one.get("outputTokens").number(), name.text()));
    (input, total(&["outputTokens"]), busiest.and_then(|(name, _)| name.owned()))
}

#[cfg(test)]
mod tests {
    use super::super::json::Lines;
    use super::{Usd, result};

    #[test]
    fn only_an_amount_is_a_cost() {
        let cost = |said: &str| {
            let line = format!(r#"{{"type":"result"{said}}}"#);
            result(Lines::default().read(line.as_bytes()).unwrap()).cost
        };
        assert_eq!(cost(r#","total_cost_usd":0.25"#), Some(Usd::from_dollars(0.25)));
        assert_eq!(cost(r#","total_cost_usd":0"#), Some(Usd::default()));
        for untold in
            ["", r#","total_cost_usd":-3"#, r#","total_cost_usd":1e999"#, r#","total_cost_usd":null"#]
        {
            assert_eq!(cost(untold), None, "{untold}");
        }
    }
}
