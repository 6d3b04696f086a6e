//! Builds each section from its keys.

use std::collections::BTreeMap;

use tracing::Level;

use super::convert::{
    arguments, count, dollars, duration, headers, ids, list, passed_on, port, positive_duration, secret,
    size, switch, task_types, text, tokens, url, user, zone,
};
use super::keys::{CHECK_KEYS, CHECKS, COMMANDS};
use super::problem::nearest;
use super::reader::Reader;
use super::setting::Setting;
use super::variables::CLAUDE_CLI_PATH;
use super::{
    Check, Claude, Config, Disk, LogFormat, Logging, Orchestrator, Paths, Server, Telegram, Webhooks,
};
use crate::domain::limits::Limits;
use crate::domain::policy::{ApprovalMode, OnTrouble, Policy};
use crate::files;

/// How long a check may take that doesn't say.
const CHECK_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);

/// Reads every key, so that every problem is noted; only good for use when there are none.
pub(super) fn build(reader: &mut Reader) -> Config {
    Config {
        server: Server {
            host: reader.get("server.host", text),
            port: reader.get("server.port", port),
            allowed_hosts: reader.get("server.allowed_hosts", list),
        },
        orchestrator: Orchestrator {
            policy: policy(reader),
            remind_after: reader.get("orchestrator.remind_after", positive_duration),
            timezone: reader.find("orchestrator.timezone", zone).unwrap_or_else(files::zone::of_the_system),
        },
        disk: Disk {
            min_free: reader.get("limits.min_free", size),
            output_per_run: reader.get("limits.output_per_run", size),
        },
        webhooks: Webhooks {
            secret: reader.find("webhooks.secret", secret),
            previous_secret: reader.find("webhooks.previous_secret", secret),
            require_signature: reader.get("webhooks.require_signature", switch),
            n8n_notify_url: reader.find("webhooks.n8n_notify_url", url),
            notify_secret: reader.find("webhooks.notify_secret", secret),
            notify_headers: reader.get("webhooks.notify_headers", headers),
        },
        claude: Claude {
            command: claude_command(reader),
            flags: reader.get("claude.flags", arguments),
            model: reader.find("claude.model", text),
            timeout: reader.get("claude.timeout", positive_duration),
            idle_timeout: reader.get("claude.idle_timeout", positive_duration),
            grace: reader.get("claude.grace", duration),
            env: reader.get("claude.env", passed_on),
            user: reader.find("claude.user", user),
            rehearse: reader.get("claude.rehearse", switch),
        },
        paths: paths(reader),
        logging: logging(reader),
        telegram: Telegram {
            chat_id: reader.get("telegram.chat_id", ids),
            user_id: reader.get("telegram.user_id", ids),
            commands: commands(reader, "telegram.commands"),
        },
        checks: checks(reader),
    }
}

fn policy(reader: &mut Reader) -> Policy {
    let modes = [
        ("required", ApprovalMode::Required),
        ("manual", ApprovalMode::Manual),
        ("auto", ApprovalMode::Auto),
    ];
    let answers = [
        ("ask", OnTrouble::Ask),
        ("retry", OnTrouble::Retry),
        ("skip", OnTrouble::Skip),
        ("stop", OnTrouble::Stop),
    ];
    Policy {
        approval_mode: reader.choice("orchestrator.approval_mode", &modes, ApprovalMode::Required),
        checkpoint_after: reader.get("orchestrator.checkpoint_after", task_types),
        approve_before: reader.get("orchestrator.approve_before", task_types),
        auto_approve: reader.get("orchestrator.auto_approve", task_types),
        on_failure: reader.choice("orchestrator.on_failure", &answers, OnTrouble::Ask),
        on_interrupted: reader.choice("orchestrator.on_interrupted", &answers, OnTrouble::Ask),
        max_attempts: reader.get("orchestrator.max_attempts", count),
        limits: limits(reader),
    }
}

fn limits(reader: &mut Reader) -> Limits {
    Limits {
        cost_per_task: reader.find("limits.cost_per_task", dollars),
        cost_per_session: reader.find("limits.cost_per_session", dollars),
        cost_per_day: reader.find("limits.cost_per_day", dollars),
        tokens_per_day: reader.find("limits.tokens_per_day", tokens),
        runtime_per_session: reader.find("limits.runtime_per_session", positive_duration),
        failures_in_a_row: reader.find("limits.failures_in_a_row", count),
    }
}

fn claude_command(reader: &mut Reader) -> Vec<String> {
    let folders = reader.folders.clone();
    let mut words = reader.get("claude.command", |setting| folders.command(setting));
    if let Some(program) = reader.variables.filled(CLAUDE_CLI_PATH)
        && let Some(word) = words.first_mut()
    {
        *word = folders.program(program);
    }
    if !words.iter().skip(1).any(|word| word == "-p" || word == "--print") {
        words.push("-p".to_owned());
    }
    words
}

fn paths(reader: &mut Reader) -> Paths {
    let folders = reader.folders.clone();
    let mut path = |path| reader.get(path, |setting| folders.path(setting));
    Paths {
        project_dir: path("paths.project_dir"),
        tasks_dir: path("paths.tasks_dir"),
        logs_dir: path("paths.logs_dir"),
        daily_dir: path("paths.daily_dir"),
        database: path("paths.database"),
    }
}

fn logging(reader: &mut Reader) -> Logging {
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("warning", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    Logging {
        level: reader.choice("logging.level", &levels, Level::INFO),
        format: reader.choice("logging.format", &formats, LogFormat::Text),
        keep: reader.get("logging.keep", positive_duration),
    }
}

fn commands(reader: &mut Reader, path: &str) -> Vec<String> {
    let Some(setting) = reader.setting(path) else {
        return Vec::new();
    };
    let mut commands = Vec::new();
    for word in reader.read(path, &setting, list).unwrap_or_default() {
        let command = word.trim_start_matches('/').to_lowercase();
        if COMMANDS.contains(&command.as_str()) {
            commands.push(command);
            continue;
        }
        let advice = match nearest(&command, COMMANDS.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("the commands are {}", COMMANDS.join(", ")),
        };
        let word = setting.shown_part(&word);
        reader.complain(path, &setting.place, &format!("holds {word}, which is no command; {advice}"));
    }
    commands
}

fn checks(reader: &mut Reader) -> BTreeMap<String, Check> {
    let mut checks = BTreeMap::new();
    for name in reader.section(CHECKS).into_keys() {
        let path = format!("{CHECKS}.{name}");
        let Some(setting) = reader.setting(&path) else {
            continue;
        };
        if name.contains('.') {
            reader.complain(&path, &setting.place, "is no name for a check: it must not hold a dot");
        } else if let Some(check) = check(reader, &path, &setting) {
            checks.insert(name, check);
        }
    }
    checks
}

/// A check is a command, or a table of a command and a time-out.
fn check(reader: &mut Reader, path: &str, setting: &Setting) -> Option<Check> {
    let folders = reader.folders.clone();
    let in_braces = setting.untyped().is_some_and(|text| text.starts_with('{'));
    if !in_braces && !setting.is_table() {
        let command = reader.read(path, setting, |setting| folders.command(setting))?;
        return Some(Check { command, timeout: CHECK_TIMEOUT });
    }
    let parts = reader.read(path, setting, Setting::entries)?;
    for (name, part) in &parts {
        if !CHECK_KEYS.contains(&name.as_str()) {
            let advice = match nearest(name, CHECK_KEYS.iter().copied()) {
                Some(near) => format!("did you mean {path}.{near}?"),
                None => "a check has command and timeout".to_owned(),
            };
            reader.complain(&format!("{path}.{name}"), &part.place, &format!("is not a key; {advice}"));
        }
    }
    let timeout = match parts.get("timeout") {
        Some(part) => reader.read(&format!("{path}.timeout"), part, positive_duration),
        None => Some(CHECK_TIMEOUT),
    };
    let Some(part) = parts.get("command") else {
        let because = "has no command: it needs one, such as { command = \"cargo test\" }";
        reader.complain(path, &setting.place, because);
        return None;
    };
    let command = reader.read(&format!("{path}.command"), part, |part| folders.command(part));
    Some(Check { command: command?, timeout: timeout? })
}
