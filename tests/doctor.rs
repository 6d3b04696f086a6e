//! `doctor` in a good state and in each broken one, with a `claude` that knows its version and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use insta::assert_snapshot;
use serde_json::Value;
use support::newcomer::{Newcomer, make_newer, tree};
use support::processes;

/// Everything in order: logged in, allowed to edit, the project committed.
fn in_order() -> Newcomer {
    let mut newcomer = Newcomer::new();
    newcomer.set("ORCHESTRATOR__CLAUDE__FLAGS", "--permission-mode acceptEdits");
    log_in(&newcomer, ".claude");
    newcomer.git(&["init", "--quiet"]);
    assert_eq!(newcomer.call(&["init"]).code, Some(0));
    newcomer.git(&["add", "--all"]);
    newcomer.git(&["commit", "--quiet", "--message", "The beginning"]);
    newcomer
}

fn log_in(newcomer: &Newcomer, folder: &str) {
    let folder = newcomer.path("home").join(folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(".credentials.json"), "{}").unwrap();
}

#[test]
fn all_is_well() {
    let newcomer = in_order();
    let before = tree(&newcomer.project(""));

    let said = newcomer.call(&["doctor"]);

    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    let (disk, rest): (Vec<&str>, Vec<&str>) = said.out.lines().partition(|line| line.contains("  disk: "));
    assert!(disk.len() == 1 && disk[0].contains(" GiB left for orchestrator_logs"), "{disk:?}");
    assert_snapshot!(newcomer.masked(&rest.join("\n")), @r"
    ok    configuration: config.toml has no mistakes
    ok    secret: long enough not to be guessed
    ok    privacy: only you can read config.toml
    ok    privacy: only you can read .env
    ok    time: #-#-# #:# in Europe/Berlin
    ok    isolation: none: runs are the daemon's own user, and can read its secret; claude.user gives them a user of their own (docs/isolation.md)
    ok    claude: #.#.# (Claude Code) at <folder>/bin/claude
    ok    login: subscription pays (<folder>/home/.claude/.credentials.json)
    ok    permissions: as claude.flags says (--permission-mode)
    ok    project: <folder>/project is a git repository, and clean
    ok    tasks: # tasks in orchestrator_tasks/#-#-#-tasks.md
    ok    database: orchestrator.db will be made by the first start
    ok    lock: free
    ok    logs: orchestrator_logs is writable
    ok    port: http://#.#.#.#:# is free
    ok    n8n: no notifications are sent: webhooks.n8n_notify_url is not set

    All is well.
    ");
    assert!(tree(&newcomer.project("")) == before, "it has changed something");

    let _daemon = newcomer.serve();
    assert_snapshot!(newcomer.findings("lock") + &newcomer.findings("database"), @r"
    ok held by the daemon that is running
    ok orchestrator.db is writable, schema #
    ");
    assert_snapshot!(newcomer.findings("port").split(", up").next().unwrap(), @r"ok the daemon (version #.#.#) answers at http://#.#.#.#:#");
    assert_eq!(newcomer.call(&["doctor"]).code, Some(0));
}

#[test]
fn json_says_the_same() {
    let newcomer = Newcomer::new();
    let said = newcomer.call(&["doctor", "--json"]);
    assert_eq!((said.code, said.err.as_str()), (Some(1), ""));
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["ok"], false);
    let first = &report["findings"][0];
    assert_eq!((&first["check"], &first["level"]), (&"configuration".into(), &"ok".into()));
    assert!(first["message"].is_string() && first["remedy"].is_null(), "{first}");
    let lines = newcomer.call(&["doctor"]).out;
    for finding in report["findings"].as_array().unwrap() {
        let line =
            format!("{}: {}", finding["check"].as_str().unwrap(), finding["message"].as_str().unwrap());
        assert!(
            finding["check"] == "disk" || finding["check"] == "time" || lines.contains(&line),
            "{line}:\n{lines}"
        );
    }
}

#[test]
fn the_configuration_and_its_secrets() {
    let mut newcomer = Newcomer::new();
    assert_snapshot!(newcomer.findings("configuration"), @r"ok the defaults, for there is no config.toml");
    assert_snapshot!(newcomer.findings("secret"), @r"fail webhooks.secret is not set, and `orchestrator serve` doesn't start without one → orchestrator init");
    newcomer.git(&["init", "--quiet"]);
    fs::write(newcomer.project(".env"), "").unwrap();
    assert_snapshot!(newcomer.findings("secret"), @r#"fail webhooks.secret is not set, and `orchestrator serve` doesn't start without one → echo "WEBHOOK_SECRET=$(openssl rand -hex #)" >> .env"#);
    fs::write(newcomer.project(".env"), "WEBHOOK_SECRET=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    fs::set_permissions(newcomer.project(".env"), Permissions::from_mode(0o640)).unwrap();
    assert_snapshot!(newcomer.findings("secret"), @r#"warn it could be guessed → a better one: echo "WEBHOOK_SECRET=$(openssl rand -hex #)" >> .env"#);
    assert_snapshot!(newcomer.findings("privacy"), @r"
    warn others can read .env (mode #) → chmod # .env
    warn git doesn't ignore .env, so that the secret can get into a commit → echo /.env >> .gitignore
    ");
    newcomer.set("TZ", "Asia/Tokyo");
    assert!(newcomer.findings("time").ends_with(" in Asia/Tokyo\n"));
    fs::write(newcomer.project("config.toml"), "[server]\nprot = 1\n[claude]\nmodle = \"x\"\n").unwrap();
    assert_snapshot!(newcomer.findings("configuration"), @r"
    fail config.toml:#: server.prot is not a key; did you mean server.port? → correct it, and call this again
    fail config.toml:#: claude.modle is not a key; did you mean claude.model? → correct it, and call this again
    ");
    assert_eq!(newcomer.call(&["doctor"]).code, Some(1));
}

#[test]
fn the_claude_that_runs_would_find() {
    let mut newcomer = Newcomer::new();
    newcomer.set("CLAUDE_CODE_OAUTH_TOKEN", "hush-hush").set("ANTHROPIC_API_KEY", "hush-hush");
    newcomer.set("ORCHESTRATOR__CLAUDE__ENV", "ANTHROPIC_API_KEY");
    newcomer.claude("env >\"$HOME/seen\"; echo '2.1.328 (Claude Code)'");
    assert_snapshot!(newcomer.findings("claude"), @r"ok #.#.# (Claude Code) at <folder>/bin/claude");
    let seen = fs::read_to_string(newcomer.path("home/seen")).unwrap();
    assert!(seen.contains("DISABLE_AUTOUPDATER=1") && !seen.contains("hush"), "{seen}");
    assert!(!newcomer.call(&["doctor"]).out.contains("hush"));

    newcomer.claude("echo hello");
    assert_snapshot!(newcomer.findings("claude"), @r"warn <folder>/bin/claude --version names no version → is it the Claude CLI?");
    newcomer.claude("echo 'no such node' >&2; exit 127");
    assert_snapshot!(newcomer.findings("claude"), @r"fail <folder>/bin/claude --version fails: no such node → call it by hand, and see what it lacks");
    newcomer.set("ORCHESTRATOR__CLAUDE__COMMAND", "no-such-claude");
    assert_snapshot!(newcomer.findings("claude"), @r"fail there is no no-such-claude on the PATH → install it, or set claude.command to its path");
    newcomer.set("ORCHESTRATOR__CLAUDE__COMMAND", "./no-such-claude --verbose");
    assert_snapshot!(newcomer.findings("claude"), @r"fail <folder>/project/no-such-claude is not a program that this user can run → install it, or set claude.command to its path");
    newcomer.set("ORCHESTRATOR__CLAUDE__REHEARSE", "true");
    assert_snapshot!(newcomer.findings("claude") + &newcomer.findings("login"), @r"ok only rehearsed (claude.rehearse): none is needed, and nobody pays");
}

#[test]
fn a_claude_that_hangs_is_left_to_nobody() {
    let newcomer = Newcomer::new();
    let nap = format!("86400.{}", newcomer.port);
    newcomer.claude(&format!("sleep {nap} & sleep {nap}"));
    let began = Instant::now();
    assert_snapshot!(newcomer.findings("claude"), @r"fail <folder>/bin/claude --version: it gave no answer within # s → call it by hand, and see what it lacks");
    assert!(began.elapsed() < support::SOON, "{:?}", began.elapsed());
    processes::assert_no_process_running(&nap);
}

#[test]
fn who_pays() {
    let mut newcomer = Newcomer::new();
    assert_snapshot!(newcomer.findings("login"), @r"fail nobody is logged in, and no API key is passed to runs → call `claude` once as this user and log in, or set CLAUDE_CODE_OAUTH_TOKEN (`claude setup-token` makes one)");
    fs::write(newcomer.project(".env"), "CLAUDE_CODE_OAUTH_TOKEN=hush-hush\n").unwrap();
    assert_snapshot!(newcomer.findings("login"), @r"fail nobody: CLAUDE_CODE_OAUTH_TOKEN is set in .env, which runs don't see → set it in the environment that the daemon is started in");
    newcomer.set("ANTHROPIC_API_KEY", "hush-hush");
    assert_snapshot!(newcomer.findings("login"), @r"fail nobody: ANTHROPIC_API_KEY is set, but not passed to runs → add it to claude.env if the API key is to pay; else call `claude` once as this user and log in, or set CLAUDE_CODE_OAUTH_TOKEN (`claude setup-token` makes one)");
    newcomer.set("ORCHESTRATOR__CLAUDE__ENV", "ANTHROPIC_API_KEY");
    assert_snapshot!(newcomer.findings("login"), @r"ok API key pays (ANTHROPIC_API_KEY)");
    newcomer.set("CLAUDE_CODE_OAUTH_TOKEN", "hush-hush");
    assert_snapshot!(newcomer.findings("login"), @r"warn API key pays (ANTHROPIC_API_KEY), although there is a login, too (CLAUDE_CODE_OAUTH_TOKEN) → if the subscription is to pay, take ANTHROPIC_API_KEY out of claude.env");
    newcomer.set("ANTHROPIC_API_KEY", "");
    assert_snapshot!(newcomer.findings("login"), @r"ok subscription pays (CLAUDE_CODE_OAUTH_TOKEN)");
    newcomer.set("CLAUDE_CODE_OAUTH_TOKEN", "");
    log_in(&newcomer, ".claude");
    assert_snapshot!(newcomer.findings("login"), @r"ok subscription pays (<folder>/home/.claude/.credentials.json)");
    let own = newcomer.path("home/own");
    newcomer.set("CLAUDE_CONFIG_DIR", own.to_str().unwrap());
    assert!(newcomer.findings("login").starts_with("fail nobody"));
    log_in(&newcomer, "own");
    assert_snapshot!(newcomer.findings("login"), @r"ok subscription pays (<folder>/home/own/.credentials.json)");
    newcomer.set("CLAUDE_CODE_USE_BEDROCK", "1");
    newcomer.set("ORCHESTRATOR__CLAUDE__ENV", "CLAUDE_CODE_USE_BEDROCK");
    assert_snapshot!(newcomer.findings("login"), @r"ok the cloud account pays (CLAUDE_CODE_USE_BEDROCK)");
}

#[test]
fn what_runs_may_do() {
    let mut newcomer = Newcomer::new();
    assert_snapshot!(newcomer.findings("permissions"), @r#"warn runs may read but change nothing, for nobody is there to be asked → claude.flags = "--permission-mode acceptEdits", or .claude/settings.json in the project"#);
    fs::create_dir(newcomer.project(".claude")).unwrap();
    fs::write(newcomer.project(".claude/settings.json"), "{}").unwrap();
    assert_snapshot!(newcomer.findings("permissions"), @r"ok as .claude/settings.json says");
    newcomer.set("ORCHESTRATOR__CLAUDE__FLAGS", "--allowedTools Bash");
    assert_snapshot!(newcomer.findings("permissions"), @r"ok as claude.flags says (--allowedTools)");
    for unlimited in ["--dangerously-skip-permissions", "--permission-mode bypassPermissions"] {
        newcomer.set("ORCHESTRATOR__CLAUDE__FLAGS", unlimited).set("ORCHESTRATOR__CLAUDE__ENV", "");
        let refused = "fail --dangerously-skip-permissions is refused by the CLI to root → run the daemon as another \
                       user; in a container, set IS_SANDBOX=# and add it to claude.env\n";
        let flag = unlimited.split(' ').next_back().unwrap();
        let allowed = format!("ok runs may do everything ({flag})\n");
        let expected = if rustix::process::geteuid().is_root() {
            refused.replace("--dangerously-skip-permissions", flag)
        } else {
            allowed.clone()
        };
        assert_eq!(newcomer.findings("permissions"), expected);
        newcomer.set("IS_SANDBOX", "1").set("ORCHESTRATOR__CLAUDE__ENV", "IS_SANDBOX");
        assert_eq!(newcomer.findings("permissions"), allowed);
    }
}

#[test]
fn the_project_and_its_tasks() {
    let mut newcomer = Newcomer::new();
    assert_snapshot!(newcomer.findings("project") + &newcomer.findings("tasks"), @r"
    warn <folder>/project is not a git repository, so that what a task changes can't be taken back → `git init` there, and commit what there is
    warn there is no folder orchestrator_tasks → orchestrator init
    ");
    newcomer.git(&["init", "--quiet"]);
    newcomer.call(&["init"]);
    assert_snapshot!(newcomer.findings("project"), @r"warn <folder>/project is a git repository with # changes that no commit has → commit first, to tell your changes from those of tasks");
    let tasks = newcomer.project("orchestrator_tasks");
    let today = fs::read_dir(&tasks).unwrap().next().unwrap().unwrap().path();
    fs::write(&today, "## Task 1: Mistaken\n**Requires Aproval:** true\n").unwrap();
    assert_snapshot!(newcomer.findings("tasks"), @r"fail orchestrator_tasks/#-#-#-tasks.md has # mistake → orchestrator check orchestrator_tasks/#-#-#-tasks.md");
    fs::remove_file(&today).unwrap();
    assert_snapshot!(newcomer.findings("tasks"), @r"warn there is nothing to do today: no orchestrator_tasks/#-#-#-tasks.md → write it, or name another file when you start");
    fs::create_dir(&today).unwrap();
    assert_snapshot!(newcomer.findings("tasks"), @r"fail <folder>/project/orchestrator_tasks/#-#-#-tasks.md is a folder, not a task file → make it a file that this user can read");
    fs::write(newcomer.project(".git/HEAD"), "broken").unwrap();
    assert_snapshot!(newcomer.findings("project"), @r"warn git can't be asked about <folder>/project: fatal: not a git repository (or any of the parent directories): .git → see what `git status` says there");
    newcomer.set("ORCHESTRATOR__PATHS__PROJECT_DIR", "nowhere");
    assert_snapshot!(newcomer.findings("project"), @r"fail <folder>/project/nowhere is not a folder → make it, or correct paths.project_dir");
}

#[test]
fn the_database_and_the_logs() {
    let mut newcomer = Newcomer::after_init();
    assert_snapshot!(newcomer.findings("database") + &newcomer.findings("lock"), @r"
    ok orchestrator.db will be made by the first start
    ok free
    ");
    drop(newcomer.serve());
    let lock = File::open(newcomer.project("orchestrator.db.lock")).unwrap();
    lock.lock().unwrap();
    assert_snapshot!(newcomer.findings("database") + &newcomer.findings("lock"), @r"
    ok orchestrator.db is writable, schema #
    warn another orchestrator is using the database, but no daemon answers at http://#.#.#.#:# → end the `orchestrator run` or the daemon with another address, before you start one
    ");
    drop(lock);
    make_newer(&newcomer.project("orchestrator.db"));
    assert_snapshot!(newcomer.findings("database") + &newcomer.findings("lock"), @r"
    fail orchestrator.db was written by a newer version of this program (schema #, this one knows #) → install that version, or choose another paths.database
    ok free
    ");
    newcomer.set("ORCHESTRATOR__PATHS__DATABASE", "config.toml");
    assert_snapshot!(newcomer.findings("database"), @r"fail config.toml can't be read: file is not a database → if it is no database of this program, choose another paths.database");
    newcomer.set("ORCHESTRATOR__PATHS__DATABASE", "orchestrator_tasks");
    assert_snapshot!(newcomer.findings("database"), @r"fail orchestrator_tasks can't be opened: unable to open database file → if it is no database of this program, choose another paths.database");
    newcomer.set("ORCHESTRATOR__PATHS__DATABASE", "missing/orchestrator.db");
    assert_snapshot!(newcomer.findings("database"), @r"fail missing/orchestrator.db can't be made: no such file or directory → make its folder writable for this user, or choose another paths.database");
    newcomer.set("ORCHESTRATOR__PATHS__LOGS_DIR", "missing/logs");
    assert_snapshot!(newcomer.findings("logs"), @r"ok missing/logs will be made by the first start");
    newcomer.set("ORCHESTRATOR__PATHS__LOGS_DIR", "config.toml");
    assert_snapshot!(newcomer.findings("logs"), @r"fail config.toml can't be written: not a directory → make it a folder that this user can write, or choose another paths.logs_dir");
}

#[test]
fn the_port_and_the_way_to_n8n() {
    let mut newcomer = Newcomer::after_init();
    assert_snapshot!(newcomer.findings("port") + &newcomer.findings("n8n"), @r"
    ok http://#.#.#.#:# is free
    ok no notifications are sent: webhooks.n8n_notify_url is not set
    ");
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = other.local_addr().unwrap();
    newcomer.set("N8N_NOTIFY_URL", &format!("http://{at}/webhook/hush-hush"));
    assert_snapshot!(newcomer.findings("n8n"), @r"ok #.#.#.#:# accepts connections");
    newcomer.set("N8N_NOTIFY_URL", &format!("http://127.0.0.1:{}/webhook/hush-hush", newcomer.port));
    assert_snapshot!(newcomer.findings("n8n"), @r"fail #.#.#.#:# can't be reached: connection refused → is webhooks.n8n_notify_url right, and does n8n run?");
    newcomer.set("ORCHESTRATOR__SERVER__HOST", "192.0.2.1");
    assert!(newcomer.findings("port").starts_with("fail nothing can listen at http://#.#.#.#:#: "));
}
