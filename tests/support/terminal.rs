//! The real binary as a person calls it: under a real pseudo-terminal whose screen can be read, or without one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use pty_process::Size;
use pty_process::blocking::Pty;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

use super::SOON;
use super::claude::Claude;
use super::eventually::eventually;
use super::processes::{self, Process};
use super::taskfile::{Task, task_file};

const MARKER: &str = "RIG_MARKER";
/// High enough that nothing scrolls away.
const ROWS: u16 = 100;

/// A folder with a configuration, a task file and an empty project. Dropped, nothing that was started in it lives.
pub struct Place {
    folder: TempDir,
    marker: String,
    environment: Vec<(&'static str, String)>,
}

impl Place {
    /// A place where the stand-in plays Claude, and `tasks.md` asks for these tasks.
    pub fn with(tasks: &[Task]) -> Self {
        Self::configured(tasks, "")
    }

    /// The same with more lines of configuration, which begin with a section.
    pub fn configured(tasks: &[Task], more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("orchestrator-test-").tempdir().unwrap();
        for name in ["project", "home", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let marker = uuid::Uuid::new_v4().to_string();
        let program = Claude::stand_in().program;
        let config = format!(
            "[claude]\ncommand = {:?}\nenv = [\"{MARKER}\"]\ngrace = \"1s\"\n\
             [paths]\nproject_dir = \"project\"\nlogs_dir = \"logs\"\n{more}\n",
            shell_words::quote(program.to_str().unwrap())
        );
        fs::write(folder.path().join("config.toml"), config).unwrap();
        fs::write(folder.path().join("tasks.md"), task_file(tasks)).unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let environment = vec![
            (MARKER, marker.clone()),
            ("HOME", at("home")),
            ("TMPDIR", at("tmp")),
            ("PATH", std::env::var("PATH").unwrap()),
            ("LANG", "C.UTF-8".into()),
            ("TERM", "xterm-256color".into()),
        ];
        Self { folder, marker, environment }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable for what is called from now on.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.environment.push((name, value.into()));
    }

    /// Calls the binary without a terminal, and with nothing to read.
    pub fn call(&self, arguments: &[&str]) -> Said {
        Said::from(self.command(arguments).output().unwrap())
    }

    /// The binary without a terminal, about to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Calls the binary in a terminal that is so many columns wide.
    pub fn terminal(&self, columns: u16, arguments: &[&str]) -> Terminal {
        let command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_orchestrator"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().cloned());
        Terminal::open(command, columns)
    }

    /// Everything alive that was started from here; the callers too.
    pub fn alive(&self) -> Vec<Process> {
        processes::with_environment(&format!("{MARKER}={}", self.marker))
    }

    /// Every file below a folder with what it holds, but for the names that are left out.
    pub fn tree(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(&self.path(folder), &mut files);
        files.sort();
        files
    }

    /// The folder with the logs of the only session.
    pub fn session_folder(&self) -> PathBuf {
        let folders: Vec<_> = fs::read_dir(self.path("logs"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        let [only] = folders.as_slice() else { panic!("not one session: {folders:?}") };
        only.clone()
    }

    /// What the story says.
    pub fn story(&self) -> String {
        let day = |path: &Path| path.file_stem().is_some_and(|stem| stem.len() == "2025-11-20".len());
        let logs = fs::read_dir(self.path("logs")).unwrap().map(|entry| entry.unwrap().path());
        logs.filter(|path| path.extension().is_some_and(|kind| kind == "log") && day(path))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let left = self.alive();
        processes::kill_all(|| self.alive());
        if !std::thread::panicking() {
            assert!(left.is_empty(), "left alive: {left:#?}");
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
            files.push((path, Vec::new()));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
}

/// What a call without a terminal came to.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A terminal with a process in it.
pub struct Terminal {
    pty: Option<Arc<Pty>>,
    process: Child,
    screen: Arc<Mutex<(vt100::Parser, Vec<u8>)>>,
    closing: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts a command in a terminal that is so many columns wide.
    pub fn open(command: pty_process::blocking::Command, columns: u16) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(ROWS, columns)).unwrap();
        let process = command.spawn(pts).unwrap();
        Self::new(pty, process, columns)
    }

    fn new(pty: Pty, process: Child, columns: u16) -> Self {
        let pty = Arc::new(pty);
        let screen = Arc::new(Mutex::new((vt100::Parser::new(ROWS, columns, 0), Vec::new())));
        let closing = Arc::new(AtomicBool::new(false));
        let (source, target, closed) = (Arc::clone(&pty), Arc::clone(&screen), Arc::clone(&closing));
        let reader = std::thread::spawn(move || {
            let moment = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
            let mut buffer = [0; 4096];
            while !closed.load(Ordering::Relaxed) {
                let mut fds = [PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN)];
                if poll(&mut fds, Some(&moment)) == Ok(0) {
                    continue;
                }
                let Ok(count @ 1..) = (&*source).read(&mut buffer) else { return };
                let mut target = target.lock().unwrap();
                target.0.process(&buffer[..count]);
                target.1.extend_from_slice(&buffer[..count]);
            }
        });
        Self { pty: Some(pty), process, screen, closing, reader: Some(reader) }
    }

    /// What stands on the screen, line by line.
    pub fn screen(&self) -> String {
        self.screen.lock().unwrap().0.screen().contents()
    }

    /// Every byte that was ever written to it.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap().1).into_owned()
    }

    /// Waits until the screen shows a text; gives the screen.
    #[track_caller]
    pub fn await_text(&self, text: &str) -> String {
        eventually(SOON, &format!("{text:?} on the screen"), || {
            let screen = self.screen();
            if screen.contains(text) {
                Ok(screen)
            } else {
                Err(screen.lines().map(String::from).collect::<Vec<_>>())
            }
        })
    }

    /// Waits until it asks: the prompt is the last thing on the screen, with nothing behind it.
    #[track_caller]
    pub fn await_prompt(&self) -> String {
        eventually(SOON, "a prompt", || {
            let screen = self.screen();
            if screen.trim_end_matches('\n').lines().last().is_some_and(|line| line.trim_end() == ">") {
                Ok(screen)
            } else {
                Err(screen.lines().map(String::from).collect::<Vec<_>>())
            }
        })
    }

    /// Types a line and presses Enter.
    pub fn enter(&self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// Presses keys.
    pub fn press(&self, keys: &str) {
        let pty = self.pty.as_ref().expect("the terminal is open");
        (&**pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Makes the terminal wider or narrower.
    pub fn resize(&self, columns: u16) {
        self.pty.as_ref().expect("the terminal is open").resize(Size::new(ROWS, columns)).unwrap();
        self.screen.lock().unwrap().0.screen_mut().set_size(ROWS, columns);
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Closes the terminal, as its window is closed.
    pub fn close(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.reader.take().unwrap().join().unwrap();
        self.pty = None;
    }

    /// Waits for the process to end.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let status = eventually(SOON, "the process to end", || {
            self.process.try_wait().unwrap().ok_or_else(|| self.screen.lock().unwrap().0.screen().contents())
        });
        if let Some(reader) = self.reader.take() {
            // Its end is the end of what the process has written.
            reader.join().unwrap();
        }
        status
    }

    /// Waits for the process to end with an exit code.
    #[track_caller]
    pub fn ended_with(&mut self, code: i32) -> String {
        let status = self.ended();
        assert_eq!(status.code(), Some(code), "{}", self.screen());
        assert!(self.echoes(), "the terminal is left as it was found");
        self.screen()
    }

    /// Whether what is typed is shown.
    fn echoes(&self) -> bool {
        let pty = self.pty.as_ref().expect("the terminal is open");
        tcgetattr(&**pty).unwrap().local_modes.contains(LocalModes::ECHO)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the screen:\n{}\n---", self.screen());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.closing.store(true, Ordering::Relaxed);
    }
}
