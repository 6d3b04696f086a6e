//! Judges a run by what it left. Pure: the same evidence gives the same outcome, today or after three restarts.
//!
//! The CLI's `result` line decides, never the exit code alone: it exits with 0 after a SIGINT and calls an API error
//! `success`. The exit code matters only where there is no result.

use jiff::Zoned;

use super::control::{EndedBy, Exit};
use super::obstacle::obstacle;
use super::result::RunResult;
use super::text::{bounded, ending, harmless};
use super::transcript::Transcript;
use crate::domain::run::{Failure, Obstacle, Outcome, Verdict};
use crate::domain::usage::Usage;

const LONGEST_SUMMARY: usize = 2000;
const LONGEST_MESSAGE: usize = 1000;
const LONGEST_TAIL: usize = 1000;

/// All that is known of a run that has ended.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// What it said.
    pub transcript: &'a Transcript,
    /// How its process ended.
    pub exit: Exit,
    /// What ended it.
    pub by: EndedBy,
    /// What it wrote to stderr, or the end of that.
    pub stderr: &'a str,
    /// Why it could not be started.
    pub refusal: Option<&'a str>,
    /// When it said its last words, in the zone in which the CLI tells the time.
    pub at: Zoned,
}

/// Says what a run came to.
pub fn judge(evidence: &Evidence<'_>) -> Outcome {
    let transcript = evidence.transcript;
    let verdict = match (&transcript.result, evidence.refusal) {
        (Some(result), _) if result.is_success() => Verdict::Completed { summary: summary(result) },
        (Some(result), _) => unsuccessful(result, evidence),
        (None, Some(message)) => {
            Verdict::Unavailable { obstacle: Obstacle::Launch { message: message.to_owned() } }
        }
        (None, None) => without_result(evidence),
    };
    Outcome { usage: usage(transcript), denials: denials(transcript), ..Outcome::bare(verdict) }
}

/// The same for a run that was to go on with an earlier Claude session: one that failed before the model said a word, and
/// says why, could not go on with it. Of one that says nothing at all (on a full disk, for instance) nobody knows what it did.
pub fn judge_resumed(evidence: &Evidence<'_>) -> Outcome {
    let outcome = judge(evidence);
    match &outcome.verdict {
        Verdict::Failed { failure } if !evidence.transcript.spoke && says_why(failure) => {
            let message = failure.to_string();
            Outcome { verdict: Verdict::NotResumed { message }, ..outcome }
        }
        Verdict::Completed { .. }
        | Verdict::Failed { .. }
        | Verdict::Lost
        | Verdict::Unavailable { .. }
        | Verdict::NeverRan
        | Verdict::NotResumed { .. } => outcome,
    }
}

fn says_why(failure: &Failure) -> bool {
    match failure {
        Failure::Reported { .. } => true,
        Failure::NoResult { message, .. } => !message.is_empty(),
        Failure::LimitReached { .. }
        | Failure::OutOfBudget { .. }
        | Failure::TimedOut { .. }
        | Failure::WentQuiet { .. }
        | Failure::PrintedTooMuch { .. }
        | Failure::Check { .. } => false,
    }
}

fn summary(result: &RunResult) -> String {
    let text = harmless(result.text.trim());
    if text.is_empty() {
        return "Claude ended without closing words.".to_owned();
    }
    bounded(&text, LONGEST_SUMMARY)
}

fn unsuccessful(result: &RunResult, evidence: &Evidence<'_>) -> Verdict {
    let message = words_of(result, evidence.transcript);
    match result.subtype.as_str() {
        "error_max_turns" => return failed(Failure::LimitReached { message }),
        "error_max_budget_usd" => return failed(Failure::OutOfBudget { message }),
        _ => {}
    }
    match obstacle(result, evidence.transcript, &message, &evidence.at) {
        Some(obstacle) => Verdict::Unavailable { obstacle },
        None => failed(Failure::Reported { message }),
    }
}

fn words_of(result: &RunResult, transcript: &Transcript) -> String {
    let own = Some(result.text.trim()).filter(|text| !text.is_empty());
    let words = own.or(transcript.complaint.as_ref().map(|complaint| complaint.text.as_str()));
    let fallback = format!("{} without a word", result.subtype);
    bounded(&harmless(words.unwrap_or(&fallback)), LONGEST_MESSAGE)
}

fn without_result(evidence: &Evidence<'_>) -> Verdict {
    match evidence.by {
        EndedBy::TotalLimit(after) => failed(Failure::TimedOut { after }),
        EndedBy::IdleLimit(after) => failed(Failure::WentQuiet { after }),
        EndedBy::OutputLimit(limit) => failed(Failure::PrintedTooMuch { limit }),
        EndedBy::Stop => Verdict::Lost,
        EndedBy::Itself | EndedBy::Lingering => match evidence.exit {
            Exit::Code(code @ 0..=127) => failed(Failure::NoResult {
                code,
                message: harmless(ending(evidence.stderr.trim(), LONGEST_TAIL).trim()).into_owned(),
            }),
            Exit::Code(_) | Exit::Signal(_) | Exit::Unknown => Verdict::Lost,
        },
    }
}

fn failed(failure: Failure) -> Verdict {
    Verdict::Failed { failure }
}

/// A run that has begun and came to no result has told neither its cost nor all of its tokens; a result may be silent on it, too.
fn usage(transcript: &Transcript) -> Usage {
    let seen = transcript.used.total();
    let result = transcript.result.clone().unwrap_or_default();
    let began = transcript.result.is_some() || transcript.conversation.is_some();
    Usage {
        at_least: began && result.cost.is_none(),
        cost: result.cost.unwrap_or_default(),
        input_tokens: result.input_tokens.max(seen.input),
        output_tokens: result.output_tokens.max(seen.output),
        includes: 0,
        seen,
        model: result.model.or_else(|| transcript.model.clone()),
        conversation: transcript.conversation.clone().or(result.conversation),
    }
}

fn denials(transcript: &Transcript) -> Vec<String> {
    let Some(result) = &transcript.result else {
        return transcript.denials.clone();
    };
    let folder = transcript.folder.as_ref().map(|folder| format!("{folder}/"));
    let relative = |denial: &String| match &folder {
        Some(folder) => harmless(&denial.replacen(folder, "", 1)).into_owned(),
        None => harmless(denial).into_owned(),
    };
    result.denials.iter().map(relative).collect()
}
