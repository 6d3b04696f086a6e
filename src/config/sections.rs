//! Builds each section from its keys.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use tracing::Level;

use super::convert;
use super::keys::{CHECK_KEYS, CHECKS, COMMANDS};
use super::problem::nearest;
use super::reader::Reader;
use super::value::{Setting, Value};
use super::variables::{CLAUDE_CLI_PATH, PREFIX, SHORT_NAMES, Variables};
use super::{Check, Claude, Config, LogFormat, Logging, Orchestrator, Paths, Server, Telegram, Webhooks};
use crate::domain::policy::{ApprovalMode, OnTrouble, Policy};

/// How long a check may take that doesn't say.
const CHECK_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);

/// Reads every key, so that every problem is noted; `None` when there are any.
pub(super) fn build(reader: &mut Reader, variables: &Variables) -> Option<Config> {
    let server = server(reader);
    let orchestrator = orchestrator(reader);
    let webhooks = webhooks(reader);
    let claude = claude(reader, variables);
    let paths = paths(reader);
    let logging = logging(reader);
    let telegram = telegram(reader);
    let checks = checks(reader);
    Some(Config {
        server: server?,
        orchestrator: orchestrator?,
        webhooks: webhooks?,
        claude: claude?,
        paths: paths?,
        logging: logging?,
        telegram: telegram?,
        checks,
    })
}

fn server(reader: &mut Reader) -> Option<Server> {
    let host = reader.text("server.host");
    let port = reader.port("server.port");
    let allowed_hosts = reader.list("server.allowed_hosts");
    Some(Server { host: host?, port: port?, allowed_hosts: allowed_hosts? })
}

fn orchestrator(reader: &mut Reader) -> Option<Orchestrator> {
    let modes = [
        ("required", ApprovalMode::Required),
        ("manual", ApprovalMode::Manual),
        ("auto", ApprovalMode::Auto),
    ];
    let approval_mode = reader.choice("orchestrator.approval_mode", &modes);
    let checkpoint_after = task_types(reader, "orchestrator.checkpoint_after");
    let approve_before = task_types(reader, "orchestrator.approve_before");
    let auto_approve = task_types(reader, "orchestrator.auto_approve");
    let on_failure = on_trouble(reader, "orchestrator.on_failure");
    let on_interrupted = on_trouble(reader, "orchestrator.on_interrupted");
    let max_attempts = reader.count("orchestrator.max_attempts");
    let remind_after = reader.positive_duration("orchestrator.remind_after");
    let timezone = reader.zone("orchestrator.timezone").unwrap_or_else(TimeZone::system);
    let policy = Policy {
        approval_mode: approval_mode?,
        checkpoint_after: checkpoint_after?,
        approve_before: approve_before?,
        auto_approve: auto_approve?,
        on_failure: on_failure?,
        on_interrupted: on_interrupted?,
        max_attempts: max_attempts?,
    };
    Some(Orchestrator { policy, remind_after: remind_after?, timezone })
}

/// Task types as task files give them: in lower case.
fn task_types(reader: &mut Reader, path: &str) -> Option<Vec<String>> {
    let types = reader.list(path)?;
    Some(types.iter().map(|name| name.to_lowercase()).collect())
}

fn on_trouble(reader: &mut Reader, path: &str) -> Option<OnTrouble> {
    let meanings = [
        ("ask", OnTrouble::Ask),
        ("retry", OnTrouble::Retry),
        ("skip", OnTrouble::Skip),
        ("stop", OnTrouble::Stop),
    ];
    reader.choice(path, &meanings)
}

fn webhooks(reader: &mut Reader) -> Option<Webhooks> {
    let secret = signing_secret(reader, "webhooks.secret");
    let previous_secret = signing_secret(reader, "webhooks.previous_secret");
    let require_signature = reader.switch("webhooks.require_signature");
    let n8n_notify_url = reader.url("webhooks.n8n_notify_url");
    let notify_secret = signing_secret(reader, "webhooks.notify_secret");
    let notify_headers = reader.headers("webhooks.notify_headers");
    Some(Webhooks {
        secret,
        previous_secret,
        require_signature: require_signature?,
        n8n_notify_url,
        notify_secret,
        notify_headers: notify_headers?,
    })
}

fn signing_secret(reader: &mut Reader, path: &str) -> Option<SecretString> {
    let secret = reader.secret(path)?;
    if let Some(encoded) = secret.expose_secret().strip_prefix("whsec_")
        && STANDARD.decode(encoded).is_err()
    {
        reader.complain(path, "begins with whsec_, so the rest must be base64");
        return None;
    }
    Some(secret)
}

fn claude(reader: &mut Reader, variables: &Variables) -> Option<Claude> {
    let command = reader.command("claude.command").map(|words| claude_command(words, reader, variables));
    let flags = reader.arguments("claude.flags");
    let model = reader.text("claude.model");
    let timeout = reader.positive_duration("claude.timeout");
    let idle_timeout = reader.positive_duration("claude.idle_timeout");
    let grace = reader.duration("claude.grace");
    let env = passed_on(reader, "claude.env");
    let rehearse = reader.switch("claude.rehearse");
    Some(Claude {
        command: command?,
        flags: flags?,
        model,
        timeout: timeout?,
        idle_timeout: idle_timeout?,
        grace: grace?,
        env: env?,
        rehearse: rehearse?,
    })
}

fn claude_command(mut words: Vec<String>, reader: &Reader, variables: &Variables) -> Vec<String> {
    if variables.filled(CLAUDE_CLI_PATH).is_some()
        && let Some(program) = variables.get(CLAUDE_CLI_PATH)
        && let Some(word) = words.first_mut()
    {
        *word = convert::program_at(program, &reader.base, reader.home.as_deref());
    }
    if !words.iter().skip(1).any(|word| word == "-p" || word == "--print") {
        words.push("-p".to_owned());
    }
    words
}

/// Names of variables for the child, never one that lets it give commands in the operator's name.
fn passed_on(reader: &mut Reader, path: &str) -> Option<Vec<String>> {
    let names = reader.list(path)?;
    for name in &names {
        let starts_well = !name.starts_with(|c: char| c.is_ascii_digit());
        if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let name = reader.quoted(path, name.split('=').next().unwrap_or_default());
            reader.complain(
                path,
                &format!("holds {name} and more: it takes names of variables, without values"),
            );
            return None;
        }
        if name.starts_with(PREFIX) || SHORT_NAMES.iter().any(|(short, _)| short == name) {
            reader.complain(
                path,
                &format!("holds {name}, which is this daemon's own: whoever reads it could approve tasks"),
            );
            return None;
        }
    }
    Some(names)
}

fn paths(reader: &mut Reader) -> Option<Paths> {
    let project_dir = reader.path("paths.project_dir");
    let tasks_dir = reader.path("paths.tasks_dir");
    let logs_dir = reader.path("paths.logs_dir");
    let daily_dir = reader.path("paths.daily_dir");
    let database = reader.path("paths.database");
    Some(Paths {
        project_dir: project_dir?,
        tasks_dir: tasks_dir?,
        logs_dir: logs_dir?,
        daily_dir: daily_dir?,
        database: database?,
    })
}

fn logging(reader: &mut Reader) -> Option<Logging> {
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("warning", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    let level = reader.choice("logging.level", &levels);
    let format = reader.choice("logging.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]);
    let keep = reader.positive_duration("logging.keep");
    Some(Logging { level: level?, format: format?, keep: keep? })
}

fn telegram(reader: &mut Reader) -> Option<Telegram> {
    let chat_id = reader.ids("telegram.chat_id");
    let user_id = reader.ids("telegram.user_id");
    let commands = commands(reader, "telegram.commands");
    Some(Telegram { chat_id: chat_id?, user_id: user_id?, commands: commands? })
}

fn commands(reader: &mut Reader, path: &str) -> Option<Vec<String>> {
    let written = reader.list(path)?;
    let mut commands = Vec::new();
    for word in written {
        let command = word.trim_start_matches('/').to_lowercase();
        if COMMANDS.contains(&command.as_str()) {
            commands.push(command);
            continue;
        }
        let advice = match nearest(&command, COMMANDS.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("the commands are {}", COMMANDS.join(", ")),
        };
        let word = reader.quoted(path, &word);
        reader.complain(path, &format!("holds {word}, which is no command; {advice}"));
    }
    Some(commands)
}

fn checks(reader: &mut Reader) -> BTreeMap<String, Check> {
    let prefix = format!("{CHECKS}.");
    let paths: Vec<_> = reader.settings.keys().filter(|path| path.starts_with(&prefix)).cloned().collect();
    let mut checks = BTreeMap::new();
    for path in paths {
        if path[prefix.len()..].contains('.') {
            reader.complain(&path, "is no name for a check: it must not hold a dot");
            continue;
        }
        if let Some(check) = check(reader, &path) {
            checks.insert(path[prefix.len()..].to_owned(), check);
        }
    }
    checks
}

/// A check is a command, or a table of a command and a time-out. Its parts are read as if they were keys.
fn check(reader: &mut Reader, path: &str) -> Option<Check> {
    let setting = reader.settings.get(path)?.clone();
    let in_braces =
        matches!(&setting.value, Value::Text(text) if setting.is_untyped() && text.trim().starts_with('{'));
    if !in_braces && !matches!(setting.value, Value::Table(_)) {
        let command = reader.command(path)?;
        return Some(Check { command, timeout: CHECK_TIMEOUT });
    }
    let parts = reader.read(path, convert::table_of)?;
    let command = format!("{path}.command");
    let timeout = format!("{path}.timeout");
    for (name, part) in parts {
        if CHECK_KEYS.contains(&name.as_str()) {
            reader.settings.insert(format!("{path}.{name}"), part);
        } else {
            unknown_part(reader, path, &name, part);
        }
    }
    if !reader.settings.contains_key(&command) {
        reader.complain(path, "has no command: it needs one, such as { command = \"cargo test\" }");
    }
    let limit = if reader.settings.contains_key(&timeout) {
        reader.positive_duration(&timeout)
    } else {
        Some(CHECK_TIMEOUT)
    };
    Some(Check { command: reader.command(&command)?, timeout: limit? })
}

fn unknown_part(reader: &mut Reader, path: &str, name: &str, part: Setting) {
    let part_path = format!("{path}.{name}");
    reader.settings.insert(part_path.clone(), part);
    let advice = match nearest(name, CHECK_KEYS.iter().copied()) {
        Some(near) => format!("did you mean {path}.{near}?"),
        None => "a check has command and timeout".to_owned(),
    };
    reader.complain(&part_path, &format!("is not a key; {advice}"));
}
