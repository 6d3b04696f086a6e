//! The CLI's `result` line, by which a run is judged. Pure.

use serde_json::Value;

use super::members::{number, owned, text_of};
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
    /// What it cost.
    pub cost: Usd,
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
pub(super) fn result(value: &Value) -> RunResult {
    let (input_tokens, output_tokens, model) = consumption(value);
    RunResult {
        subtype: owned(value, "subtype").unwrap_or_default(),
        is_error: value["is_error"].as_bool(),
        terminal_reason: owned(value, "terminal_reason"),
        api_error_status: value["api_error_status"].as_u64(),
        api_error: owned(value, "api_error"),
        text: owned(value, "result").unwrap_or_else(|| errors(value)),
        cost: Usd::from_dollars(value["total_cost_usd"].as_f64().unwrap_or(0.0)),
        input_tokens,
        output_tokens,
        model,
        conversation: owned(value, "session_id"),
        denials: denials(value),
    }
}

fn errors(value: &Value) -> String {
    let errors = value["errors"].as_array().into_iter().flatten();
    let texts: Vec<&str> = errors.filter_map(Value::as_str).collect();
    texts.join("\n")
}

fn denials(value: &Value) -> Vec<String> {
    let denials = value["permission_denials"].as_array().into_iter().flatten();
    denials
        .take(MOST_DENIALS)
        .filter_map(|denial| {
            let name = text_of(denial, "tool_name")?;
            let text = format!("{name} {}", about_tool(&denial["tool_input"]));
            Some(bounded(text.trim(), LONGEST_DENIAL))
        })
        .collect()
}

/// What the API says of an answer.
pub(super) fn tokens(usage: &Value) -> Tokens {
    let input = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    Tokens {
        input: input.iter().map(|key| number(&usage[*key])).fold(0, u64::saturating_add),
        output: number(&usage["output_tokens"]),
    }
}

/// Input and output tokens of all models, and the model with the most output. `usage` alone can be zero where
/// `modelUsage` isn't.
fn consumption(value: &Value) -> (u64, u64, Option<String>) {
    let Some(models) = value["modelUsage"].as_object().filter(|m| !m.is_empty()) else {
        let Tokens { input, output } = tokens(&value["usage"]);
        return (input, output, None);
    };
    let total = |keys: &[&str]| {
        let counts = models.values().flat_map(|one| keys.iter().map(|key| number(&one[*key])));
        counts.fold(0, u64::saturating_add)
    };
    let input = total(&["inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"]);
    let busiest = models.iter().max_by_key(|(_, one)| number(&one["outputTokens"]));
    (input, total(&["outputTokens"]), busiest.map(|(name, _)| name.clone()))
}
