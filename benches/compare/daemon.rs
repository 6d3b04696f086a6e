//! Our daemon: the released binary with a folder, a database and a port of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::connection::{Connection, SECRET};
use crate::contender::{Folder, Server, folder, free_port, until};
use crate::stand_in;

/// The binary under measurement: the one that cargo built beside this, or the one that `BENCH_BINARY` names.
pub fn binary() -> PathBuf {
    std::env::var_os("BENCH_BINARY")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_orchestrator")), PathBuf::from)
}

const A_SESSION: Duration = Duration::from_mins(5);

/// How a daemon is to be set up.
pub struct Setup {
    pub approval_mode: &'static str,
    /// What it runs as `claude`; none for the stand-in that answers at once.
    pub claude: Option<PathBuf>,
    /// Where it posts notifications.
    pub notify: Option<String>,
    /// Whether the project is a git repository.
    pub git: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { approval_mode: "auto", claude: None, notify: None, git: false }
    }
}

/// A daemon's folder, with or without a daemon at work in it.
pub struct Daemon {
    folder: Folder,
    port: u16,
    server: Option<Server>,
}

impl Daemon {
    /// Makes everything but the process.
    pub fn prepare(setup: &Setup) -> Self {
        let folder = folder("daemon");
        let path = folder.path();
        for name in ["project", "tasks", "home"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        if setup.git {
            make_repository(&path.join("project"));
        }
        let claude = setup.claude.clone().unwrap_or_else(|| stand_in::at_once(path));
        let port = free_port();
        let mut config = format!(
            "[server]\nport = {port}\n[orchestrator]\napproval_mode = \"{}\"\n[paths]\nproject_dir = \"project\"\n\
             tasks_dir = \"tasks\"\nlogs_dir = \"logs\"\ndaily_dir = \"daily\"\ndatabase = \"orchestrator.db\"\n\
             [limits]\noutput_per_run = \"20GB\"\n[claude]\ncommand = {}\n[webhooks]\nsecret = \"{SECRET}\"\n",
            setup.approval_mode,
            json!(shell_words::quote(claude.to_str().unwrap())),
        );
        if let Some(url) = &setup.notify {
            writeln!(config, "n8n_notify_url = \"{url}\"").unwrap();
        }
        fs::write(path.join("config.toml"), config).unwrap();
        Self { folder, port, server: None }
    }

    pub fn start(setup: &Setup) -> Self {
        let mut daemon = Self::prepare(setup);
        daemon.restart();
        daemon
    }

    /// Starts the process; answers with how long its first answer took.
    pub fn restart(&mut self) -> Duration {
        self.server = None;
        let mut command = Command::new(binary());
        command
            .args(["--log", "warn", "serve"])
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let server = Server::start(&mut command, self.port, "/health", &self.folder.path().join("said"));
        self.server.insert(server).cold_start
    }

    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Ends the process as a crash would: what is in the database's log stays there.
    pub fn kill(&mut self) {
        self.server.take().unwrap().running.kill();
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn connection(&self) -> Connection {
        self.server().connection()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.folder().join("orchestrator.db")
    }

    pub fn log_folder(&self, session: &str) -> PathBuf {
        self.folder().join("logs").join(session)
    }

    /// Starts a session of so many tasks; gives its id.
    pub fn start_session(&self, tasks: usize) -> String {
        fs::write(self.folder().join("tasks/bench.md"), stand_in::task_file(tasks)).unwrap();
        let body = json!({"task_file": "bench.md", "again": true, "replace": true});
        let answer = self.connection().ok("/start", &body);
        answer["session"].as_str().unwrap().to_owned()
    }

    /// Waits until the session has ended, without a question before its last run has begun.
    pub fn see_through(&self, session: &str, tasks: usize) {
        let last = self.output_of(session, tasks);
        until("the session's last run", A_SESSION, || last.exists().then_some(()));
        let mut connection = self.connection();
        until("the session's end", A_SESSION, || {
            let status = connection.ok("/status", &json!({}));
            (status["status"] == "completed").then_some(())
        });
    }

    pub fn output_of(&self, session: &str, task: usize) -> PathBuf {
        self.log_folder(session).join(format!("task-{task}-run-1.ndjson"))
    }

    /// When a task's program printed its last line.
    pub fn printed_at(&self, session: &str, task: usize) -> SystemTime {
        self.output_of(session, task).metadata().unwrap().modified().unwrap()
    }

    pub fn status(&self) -> Value {
        self.connection().ok("/status", &json!({}))
    }
}

fn make_repository(project: &Path) {
    fs::write(project.join("README.md"), "A project.\n").unwrap();
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "Begin"]] {
        let identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"];
        let done = Command::new("git").args(identity).args(arguments).current_dir(project).status();
        assert!(done.is_ok_and(|status| status.success()), "git {arguments:?}");
    }
}
