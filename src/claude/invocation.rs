//! How the Claude CLI is called: program, arguments and environment.
//!
//! Pure. The environment is built up, never inherited whole: an `ANTHROPIC_API_KEY` that happens to be in ours would
//! silently change who pays, and `CLAUDECODE` makes the CLI refuse to start inside itself.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use uuid::Uuid;

use crate::domain::usd::Usd;
use crate::user::User;

const PASSED: [&str; 8] = ["PATH", "HOME", "LANG", "TZ", "USER", "TMPDIR", "CLAUDE_CONFIG_DIR", TOKEN];
const TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";
const SET: [&str; 5] = [
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
    "DISABLE_AUTOUPDATER",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "DISABLE_TELEMETRY",
    "DISABLE_ERROR_REPORTING",
];
const BUDGET: &str = "--max-budget-usd";
const NEVER: &str = "CLAUDECODE";

/// What the operator configured about the CLI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The program and its first arguments; never empty.
    pub command: Vec<String>,
    /// Further arguments.
    pub flags: Vec<String>,
    /// The model, instead of the CLI's own choice.
    pub model: Option<String>,
    /// Names of further environment variables that are passed through.
    pub env: Vec<String>,
    /// Whom runs are, if not ourselves.
    pub user: Option<User>,
}

impl Settings {
    /// The same process boundary with our own binary behind it, which changes nothing and needs no other user.
    #[must_use]
    pub fn rehearsal(self, binary: &str) -> Self {
        let command = vec![binary.to_owned(), super::rehearse::REHEARSE.to_owned()];
        Self { command, user: None, ..self }
    }
}

/// Which of the CLI's own sessions a run belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// A new one with an id of our choice; the CLI refuses one that is taken.
    New(Uuid),
    /// One to go on with.
    Resume(Uuid),
}

/// A program, ready to be started.
#[derive(Clone, PartialEq, Eq)]
pub struct Invocation {
    /// A path, or a name to be looked up on `PATH`.
    pub program: String,
    /// Its arguments; they hold no secret.
    pub args: Vec<String>,
    /// Its whole environment but for the run's marker.
    pub env: BTreeMap<OsString, OsString>,
    /// The folder it works in.
    pub cwd: PathBuf,
    /// Whom it runs as, if not as ourselves.
    pub user: Option<User>,
}

impl Invocation {
    /// Puts together one call of the CLI, which may cost no more than `budget` if there is one. `environment` is ours, of
    /// which the child sees the configured part.
    pub fn of_claude(
        settings: &Settings,
        conversation: Conversation,
        budget: Option<Usd>,
        cwd: PathBuf,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut words = settings.command.iter().chain(&settings.flags).cloned();
        let program = words.next().unwrap_or_else(|| "claude".to_owned());
        let mut args: Vec<String> = words.collect();
        if !args.iter().any(|arg| arg == "-p" || arg == "--print") {
            args.push("-p".to_owned());
        }
        args.extend(["--output-format", "stream-json", "--verbose"].map(str::to_owned));
        if let Some(model) = &settings.model {
            args.extend(["--model".to_owned(), model.clone()]);
        }
        if let Some(budget) = budget.filter(|ours| own_budget(&args).is_none_or(|own| *ours < own)) {
            args.extend([BUDGET.to_owned(), in_dollars(budget)]);
        }
        args.extend(match conversation {
            Conversation::New(id) => ["--session-id".to_owned(), id.to_string()],
            Conversation::Resume(id) => ["--resume".to_owned(), id.to_string()],
        });
        let user = settings.user.clone();
        Self { program, args, env: passed(&settings.env, user.as_ref(), environment), cwd, user }
    }

    /// Puts together the question which version the CLI is, with an environment in which there is no secret.
    pub fn of_version(
        settings: &Settings,
        cwd: PathBuf,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut words = settings.command.iter().filter(|word| *word != "-p" && *word != "--print").cloned();
        let program = words.next().unwrap_or_else(|| "claude".to_owned());
        let args = words.chain(["--version".to_owned()]).collect();
        let mut env = passed(&[], settings.user.as_ref(), environment);
        env.remove(OsStr::new(TOKEN));
        Self { program, args, env, cwd, user: settings.user.clone() }
    }

    /// Puts together one call of a check's command, with the user and the environment that the CLI has.
    pub fn of_check(
        settings: &Settings,
        command: &[String],
        cwd: PathBuf,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut words = command.iter().cloned();
        Self {
            program: words.next().unwrap_or_default(),
            args: words.collect(),
            env: passed(&settings.env, settings.user.as_ref(), environment),
            cwd,
            user: settings.user.clone(),
        }
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("cwd", &self.cwd)
            .field("user", &self.user.as_ref().map(|user| &user.name))
            .finish()
    }
}

/// What somebody has to type whose login, or key, was refused.
pub fn login_remedy(invocation: &Invocation) -> String {
    let is_set = |name: &str| invocation.env.get(OsStr::new(name)).is_some_and(|value| !value.is_empty());
    if let Some(key) = ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"].into_iter().find(|name| is_set(name)) {
        return format!("start the daemon with a {key} that is valid");
    }
    if is_set(TOKEN) {
        return format!("`claude setup-token` makes another {TOKEN}: start the daemon with it");
    }
    let of =
        |name: &str| invocation.env.get(OsStr::new(name)).map(|value| value.to_string_lossy().into_owned());
    let whose = of("USER").map_or_else(|| "the daemon's user".to_owned(), |user| format!("user {user}"));
    let folder =
        of("CLAUDE_CONFIG_DIR").map_or(String::new(), |folder| format!("CLAUDE_CONFIG_DIR={folder} "));
    format!("as {whose}: `{folder}{} auth login`", invocation.program)
}

/// The budget among an operator's own arguments; of several, the CLI takes the last.
fn own_budget(args: &[String]) -> Option<Usd> {
    let mut values = args.iter().enumerate().filter_map(|(at, arg)| match arg.strip_prefix(BUDGET)? {
        "" => args.get(at + 1).map(String::as_str),
        rest => rest.strip_prefix('='),
    });
    values.next_back()?.parse().ok().map(Usd::from_dollars)
}

/// All that is left, to the millionth: `0.02`, `4.000001`.
fn in_dollars(amount: Usd) -> String {
    let (whole, millionths) = (amount.micros() / 1_000_000, amount.micros() % 1_000_000);
    format!("{whole}.{millionths:06}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn passed(
    configured: &[String],
    user: Option<&User>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    let wanted = |name: &OsString| {
        name != NEVER
            && (PASSED.iter().any(|passed| name == passed)
                || configured.iter().any(|passed| name == passed.as_str()))
    };
    let set = SET.map(|name| (OsString::from(name), OsString::from("1")));
    let whose = user.map(User::environment).into_iter().flatten();
    environment.into_iter().filter(|(name, _)| wanted(name)).chain(set).chain(whose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(command: &[&str], flags: &[&str]) -> Settings {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Settings { command: owned(command), flags: owned(flags), ..Settings::default() }
    }

    fn args(settings: &Settings, conversation: Conversation) -> String {
        Invocation::of_claude(settings, conversation, None, "/".into(), []).args.join(" ")
    }

    #[test]
    fn adds_what_is_missing() {
        let id = Uuid::nil();
        let plain = settings(&["claude"], &["--max-turns", "3"]);
        assert_eq!(
            args(&plain, Conversation::New(id)),
            format!("--max-turns 3 -p --output-format stream-json --verbose --session-id {id}")
        );
        let mut own = settings(&["npx", "claude", "--print"], &[]);
        own.model = Some("opus".to_owned());
        assert_eq!(
            args(&own, Conversation::Resume(id)),
            format!("claude --print --output-format stream-json --verbose --model opus --resume {id}")
        );
    }

    #[test]
    fn the_lower_budget_counts() {
        let table = [
            ("", 20_000, "--max-budget-usd 0.02"),
            ("--max-budget-usd 5", 4_000_001, "--max-budget-usd 5 --max-budget-usd 4.000001"),
            ("--max-budget-usd 5", 5_000_000, "--max-budget-usd 5"),
            ("--max-budget-usd=0.5", 2_000_000, "--max-budget-usd=0.5"),
            ("--max-budget-usd 9 --max-budget-usd 1", 2_000_000, "--max-budget-usd 9 --max-budget-usd 1"),
        ];
        for (own, micros, expected) in table {
            let settings = settings(&["claude"], &own.split_whitespace().collect::<Vec<_>>());
            let budget = Some(Usd::from_micros(micros));
            let made =
                Invocation::of_claude(&settings, Conversation::New(Uuid::nil()), budget, "/".into(), []);
            let args = made.args.join(" ").replace(" -p --output-format stream-json --verbose", "");
            let args = args.replace("-p --output-format stream-json --verbose ", "");
            assert_eq!(args, format!("{expected} --session-id {}", Uuid::nil()));
        }
    }

    #[test]
    fn the_question_for_the_version_carries_no_secret() {
        let mut settings = settings(&["npx", "claude", "-p"], &["--max-turns", "3"]);
        settings.env = vec!["ANTHROPIC_API_KEY".to_owned()];
        let ours = ["PATH", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"]
            .map(|name| (OsString::from(name), OsString::from("hush-hush")));
        let made = Invocation::of_version(&settings, "/".into(), ours);
        assert_eq!((made.program.as_str(), made.args.join(" ")), ("npx", "claude --version".to_owned()));
        assert!(made.env.contains_key(OsStr::new("PATH")));
        assert!(!made.env.contains_key(OsStr::new(TOKEN)));
        assert!(!made.env.contains_key(OsStr::new("ANTHROPIC_API_KEY")));
    }

    #[test]
    fn passes_only_named_variables() {
        let mut settings = settings(&["claude"], &[]);
        settings.env = vec!["NODE_EXTRA_CA_CERTS".to_owned(), "CLAUDECODE".to_owned()];
        let ours = ["PATH", "ANTHROPIC_API_KEY", "CLAUDECODE", "NODE_EXTRA_CA_CERTS", "WEBHOOK_SECRET"]
            .map(|name| (OsString::from(name), OsString::from("hush-hush")));
        let made = Invocation::of_claude(&settings, Conversation::New(Uuid::nil()), None, "/".into(), ours);
        let names: Vec<_> = made.env.keys().filter_map(|name| name.to_str()).collect();
        assert_eq!(
            names,
            [
                "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
                "DISABLE_AUTOUPDATER",
                "DISABLE_ERROR_REPORTING",
                "DISABLE_TELEMETRY",
                "NODE_EXTRA_CA_CERTS",
                "PATH",
            ]
        );
        assert!(!format!("{made:?}").contains("hush-hush"));
    }
}
