//! The real daemon in a folder of its own, started and killed as often as it takes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::record::{Asked, Record};
use crate::support::daemon::SECRET;
use crate::support::database::Database;
use crate::support::free_port;
use crate::support::processes::{self, Process};
use crate::wire::{self, Answer};

const LOOK_AGAIN: Duration = Duration::from_micros(500);
/// How long anything may take that must happen.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// What is run, where, and how.
#[derive(Clone, Debug)]
pub struct Setting {
    pub program: PathBuf,
    /// What the daemon, and only it, is given besides.
    pub environment: Vec<(&'static str, String)>,
    /// Where the daemon's own files are; a folder in memory if there is none.
    pub root: Option<PathBuf>,
    /// Whether answers of 500 and 503 and sudden ends are to be expected for now.
    pub faulty: bool,
}

impl Setting {
    pub fn usual() -> Self {
        let program = std::env::var_os("HARNESS_BINARY");
        let program = program.map_or(env!("CARGO_BIN_EXE_orchestrator").into(), PathBuf::from);
        Self { program, environment: Vec::new(), root: None, faulty: false }
    }
}

/// One daemon and everybody who has to do with it.
pub struct Arena {
    setting: Setting,
    /// For the harness and the runs; the daemon has no business here.
    folder: TempDir,
    root: PathBuf,
    port: u16,
    pub record: Record,
    complaints: Mutex<Vec<String>>,
    draining: AtomicBool,
    faulty: AtomicBool,
}

impl Arena {
    pub fn new(setting: Setting) -> Self {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("orchestrator-harness-").tempdir_in(place).unwrap();
        let root = setting.root.clone().unwrap_or_else(|| folder.path().join("root"));
        for name in ["project", "tasks", "home"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let port = free_port();
        fs::write(root.join("config.toml"), configuration(port)).unwrap();
        let record = Record::new(folder.path());
        let faulty = AtomicBool::new(setting.faulty);
        let draining = AtomicBool::new(false);
        Self { setting, folder, root, port, record, complaints: Mutex::default(), draining, faulty }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts the daemon, with more in its environment if need be, and doesn't wait for it.
    pub fn start(&self, more: &[(&str, String)]) -> Child {
        let said = File::options().create(true).append(true).open(self.folder.path().join("said")).unwrap();
        let environment = self.setting.environment.iter().map(|(name, value)| (*name, value));
        Command::new(&self.setting.program)
            .arg("serve")
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root.join("home"))
            .env("LANG", "C.UTF-8")
            .env("HARNESS_FOLDER", self.folder.path())
            .envs(environment)
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .unwrap()
    }

    /// Everything alive that any daemon of this folder has started, but for the daemon itself.
    pub fn runs(&self, daemon: Option<u32>) -> Vec<Process> {
        let marker = format!("HARNESS_FOLDER={}", self.folder.path().display());
        let others = processes::with_environment(&marker).into_iter();
        others.filter(|process| u32::try_from(process.identity.pid).ok() != daemon).collect()
    }

    pub fn database(&self) -> Database {
        Database::at(&self.root.join("orchestrator.db"))
    }

    /// The end of what the daemons have said.
    pub fn said(&self) -> String {
        let said = fs::read(self.folder.path().join("said")).unwrap_or_default();
        String::from_utf8_lossy(&said[said.len().saturating_sub(6000)..]).into_owned()
    }

    /// The last line that isn't merely about the end.
    pub fn last_words(&self) -> String {
        let said = self.said();
        let is_of_note =
            |line: &&str| !line.contains(" INFO ") && !line.is_empty() && !line.starts_with("note: ");
        said.lines().rev().find(is_of_note).unwrap_or_default().chars().take(300).collect()
    }

    pub fn complain(&self, complaint: String) {
        self.complaints.lock().unwrap().push(complaint);
    }

    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }

    pub fn is_condemned(&self) -> bool {
        !self.complaints.lock().unwrap().is_empty()
    }

    /// No new session is begun, and the open one is led to its end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub fn set_faulty(&self, faulty: bool) {
        self.faulty.store(faulty, Ordering::Relaxed);
    }

    pub fn is_faulty(&self) -> bool {
        self.faulty.load(Ordering::Relaxed)
    }
}

/// Speaking to it.
impl Arena {
    /// Asks for something that changes nothing; `None` if there is nobody now.
    pub fn read(&self, path: &str, body: &Value) -> Option<Value> {
        match wire::post(self.port, path, None, &body.to_string()) {
            Ok(answer) if answer.status == 200 => Some(answer.json()),
            Ok(answer) if self.is_faulty() && answer.status >= 500 => None,
            Ok(answer) => {
                self.complain(format!("unanswered: {path} {body} is answered with {answer:?}"));
                None
            }
            Err(error) => {
                self.note_silence(path, &error);
                None
            }
        }
    }

    /// The same, as often as it takes.
    pub fn insist(&self, path: &str, body: &Value) -> Value {
        let since = Instant::now();
        while since.elapsed() < PATIENCE && !self.is_condemned() {
            if let Some(answer) = self.read(path, body) {
                return answer;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        self.complain(format!("unanswered: {path} {body}"));
        Value::Null
    }

    /// Gives a command and repeats it, with the same key, until there is an answer.
    pub fn ask(&self, asked: Asked) -> Option<Answer> {
        let asked = self.record.ask(asked);
        let mut tries = 0;
        let since = Instant::now();
        while !self.is_condemned() {
            tries += 1;
            match wire::post(self.port, asked.path, Some(&asked.key), &asked.body) {
                Ok(answer) if answer.lasts() => {
                    if answer.replayed && tries == 1 {
                        self.complain(format!("doubled: {asked:?} was never sent, and answered before"));
                    }
                    self.record.answer(&asked.key, &answer);
                    return Some(answer);
                }
                Ok(answer) if self.is_faulty() && answer.status >= 500 => {}
                Ok(answer) => self.complain(format!("unanswered: {asked:?} is answered with {answer:?}")),
                Err(error) => self.note_silence(asked.path, &error),
            }
            if since.elapsed() > PATIENCE {
                self.complain(format!("unanswered: {asked:?}"));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        None
    }

    /// Repeats a command that was answered: the answer must be the same, and known to be a repetition.
    pub fn repeat(&self, asked: &Asked) {
        let Some(first) = &asked.answer else { return };
        match wire::post(self.port, asked.path, Some(&asked.key), &asked.body) {
            Ok(again) if again.replayed && (again.status, &again.body) == (first.status, &first.body) => {}
            Ok(again) if self.is_faulty() && again.status >= 500 => {}
            Ok(again) => self.complain(format!("lost: {asked:?} is answered anew: {again:?}")),
            Err(error) => self.note_silence(asked.path, &error),
        }
    }

    fn note_silence(&self, path: &str, error: &io::Error) {
        if wire::is_silence(error) && !self.is_faulty() {
            self.complain(format!("unanswered: {path} by a daemon that lives: {error}"));
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        processes::kill_all(|| self.runs(None));
        if !self.complaints().is_empty() && std::env::var_os("HARNESS_KEEP").is_some() {
            self.folder.disable_cleanup(true);
            eprintln!("kept: {}", self.folder.path().display());
        }
    }
}

fn configuration(port: u16) -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/stand_in.sh");
    format!(
        "[server]\nport = {port}\n[webhooks]\nsecret = \"{SECRET}\"\n\
         [orchestrator]\ncheckpoint_after = [\"watched\"]\n\
         [paths]\nproject_dir = \"project\"\ntasks_dir = \"tasks\"\nlogs_dir = \"logs\"\ndaily_dir = \"daily\"\n\
         [limits]\nmin_free = 0\n\
         [claude]\ncommand = {:?}\nenv = [\"HARNESS_FOLDER\", \"SABOTAGE\"]\ngrace = \"2s\"\n",
        shell_words::quote(program.to_str().unwrap())
    )
}
