//! Whether an error of the API is one of the account or of the network, so that it holds up every task, or the task's
//! own. Pure.
//!
//! The CLI calls nearly everything an `api_error`: an answer that grew too long or that its safeguards stopped, too. Held up
//! as if the API were away, such a task would be run again and again, uncounted, for money. In this order count: the kind
//! of the error, where it has one, the API's status, the CLI's sort of error, and at last its words.

use jiff::Zoned;

use super::limits::{reset_time, tells_of_limit};
use super::result::RunResult;
use super::transcript::Transcript;
use crate::domain::run::Obstacle;

const LOGIN_PHRASES: [&str; 4] = ["not logged in", "/login", "invalid api key", "oauth token has expired"];

/// What an error stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    UsageLimit,
    Login,
    Api,
    Task,
}

/// What stands in the way of every task, if the error is of that sort.
pub(super) fn obstacle(
    result: &RunResult,
    transcript: &Transcript,
    message: &str,
    at: &Zoned,
) -> Option<Obstacle> {
    if result.is_error != Some(true) || result.terminal_reason.as_deref() != Some("api_error") {
        return None;
    }
    let limit = transcript.rate_limit.as_ref().filter(|limit| limit.rejected);
    let resets_at = limit.and_then(|limit| limit.resets_at);
    let cause = of_kind(result.api_error.as_deref())
        .or_else(|| of_words(message, result.api_error_status))
        .or_else(|| of_status(result.api_error_status, resets_at.is_some()))
        .or_else(|| of_sort(transcript.complaint.as_ref()?.sort.as_deref()))
        .unwrap_or(if result.api_error_status.is_some() { Cause::Task } else { Cause::Api });
    let message = message.to_owned();
    match cause {
        Cause::UsageLimit => {
            let resets_at = resets_at.or_else(|| reset_time(&message, at));
            Some(Obstacle::UsageLimit { resets_at, message })
        }
        Cause::Login => Some(Obstacle::Login { message, remedy: None }),
        Cause::Api => Some(Obstacle::Api { message }),
        Cause::Task => None,
    }
}

/// `api_error`, of which the CLI says that an unknown value counts as none. Those that say nothing which the status or the
/// sort doesn't are left out.
fn of_kind(kind: Option<&str>) -> Option<Cause> {
    match kind? {
        "usage_limit_reached" | "model_requires_usage_credits" | "long_context_credits_required" => {
            Some(Cause::UsageLimit)
        }
        "stored_login_refused"
        | "api_key_auth_disabled"
        | "org_disabled_credential"
        | "invalid_credential_header"
        | "provider_credentials"
        | "gateway_signin_required"
        | "gateway_session_expired" => Some(Cause::Login),
        "connection_failed"
        | "no_response"
        | "stream_idle_timeout"
        | "computer_slept"
        | "tls_untrusted_ca"
        | "tls_cert_signature_failure"
        | "gateway_content_type"
        | "network_edge_blocked" => Some(Cause::Api),
        "max_output_tokens" | "empty_completion" | "malformed_tool_use_exhausted" => Some(Cause::Task),
        _ => None,
    }
}

/// For CLIs that know neither kinds nor sorts.
fn of_words(message: &str, status: Option<u64>) -> Option<Cause> {
    if tells_of_limit(message) {
        return Some(Cause::UsageLimit);
    }
    let lower = message.to_lowercase();
    let login = status.is_none() && LOGIN_PHRASES.iter().any(|phrase| lower.contains(phrase));
    login.then_some(Cause::Login)
}

/// A refusal for want of quota says when there is more; one that doesn't is for a moment only.
fn of_status(status: Option<u64>, resets: bool) -> Option<Cause> {
    match status? {
        401 | 403 => Some(Cause::Login),
        429 if resets => Some(Cause::UsageLimit),
        408 | 429 | 500.. => Some(Cause::Api),
        _ => None,
    }
}

/// `error` of the line that stands in the place of an answer.
fn of_sort(sort: Option<&str>) -> Option<Cause> {
    match sort? {
        "authentication_failed"
        | "oauth_org_not_allowed"
        | "account_on_hold"
        | "verification_required"
        | "cloud_credential_error" => Some(Cause::Login),
        "billing_error" => Some(Cause::UsageLimit),
        "rate_limit" | "overloaded" | "server_error" => Some(Cause::Api),
        "invalid_request" | "model_not_found" | "max_output_tokens" => Some(Cause::Task),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::claude::{Complaint, RateLimit};

    /// `kind`, `status` and `sort` as in an error of the CLI; `-` where it says none.
    fn judged(kind: &str, status: &str, sort: &str, words: &str, limit: Option<RateLimit>) -> &'static str {
        let said = |word: &str| Some(word.to_owned()).filter(|word| word != "-");
        let result = RunResult {
            subtype: "success".to_owned(),
            is_error: Some(true),
            terminal_reason: Some("api_error".to_owned()),
            api_error: said(kind),
            api_error_status: status.parse().ok(),
            ..RunResult::default()
        };
        let complaint = Some(Complaint { text: words.to_owned(), sort: said(sort) });
        let transcript = Transcript { complaint, rate_limit: limit, ..Transcript::default() };
        match obstacle(&result, &transcript, words, &Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC)) {
            Some(Obstacle::UsageLimit { resets_at: Some(_), .. }) => "limit with an end",
            Some(Obstacle::UsageLimit { resets_at: None, .. }) => "limit",
            Some(Obstacle::Login { .. }) => "login",
            Some(Obstacle::Api { .. }) => "api",
            Some(Obstacle::Disk { .. } | Obstacle::Launch { .. }) => "no error of the API",
            None => "the task's own",
        }
    }

    #[test]
    fn an_error_is_told_by_its_kind_then_its_status_then_its_sort() {
        let rejected = |second: Option<i64>| {
            let resets_at = second.map(|second| Timestamp::from_second(second).unwrap());
            Some(RateLimit { rejected: true, resets_at })
        };
        let table = [
            ("usage_limit_reached 429 rate_limit", rejected(Some(9)), "limit with an end"),
            ("usage_limit_reached 429 rate_limit", rejected(None), "limit"),
            ("model_requires_usage_credits 429 rate_limit", None, "limit"),
            ("- 429 rate_limit", rejected(Some(9)), "limit with an end"),
            ("- 429 rate_limit", rejected(None), "api"),
            ("- 400 billing_error", None, "limit"),
            ("- 401 authentication_failed", None, "login"),
            ("- 403 oauth_org_not_allowed", None, "login"),
            ("- - account_on_hold", None, "login"),
            ("org_disabled_credential 400 invalid_request", None, "login"),
            ("- 529 overloaded", None, "api"),
            ("connection_failed - server_error", None, "api"),
            ("tls_untrusted_ca - invalid_request", None, "api"),
            ("a_word_of_next_year - server_error", None, "api"),
            ("- - unknown", None, "api"),
            ("- - -", None, "api"),
            ("max_output_tokens - max_output_tokens", None, "the task's own"),
            ("empty_completion - -", None, "the task's own"),
            ("autocompact_thrashing - invalid_request", None, "the task's own"),
            ("- 404 model_not_found", None, "the task's own"),
            ("- 400 unknown", rejected(Some(9)), "the task's own"),
        ];
        for (error, limit, expected) in table {
            let words: Vec<&str> = error.split(' ').collect();
            let [kind, status, sort] = words[..] else { panic!("{error}") };
            assert_eq!(judged(kind, status, sort, "API Error: …", limit), expected, "{error}");
        }
        let told = |words| judged("-", "-", "-", words, None);
        assert_eq!(told("Not logged in · Please run /login"), "login");
        assert_eq!(told("5-hour limit reached ∙ resets 2am"), "limit with an end");
    }
}
