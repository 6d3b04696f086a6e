//! Every recorded output of the real CLI, and what is made of it: reviewed as one table.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fmt::Write;
use std::fs;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orchestrator::claude::{EndedBy, Evidence, Exit, Message, Transcript, judge, judge_resumed, parse};
use orchestrator::domain::run::{Failure, Obstacle, Verdict};

fn transcript(text: &str) -> Transcript {
    let mut transcript = Transcript::default();
    for message in text.lines().flat_map(|line| parse(line.as_bytes())) {
        transcript.note(&message);
    }
    transcript
}

fn evidence(transcript: &Transcript, exit: Exit, by: EndedBy) -> Evidence<'_> {
    Evidence {
        transcript,
        exit,
        by,
        stderr: "",
        refusal: None,
        at: Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC),
    }
}

fn verdict(text: &str, exit: Exit, by: EndedBy) -> Verdict {
    judge(&evidence(&transcript(text), exit, by)).verdict
}

#[test]
fn each_sample_has_its_verdict() {
    let folder = format!("{}/tests/samples", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut table = String::new();
    for path in paths {
        let transcript = transcript(&fs::read_to_string(&path).unwrap());
        let outcome = judge(&evidence(&transcript, Exit::Code(1), EndedBy::Itself));
        let name = path.file_stem().unwrap().to_str().unwrap();
        let usage = &outcome.usage;
        let model = usage.model.as_deref().unwrap_or("-");
        let verdict = serde_json::to_string(&outcome.verdict).unwrap();
        writeln!(table, "{name}\n  {verdict}").unwrap();
        writeln!(
            table,
            "  {} {}/{} {model} {:?}",
            usage.cost, usage.input_tokens, usage.output_tokens, outcome.denials
        )
        .unwrap();
    }
    insta::assert_snapshot!(table);
}

fn result_line(status: &str, text: &str) -> String {
    format!(
        r#"{{"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":{status},"result":"{text}"}}"#
    )
}

#[test]
fn a_limit_is_one_only_by_the_clis_own_word() {
    let rejected = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1800000000,"rateLimitType":"five_hour"}}"#;
    let allowed = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","overageStatus":"rejected","resetsAt":1800000000}}"#;
    let prose = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"You've hit your weekly limit, it says."}]}}"#;
    let refused = result_line("429", "API Error: Request rejected (429)");
    let judged = |lines: &[&str]| verdict(&lines.join("\n"), Exit::Code(1), EndedBy::Itself);

    let limited = judged(&[rejected, &refused]);
    let resets_at = Some(Timestamp::from_second(1_800_000_000).unwrap());
    assert!(
        matches!(limited, Verdict::Unavailable { obstacle: Obstacle::UsageLimit { resets_at: at, .. } } if at == resets_at)
    );

    for lines in [&[allowed, &refused][..], &[prose, &refused], &[refused.as_str()]] {
        assert!(
            matches!(judged(lines), Verdict::Unavailable { obstacle: Obstacle::Api { .. } }),
            "{lines:?}"
        );
    }
    let bad_request = result_line("400", "API Error: 400 bad request");
    assert!(matches!(
        judged(&[prose, rejected, &bad_request]),
        Verdict::Failed { failure: Failure::Reported { .. } }
    ));

    let told = result_line("null", "You've hit your session limit · resets 2am (UTC)");
    let Verdict::Unavailable { obstacle: Obstacle::UsageLimit { resets_at, .. } } = judged(&[&told]) else {
        panic!("not a limit");
    };
    assert_eq!(resets_at, Some("1970-01-01T02:00:00Z".parse().unwrap()));

    let success = r#"{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","result":"usage limit reached? no."}"#;
    assert!(matches!(judged(&[rejected, success]), Verdict::Completed { .. }));
}

#[test]
fn without_a_result_it_depends_on_what_ended_it() {
    let after = std::time::Duration::from_mins(1);
    let failed = |failure| Verdict::Failed { failure };
    let no_result = |code| failed(Failure::NoResult { code, message: String::new() });
    let table = [
        (Exit::Code(0), EndedBy::Itself, no_result(0)),
        (Exit::Code(127), EndedBy::Itself, no_result(127)),
        (Exit::Code(128), EndedBy::Itself, Verdict::Lost),
        (Exit::Code(143), EndedBy::Itself, Verdict::Lost),
        (Exit::Signal(9), EndedBy::Itself, Verdict::Lost),
        (Exit::Unknown, EndedBy::Itself, Verdict::Lost),
        (Exit::Code(0), EndedBy::Stop, Verdict::Lost),
        (Exit::Code(143), EndedBy::TotalLimit(after), failed(Failure::TimedOut { after })),
        (Exit::Unknown, EndedBy::IdleLimit(after), failed(Failure::WentQuiet { after })),
    ];
    for (exit, by, expected) in table {
        assert_eq!(verdict("", exit, by), expected, "{exit:?} {by:?}");
    }
    let success = r#"{"type":"result","subtype":"success","is_error":false,"result":""}"#;
    let late_error =
        r#"{"type":"result","subtype":"error_during_execution","is_error":true,"total_cost_usd":2}"#;
    let summary = "Claude ended without closing words.".to_owned();
    for by in [EndedBy::Stop, EndedBy::Lingering, EndedBy::TotalLimit(after)] {
        let text = format!("{success}\n{late_error}");
        assert_eq!(verdict(&text, Exit::Signal(9), by), Verdict::Completed { summary: summary.clone() });
    }
    assert!(
        (judge(&evidence(&transcript(&format!("{success}\n{late_error}")), Exit::Unknown, EndedBy::Stop))
            .usage
            .cost
            .dollars()
            - 2.0)
            .abs()
            < 1e-9
    );
}

#[test]
fn a_run_begins_afresh_only_if_it_says_why_it_could_not_be_resumed() {
    let unknown = r#"{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["No conversation found"]}"#;
    let prose =
        r#"{"type":"assistant","message":{"model":"m","content":[{"type":"text","text":"Going on."}]}}"#;
    let judged = |text: &str, stderr| {
        let transcript = transcript(text);
        let evidence = Evidence { stderr, ..evidence(&transcript, Exit::Code(1), EndedBy::Itself) };
        judge_resumed(&evidence).verdict
    };
    assert!(matches!(judged(unknown, ""), Verdict::NotResumed { .. }));
    assert!(matches!(judged("", "no conversation found"), Verdict::NotResumed { .. }));
    // It may have worked, and could not print a word of it: nobody runs that a second time unasked.
    for silent in ["", r#"{"type":"system","subtype":"init","session_id":"s"}"#] {
        assert!(matches!(judged(silent, ""), Verdict::Failed { failure: Failure::NoResult { .. } }));
    }
    assert!(matches!(judged(&format!("{prose}\n{unknown}"), "oops"), Verdict::Failed { .. }));
}

#[test]
fn the_last_success_counts() {
    let line =
        |text: &str| format!(r#"{{"type":"result","subtype":"success","is_error":false,"result":"{text}"}}"#);
    let text = format!("{}\n{}", line("one"), line("two"));
    assert_eq!(
        verdict(&text, Exit::Code(0), EndedBy::Itself),
        Verdict::Completed { summary: "two".to_owned() }
    );
    let messages: Vec<Message> = parse(line("one").as_bytes());
    assert_eq!(messages.len(), 1);
}
