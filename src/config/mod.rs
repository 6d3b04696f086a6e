//! The configuration: a file, `.env`, credentials and the environment become one validated [`Config`], or a list of everything that
//! is wrong with them.
//!
//! The environment is a parameter; only a `$NAME` within `.env` and the system's time zone are taken from the process
//! itself. No message, `Debug` output or error holds a secret. Knows nothing of who uses which value.

mod convert;
mod credentials;
pub mod keys;
mod problem;
mod reader;
mod sections;
mod setting;
mod sources;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use tracing::Level;

use crate::domain::policy::Policy;
use crate::domain::size::Size;
use crate::files::reason;
use crate::user::User;
use convert::Folders;
use problem::{Layer, Problem};
use reader::Reader;
use variables::Variables;

pub use problem::ConfigErrors;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "config.toml";

/// Everything that can be configured. All paths are absolute.
#[derive(Clone, Debug)]
pub struct Config {
    /// How the daemon is reached.
    pub server: Server,
    /// When work waits, and for how long.
    pub orchestrator: Orchestrator,
    /// What runs may do to the disk.
    pub disk: Disk,
    /// Who may call, and whom to notify.
    pub webhooks: Webhooks,
    /// How Claude is run.
    pub claude: Claude,
    /// Where files are.
    pub paths: Paths,
    /// What the daemon says of itself.
    pub logging: Logging,
    /// Who may command from a chat.
    pub telegram: Telegram,
    /// Commands that prove a task done, by name.
    pub checks: BTreeMap<String, Check>,
}

/// Section `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// The name or address to listen on.
    pub host: String,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The `Host` headers that are answered; empty means any.
    pub allowed_hosts: Vec<String>,
}

/// Section `[orchestrator]`.
#[derive(Clone, Debug)]
pub struct Orchestrator {
    /// The policy of new sessions.
    pub policy: Policy,
    /// When to remind of an unanswered gate; never zero.
    pub remind_after: Duration,
    /// The zone of dates, times and session ids.
    pub timezone: TimeZone,
}

/// What section `[limits]` says of the disk; the rest of it is part of the policy of new sessions.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    /// How much must be free before a run starts.
    pub min_free: Size,
    /// How much a run may print.
    pub output_per_run: Size,
}

/// Section `[webhooks]`. Secrets have at least 16 characters, and base64 after `whsec_`.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// What callers prove that they know.
    pub secret: Option<SecretString>,
    /// A second one that is valid too.
    pub previous_secret: Option<SecretString>,
    /// Whether only signed requests are accepted.
    pub require_signature: bool,
    /// Where notifications are posted.
    pub n8n_notify_url: Option<String>,
    /// What notifications are signed with instead of `secret`.
    pub notify_secret: Option<SecretString>,
    /// Headers sent along with notifications.
    pub notify_headers: BTreeMap<String, SecretString>,
}

/// Section `[claude]`.
#[derive(Clone, Debug)]
pub struct Claude {
    /// The program and its arguments, `-p` among them. Never empty.
    pub command: Vec<String>,
    /// More arguments.
    pub flags: Vec<String>,
    /// The model, unless the program's own choice will do.
    pub model: Option<String>,
    /// How long a run may take; never zero.
    pub timeout: Duration,
    /// How long a run may print nothing; never zero.
    pub idle_timeout: Duration,
    /// How long a run that is ended may take to clean up.
    pub grace: Duration,
    /// The names of the variables passed on besides the usual ones.
    pub env: Vec<String>,
    /// Whom runs are, if not the daemon's own user.
    pub user: Option<User>,
    /// Whether runs are only acted out.
    pub rehearse: bool,
}

/// Section `[paths]`, absolute.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The folder Claude works in.
    pub project_dir: PathBuf,
    /// The folder of the task files.
    pub tasks_dir: PathBuf,
    /// The folder of the logs.
    pub logs_dir: PathBuf,
    /// The folder of the daily descriptions of work.
    pub daily_dir: PathBuf,
    /// The file that holds all state.
    pub database: PathBuf,
}

/// Section `[logging]`.
#[derive(Clone, Debug)]
pub struct Logging {
    /// The least important level that is still said.
    pub level: Level,
    /// How it is written.
    pub format: LogFormat,
    /// How long logs are kept; never zero.
    pub keep: Duration,
}

/// How log lines on stderr are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors, one object a line.
    Json,
}

/// Section `[telegram]`.
#[derive(Clone, Debug)]
pub struct Telegram {
    /// The chats that may command and are notified; empty means any.
    pub chat_id: Vec<String>,
    /// The people who may command; empty means any.
    pub user_id: Vec<String>,
    /// The commands that a chat may give, in lower case and without a slash.
    pub commands: Vec<String>,
}

/// One entry of `[checks]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The program and its arguments. Never empty.
    pub command: Vec<String>,
    /// How long it may take; never zero.
    pub timeout: Duration,
}

impl Config {
    /// Reads a named file, or `config.toml` in `cwd` if there is one; then `.env` beside it; then the credentials that a
    /// service manager handed over; then the environment.
    pub fn load(
        file: Option<&Path>,
        cwd: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let mut problems = Vec::new();
        let shown = file.unwrap_or(Path::new(DEFAULT_FILE));
        let path = cwd.join(shown);
        let base = path.parent().unwrap_or(cwd).to_path_buf();

        let mut variables = Variables::default();
        let shown_dotenv = shown.with_file_name(".env");
        if let Some(text) = read(&base.join(".env"), &shown_dotenv, false, &mut problems) {
            variables.add_dotenv(&text, &shown_dotenv.to_string_lossy(), &mut problems);
        }
        let environment: Vec<_> = environment.into_iter().collect();
        variables.add_credentials(credentials::handed_over(&environment, &mut problems));
        variables.add_environment(environment);

        let text = read(&path, shown, file.is_some(), &mut problems).unwrap_or_default();
        let file = sources::file(&text, &shown.to_string_lossy(), &mut problems);
        let config = ::config::Config::builder()
            .add_source(sources::defaults())
            .add_source(file.clone())
            .add_source(variables.source(Layer::Dotenv, &mut problems))
            .add_source(variables.source(Layer::Credentials, &mut problems))
            .add_source(variables.source(Layer::Environment, &mut problems))
            .build()
            .map_err(|error| ConfigErrors::nowhere(error.to_string()))?;

        let folders = Folders { base, home: variables.get("HOME").map(PathBuf::from) };
        let mut reader = Reader { config, variables, file, folders, problems };
        let config = sections::build(&mut reader);
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigErrors::new(reader.problems)) }
    }

    /// The secret that `serve` doesn't start without.
    pub fn require_secret(&self) -> Result<&SecretString, ConfigErrors> {
        self.webhooks.secret.as_ref().ok_or_else(|| {
            ConfigErrors::nowhere(
                "webhooks.secret is not set, and without it anyone could give commands. \
                 Three commands lead to a working daemon:\n  \
                 orchestrator init     makes config.toml, a .env with a fresh secret, and a task file to try\n  \
                 orchestrator doctor   says what is still missing\n  \
                 orchestrator serve",
            )
        })
    }
}

/// The process's environment, without what isn't text.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The text of a file; a missing one is a problem only if it is required.
fn read(path: &Path, shown: &Path, required: bool, problems: &mut Vec<Problem>) -> Option<String> {
    let error = match std::fs::read_to_string(path) {
        Ok(text) => return Some(text),
        Err(error) => error,
    };
    let sentence = match error.kind() {
        ErrorKind::NotFound if required => "there is no such file; `orchestrator init` writes one".to_owned(),
        ErrorKind::NotFound => return None,
        ErrorKind::InvalidData => "can't be read: it isn't UTF-8 text".to_owned(),
        _ => format!("can't be read: {}", reason(&error)),
    };
    problems.push(Problem::at(&shown.to_string_lossy(), sentence));
    None
}
