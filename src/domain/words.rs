//! Commands as people type and tap them, in a chat, a terminal or `POST /command`.
//!
//! Leading `/`, `@botname` and letter case don't matter; `/approve_g7_k3qd` and `approve:g7_k3qd` mean `approve g7_k3qd`.

use super::command::{Command, Replace, Target};
use super::id::{GateId, SessionId, TaskNumber};

/// The words, as `help` lists them.
pub const COMMANDS: [(&str, &str, &str); 13] = [
    ("start", "[task file] [again] [--replace]", "begin a session"),
    ("approve", "[gate] [note]", "say yes to the open gate"),
    ("reject", "[gate] <why>", "say no, and what should be different"),
    ("pause", "[now]", "start nothing new; \"now\" also ends the live run"),
    ("resume", "", "go on"),
    ("skip", "[gate | #task]", "go on without a task"),
    ("retry", "[gate | #task] [feedback]", "run a failed, interrupted or skipped task again"),
    ("stop", "", "end the session"),
    ("status", "", "where things stand"),
    ("tasks", "", "the tasks of the session"),
    ("logs", "[lines] [#task]", "the newest lines of the story, or of a task's output"),
    ("sessions", "", "the sessions so far"),
    ("help", "", "this list"),
];

/// What was said.
#[derive(Clone, Debug)]
pub enum Said {
    /// Begin a session.
    Start {
        /// Which file, if it was named.
        file: Option<String>,
        /// Even if it was completed before.
        again: bool,
        /// Which session to stop first.
        replace: Replace,
    },
    /// Anything else that changes something.
    Tell(Command),
    /// Tell where things stand.
    Status,
    /// List the tasks.
    Tasks,
    /// Show the newest lines.
    Logs {
        /// How many.
        lines: Option<i64>,
        /// Of which task's output; of the story if none is named.
        task: Option<TaskNumber>,
    },
    /// List the sessions.
    Sessions,
    /// List the commands.
    Help,
}

impl Said {
    /// The command's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Tell(command) => match command {
                Command::Approve { .. } => "approve",
                Command::Reject { .. } => "reject",
                Command::Pause { .. } => "pause",
                Command::Resume => "resume",
                Command::Skip { .. } => "skip",
                Command::Retry { .. } => "retry",
                Command::Stop { .. } => "stop",
                Command::Start(_) => "start",
                Command::Claim { .. } => "claim",
                Command::Finish { .. } => "finish",
            },
            Self::Status => "status",
            Self::Tasks => "tasks",
            Self::Logs { .. } => "logs",
            Self::Sessions => "sessions",
            Self::Help => "help",
        }
    }
}

/// Understands one line. The error is a sentence for whoever said it.
pub fn understand(text: &str) -> Result<Said, String> {
    let text = text.trim();
    let (head, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let head = head.strip_prefix('/').unwrap_or(head);
    let head = head.split_once('@').map_or(head, |(word, _)| word);
    let (word, tapped) = match head.split_once([':', '_']) {
        Some((word, argument)) => (word, Some(argument)),
        None => (head, None),
    };
    let word = word.to_ascii_lowercase();
    let rest = tapped.map_or(rest.to_owned(), |argument| format!("{argument} {rest}"));
    let rest = rest.trim();
    let tapped = tapped.is_some();
    match word.as_str() {
        "start" => Ok(start(rest)),
        "approve" => {
            let (gate, note) = gate_and_words(rest, tapped);
            Ok(Said::Tell(Command::Approve { gate, note }))
        }
        "reject" => {
            let (gate, feedback) = gate_and_words(rest, tapped);
            Ok(Said::Tell(Command::Reject { gate, feedback }))
        }
        "pause" => match rest.to_ascii_lowercase().as_str() {
            "" => Ok(Said::Tell(Command::Pause { now: false })),
            "now" => Ok(Said::Tell(Command::Pause { now: true })),
            _ => Err(format!("\"{rest}\" can't follow pause: say \"pause\" or \"pause now\"")),
        },
        "resume" => Ok(Said::Tell(Command::Resume)),
        "skip" => match target_and_words(rest, tapped) {
            (target, None) => Ok(Said::Tell(Command::Skip { target })),
            (_, Some(_)) => Err(format!(
                "\"{rest}\" is neither a gate nor a task: say \"skip\", \"skip g7_…\" or \"skip #2\""
            )),
        },
        "retry" => {
            let (target, feedback) = target_and_words(rest, tapped);
            Ok(Said::Tell(Command::Retry { target, feedback }))
        }
        "stop" => match gate_and_words(rest, tapped) {
            (gate, None) => Ok(Said::Tell(Command::Stop { gate })),
            (_, Some(_)) => Err(format!("\"{rest}\" can't follow stop: say \"stop\"")),
        },
        "status" => Ok(Said::Status),
        "tasks" => Ok(Said::Tasks),
        "logs" => logs(rest),
        "sessions" => Ok(Said::Sessions),
        "help" => Ok(Said::Help),
        unknown => Err(unknown_word(unknown)),
    }
}

/// Reads a task as a person names it: `2` or `#2`.
pub fn task_number(text: &str) -> Option<TaskNumber> {
    text.strip_prefix('#').unwrap_or(text).parse().ok().map(TaskNumber)
}

fn start(rest: &str) -> Said {
    let (mut again, mut replace) = (false, Replace::No);
    let mut name = Vec::new();
    for part in rest.split_whitespace() {
        match part.to_ascii_lowercase().as_str() {
            "again" => again = true,
            "--replace" | "—replace" | "replace" => replace = Replace::Any,
            word => match word.strip_prefix("replace=").filter(|session| !session.is_empty()) {
                Some(session) => replace = Replace::Only(SessionId::new(session)),
                None => name.push(part),
            },
        }
    }
    Said::Start { file: (!name.is_empty()).then(|| name.join(" ")), again, replace }
}

/// Tells a gate from the words behind it; `tapped` says that the first word can't be anything else.
pub fn gate_and_words(rest: &str, tapped: bool) -> (Option<GateId>, Option<String>) {
    let (first, others) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match gate(first, tapped) {
        Some(gate) => (Some(gate), words(others)),
        None => (None, words(rest)),
    }
}

/// Tells a gate or a task from the words behind it, likewise.
pub fn target_and_words(rest: &str, tapped: bool) -> (Target, Option<String>) {
    let (first, others) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if let Some(number) = task_number(first) {
        return (Target::Task(number), words(others));
    }
    match gate(first, tapped) {
        Some(gate) => (Target::Gate(gate), words(others)),
        None => (Target::Current, words(rest)),
    }
}

/// A word in a gate's place. One that only looks like an id is no note: taken for one, it would answer another gate.
fn gate(word: &str, tapped: bool) -> Option<GateId> {
    let looks_like_one = word.to_ascii_lowercase().starts_with(GateId::PREFIX);
    (looks_like_one || (tapped && !word.is_empty())).then(|| GateId::named(word))
}

fn words(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn logs(rest: &str) -> Result<Said, String> {
    let (mut lines, mut task) = (None, None);
    for part in rest.split_whitespace() {
        let number = || part.strip_prefix('#').and_then(task_number);
        match (part.parse::<i64>(), number()) {
            (Ok(count), None) => lines = Some(count),
            (_, Some(number)) => task = Some(number),
            (Err(_), None) => {
                return Err(format!(
                    "\"{part}\" is neither a number of lines nor a task: say \"logs 50\" or \"logs 50 #2\""
                ));
            }
        }
    }
    Ok(Said::Logs { lines, task })
}

fn unknown_word(word: &str) -> String {
    let nearest = COMMANDS
        .iter()
        .map(|(known, ..)| (strsim::damerau_levenshtein(word, known), known))
        .min()
        .filter(|(distance, known)| *distance <= 1 + known.len() / 3);
    let word: String = word.chars().take(40).collect();
    match nearest {
        Some((_, known)) => format!("unknown command \"{word}\": did you mean /{known}?"),
        None if word.is_empty() => "say a command: /help lists them".to_owned(),
        None => format!("unknown command \"{word}\": /help lists those there are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate_of(text: &str) -> Option<String> {
        match understand(text).unwrap() {
            Said::Tell(
                Command::Approve { gate, .. } | Command::Reject { gate, .. } | Command::Stop { gate },
            ) => gate.map(|gate| gate.to_string()),
            Said::Tell(Command::Skip { target } | Command::Retry { target, .. }) => {
                target.gate().map(GateId::to_string)
            }
            other => panic!("{text:?} was understood as {other:?}"),
        }
    }

    #[test]
    fn a_gate_is_named_in_many_ways() {
        for text in [
            "approve g7_k3qd",
            "/approve_g7_k3qd",
            "/APPROVE_G7_K3QD@MyBot",
            "  approve:g7_k3qd looks good ",
            "skip:g7_k3qd",
            "retry g7_k3qd with more care",
            "/stop_g7_k3qd",
        ] {
            assert_eq!(gate_of(text).as_deref(), Some("g7_k3qd"), "{text}");
        }
        assert_eq!(gate_of("approve looks good"), None);
        assert_eq!(gate_of("skip #2"), None);
        assert_eq!(gate_of("skip:2"), None);
    }

    #[test]
    fn a_misspelt_gate_is_not_taken_for_a_note_to_the_open_one() {
        for text in ["approve g7_k3q", "/reject_g7_k3qdd", "retry:later", "skip g7_0001", "stop g7_"] {
            assert!(gate_of(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_file_keeps_its_letters() {
        for text in ["/START_Plan.md", "start@MyBot Plan.md", "start:Plan.md again"] {
            let Said::Start { file, .. } = understand(text).unwrap() else { panic!("{text}") };
            assert_eq!(file.as_deref(), Some("Plan.md"), "{text}");
        }
    }

    #[test]
    fn a_session_to_be_replaced_can_be_named() {
        for (text, wanted) in [
            ("start:Plan.md", Replace::No),
            ("start Plan.md --replace", Replace::Any),
            ("start:Plan.md replace=20251120-093000-2", Replace::Only(SessionId::new("20251120-093000-2"))),
        ] {
            let Said::Start { file, replace, .. } = understand(text).unwrap() else { panic!("{text}") };
            assert_eq!((file.as_deref(), replace), (Some("Plan.md"), wanted), "{text}");
        }
    }

    #[test]
    fn an_unknown_word_is_told_its_nearest() {
        assert_eq!(understand("/aprove").unwrap_err(), "unknown command \"aprove\": did you mean /approve?");
        assert_eq!(
            understand("dance").unwrap_err(),
            "unknown command \"dance\": /help lists those there are"
        );
        assert_eq!(understand(" / ").unwrap_err(), "say a command: /help lists them");
        assert!(understand("skip the second").is_err());
        assert!(understand("stop it").is_err());
        assert!(understand("logs twenty").is_err());
    }
}
