//! What people would use instead: installed by `benches/peers/setup.sh`, or left out with a line that says why.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::connection::SECRET;
use crate::contender::{Folder, Running, Server, folder, free_port, until};
use crate::stand_in;

const SOON: Duration = Duration::from_secs(20);
const A_SESSION: Duration = Duration::from_mins(5);

/// The programs that could be installed, each by the folder that holds them.
pub struct Peers {
    pub python: Option<PathBuf>,
    pub pueue: Option<PathBuf>,
    pub task_spooler: Option<PathBuf>,
}

impl Peers {
    /// The first who asks waits for their installation.
    pub fn get() -> &'static Self {
        static PEERS: OnceLock<Peers> = OnceLock::new();
        PEERS.get_or_init(|| Self {
            python: install("python"),
            pueue: install("pueue"),
            task_spooler: install("task-spooler"),
        })
    }
}

fn install(what: &str) -> Option<PathBuf> {
    eprintln!("installing {what}, unless it is there …");
    let output = Command::new(ours("setup.sh")).arg(what).stdin(Stdio::null()).output().ok()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        eprintln!(
            "left out: {what} can't be installed: {}",
            said.trim().lines().last().unwrap_or("no reason given")
        );
        return None;
    }
    String::from_utf8_lossy(&output.stdout).lines().last().map(PathBuf::from)
}

fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name)
}

/// What serves the Flask program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    Gunicorn,
    Werkzeug,
}

/// The Flask program in a folder of its own.
pub struct Flask {
    folder: Folder,
    pub server: Server,
}

impl Flask {
    pub fn start(
        python: &Path,
        under: Under,
        mode: &str,
        command: Option<&Path>,
        notify: Option<&str>,
    ) -> Self {
        let folder = folder("flask");
        fs::create_dir(folder.path().join("orchestrator_tasks")).unwrap();
        let stand_in = command.map_or_else(|| stand_in::at_once(folder.path()), Path::to_owned);
        let port = free_port();
        let mut program = match under {
            Under::Werkzeug => {
                let mut program = Command::new(python.join("python"));
                program.arg("webhook_server.py");
                program
            }
            Under::Gunicorn => {
                let mut program = Command::new(python.join("gunicorn"));
                // One worker, as the state is in its memory; threads, so that connections are kept.
                program.args(["--workers", "1", "--threads", "4", "--log-level", "error", "--bind"]);
                program.args([format!("127.0.0.1:{port}").as_str(), "webhook_server:app"]);
                program
            }
        };
        program.current_dir(ours("flask_state")).env("PYTHONDONTWRITEBYTECODE", "1");
        program.env("BENCH_FOLDER", folder.path()).env("BENCH_COMMAND", stand_in).env("BENCH_MODE", mode);
        program.env("BENCH_PORT", port.to_string()).env("WEBHOOK_SECRET", SECRET);
        if let Some(notify) = notify {
            program.env("BENCH_NOTIFY", notify);
        }
        let server = Server::start(&mut program, port, "/health", &folder.path().join("said"));
        Self { folder, server }
    }

    /// Starts a session of so many tasks.
    pub fn start_session(&self, tasks: usize) {
        let file = self.folder.path().join("orchestrator_tasks/bench.md");
        fs::write(file, stand_in::task_file(tasks)).unwrap();
        let command = serde_json::json!({"command": "/start bench.md"});
        self.server.connection().ok("/webhook/command", &command);
    }

    /// Waits until all tasks are done.
    pub fn see_through(&self) {
        let mut connection = self.server.connection();
        until("the Flask program's last task", A_SESSION, || {
            let status = connection.ok("/webhook/status", &serde_json::json!({}));
            (status["status"] == "completed").then_some(())
        });
    }

    pub fn output_of(&self, task: usize) -> PathBuf {
        self.folder.path().join(format!("orchestrator_logs/task-{task}-output.log"))
    }
}

type Add = Box<dyn Fn(&[String]) -> Duration>;

/// A queue of commands that are run one at a time.
pub struct Queue {
    folder: Folder,
    add: Add,
    /// The process that runs them.
    pub pid: u32,
    /// That process, if it is a child of ours.
    running: Option<Running>,
    /// How it is ended, if it isn't.
    end: Option<Command>,
}

impl Queue {
    pub fn pueue(programs: &Path) -> Self {
        let folder = folder("pueue");
        let config = folder.path().join("pueue.yml");
        let state = folder.path().display().to_string();
        let settings = format!(
            "shared:\n  pueue_directory: {state}\n  runtime_directory: {state}\n  use_unix_socket: true\n\
             client: {{}}\ndaemon: {{}}\n"
        );
        fs::write(&config, settings).unwrap();
        let mut daemon = Command::new(programs.join("pueued"));
        daemon.arg("--config").arg(&config);
        let running = Running::start(&mut daemon, &folder.path().join("said")).unwrap();
        until("pueue's socket", SOON, || {
            let entries = fs::read_dir(folder.path()).ok()?.flatten();
            entries
                .into_iter()
                .any(|entry| entry.path().extension().is_some_and(|end| end == "socket"))
                .then_some(())
        });
        let program = programs.join("pueue");
        let add = move |commands: &[String]| {
            one_by_one(commands, |command| {
                let mut client = Command::new(&program);
                client.arg("--config").arg(&config).args(["add", "--", command]);
                must(client.stdout(Stdio::null()));
            })
        };
        Self { folder, add: Box::new(add), pid: running.pid(), running: Some(running), end: None }
    }

    /// Its server goes into the background by itself.
    pub fn task_spooler(programs: &Path) -> Self {
        let folder = folder("tsp");
        let (program, socket) = (programs.join("tsp"), folder.path().join("socket"));
        let server = socket.clone();
        let client = move || {
            let mut client = Command::new(&program);
            client.env("TS_SOCKET", &socket).env("TS_SLOTS", "1").stdout(Stdio::null()).stderr(Stdio::null());
            client
        };
        must(client().arg("-n").arg("true"));
        let pid = until("task-spooler's server", SOON, || {
            // The job and its client have the same environment until they are gone.
            <[u32; 1]>::try_from(with_environment(&format!("TS_SOCKET={}", server.display()))).ok()
        })[0];
        let mut end = client();
        end.arg("-K");
        let add = move |commands: &[String]| {
            one_by_one(commands, |command| must(client().arg("-n").args(command.split(' '))))
        };
        Self { folder, add: Box::new(add), pid, running: None, end: Some(end) }
    }

    /// With jobs of this kind.
    pub fn huey(python: &Path, job: &'static str) -> Self {
        let folder = folder("huey");
        let place = folder.path().to_owned();
        let inside = move |mut command: Command| {
            command.current_dir(ours("huey_sqlite")).env("PYTHONPATH", ours("huey_sqlite"));
            command.env("BENCH_FOLDER", &place).env("PYTHONDONTWRITEBYTECODE", "1");
            command
        };
        let mut consumer = inside(Command::new(python.join("huey_consumer")));
        consumer.args(["jobs.huey", "--workers", "1", "--worker-type", "thread", "--no-periodic", "--quiet"]);
        let running = Running::start(&mut consumer, &folder.path().join("said")).unwrap();
        let program = python.join("python");
        let add = move |commands: &[String]| {
            let mut enqueue = inside(Command::new(&program));
            let enqueue = enqueue.args(["enqueue.py", job]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut enqueuing = enqueue.spawn().unwrap();
            enqueuing.stdin.take().unwrap().write_all(commands.join("\n").as_bytes()).unwrap();
            let output = enqueuing.wait_with_output().unwrap();
            assert!(output.status.success(), "huey takes no jobs");
            Duration::from_secs_f64(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap())
        };
        Self { folder, add: Box::new(add), pid: running.pid(), running: Some(running), end: None }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds commands, the first of which holds up the others; answers with how long those took, without the start of a client
    /// that adds all of them.
    pub fn add(&self, commands: &[String]) -> Duration {
        (self.add)(commands)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.running = None;
        if let Some(end) = &mut self.end {
            let _ = end.status();
        }
    }
}

/// Adds each by a client of its own.
fn one_by_one(commands: &[String], add: impl Fn(&String)) -> Duration {
    let (first, others) = commands.split_first().unwrap();
    add(first);
    let began = Instant::now();
    others.iter().for_each(add);
    began.elapsed()
}

/// The processes that were started with this in their environment.
fn with_environment(entry: &str) -> Vec<u32> {
    let carries = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|one| one == entry.as_bytes())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|process| process.file_name().to_str()?.parse().ok()).filter(carries).collect()
}

fn must(command: &mut Command) {
    let status = command.stdin(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(ExitStatus::success), "{command:?}: {status:?}");
}
