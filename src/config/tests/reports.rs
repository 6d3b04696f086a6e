//! What is said of a configuration that is wrong, and that no secret is said.

use insta::assert_snapshot;

use super::{Given, SECRET, file};

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
        "[checks]\nlint = \"{ command = 'x', timeout = '${LEAK}' }\"",
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
