//! Loads configurations from temporary folders, with an environment given by value.

mod document;
mod example;
mod reports;

use std::fs;
use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use secrecy::ExposeSecret;

use super::keys::{KEYS, Kind};
use super::{Config, ConfigErrors, LogFormat};
use crate::domain::policy::{ApprovalMode, Policy};

const SECRET: &str = "correct-horse-battery-staple";

/// A folder with a configuration, an `.env`, and an environment.
#[derive(Default)]
struct Given<'a> {
    file: Option<&'a str>,
    dotenv: Option<&'a str>,
    environment: &'a [(&'a str, &'a str)],
}

impl Given<'_> {
    fn load(&self) -> Result<Config, ConfigErrors> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = self.file {
            fs::write(folder.path().join("config.toml"), text).unwrap();
        }
        if let Some(text) = self.dotenv {
            fs::write(folder.path().join(".env"), text).unwrap();
        }
        Config::load(None, folder.path(), owned(self.environment))
    }

    fn report(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn file(text: &str) -> Given<'_> {
    Given { file: Some(text), ..Given::default() }
}

fn environment<'a>(pairs: &'a [(&'a str, &'a str)]) -> Given<'a> {
    Given { environment: pairs, ..Given::default() }
}

#[test]
fn nothing_at_all_is_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::load(None, folder.path(), []).unwrap();
    assert_eq!((config.server.host.as_str(), config.server.port), ("127.0.0.1", 5000));
    assert_eq!(config.orchestrator.policy, Policy::default());
    assert_eq!(config.orchestrator.remind_after, Duration::from_hours(1));
    assert_eq!(config.claude.command, ["claude", "-p"]);
    assert!(config.claude.flags.is_empty());
    assert_eq!(config.claude.timeout, Duration::from_hours(1));
    assert_eq!(config.claude.idle_timeout, Duration::from_mins(10));
    assert_eq!(config.claude.grace, Duration::from_secs(10));
    assert_eq!(config.paths.project_dir, folder.path());
    assert_eq!(config.paths.database, folder.path().join("orchestrator.db"));
    assert_eq!(config.logging.format, LogFormat::Text);
    assert_eq!(config.logging.keep, Duration::from_hours(90 * 24));
    assert_eq!(config.telegram.commands.len(), 14);
    assert!(config.telegram.chat_id.is_empty() && config.checks.is_empty());
    assert_snapshot!(config.require_secret().unwrap_err(), @r"
    webhooks.secret is not set, and without it anyone could give commands. Three commands lead to a working daemon:
      orchestrator init     makes config.toml, a .env with a fresh secret, and a task file to try
      orchestrator doctor   says what is still missing
      orchestrator serve
    ");
}

#[test]
fn the_file_then_dotenv_then_the_environment() {
    let given = Given {
        file: Some("[server]\nhost = \"a\"\nport = 1\nallowed_hosts = [\"file\"]"),
        dotenv: Some("ORCHESTRATOR__SERVER__PORT=2\nORCHESTRATOR__SERVER__ALLOWED_HOSTS=dot,env\n"),
        environment: &[("ORCHESTRATOR__SERVER__PORT", "3")],
    };
    let server = given.load().unwrap().server;
    assert_eq!((server.host.as_str(), server.port), ("a", 3));
    assert_eq!(server.allowed_hosts, ["dot", "env"]);
}

#[test]
fn the_seed_s_variables_set_their_keys() {
    let given = Given {
        file: Some("[claude]\ncommand = \"claude --print --verbose\""),
        dotenv: Some(
            "WEBHOOK_SECRET=correct-horse-battery-staple\nTELEGRAM_CHAT_ID=-1001\nN8N_NOTIFY_URL=\n",
        ),
        environment: &[("CLAUDE_CLI_PATH", "/opt/claude")],
    };
    let config = given.load().unwrap();
    assert_eq!(config.require_secret().unwrap().expose_secret(), SECRET);
    assert_eq!(config.telegram.chat_id, ["-1001"]);
    assert_eq!(config.webhooks.n8n_notify_url, None);
    assert_eq!(config.claude.command, ["/opt/claude", "--print", "--verbose"]);
}

#[test]
fn of_two_names_for_a_key_the_higher_source_wins_then_the_longer_name() {
    let given = Given {
        dotenv: Some(
            "ORCHESTRATOR__TELEGRAM__CHAT_ID=1\nN8N_NOTIFY_URL=http://short\nORCHESTRATOR__WEBHOOKS__N8N_NOTIFY_URL=http://long",
        ),
        environment: &[("TELEGRAM_CHAT_ID", "2")],
        ..Given::default()
    };
    let config = given.load().unwrap();
    assert_eq!(config.telegram.chat_id, ["2"]);
    assert_eq!(config.webhooks.n8n_notify_url.as_deref(), Some("http://long"));
}

#[test]
fn every_key_can_be_set_by_a_variable() {
    for key in KEYS {
        let value = match key.kind {
            Kind::Text | Kind::Path | Kind::Command | Kind::Arguments => "word",
            Kind::Secret => SECRET,
            Kind::Headers => "{ X-Key = \"v\" }",
            Kind::Url => "https://n8n.example.com",
            Kind::Port | Kind::Count | Kind::Duration | Kind::Dollars | Kind::Tokens | Kind::Size => "7",
            Kind::Switch => "true",
            Kind::Zone => "UTC",
            Kind::Choice(words) | Kind::Choices(words) => words[0],
            Kind::List | Kind::Variables => "one, two",
            Kind::Ids => "[1, \"2\"]",
            Kind::User => "nobody",
        };
        let variable = key.variable();
        let config = environment(&[(&variable, value)]).load();
        assert!(config.is_ok(), "{variable}: {config:?}");
        let broken = environment(&[(&variable, "")]).load();
        let may_be_empty =
            matches!(key.kind, Kind::Arguments | Kind::List | Kind::Variables | Kind::Choices(_));
        assert_eq!(broken.is_ok(), may_be_empty, "{variable} is read: {broken:?}");
    }
}

#[test]
fn variables_fill_texts_in() {
    let given = Given {
        file: Some(
            "[server]\nport = \"${PORT}\"\n[webhooks]\nsecret = \"${A}-${B}\"\nnotify_headers = { X-Key = \"${B}\" }\n\
             [claude]\nflags = \"--x '$HOME $${A}'\"\n[telegram]\nchat_id = \"${IDS}\"",
        ),
        dotenv: Some("A=correct-horse\nIDS=1,2"),
        environment: &[("B", "battery-staple"), ("PORT", "81")],
    };
    let config = given.load().unwrap();
    assert_eq!(config.server.port, 81);
    assert_eq!(config.webhooks.secret.unwrap().expose_secret(), SECRET);
    assert_eq!(config.webhooks.notify_headers["X-Key"].expose_secret(), "battery-staple");
    assert_eq!(config.claude.flags, ["--x", "$HOME ${A}"]);
    assert_eq!(config.telegram.chat_id, ["1", "2"]);
}

#[test]
fn a_replaced_value_needs_no_variable() {
    let given = Given {
        file: Some("[webhooks]\nsecret = \"${NOT_SET}\""),
        environment: &[("WEBHOOK_SECRET", SECRET)],
        ..Given::default()
    };
    assert!(given.load().is_ok());
}

#[test]
fn relative_paths_are_relative_to_the_named_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("etc")).unwrap();
    let text = "[paths]\nproject_dir = \"../project\"\nlogs_dir = \"/var/log\"\ntasks_dir = \"~/tasks\"\n[claude]\ncommand = \"./bin/claude\"";
    fs::write(folder.path().join("etc/mine.toml"), text).unwrap();
    fs::write(folder.path().join("etc/.env"), "TELEGRAM_CHAT_ID=5").unwrap();
    let config =
        Config::load(Some(Path::new("etc/mine.toml")), folder.path(), owned(&[("HOME", "/home/me")]))
            .unwrap();
    let etc = folder.path().join("etc");
    assert_eq!(config.paths.project_dir, etc.join("../project"));
    assert_eq!(config.paths.logs_dir, Path::new("/var/log"));
    assert_eq!(config.paths.tasks_dir, Path::new("/home/me/tasks"));
    assert_eq!(config.paths.database, etc.join("orchestrator.db"));
    assert_eq!(config.claude.command, [etc.join("bin/claude").to_str().unwrap(), "-p"]);
    assert_eq!(config.telegram.chat_id, ["5"]);
}

#[test]
fn a_named_file_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let report = Config::load(Some(Path::new("other.toml")), folder.path(), []).unwrap_err();
    assert_snapshot!(report, @r#"other.toml: there is no such file; `orchestrator init` writes one"#);
}

#[test]
fn checks_are_commands_or_tables() {
    let given = Given {
        file: Some(
            "[checks]\ntests = \"cargo test -- 'a b'\"\n[checks.lint]\ncommand = \"npm run lint\"\ntimeout = 90",
        ),
        environment: &[("ORCHESTRATOR__CHECKS__DOCS", "{ command = \"mdbook test\", timeout = \"1m\" }")],
        ..Given::default()
    };
    let checks = given.load().unwrap().checks;
    assert_eq!(checks["tests"].command, ["cargo", "test", "--", "a b"]);
    assert_eq!(checks["tests"].timeout, Duration::from_mins(10));
    assert_eq!(checks["lint"].timeout, Duration::from_secs(90));
    assert_eq!(checks["docs"].timeout, Duration::from_mins(1));
}

#[test]
fn task_types_and_words_come_in_any_letter_case() {
    let config = file(
        "[orchestrator]\ncheckpoint_after = [\"Database\"]\napproval_mode = \"Manual\"\n[logging]\nlevel = \"WARNING\"\n\
         [telegram]\ncommands = [\"/Start\"]\nuser_id = [1, \"2\"]",
    );
    let config = config.load().unwrap();
    assert_eq!(config.orchestrator.policy.checkpoint_after, ["database"]);
    assert_eq!(config.orchestrator.policy.approval_mode, ApprovalMode::Manual);
    assert_eq!(config.logging.level, tracing::Level::WARN);
    assert_eq!(config.telegram.commands, ["start"]);
    assert_eq!(config.telegram.user_id, ["1", "2"]);
}

#[test]
fn an_empty_variable_lets_nobody_in() {
    let file = Some("[telegram]\nchat_id = [1]\nuser_id = \"${WHO}\"");
    let given = Given { file, environment: &[("WHO", ", "), ("TELEGRAM_CHAT_ID", "")], ..Given::default() };
    assert_snapshot!(given.load().unwrap_err(), @"config.toml:3: telegram.user_id is empty; write [] if anyone may");
    let given = Given { file, environment: &[("WHO", "[]"), ("TELEGRAM_CHAT_ID", "")], ..Given::default() };
    let telegram = given.load().unwrap().telegram;
    assert_eq!((telegram.chat_id, telegram.user_id), (vec!["1".to_owned()], vec![]));
}
