//! The one table of what can be configured: unknown keys, defaults, error messages and documentation follow from it.

use crate::domain::{duration, size};

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The section and the name, as in `server.port`.
    pub path: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// The default as it would be written in the file; `None` when the key is unset.
    pub default: Option<&'static str>,
    /// What it is for, in one sentence.
    pub help: &'static str,
}

impl Key {
    /// The section, without brackets.
    pub fn section(&self) -> &'static str {
        self.path.split_once('.').map_or(self.path, |(section, _)| section)
    }

    /// The name within the section.
    pub fn name(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(_, name)| name)
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("ORCHESTRATOR__{}", self.path.replace('.', "__").to_uppercase())
    }
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text but the empty one.
    Text,
    /// A text that is never shown.
    Secret,
    /// Texts that are never shown, by header name.
    Headers,
    /// An `http` address.
    Url,
    /// A TCP port.
    Port,
    /// A whole number from 1.
    Count,
    /// An amount of US dollars.
    Dollars,
    /// A number of tokens.
    Tokens,
    /// A number of bytes.
    Size,
    /// `true` or `false`.
    Switch,
    /// A length of time.
    Duration,
    /// The name of a time zone.
    Zone,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any of these words.
    Choices(&'static [&'static str]),
    /// A list of texts.
    List,
    /// A list of names of environment variables.
    Variables,
    /// One number or text, or a list of them.
    Ids,
    /// A file or folder.
    Path,
    /// A program and its arguments, split as a shell would.
    Command,
    /// Arguments, split as a shell would.
    Arguments,
    /// The name of a user of this system.
    User,
}

impl Kind {
    /// Completes the sentence "it must be …".
    pub fn expected(self) -> String {
        match self {
            Self::Text => "a text in quotes, and not an empty one".to_owned(),
            Self::Secret => {
                "a text of at least 16 characters (`openssl rand -hex 32` makes a good one)".to_owned()
            }
            Self::Headers => r#"a table of texts such as { "X-Key" = "${N8N_KEY}" }"#.to_owned(),
            Self::Url => "an address that begins with http:// or https://".to_owned(),
            Self::Port => "a port from 0 to 65535".to_owned(),
            Self::Count => "a whole number from 1 to 1000".to_owned(),
            Self::Dollars => "a number of US dollars such as 5 or 2.50".to_owned(),
            Self::Tokens => "a whole number such as 2_000_000".to_owned(),
            Self::Size => size::EXPECTED.to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Duration => duration::EXPECTED.to_owned(),
            Self::Zone => r#"the name of a time zone such as "Europe/Berlin""#.to_owned(),
            Self::Choice(words) => format!("one of {}", quoted(words)),
            Self::Choices(words) => format!("a list of any of {}", quoted(words)),
            Self::List => r#"a list of texts such as ["database", "deployment"]"#.to_owned(),
            Self::Variables => r#"a list of names of variables such as ["GH_TOKEN"]"#.to_owned(),
            Self::Ids => "a number, a text, or a list of them".to_owned(),
            Self::Path => "the path of a file or folder".to_owned(),
            Self::Command => "a program and its arguments, quoted as for a shell".to_owned(),
            Self::Arguments => "arguments in one text, quoted as for a shell".to_owned(),
            Self::User => "the name of a user of this system".to_owned(),
        }
    }

    /// Whether values of this kind stay out of every message.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Headers)
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    words.join(", ")
}

/// The commands that `telegram.commands` can name.
pub const COMMANDS: &[&str] = &[
    "start", "approve", "reject", "pause", "resume", "skip", "retry", "continue", "stop", "status", "tasks",
    "logs", "sessions", "help",
];

const TROUBLE: Kind = Kind::Choice(&["ask", "retry", "skip", "stop"]);

/// The section whose keys are names of the operator's own.
pub const CHECKS: &str = "checks";

/// Every section, in the order of the documentation.
pub const SECTIONS: &[&str] =
    &["server", "orchestrator", "limits", "webhooks", "claude", "paths", "logging", "telegram", CHECKS];

/// Every key outside `[checks]`, by section.
pub const KEYS: &[Key] = &[
    key("server.host", Kind::Text, r#""127.0.0.1""#, "The address the HTTP server listens on."),
    key("server.port", Kind::Port, "5000", "The port it listens on; 0 takes a free one."),
    key("server.allowed_hosts", Kind::List, "[]", "The `Host` headers that are answered; empty means any."),
    key(
        "orchestrator.approval_mode",
        Kind::Choice(&["required", "manual", "auto"]),
        r#""required""#,
        "Which tasks wait for an approval: those that aren't auto-approved, every one, or none that doesn't ask for it.",
    ),
    key(
        "orchestrator.checkpoint_after",
        Kind::List,
        "[]",
        "The task types after which a person looks, in every mode.",
    ),
    key(
        "orchestrator.approve_before",
        Kind::List,
        "[]",
        "The task types before which a person is asked, in every mode.",
    ),
    key("orchestrator.auto_approve", Kind::List, "[]", "The task types that mode \"required\" lets through."),
    key("orchestrator.on_failure", TROUBLE, r#""ask""#, "What follows a failed run."),
    key(
        "orchestrator.on_interrupted",
        TROUBLE,
        r#""ask""#,
        "What follows a run that ended without a verdict.",
    ),
    key(
        "orchestrator.max_attempts",
        Kind::Count,
        "3",
        "How many runs a task gets before \"retry\" asks instead.",
    ),
    key(
        "orchestrator.remind_after",
        Kind::Duration,
        r#""1h""#,
        "When to remind of an unanswered gate; doubles each time.",
    ),
    unset(
        "orchestrator.timezone",
        Kind::Zone,
        "The zone of dates, times and session ids; unset means the system's.",
    ),
    unset(
        "limits.cost_per_task",
        Kind::Dollars,
        "What the runs of a task may cost before a person is asked.",
    ),
    unset(
        "limits.cost_per_session",
        Kind::Dollars,
        "What the runs of a session may cost before a person is asked.",
    ),
    unset(
        "limits.cost_per_day",
        Kind::Dollars,
        "What all runs of a day may cost before a person is asked, whichever session they belong to.",
    ),
    unset(
        "limits.tokens_per_day",
        Kind::Tokens,
        "How many tokens, in and out, all runs of a day may use before a person is asked: for subscriptions, which report no dollars.",
    ),
    unset(
        "limits.runtime_per_session",
        Kind::Duration,
        "How long the runs of a session may take together before a person is asked.",
    ),
    unset(
        "limits.failures_in_a_row",
        Kind::Count,
        "How many runs may fail one after another without a change in the project before a person is asked, whatever on_failure says.",
    ),
    key(
        "limits.min_free",
        Kind::Size,
        r#""100MB""#,
        "How much must be free on the disks of the logs, the database and the project; below it nothing starts, and below half of it a live run is ended, to go on later.",
    ),
    key("limits.output_per_run", Kind::Size, r#""2GB""#, "How much a run may print before it is ended."),
    unset(
        "webhooks.secret",
        Kind::Secret,
        "What callers prove that they know; `serve` doesn't start without it.",
    ),
    unset(
        "webhooks.previous_secret",
        Kind::Secret,
        "A second secret that is valid too, so that the first can be changed without downtime.",
    ),
    key(
        "webhooks.require_signature",
        Kind::Switch,
        "false",
        "Whether only signed requests are accepted, never the bare secret.",
    ),
    unset("webhooks.n8n_notify_url", Kind::Url, "Where notifications are posted; unset means nowhere."),
    unset(
        "webhooks.notify_secret",
        Kind::Secret,
        "What notifications are signed with; unset means `webhooks.secret`.",
    ),
    key(
        "webhooks.notify_headers",
        Kind::Headers,
        "{}",
        "Headers sent along with notifications, for n8n's header authentication.",
    ),
    key(
        "claude.command",
        Kind::Command,
        r#""claude""#,
        "The program to run, with arguments if need be; `-p` is added when missing.",
    ),
    key("claude.flags", Kind::Arguments, r#""""#, "More arguments for every run."),
    unset("claude.model", Kind::Text, "The model; unset means what the program prefers."),
    key("claude.timeout", Kind::Duration, r#""1h""#, "How long a run may take."),
    key("claude.idle_timeout", Kind::Duration, r#""10m""#, "How long a run may print nothing."),
    key(
        "claude.grace",
        Kind::Duration,
        r#""10s""#,
        "How long a run that is ended may take to clean up before it is killed.",
    ),
    key(
        "claude.env",
        Kind::Variables,
        "[]",
        "The environment variables passed on to a run, besides the few it needs.",
    ),
    unset(
        "claude.user",
        Kind::User,
        "The user that runs and checks are, so that they can't read what the daemon keeps; unset means the daemon's own.",
    ),
    key(
        "claude.rehearse",
        Kind::Switch,
        "false",
        "Whether runs are only acted out, so that nothing is changed and nothing is spent.",
    ),
    key("paths.project_dir", Kind::Path, r#"".""#, "The folder Claude works in."),
    key("paths.tasks_dir", Kind::Path, r#""orchestrator_tasks""#, "The folder of the task files."),
    key(
        "paths.logs_dir",
        Kind::Path,
        r#""orchestrator_logs""#,
        "The folder of the daily log, the access log and what runs printed.",
    ),
    key("paths.daily_dir", Kind::Path, r#""daily_logs""#, "The folder of the daily descriptions of work."),
    key("paths.database", Kind::Path, r#""orchestrator.db""#, "The file that holds all state."),
    key(
        "logging.level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        r#""info""#,
        "How much the daemon says about itself on stderr.",
    ),
    key("logging.format", Kind::Choice(&["text", "json"]), r#""text""#, "How it says it."),
    key("logging.keep", Kind::Duration, r#""90d""#, "How long logs are kept."),
    key("telegram.chat_id", Kind::Ids, "[]", "The chats that may command and are notified; empty means any."),
    key(
        "telegram.user_id",
        Kind::Ids,
        "[]",
        "The people who may command; empty means anyone in those chats.",
    ),
    key(
        "telegram.commands",
        Kind::Choices(COMMANDS),
        r#"["start", "approve", "reject", "pause", "resume", "skip", "retry", "continue", "stop", "status", "tasks", "logs", "sessions", "help"]"#,
        "The commands that a chat may give.",
    ),
];

/// What a check is, in a table of its own.
pub const CHECK_KEYS: &[&str] = &["command", "timeout"];

/// Keys of earlier versions, and what to do about each.
pub const RETIRED: &[(&str, &str)] = &[
    ("paths.state_file", "state now lives in the database, `paths.database`"),
    ("server.debug", "`logging.level = \"debug\"` says more instead"),
    (
        "webhooks.enabled",
        "`orchestrator serve` always listens, and `orchestrator run FILE` works without a server",
    ),
    ("logging.task_logs", "every run has its own log in `paths.logs_dir` now"),
];

/// The row of a key, by its path.
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

const fn key(path: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { path, kind, default: Some(default), help }
}

const fn unset(path: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { path, kind, default: None, help }
}
