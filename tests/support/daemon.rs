//! The real daemon in a folder of its own, spoken to as the outside speaks to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::claude::Claude;
use super::database::Database;
use super::disk::Disk;
use super::eventually::eventually;
use super::openapi::Description;
use super::processes::{self, Process};
use super::taskfile::{Task, task_file};
use super::terminal::Said;
use super::users::{self, Users};
use super::{SOON, free_port};

/// What every daemon of the tests is called with.
pub const SECRET: &str = "test-secret-0123456789abcdef";

/// How long a run of the Claude CLI may take that is not told to wait.
pub const A_RUN: Duration = Duration::from_mins(1);

/// Carried by the daemon and by everything it starts.
const MARKER: &str = "RIG_MARKER";

/// A daemon about to be started.
pub struct Builder {
    claude: Claude,
    config: BTreeMap<&'static str, BTreeMap<&'static str, Value>>,
    port: Option<u16>,
    shell: Option<&'static str>,
    users: Option<Users>,
    disk: Option<PathBuf>,
}

impl Builder {
    /// Starts from a shell that has done this before, such as `umask 0`.
    #[must_use]
    pub fn after(mut self, shell: &'static str) -> Self {
        self.shell = Some(shell);
        self
    }

    /// With its folder on this disk.
    #[must_use]
    pub fn on_disk(mut self, disk: &Disk) -> Self {
        self.disk = Some(disk.path().to_owned());
        self
    }

    /// Listens where others have been told that it does.
    #[must_use]
    pub fn on_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Starts it, and its runs, as users that aren't root.
    #[must_use]
    pub fn under_users(mut self, users: Users) -> Self {
        self.users = Some(users);
        match users.runs {
            Some(runs) => self.set("claude", "user", runs.0),
            None => self,
        }
    }

    /// Sets a configuration key; what JSON calls a string, a number, a boolean or a list is the same in TOML.
    #[must_use]
    pub fn set(mut self, section: &'static str, key: &'static str, value: impl Into<Value>) -> Self {
        self.config.entry(section).or_default().insert(key, value.into());
        self
    }

    pub fn approval_mode(self, mode: &str) -> Self {
        self.set("orchestrator", "approval_mode", mode)
    }

    pub fn start(self) -> Daemon {
        let mut daemon = self.prepare();
        daemon.restart();
        daemon
    }

    /// Everything but the process: a daemon that is started later, or can't be.
    pub fn prepare(self) -> Daemon {
        self.prepare_with(|_, _| {})
    }

    /// The same, with more in its environment, which may depend on where its folder is. Runs see it.
    pub fn prepare_with(self, environ: impl FnOnce(&mut BTreeMap<&'static str, String>, &Path)) -> Daemon {
        let builder = tempfile::Builder::new().prefix("orchestrator-test-").to_owned();
        let elsewhere = self.disk.is_some().then(|| builder.tempdir().unwrap());
        let folder = builder.tempdir_in(self.disk.unwrap_or_else(std::env::temp_dir)).unwrap();
        let words = elsewhere.as_ref().unwrap_or(&folder).path().join("daemon.stderr");
        for name in ["project", "tasks", "home", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let port = self.port.unwrap_or_else(free_port);
        let mut environment: BTreeMap<&'static str, String> =
            self.claude.environment.iter().cloned().collect();
        let marker = uuid::Uuid::new_v4().to_string();
        environment.insert(MARKER, marker.clone());
        environ(&mut environment, folder.path());
        let passed_through: Vec<&str> = environment.keys().copied().collect();

        let mut program = self.claude.program.clone();
        if self.users.is_some() {
            let bin = folder.path().join("bin");
            fs::create_dir(&bin).unwrap();
            program = users::install(&program, &bin);
            users::install(Path::new(env!("CARGO_BIN_EXE_orchestrator")), &bin);
        }
        let command = shell_words::quote(program.to_str().unwrap()).into_owned();
        let flags = self.claude.flags;
        let defaults = [
            ("server", "port", json!(port)),
            ("webhooks", "secret", json!(SECRET)),
            ("paths", "project_dir", json!("project")),
            ("paths", "tasks_dir", json!("tasks")),
            ("paths", "logs_dir", json!("logs")),
            ("paths", "daily_dir", json!("daily")),
            ("paths", "database", json!("orchestrator.db")),
            ("claude", "command", json!(command)),
            ("claude", "flags", json!(flags)),
            ("claude", "env", json!(passed_through)),
        ];
        let mut config = self.config;
        for (section, key, value) in defaults {
            config.entry(section).or_default().entry(key).or_insert(value);
        }
        fs::write(folder.path().join("config.toml"), toml(&config)).unwrap();
        if let Some(users) = self.users {
            users::hand_over(folder.path(), users);
        }

        environment.insert("HOME", folder.path().join("home").to_str().unwrap().into());
        environment.insert("TMPDIR", folder.path().join("tmp").to_str().unwrap().into());
        environment.insert("PATH", std::env::var("PATH").unwrap());
        environment.insert("LANG", "C.UTF-8".into());
        let client = orchestrator::outward::client("http:")
            // A killed daemon leaves no connection behind for the next request to stumble on.
            .pool_max_idle_per_host(0)
            .timeout(SOON)
            .build()
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Daemon {
            folder,
            words,
            _elsewhere: elsewhere,
            port,
            users: self.users,
            program,
            environment,
            marker,
            process: None,
            shell: self.shell,
            runtime,
            client,
            leaves_a_run: false,
        }
    }
}

fn toml(config: &BTreeMap<&str, BTreeMap<&str, Value>>) -> String {
    let mut text = String::new();
    for (section, keys) in config {
        writeln!(text, "[{section}]").unwrap();
        for (key, value) in keys {
            writeln!(text, "{key} = {value}").unwrap();
        }
    }
    text
}

/// A running daemon. Dropped, it and everything it started is gone, and nothing but itself may have been left to kill.
pub struct Daemon {
    folder: TempDir,
    /// What it says on its terminal, which a full disk of its own doesn't swallow.
    words: PathBuf,
    _elsewhere: Option<TempDir>,
    port: u16,
    users: Option<Users>,
    program: PathBuf,
    environment: BTreeMap<&'static str, String>,
    marker: String,
    process: Option<Child>,
    shell: Option<&'static str>,
    pub(super) runtime: Runtime,
    pub(super) client: reqwest::Client,
    leaves_a_run: bool,
}

impl Daemon {
    pub fn with(claude: Claude) -> Builder {
        Builder { claude, config: BTreeMap::new(), port: None, shell: None, users: None, disk: None }
    }

    /// The folder that holds its configuration, its database and everything else.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that Claude works in.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Its database, to look into at any time and to write to while the daemon is down.
    pub fn database(&self) -> Database {
        Database::at(&self.folder.path().join("orchestrator.db"))
    }

    pub fn pid(&self) -> i32 {
        self.process.as_ref().expect("the daemon runs").id().try_into().unwrap()
    }

    /// The environment variable that everything carries which this daemon starts.
    pub fn marker(&self) -> String {
        format!("{MARKER}={}", self.marker)
    }

    /// Sets a variable of the environment that its next life begins with.
    pub fn set_variable(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.insert(name, value.into());
    }

    /// The program that it runs as `claude`.
    pub fn claude(&self) -> &Path {
        &self.program
    }

    /// How many files and connections it has open, that of whoever asks included.
    #[track_caller]
    pub fn open_files(&self) -> usize {
        let (_, figures) = self.get("/metrics").unwrap();
        let count = figures.lines().find_map(|line| line.strip_prefix("process_open_fds ")).unwrap();
        count.parse().unwrap()
    }

    /// The line of the access log that ends with this request id.
    #[track_caller]
    pub fn await_access_line(&self, id: &str) -> String {
        let log = self.folder().join("logs/webhook-access.log");
        let end = format!(" {id}");
        eventually(SOON, "a line of the access log", || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            text.lines().find(|line| line.ends_with(&end)).map(str::to_owned).ok_or(text)
        })
    }

    /// The one live Claude process.
    #[track_caller]
    pub fn await_claude(&self) -> Process {
        processes::await_instance(SOON, &self.program, &self.marker())
    }

    /// Everything alive that this daemon, or one before it in this folder, has started.
    pub fn run_tree(&self) -> Vec<Process> {
        let own = self.process.as_ref().map(Child::id);
        let is_own = |process: &Process| u32::try_from(process.identity.pid).ok() == own;
        processes::with_environment(&self.marker()).into_iter().filter(|process| !is_own(process)).collect()
    }

    /// Now, not soon: nothing is left of any run.
    #[track_caller]
    pub fn assert_no_run_alive(&self) {
        let left = self.run_tree();
        assert!(left.is_empty(), "still alive: {left:#?}\n{}", self.said());
    }

    /// The test ends with a run still going, on purpose.
    pub fn may_leave_a_run(&mut self) {
        self.leaves_a_run = true;
    }

    /// Kills the daemon, and only it, as a crash would.
    pub fn kill9(&mut self) {
        let mut process = self.process.take().expect("the daemon runs");
        process.kill().unwrap();
        let status = process.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "the daemon had ended by itself: {status}\n{}", self.said());
    }

    /// Asks the daemon to stop, as systemd would.
    pub fn sigterm(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the daemon runs");
        kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
        eventually(SOON, "the daemon to stop", || process.try_wait().unwrap().ok_or("runs"))
    }

    /// Sends the daemon, and only it, a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.process.as_ref().expect("the daemon runs")), signal).unwrap();
    }

    /// Asks the daemon to stop and leaves it to it.
    pub fn send_sigterm(&self) {
        kill_process(Pid::from_child(self.process.as_ref().expect("the daemon runs")), Signal::TERM).unwrap();
    }

    /// Waits for a daemon to end that was asked to, or that can't go on.
    #[track_caller]
    pub fn await_end(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the daemon runs");
        eventually(SOON, "the daemon to end", || process.try_wait().unwrap().ok_or("runs"))
    }

    /// Runs `serve` once more in the same folder, where it must fail; gives its exit code and what it says.
    #[track_caller]
    pub fn serve_in_vain(&self) -> (Option<i32>, String) {
        let said = self.folder.path().join("in-vain.stderr");
        let mut process = self.serve(&File::create(&said).unwrap());
        let status = eventually(SOON, "serve to fail", || {
            process.try_wait().unwrap().ok_or_else(|| fs::read_to_string(&said).unwrap())
        });
        (status.code(), fs::read_to_string(&said).unwrap())
    }

    /// Calls the binary where the daemon runs, or would run.
    pub fn call(&self, arguments: &[&str]) -> Said {
        Said::from(self.command(arguments).output().unwrap())
    }

    /// The binary with the daemon's configuration, about to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_orchestrator");
        let mut command = match (self.users, self.shell) {
            (Some(users), _) => users::as_daemon(&self.folder.path().join("bin/orchestrator"), users),
            (None, None) => Command::new(binary),
            (None, Some(before)) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{before} && exec \"$0\" \"$@\""), binary]);
                shell
            }
        };
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null());
        command
    }

    fn serve(&self, stderr: &File) -> Child {
        self.command(&["serve"])
            .stdout(stderr.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap()
    }

    /// Starts the daemon in the same folder and waits for it to be well.
    #[track_caller]
    pub fn restart(&mut self) {
        self.restart_until("the daemon to be well", 200);
    }

    /// Starts the daemon in the same folder and waits for it to say that it isn't well.
    #[track_caller]
    pub fn restart_unwell(&mut self) {
        self.restart_until("the daemon to be unwell", 503);
    }

    #[track_caller]
    fn restart_until(&mut self, what: &str, health: u16) {
        assert!(self.process.is_none(), "the daemon still runs");
        let stderr = File::options().create(true).append(true).open(&self.words).unwrap();
        self.process = Some(self.serve(&stderr));
        eventually(SOON, what, || {
            if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
                self.process = None;
                panic!("the daemon ended with {status}\n{}", self.said());
            }
            match self.get("/health") {
                Ok((status, _)) if status == health => Ok(()),
                other => Err(format!("{other:?}\n{}", self.said())),
            }
        });
    }

    /// Everything the daemon has written to its terminal.
    pub fn said(&self) -> String {
        let said = fs::read_to_string(&self.words).unwrap_or_default();
        format!("--- the daemon said:\n{said}---")
    }
}

/// Speaking to it.
impl Daemon {
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn get(&self, path: &str) -> reqwest::Result<(u16, String)> {
        self.runtime.block_on(async {
            let response = self.client.get(self.url(path)).bearer_auth(SECRET).send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await?;
            Description::get().assert_knows("GET", path, status, &headers, &text);
            Ok((status, text))
        })
    }

    pub fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<(u16, Value)> {
        self.runtime.block_on(async {
            let response = self.client.post(self.url(path)).bearer_auth(SECRET).json(body).send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await?;
            Description::get().assert_knows("POST", path, status, &headers, &text);
            Ok((status, serde_json::from_str(&text).expect("the description says that it is JSON")))
        })
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "`json!` in the call reads like the request it is")]
    pub fn post(&self, path: &str, body: Value) -> (u16, Value) {
        match self.try_post(path, &body) {
            Ok(answer) => answer,
            Err(error) => panic!("POST {path} {body}: {error:?}\n{}", self.said()),
        }
    }

    /// Posts what must succeed.
    #[track_caller]
    pub fn ok(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body);
        assert_eq!(status, 200, "POST {path}: {answer:#}");
        answer
    }

    /// Writes a task file into the task folder.
    pub fn write_tasks(&self, name: &str, tasks: &[Task]) {
        let path = self.folder.path().join("tasks").join(name);
        fs::write(&path, task_file(tasks)).unwrap();
    }

    /// Writes a task file and starts it, also when it was done before.
    #[track_caller]
    pub fn start(&self, tasks: &[Task]) -> Value {
        self.write_tasks("2025-11-20-tasks.md", tasks);
        self.ok("/start", json!({"task_file": "2025-11-20-tasks.md", "again": true}))
    }

    #[track_caller]
    pub fn status(&self) -> Value {
        self.ok("/status", json!({}))
    }

    /// Waits until the status is as it should be.
    #[track_caller]
    pub fn await_that(&self, deadline: Duration, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(deadline, what, || {
            let status = self.status();
            if holds(&status) { Ok(status) } else { Err(status) }
        })
    }

    /// Waits for a word in `status`.
    #[track_caller]
    pub fn await_status(&self, word: &str) -> Value {
        self.await_that(A_RUN, &format!("the status {word:?}"), |status| status["status"] == word)
    }

    /// Waits for a gate of this kind before, or about, this task; gives the gate.
    #[track_caller]
    pub fn await_gate(&self, kind: &str, task: u64) -> Value {
        let is_it = |status: &Value| {
            let gate = &status["gate"];
            status["status"] == "waiting_approval" && gate["kind"] == kind && gate["task"] == task
        };
        self.await_that(A_RUN, &format!("a gate of kind {kind:?} for task {task}"), is_it)["gate"].take()
    }

    /// Waits for a task to reach a state; gives the task.
    #[track_caller]
    pub fn await_task(&self, id: u64, state: &str) -> Value {
        let is_it = |status: &Value| task_of(status, id)["state"] == state;
        let status = self.await_that(A_RUN, &format!("task {id} to be {state}"), is_it);
        task_of(&status, id).clone()
    }

    /// The newest lines of the story.
    #[track_caller]
    pub fn logs(&self) -> String {
        self.ok("/logs", json!({"lines": 1000}))["logs"].as_str().expect("logs is a text").into()
    }

    /// Every line that the CLI printed in the runs of a task, oldest run first.
    pub fn printed(&self, session: &str, task: u64) -> Vec<Value> {
        let folder = self.folder.path().join("logs").join(session);
        let mut lines = Vec::new();
        for run in 1.. {
            let Ok(text) = fs::read_to_string(folder.join(format!("task-{task}-run-{run}.ndjson"))) else {
                break;
            };
            lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
        lines
    }

    /// What the CLI's own `result` lines say a task cost.
    pub fn cost_printed(&self, session: &str, task: u64) -> f64 {
        let printed = self.printed(session, task);
        let results = printed.iter().filter(|line| line["type"] == "result");
        results.map(|line| line["total_cost_usd"].as_f64().expect("a cost")).sum()
    }
}

/// The task with this number in a status.
#[track_caller]
pub fn task_of(status: &Value, id: u64) -> &Value {
    let tasks = status["tasks"].as_array().unwrap_or_else(|| panic!("the status lists no tasks: {status:#}"));
    tasks.iter().find(|task| task["id"] == id).unwrap_or_else(|| panic!("no task {id} in {status:#}"))
}

/// A cost, compared as money is: to a millionth of a dollar.
#[track_caller]
pub fn assert_usd(actual: &Value, expected: f64) {
    let actual = actual.as_f64().unwrap_or_else(|| panic!("{actual} is no amount"));
    assert!((actual - expected).abs() < 1e-6, "{actual} USD is not {expected} USD");
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let left = self.run_tree();
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        processes::kill_all(|| processes::with_environment(&self.marker()));
        if std::thread::panicking() {
            eprintln!("{}", self.said());
        } else {
            assert!(self.leaves_a_run || left.is_empty(), "left alive: {left:#?}\n{}", self.said());
        }
    }
}
