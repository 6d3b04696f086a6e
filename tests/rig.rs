//! The instruments before the measurement: the real CLI against the loopback model, and the view of the process table,
//! without any daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use support::claude::Claude;
use support::daemon::A_RUN;
use support::eventually::{eventually, until};
use support::model::{Model, Script, Turn};
use support::telegram_api::Books;
use support::{SOON, processes};
use tempfile::TempDir;

/// The CLI as the daemon would start it: files for stdin and stdout.
struct Run {
    folder: TempDir,
    marker: String,
    process: Child,
}

impl Run {
    fn start(claude: &Claude, prompt: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let marker = uuid::Uuid::new_v4().to_string();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("prompt"), prompt).unwrap();
        let process = Command::new(&claude.program)
            .args(["-p", "--output-format", "stream-json", "--verbose"])
            .args(claude.flags.split_whitespace())
            .current_dir(folder.path())
            .env_clear()
            .envs(claude.environment.iter().map(|(name, value)| (name, value)))
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env("ORCHESTRATOR_RUN", &marker)
            .stdin(File::open(at("prompt")).unwrap())
            .stdout(File::create(at("out")).unwrap())
            .stderr(File::create(at("err")).unwrap())
            .spawn()
            .unwrap();
        Self { folder, marker, process }
    }

    fn marker(&self) -> String {
        format!("ORCHESTRATOR_RUN={}", self.marker)
    }

    fn result(&mut self) -> Value {
        eventually(A_RUN, "the CLI to end", || self.process.try_wait().unwrap().ok_or("runs"));
        let out = fs::read_to_string(self.folder.path().join("out")).unwrap();
        let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.rev().find(|line| line["type"] == "result").unwrap_or_else(|| {
            panic!("no result:\n{out}{}", fs::read_to_string(self.folder.path().join("err")).unwrap())
        })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        processes::kill_all(|| processes::with_environment(&self.marker()));
        self.process.wait().unwrap();
    }
}

fn run(model: &Model, prompt: &str) -> Value {
    Run::start(&Claude::real(model), prompt).result()
}

fn path_in(folder: &TempDir, name: &str) -> std::path::PathBuf {
    folder.path().join(name)
}

#[test]
fn the_real_cli_does_what_the_model_says_and_reckons_what_it_cost() {
    let work = tempfile::tempdir().unwrap();
    let (written, run_by_bash) = (path_in(&work, "written.txt"), path_in(&work, "by-bash.txt"));
    let model = Model::start(
        &Script::new().on(
            "write-both",
            [
                Turn::says("I write two files.")
                    .writes(&written, "by the Write tool\n")
                    .runs(&format!("echo by Bash > {}", run_by_bash.display()))
                    .using(1000, 200),
                Turn::says("Both are written.").using(1200, 50),
            ],
        ),
    );

    let result = run(&model, "Please write-both now.");

    assert_eq!(result["is_error"], false, "{result:#}");
    assert_eq!(result["result"], "Both are written.");
    assert_eq!(fs::read_to_string(written).unwrap(), "by the Write tool\n");
    assert_eq!(fs::read_to_string(run_by_bash).unwrap(), "by Bash\n");
    let once = result["total_cost_usd"].as_f64().unwrap();
    assert!(once > 0.0, "{result:#}");
}

#[test]
fn a_model_refuses_as_the_api_does_and_gets_well_again() {
    let refusal =
        |status, kind, message| Script::new().on("a question", [Turn::refuses(status, kind, message)]);
    let mut model = Model::start(&refusal(401, "authentication_error", "invalid x-api-key"));
    let unauthorized = run(&model, "a question");
    model.follow(&refusal(429, "rate_limit_error", "rate limited"));
    let limited = run(&model, "a question");
    model.follow(&refusal(500, "api_error", "internal error"));
    let broken = run(&model, "a question");
    model.follow(&Script::new().on("a question", [Turn::says("an answer")]));
    let well = run(&model, "a question");

    for (result, status) in [(&unauthorized, 401), (&limited, 429), (&broken, 500)] {
        assert_eq!(result["is_error"], true, "{result:#}");
        assert_eq!(result["terminal_reason"], "api_error");
        assert_eq!(result["api_error_status"], status);
    }
    assert_eq!(well["result"], "an answer");
}

#[test]
fn a_model_may_be_slow() {
    let silence = Duration::from_millis(1500);
    let model = Model::start(&Script::new().on("slow", [Turn::says("at last").after(silence)]));
    let started = Instant::now();

    let result = run(&model, "Be slow.");

    assert_eq!(result["result"], "at last");
    assert!(started.elapsed() > silence);
}

#[test]
fn a_denied_tool_shows_only_in_the_denials() {
    let work = tempfile::tempdir().unwrap();
    let written = path_in(&work, "written.txt");
    let turns = [Turn::says("I write.").writes(&written, "x"), Turn::says("Written.")];
    let model = Model::start(&Script::new().on("forbidden", turns));

    let result = Run::start(&Claude::without_permissions(&model), "forbidden").result();

    assert_eq!(result["is_error"], false);
    assert_eq!(result["permission_denials"][0]["tool_name"], "Write", "{result:#}");
    assert!(!written.exists());
}

#[test]
fn a_run_is_caught_while_it_works_and_let_go() {
    let work = tempfile::tempdir().unwrap();
    let (ready, go) = (path_in(&work, "ready"), path_in(&work, "go"));
    let turns = [Turn::says("I wait.").waits(&ready, &go), Turn::says("It went.")];
    let model = Model::start(&Script::new().on("caught", turns));
    let claude = Claude::real(&model);
    let mut run = Run::start(&claude, "Be caught.");
    let watcher = processes::Watcher::start(&claude.program, &run.marker());

    until(A_RUN, "the CLI to be at work", || ready.exists());
    let cli = processes::await_instance(SOON, &claude.program, &run.marker());
    assert_eq!(cli.identity.pid, i32::try_from(run.process.id()).unwrap());
    assert!(!processes::descendants(cli.identity.pid).is_empty(), "its Bash tool is below it");
    File::create(&go).unwrap();

    assert_eq!(run.result()["result"], "It went.");
    assert!(!cli.identity.is_alive());
    processes::assert_no_process_with(&run.marker());
    let seen = watcher.seen();
    assert_eq!(
        (seen.instances.len(), seen.at_once),
        (1, 1),
        "in {} samples: {:#?}",
        seen.samples,
        seen.instances
    );
    assert!(seen.instances[0].arguments.contains(&"stream-json".into()));
}

#[test]
fn what_a_run_detaches_outlives_it_and_is_found() {
    let token = format!("86400.{}", std::process::id());
    let marked = format!("setsid nohup sleep {token}1 >/dev/null 2>&1 & echo detached");
    let unmarked = format!("env -i setsid nohup sleep {token}2 >/dev/null 2>&1 & echo detached");
    let turns = [Turn::says("I detach.").runs(&marked).runs(&unmarked), Turn::says("Detached.")];
    let model = Model::start(&Script::new().on("detach", turns));
    let mut run = Run::start(&Claude::real(&model), "detach");

    assert_eq!(run.result()["result"], "Detached.");

    let found = processes::with_environment(&run.marker());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(processes::with_argument(&token).len(), 2, "one threw its marker away");
    processes::kill_all(|| processes::with_argument(&token));
    processes::assert_no_process_with(&run.marker());
    processes::assert_no_process_running(&token);
}

#[test]
fn a_zombie_is_not_alive() {
    let mut child = Command::new("sleep").arg("86400").spawn().unwrap();
    let process = processes::Process::read(i32::try_from(child.id()).unwrap()).unwrap();
    assert!(process.identity.is_alive());

    process.identity.signal(Signal::KILL);

    until(SOON, "it to be a zombie", || process.identity.is_zombie());
    assert!(!process.identity.is_alive());
    child.wait().unwrap();
    assert!(!process.identity.is_zombie());
}

#[test]
fn the_stand_in_speaks_as_the_cli_does() {
    let claude = Claude::stand_in();
    let work = tempfile::tempdir().unwrap();
    let (ready, go) = (path_in(&work, "ready"), path_in(&work, "go"));
    let prompt =
        format!("Do this:\n{}{}", support::claude::waits(&ready, &go), support::claude::succeeds(0.25));
    let mut run = Run::start(&claude, &prompt);

    until(SOON, "the stand-in to be at work", || Path::exists(&ready));
    processes::await_instance(SOON, &claude.program, &run.marker());
    File::create(&go).unwrap();

    let result = run.result();
    assert_eq!((&result["is_error"], &result["total_cost_usd"]), (&false.into(), &0.25.into()));
    let failed = Run::start(&claude, &support::claude::fails(0.5)).result();
    assert_eq!((&failed["is_error"], &failed["terminal_reason"]), (&true.into(), &"max_turns".into()));
}

#[test]
fn telegram_refuses_what_telegram_refuses() {
    let mut books = Books::default();
    books.chats.insert(1001);
    let mut call = |method: &str, parameters: Value| {
        let parameters = parameters.as_object().unwrap();
        books.call(method, parameters, 0).map_err(|refusal| (refusal.code, refusal.description))
    };
    let button = |data: &str| json!({"inline_keyboard": [[{"text": "Approve", "callback_data": data}]]});
    let sent = json!({"chat_id": 1001, "text": "<b>🎉 done</b>: /status", "parse_mode": "HTML", "reply_markup": button("a")});
    let message = call("sendMessage", sent).unwrap();
    assert_eq!(message["text"], "🎉 done: /status");
    let entities = json!([
        {"type": "bold", "offset": 0, "length": 7}, {"type": "bot_command", "offset": 9, "length": 7},
    ]);
    assert_eq!(message["entities"], entities, "in UTF-16 units, commands found without being told");

    let number = &message["message_id"];
    let again = json!({
        "chat_id": 1001, "message_id": number, "text": message["text"], "entities": entities, "reply_markup": button("a"),
    });
    let refused = [
        ("sendMessage", json!({"chat_id": 4711, "text": "x"}), "chat not found"),
        ("sendMessage", json!({"chat_id": 1001, "text": " "}), "message text is empty"),
        ("sendMessage", json!({"chat_id": 1001, "text": "🎉".repeat(2049)}), "message is too long"),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "<b>x", "parse_mode": "HTML"}),
            "can't parse entities",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "x", "parse_mode": "Markdown"}),
            "unsupported parse_mode",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "x", "reply_markup": button(&"x".repeat(65))}),
            "BUTTON_DATA",
        ),
        ("editMessageText", again, "message is not modified"),
        (
            "editMessageText",
            json!({"chat_id": 1001, "message_id": 4711, "text": "x"}),
            "message to edit not found",
        ),
        ("answerCallbackQuery", json!({"callback_query_id": "unknown"}), "query is too old"),
        (
            "setWebhook",
            json!({"url": "http://127.0.0.1:9/", "secret_token": "not allowed"}),
            "unallowed characters",
        ),
    ];
    for (method, parameters, why) in refused {
        let (code, description) = call(method, parameters.clone()).unwrap_err();
        assert!(code == 400 && description.contains(why), "{method} {parameters}: {code} {description}");
    }
    let without =
        json!({"chat_id": 1001, "message_id": number, "text": message["text"], "entities": entities});
    let edited = call("editMessageText", without).unwrap();
    assert_eq!(edited.get("reply_markup"), None, "an edit without buttons takes them away");
}
