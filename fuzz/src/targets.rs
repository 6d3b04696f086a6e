//! What is held against arbitrary bytes: a promise for each thing that strangers, people and programs may send.
//!
//! Used by the fuzzer, and by `tests/fuzz.rs` for the committed corpus.

#[path = "chat.rs"]
mod chat;

use std::fs;
use std::path::PathBuf;

use jiff::{Timestamp, Zoned};
use orchestrator::claude::{self, EndedBy, Evidence, Exit, Transcript};
use orchestrator::config::{Config, keys};
use orchestrator::domain::run::Verdict;
use orchestrator::domain::words::{self, COMMANDS};
use orchestrator::signature::{Signed, sign};
use orchestrator::taskfile::{self, DayLog};
use secrecy::SecretString;

type Target = fn(&[u8]);

/// Every target, by its name.
pub const TARGETS: [(&str, Target); 6] = [
    ("task_file", task_file),
    ("stream", stream),
    ("command", command),
    ("configuration", configuration),
    ("signature", signature),
    ("chat", chat::chat),
];

/// A target by its name.
pub fn find(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

/// A task file is understood or refused: what is understood survives being written and read again, what is refused is
/// refused with a place within the file and with words that are safe to print.
fn task_file(bytes: &[u8]) {
    let checks = ["tests".to_owned()];
    match taskfile::parse("tasks.md", bytes, &checks) {
        Ok(parsed) => {
            let rendered = taskfile::render(&parsed.plan);
            let again = taskfile::parse("again.md", rendered.as_bytes(), &checks);
            let again = again.unwrap_or_else(|errors| panic!("{}\n{rendered}", errors.annotated()));
            assert_eq!(again.plan, parsed.plan, "{rendered}");
            assert_eq!(parsed.lines.len(), parsed.plan.tasks.len());
            assert!(!parsed.plan.tasks.is_empty());
        }
        Err(diagnostics) => {
            assert!(!diagnostics.0.is_empty());
            let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
            for diagnostic in &diagnostics.0 {
                assert!((1..=lines).contains(&(diagnostic.line as usize)), "{diagnostic}");
                assert!(diagnostic.column >= 1, "{diagnostic}");
            }
            assert_is_safe(&diagnostics.annotated());
            assert_is_safe(&diagnostics.explained());
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (DayLog::parse(text), taskfile::date_in_name(text));
    }
}

/// Nothing moves a terminal's cursor.
#[track_caller]
fn assert_is_safe(text: &str) {
    assert!(!text.is_empty());
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
}

/// Whatever a run prints is judged, and only its own result makes it a success.
fn stream(bytes: &[u8]) {
    let mut transcript = Transcript::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        for message in claude::parse(line) {
            transcript.note(&message);
        }
    }
    let at = Zoned::new(Timestamp::UNIX_EPOCH, jiff::tz::TimeZone::UTC);
    for exit in [Exit::Code(0), Exit::Code(1), Exit::Signal(15), Exit::Unknown] {
        let stderr = &String::from_utf8_lossy(bytes);
        let evidence = Evidence {
            transcript: &transcript,
            exit,
            by: EndedBy::Itself,
            stderr,
            refusal: None,
            at: at.clone(),
        };
        let outcome = claude::judge(&evidence);
        let succeeds = transcript.result.as_ref().is_some_and(claude::RunResult::is_success);
        assert_eq!(matches!(outcome.verdict, Verdict::Completed { .. }), succeeds, "{outcome:?}");
        assert_eq!(claude::judge(&evidence), outcome, "judged twice");
        assert!(outcome.denials.len() <= 1000);
        if let Verdict::Completed { summary } = outcome.verdict {
            assert!(!summary.is_empty() && summary.len() <= 8 * 2000 + 100);
        }
    }
}

/// A line is a command or is refused in words; how a chat or a keyboard writes it makes no difference.
fn command(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let understood = words::understand(text);
    match &understood {
        Ok(said) => assert!(COMMANDS.iter().any(|(word, ..)| *word == said.word()), "{said:?}"),
        Err(why) => assert!(!why.is_empty()),
    }
    let trimmed = text.trim();
    let head = trimmed.split(char::is_whitespace).next().unwrap_or_default();
    let shouted = head.to_ascii_uppercase() + &trimmed[head.len()..];
    let mut same = vec![format!("  {text}\n"), shouted];
    if !head.starts_with('/') {
        same.push(format!("/{trimmed}"));
    }
    if !head.contains(['@', ':', '_']) {
        same.push(format!("{head}@WorkBot{}", &trimmed[head.len()..]));
    }
    for other in same {
        let (said, meant) = (words::understand(&other), &understood);
        let equal = match (&said, meant) {
            (Ok(said), Ok(meant)) => said.word() == meant.word(),
            (Err(_), Err(_)) => true,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        };
        assert!(equal, "{text:?} is {meant:?}, {other:?} is {said:?}");
    }
    let _ = words::task_number(text);
}

const CANARY: &str = "canary-0123456789-secret";

/// A configuration is understood or refused, and no refusal tells the secret. The bytes are the file and, behind a line
/// `---`, the `.env` beside it.
fn configuration(bytes: &[u8]) {
    let folder = memory_folder();
    let text = String::from_utf8_lossy(bytes);
    let (file, dotenv) = text.split_once("\n---\n").unwrap_or((&text, ""));
    fs::write(folder.join("config.toml"), file).expect("a folder in memory");
    fs::write(folder.join(".env"), dotenv).expect("a folder in memory");
    let environment = [("WEBHOOK_SECRET", CANARY), ("HOME", "/nonexistent")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    match Config::load(None, &folder, environment) {
        Ok(config) => {
            assert!(!config.claude.command.is_empty());
            assert!(!config.claude.timeout.is_zero() && !config.claude.idle_timeout.is_zero());
            assert!(!config.orchestrator.remind_after.is_zero() && !config.logging.keep.is_zero());
            let paths = &config.paths;
            for path in
                [&paths.project_dir, &paths.tasks_dir, &paths.logs_dir, &paths.daily_dir, &paths.database]
            {
                assert!(path.is_absolute(), "{}", path.display());
            }
            assert!(!format!("{config:?}").contains(CANARY));
        }
        Err(errors) => {
            let told = errors.to_string();
            assert!(!told.is_empty() && !told.contains(CANARY), "{told}");
            assert!(errors.sentences().next().is_some());
        }
    }
    let _ = keys::find(&text);
    fs::remove_dir_all(folder).expect("the folder that was made");
}

fn memory_folder() -> PathBuf {
    let folder = PathBuf::from(format!("/dev/shm/orchestrator-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder in memory");
    folder
}

/// Only who knows the secret is believed. The bytes are secret, id, time, signatures and body, a line each.
fn signature(bytes: &[u8]) {
    let mut parts = bytes.splitn(5, |byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (secret, id, timestamp, signatures) = (text(), text(), text(), text());
    let body = parts.next().unwrap_or_default();
    let now = timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let now = now.unwrap_or(Timestamp::UNIX_EPOCH);
    let secret = SecretString::from(secret);
    let ours = [secret.clone()];
    let Some(right) = sign(&secret, &id, now, body) else {
        let signed = Signed { id: &id, timestamp: &timestamp, signatures: &signatures, body };
        assert!(!signed.is_by_one_who_knows(&ours, now), "a secret that is no key");
        return;
    };
    let seconds = now.as_second().to_string();
    let signed = Signed { id: &id, timestamp: &seconds, signatures: &right, body };
    assert!(signed.is_by_one_who_knows(&ours, now), "{signed:?}");
    let offered = Signed { timestamp: &timestamp, signatures: &signatures, ..signed };
    let holds_it = signatures.split_whitespace().any(|one| one == right);
    let written_so = timestamp == seconds;
    if written_so {
        assert_eq!(offered.is_by_one_who_knows(&ours, now), holds_it, "{offered:?}");
    }
    let longer = [body, b"."].concat();
    let others = [Signed { body: &longer, ..signed }, Signed { id: "another", ..signed }];
    for other in others.iter().filter(|other| other.id != id || other.body != body) {
        assert!(!other.is_by_one_who_knows(&ours, now), "{other:?}");
    }
    assert!(!signed.is_by_one_who_knows(&["a secret of someone else".into()], now));
}
