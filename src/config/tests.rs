//! Loads configurations from temporary folders, with an environment given by value.

use std::fs;
use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use secrecy::ExposeSecret;

use super::keys::{KEYS, Kind, SECTIONS};
use super::{Config, ConfigErrors, LogFormat};
use crate::domain::policy::{ApprovalMode, Policy};

const SECRET: &str = "correct-horse-battery-staple";
const EXAMPLE: &str = include_str!("../../config.toml.example");

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
    assert_eq!(config.telegram.commands.len(), 13);
    assert!(config.telegram.chat_id.is_empty() && config.checks.is_empty());
    assert_snapshot!(config.require_secret().unwrap_err(), @r#"webhooks.secret is not set, and without it anyone could give commands: run `openssl rand -hex 32` and put the result into .env as WEBHOOK_SECRET=…"#);
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
            Kind::Port | Kind::Count | Kind::Duration => "7",
            Kind::Switch => "true",
            Kind::Zone => "UTC",
            Kind::Choice(words) | Kind::Choices(words) => words[0],
            Kind::List | Kind::Variables => "one, two",
            Kind::Ids => "[1, \"2\"]",
        };
        let variable = key.variable();
        let config = environment(&[(&variable, value)]).load();
        assert!(config.is_ok(), "{variable}: {config:?}");
        let broken = environment(&[(&variable, "")]).load();
        let may_be_empty =
            matches!(key.kind, Kind::Arguments | Kind::List | Kind::Variables | Kind::Ids | Kind::Choices(_));
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
fn every_problem_is_reported_at_once() {
    let given = Given {
        file: Some(
            r#"port = 1
[server]
prot = 5000
port = 70000
debug = true
timeout = "5m"
host = ""
[orchestrator]
approval_mode = "always"
max_attempts = 0
remind_after = "0s"
timezone = "Europe/Berln"
auto_approve = "testing"
checkpoint_after = [""]
[webhooks]
secret = "hunter2"
previous_secret = 12
enabled = true
n8n_notify_url = "https://me:pw@n8n.example.com/x"
notify_headers = { "X Key" = "v" }
require_signature = "yes"
[claude]
command = "claude 'oops"
timeout = "5 parsecs"
idle_timeout = 1.5
model = "${MODEL}"
env = ["GH_TOKEN=ghp_1", "WEBHOOK_SECRET"]
[paths]
state_file = "state.json"
tasks_dir = 3
[logging]
format = "[%(asctime)s] %(levelname)s: %(message)s"
task_logs = true
[telegram]
commands = ["start", "aprove"]
[checks]
tests = "cargo 'test"
lint = { comand = "x", timeout = "soon" }
[chekcs]
"#,
        ),
        dotenv: Some("A=1\nORCHESTRATOR__SERVER__HOSTT=x\nTHIS IS not\n"),
        environment: &[("ORCHESTRATOR__LOGGING__KEEP", "ages"), ("ORCHESTRATOR__PATHS__STATE_FILE", "x")],
    };
    assert_snapshot!(given.report(), @r#"
    config.toml:1: port stands outside a section; did you mean port in [server]?
    config.toml:3: server.prot is not a key; did you mean server.port?
    config.toml:4: server.port is 70000, but must be a port from 0 to 65535
    config.toml:5: server.debug is gone: `logging.level = "debug"` says more instead; delete the line
    config.toml:6: server.timeout is not a key; did you mean claude.timeout, in [claude]?
    config.toml:7: server.host is "", but must be a text in quotes, and not an empty one
    config.toml:9: orchestrator.approval_mode is "always", but must be one of "required", "manual", "auto"
    config.toml:10: orchestrator.max_attempts is 0, but must be a whole number from 1 to 1000
    config.toml:11: orchestrator.remind_after is no time at all, but must be longer
    config.toml:12: orchestrator.timezone is "Europe/Berln", which is no time zone; did you mean "Europe/Berlin"?
    config.toml:13: orchestrator.auto_approve is "testing", but must be a list of texts such as ["database", "deployment"]
    config.toml:14: orchestrator.checkpoint_after holds an empty text
    config.toml:16: webhooks.secret has 7 characters, but must be a text of at least 16 characters (`openssl rand -hex 32` makes a good one)
    config.toml:17: webhooks.previous_secret is a number, but must be a text of at least 16 characters (`openssl rand -hex 32` makes a good one)
    config.toml:18: webhooks.enabled is gone: `orchestrator serve` always listens, and `orchestrator run FILE` works without a server; delete the line
    config.toml:19: webhooks.n8n_notify_url must not hold a password: put it into webhooks.notify_headers
    config.toml:20: webhooks.notify_headers names a header "X Key", which no header can be called
    config.toml:21: webhooks.require_signature is "yes", but must be true or false
    config.toml:23: claude.command can't be split into words: a quote is left open
    config.toml:24: claude.timeout is "5 parsecs", but must be a duration such as "5m", "1h 30m" or a whole number of seconds (the units are s, m, h and d)
    config.toml:25: claude.idle_timeout is a number with a fraction, but must be a duration such as "5m", "1h 30m" or a whole number of seconds
    config.toml:26: claude.model needs the variable MODEL, which is set neither in .env nor in the environment
    config.toml:27: claude.env holds "GH_TOKEN" and more: it takes names of variables, without values
    config.toml:29: paths.state_file is gone: state now lives in the database, `paths.database`; delete the line
    config.toml:30: paths.tasks_dir is 3, but must be the path of a file or folder
    config.toml:32: logging.format is "[%(asctime)s] %(levelname)s: %(message)s", but must be one of "text", "json"
    config.toml:33: logging.task_logs is gone: every run has its own log in `paths.logs_dir` now; delete the line
    config.toml:35: telegram.commands holds "aprove", which is no command; did you mean "approve"?
    config.toml:37: checks.tests can't be split into words: a quote is left open
    config.toml:38: checks.lint has no command: it needs one, such as { command = "cargo test" }
    config.toml:38: checks.lint.comand is not a key; did you mean checks.lint.command?
    config.toml:38: checks.lint.timeout is "soon", but must be a duration such as "5m", "1h 30m" or a whole number of seconds (a number is missing)
    config.toml:39: [chekcs] is not a section; did you mean [checks]?
    .env:2: ORCHESTRATOR__SERVER__HOSTT sets no key; did you mean ORCHESTRATOR__SERVER__HOST?
    .env:3: not a line of the form NAME=value; put quotes around a value with spaces or signs
    variable ORCHESTRATOR__LOGGING__KEEP: logging.keep is "ages", but must be a duration such as "5m", "1h 30m" or a whole number of seconds (a number is missing)
    variable ORCHESTRATOR__PATHS__STATE_FILE: sets a key that is gone: state now lives in the database, `paths.database`
    "#);
}

#[test]
fn a_syntax_error_has_its_line() {
    assert_snapshot!(file("[server]\nport = \n[logging]\nlevel = \"info\n").report(), @r#"config.toml:2: not valid TOML: string values must be quoted, expected literal string"#);
}

#[test]
fn a_section_is_no_value() {
    assert_snapshot!(file("server = 5\n").report(), @r#"config.toml:1: server is a section: write [server] on a line of its own, and its keys below"#);
}

#[test]
fn secrets_are_in_no_debug_output() {
    let given = Given {
        file: Some(
            "[webhooks]\nnotify_headers = { X-Key = \"hdr-5f2a\" }\nnotify_secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
        ),
        environment: &[
            ("WEBHOOK_SECRET", SECRET),
            ("ORCHESTRATOR__WEBHOOKS__PREVIOUS_SECRET", "another-secret-42"),
        ],
        ..Given::default()
    };
    let shown = format!("{:?}", given.load().unwrap());
    for secret in [SECRET, "hdr-5f2a", "whsec_", "another-secret-42"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn secrets_are_in_no_report() {
    const LEAK: &str = "leak-7c31";
    let files = [
        "[webhooks]\nsecret = \"leak-7c31",
        "[webhooks]\nsecret \"leak-7c31\"",
        "[webhooks]\nsecret = leak-7c31",
        "[webhooks]\nsecret = \"leak-7c31\"",
        "[webhooks]\nsecret = \"leak-7c31\" oops = 1",
        "[webhooks]\nsecret = [\"leak-7c31\"]",
        "[webhooks]\nsecret = \"whsec_leak-7c31-and-more\"",
        "[webhooks]\nsecret = \" leak-7c31-and-more\"",
        "[webhooks]\nnotify_headers = \"leak-7c31\"",
        "[webhooks]\nnotify_headers = { X-Key = [\"leak-7c31\"] }",
        "[webhooks]\nnotify_headers = { X-Key = \"leak-7c31\\n\" }",
        "[webhooks]\nn8n_notify_url = \"ftp://leak-7c31@host\"",
        "[claude]\nenv = [\"TOKEN=leak-7c31\"]",
        "[claude]\ntimeout = \"${LEAK}\"",
        "[claude]\ncommand = \"'${LEAK}\"",
        "[logging]\nlevel = \"${LEAK}\"",
        "[orchestrator]\ntimezone = \"${LEAK}\"",
        "[telegram]\ncommands = [\"${LEAK}\"]",
        "[telegram]\ncommands = \"${LEAK}\"",
    ];
    for text in files {
        let given = Given { file: Some(text), environment: &[("LEAK", LEAK)], ..Given::default() };
        let errors = given.load().unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains(LEAK), "{text}: {errors}");
    }
    let dotenvs = [
        "WEBHOOK_SECRET=leak-7c31",
        "WEBHOOK_SECRET=leak-7c31 more",
        "WEBHOOK_SECRET=\"leak-7c31",
        "leak-7c31",
        "ORCHESTRATOR__WEBHOOKS__NOTIFY_HEADERS={leak-7c31",
        "CLAUDE_CLI_PATH=\nWEBHOOK_SECRET: leak-7c31",
    ];
    for text in dotenvs {
        let errors = Given { dotenv: Some(text), ..Given::default() }.load().unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains(LEAK), "{text}: {errors}");
    }
}

#[test]
fn the_example_is_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let without = Config::load(None, folder.path(), []).unwrap();
    fs::write(folder.path().join("config.toml"), EXAMPLE).unwrap();
    let with = Config::load(None, folder.path(), []).unwrap();
    assert_eq!(format!("{with:?}"), format!("{without:?}"));
}

#[test]
fn the_example_loads_with_every_key_taken_in() {
    let enabled: Vec<_> = EXAMPLE.lines().map(enabled).collect();
    let variables =
        [("WEBHOOK_SECRET", SECRET), ("PREVIOUS_WEBHOOK_SECRET", SECRET), ("NOTIFY_SECRET", SECRET)];
    let given = Given { file: Some(&enabled.join("\n")), environment: &variables, ..Given::default() };
    let config = given.load().unwrap();
    assert_eq!(config.orchestrator.policy, Policy::default());
    assert_eq!(config.checks.len(), 2);
}

/// The line without the `#` of a key; prose has a space after it.
fn enabled(line: &str) -> &str {
    line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())).unwrap_or(line)
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    for key in KEYS {
        let header = format!("[{}]", key.section());
        let section = EXAMPLE
            .lines()
            .skip_while(|line| *line != header)
            .skip(1)
            .take_while(|line| !line.starts_with('['));
        let start = format!("{} = ", key.name());
        let shown: Vec<_> = section.filter_map(|line| enabled(line).strip_prefix(&start)).collect();
        let [shown] = shown[..] else {
            panic!("{} occurs {} times", key.path, shown.len());
        };
        if let Some(default) = key.default {
            assert_eq!(shown, default, "{}", key.path);
        }
    }
}

#[test]
fn every_key_is_in_a_section() {
    for key in KEYS {
        assert!(SECTIONS.contains(&key.section()) && !key.name().is_empty(), "{}", key.path);
        assert!(key.help.ends_with('.'), "{}", key.path);
    }
}
