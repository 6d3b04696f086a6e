//! The first hour with the real binary: `init`, a daemon from exactly what it made, what `serve` says where it can't
//! start, and `health`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;
use serde_json::{Value, json};
use support::SOON;
use support::eventually::eventually;
use support::newcomer::{Newcomer, tree};

#[test]
fn what_init_makes_is_all_that_a_rehearsed_session_needs() {
    let newcomer = Newcomer::new();

    let made = newcomer.call(&["init"]);

    assert_eq!((made.code, made.err.as_str()), (Some(0), ""));
    assert_snapshot!(newcomer.masked(&made.out), @r"
    made  config.toml (every setting with its default)
    made  .env (a fresh secret)
    made  orchestrator_tasks
    made  daily_logs
    made  orchestrator_logs
    made  orchestrator_tasks/#-#-#-tasks.md (two harmless tasks for a first try)

    Next:
      orchestrator doctor
      orchestrator run orchestrator_tasks/#-#-#-tasks.md --rehearse
      orchestrator serve
    ");
    let next: Vec<&str> = made.out.lines().rev().take(3).map(str::trim).collect();
    let words = shell_words::split(next[1]).unwrap();
    let (tasks, rehearsed) = (words[2].as_str(), &words[1..]);
    assert_eq!(newcomer.call(&["check", tasks]).code, Some(0));
    let rehearsed: Vec<&str> = rehearsed.iter().map(String::as_str).chain(["--yes"]).collect();
    assert_eq!(newcomer.call(&rehearsed).code, Some(0));

    let _daemon = newcomer.serve();
    let name = tasks.rsplit('/').next().unwrap();
    assert!(tell(&newcomer, "start", &json!({"again": true}))["message"].as_str().unwrap().contains(name));
    await_status(&newcomer, "waiting_approval");
    tell(&newcomer, "approve", &json!({}));
    await_status(&newcomer, "completed");
}

#[test]
fn a_second_init_changes_nothing() {
    let newcomer = Newcomer::new();
    newcomer.git(&["init", "--quiet"]);
    assert_eq!(newcomer.call(&["init"]).code, Some(0));
    fs::write(newcomer.project("orchestrator_tasks/later.md"), "mine").unwrap();
    let before = tree(&newcomer.project(""));

    let again = newcomer.call(&["init"]);

    assert_eq!((again.code, again.err.as_str()), (Some(0), ""));
    assert!(!again.out.contains("made"), "{}", again.out);
    assert_eq!(tree(&newcomer.project("")), before);
}

#[test]
fn what_init_makes_is_its_owners() {
    let newcomer = Newcomer::after_init();
    let mode = |name: &str| fs::metadata(newcomer.project(name)).unwrap().permissions().mode() & 0o777;
    for file in ["config.toml", ".env"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    for folder in ["orchestrator_tasks", "orchestrator_logs", "daily_logs"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    let secret = secret(&newcomer);
    assert!(
        secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{} long",
        secret.len()
    );
    assert_ne!(secret, self::secret(&Newcomer::after_init()));
}

#[test]
fn nothing_private_gets_into_git() {
    let newcomer = Newcomer::new();
    newcomer.git(&["init", "--quiet"]);
    newcomer.call(&["init"]);
    drop(newcomer.serve());
    newcomer.git(&["add", "--all"]);
    for private in [".env", "orchestrator.db"] {
        newcomer.git(&["check-ignore", private]);
    }

    let other = Newcomer::new();
    other.git(&["init", "--quiet"]);
    fs::write(other.project(".gitignore"), "/target\n*.db*\n").unwrap();
    let said = other.call(&["init"]);
    assert_eq!(fs::read_to_string(other.project(".gitignore")).unwrap(), "/target\n*.db*\n");
    assert!(
        said.out.contains("so that no secret gets into git:\n  /.env\n  /orchestrator_logs/\n"),
        "{}",
        said.out
    );
}

#[test]
fn init_keeps_what_it_finds_and_says_what_that_lacks() {
    let newcomer = Newcomer::new();
    fs::create_dir(newcomer.path("other")).unwrap();
    fs::write(newcomer.path("other/config.toml"), "[paths]\ntasks_dir = \"todo\"\n").unwrap();
    fs::write(newcomer.path("other/.env"), "TELEGRAM_CHAT_ID=1\n").unwrap();

    let said = newcomer.call(&["init", "../other"]);

    assert_eq!(said.code, Some(0));
    assert_snapshot!(newcomer.masked(&said.out), @r#"
    kept  <folder>/other/config.toml
    kept  <folder>/other/.env
    made  <folder>/other/todo
    made  <folder>/other/daily_logs
    made  <folder>/other/orchestrator_logs
    made  <folder>/other/todo/#-#-#-tasks.md (two harmless tasks for a first try)

    <folder>/other/.env sets no secret, without which `orchestrator serve` doesn't start. To add one:
      echo "WEBHOOK_SECRET=$(openssl rand -hex #)" >> <folder>/other/.env

    Next:
      cd <folder>/other
      orchestrator doctor
      orchestrator run todo/#-#-#-tasks.md --rehearse
      orchestrator serve
    "#);

    fs::write(newcomer.path("other/config.toml"), "[path]\n").unwrap();
    let said = newcomer.call(&["init", "../other"]);
    assert_eq!(said.code, Some(1));
    assert_snapshot!(said.err, @r"error: config.toml:1: [path] is not a section; did you mean [paths]?");
    let said = newcomer.call(&["init", "config.toml/here", "--config", "x"]);
    assert_eq!(said.code, Some(2));
    fs::write(newcomer.project("file"), "").unwrap();
    let said = newcomer.call(&["init", "file/here"]);
    assert_eq!(said.code, Some(1));
    assert_snapshot!(said.err, @r"error: can't make file/here: not a directory");
}

#[test]
fn serve_says_what_leads_to_a_working_daemon() {
    let mut newcomer = Newcomer::new();
    assert_snapshot!(newcomer.serve_in_vain(), @r"
    error: webhooks.secret is not set, and without it anyone could give commands. Three commands lead to a working daemon:
      orchestrator init     makes config.toml, a .env with a fresh secret, and a task file to try
      orchestrator doctor   says what is still missing
      orchestrator serve
    ");

    newcomer.call(&["init"]);
    newcomer.set("ORCHESTRATOR__PATHS__PROJECT_DIR", "nowhere");
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: the project folder (paths.project_dir) <folder>/project/nowhere can't be used: no such file or directory; make it a folder for this user, or name another one");
    newcomer.set("ORCHESTRATOR__PATHS__PROJECT_DIR", ".");

    newcomer.set("ORCHESTRATOR__PATHS__LOGS_DIR", "config.toml");
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: can't keep logs in <folder>/project/config.toml: not a directory; make it a folder that this user can write, or choose another paths.logs_dir");
    newcomer.set("ORCHESTRATOR__PATHS__LOGS_DIR", "/proc");
    let said = newcomer.serve_in_vain();
    assert!(said.starts_with("error: can't keep logs in /proc: ") && said.lines().count() == 1, "{said}");
    newcomer.set("ORCHESTRATOR__PATHS__LOGS_DIR", "orchestrator_logs");

    newcomer.set("ORCHESTRATOR__PATHS__DATABASE", "missing/orchestrator.db");
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: can't lock <folder>/project/missing/orchestrator.db.lock: no such file or directory; paths.database must be in a folder that there is and that this user can write");
    newcomer.set("ORCHESTRATOR__PATHS__DATABASE", "config.toml");
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: can't open the database <folder>/project/config.toml: file is not a database; choose another paths.database, or move away what has that name");
    newcomer.set("ORCHESTRATOR__PATHS__DATABASE", "orchestrator.db");

    newcomer.set("ORCHESTRATOR__SERVER__HOST", "192.0.2.1");
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: can't listen on #.#.#.#:#: cannot assign requested address; is server.host an address of this machine, such as #.#.#.# or #.#.#.#?");
}

#[test]
fn serve_says_what_it_may_not_do() {
    let mut newcomer = Newcomer::after_init();
    drop(newcomer.serve());
    newcomer.unprivileged = true;
    let mode = |newcomer: &Newcomer, name: &str, mode| {
        fs::set_permissions(newcomer.project(name), Permissions::from_mode(mode)).unwrap();
    };
    mode(&newcomer, "orchestrator.db", 0o400);
    // The lock's note says that the daemon before was killed, and still does, in other words.
    let left = |newcomer: &Newcomer| {
        let mut left = tree(&newcomer.project(""));
        left.remove(&newcomer.project("orchestrator.db.lock"));
        left
    };
    let before = left(&newcomer);
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: can't write <folder>/project/orchestrator.db, without which there is no database: permission denied; make it writable for this user");
    assert_snapshot!(newcomer.findings("database"), @r"fail orchestrator.db can't be written: permission denied → make it writable for this user");
    assert!(left(&newcomer) == before, "something was left behind");
    mode(&newcomer, "orchestrator.db", 0o600);

    mode(&newcomer, "orchestrator_logs", 0o500);
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: can't keep logs in <folder>/project/orchestrator_logs: permission denied; make it a folder that this user can write, or choose another paths.logs_dir");
    assert_snapshot!(newcomer.findings("logs"), @r"fail orchestrator_logs can't be written: permission denied → make it a folder that this user can write, or choose another paths.logs_dir");
    mode(&newcomer, "orchestrator_logs", 0o700);

    mode(&newcomer, "orchestrator.db.lock", 0o000);
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: can't lock <folder>/project/orchestrator.db.lock: permission denied; paths.database must be in a folder that there is and that this user can write");
    assert_snapshot!(newcomer.findings("lock"), @r"fail the lock of orchestrator.db can't be read: permission denied → make it readable for this user");
    mode(&newcomer, "orchestrator.db.lock", 0o600);

    mode(&newcomer, ".env", 0o000);
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: .env: can't be read: permission denied");
    mode(&newcomer, ".env", 0o600);
    drop(newcomer.serve());
}

#[test]
fn serve_says_who_is_there_already() {
    let newcomer = Newcomer::after_init();
    let first = newcomer.serve();
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: another orchestrator is using <folder>/project/orchestrator.db: stop it first, or command it (orchestrator status, approve, …)");
    drop(first);

    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, newcomer.port)).unwrap();
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: can't listen on #.#.#.#:#: address already in use; end what uses it, or choose another server.port");

    support::newcomer::make_newer(&newcomer.project("orchestrator.db"));
    assert_snapshot!(newcomer.serve_in_vain(), @r"error: the database <folder>/project/orchestrator.db was written by a newer version of this program (schema #, this one knows #): install that version, or choose another paths.database");
}

#[test]
fn health_has_an_exit_code_for_each_answer() {
    let mut newcomer = Newcomer::after_init();
    let health = |newcomer: &Newcomer| {
        let said = newcomer.call(&["health"]);
        (said.code, newcomer.masked(&(said.out + &said.err)))
    };
    let (code, said) = health(&newcomer);
    assert_eq!(code, Some(4));
    assert_snapshot!(said, @r"error: no daemon answers at http://#.#.#.#:# (connection refused): start it with `orchestrator serve`");

    newcomer.set("ORCHESTRATOR__SERVER__HOST", "0.0.0.0");
    newcomer.set("ORCHESTRATOR__SERVER__ALLOWED_HOSTS", "orchestrator.example.com");
    let daemon = newcomer.serve();
    let (code, said) = health(&newcomer);
    assert_eq!((code, said.lines().count()), (Some(0), 1));
    assert!(said.starts_with("ok: orchestrator #.#.# at http://#.#.#.#:#, up #"), "{said}");
    drop(daemon);

    let unwell = "HTTP/1.1 503 \r\n\r\n{\"status\":\"degraded\",\"version\":\"0.1.0\",\"uptime\":1}";
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, newcomer.port)).unwrap();
    for (greeting, answered) in [
        (unwell, "degraded: orchestrator #.#.#"),
        ("HTTP/1.1 200 OK\r\n\r\n<html>", "error: what answers"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "error: what answers"),
    ] {
        let stranger = stranger.try_clone().unwrap();
        let answer = std::thread::spawn(move || {
            let mut stream = stranger.accept().unwrap().0;
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                asked.extend(byte);
            }
            stream.write_all(greeting.as_bytes()).unwrap();
        });
        let (code, said) = health(&newcomer);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.starts_with(answered) && said.lines().count() == 1, "{said}");
        answer.join().unwrap();
    }
}

fn secret(newcomer: &Newcomer) -> String {
    let text = fs::read_to_string(newcomer.project(".env")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("WEBHOOK_SECRET=")).unwrap().to_owned()
}

/// A command by HTTP, with the secret that `init` made.
#[track_caller]
fn tell(newcomer: &Newcomer, command: &str, body: &Value) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("http://127.0.0.1:{}/{command}", newcomer.port);
    let answer = runtime.block_on(async {
        let client = orchestrator::outward::client("http:").timeout(SOON).build().unwrap();
        let response = client.post(url).bearer_auth(secret(newcomer)).json(body).send().await.unwrap();
        response.json::<Value>().await.unwrap()
    });
    assert_ne!(answer["status"], "error", "{command}: {answer:#}");
    answer
}

#[track_caller]
fn await_status(newcomer: &Newcomer, word: &str) {
    eventually(SOON, word, || {
        let status = tell(newcomer, "status", &json!({}));
        if status["status"] == word { Ok(()) } else { Err(status) }
    });
}
