//! The folder of someone who follows a document: the examples, and `orchestrator` on the `PATH`. What a document says is done here, word by word
//! but for the port.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::eventually::eventually;
use super::{SOON, free_port};

/// The tree of the project.
pub const TREE: &str = env!("CARGO_MANIFEST_DIR");

/// A folder of someone who has only just met the program.
pub struct Follower {
    dir: TempDir,
    port: u16,
}

impl Follower {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("orchestrator-test-").tempdir().unwrap();
        for folder in ["bin", "shop", "shop/examples"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_orchestrator"), dir.path().join("bin/orchestrator")).unwrap();
        let place = Self { dir, port: free_port() };
        for example in fs::read_dir(Path::new(TREE).join("examples")).unwrap() {
            let example = example.unwrap();
            fs::copy(example.path(), place.path("examples").join(example.file_name())).unwrap();
        }
        place
    }

    /// A file or folder of the newcomer's project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("shop").join(name)
    }

    /// A file beside the project, which no command of a document meets.
    pub fn aside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What a document calls by another name, with the name that it has here.
    pub fn here(&self, text: &str) -> String {
        text.replace("127.0.0.1:5000", &format!("127.0.0.1:{}", self.port))
    }

    /// The reverse of [`Follower::here`], for what was printed.
    pub fn there(&self, text: &str) -> String {
        let folder = self.dir.path().join("shop");
        text.replace(&format!("127.0.0.1:{}", self.port), "127.0.0.1:5000")
            .replace(folder.to_str().unwrap(), "/home/ann/shop")
    }

    /// Gives a command the folder and the environment of the newcomer.
    pub fn settle(&self, command: &mut Command) {
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.current_dir(self.path(""));
    }

    pub fn environment(&self) -> [(&'static str, String); 2] {
        let path = format!("{}:{}", self.aside("bin").display(), std::env::var("PATH").unwrap());
        [("PATH", path), ("ORCHESTRATOR__SERVER__PORT", self.port.to_string())]
    }

    pub fn command(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.arg("-euc").arg(self.here(script));
        self.settle(&mut command);
        command
    }

    pub fn run(&self, script: &str) -> Output {
        self.command(script).stdin(Stdio::null()).output().unwrap()
    }

    /// Starts what ends with `orchestrator serve`, and waits until it answers.
    pub fn serve(&self, script: &str) -> Serving {
        let script = script.trim_end();
        let (before, last) = script.rsplit_once('\n').unwrap_or(("", script));
        let said = fs::File::create(self.aside("serve.stderr")).unwrap();
        let mut command = self.command(&format!("{before}\nexec env {last}"));
        let mut serving =
            Serving(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap());
        eventually(SOON, "the daemon to answer", || {
            let said = || fs::read_to_string(self.aside("serve.stderr")).unwrap();
            if let Some(status) = serving.0.try_wait().unwrap() {
                panic!("the daemon ended with {status}\n{}", said());
            }
            self.status().filter(|answer| answer["status"] != "error").ok_or_else(said)
        });
        serving
    }

    /// What `/status` answers to whoever knows the secret in `.env`.
    pub fn status(&self) -> Option<Value> {
        let ask = "curl --silent --header \"X-Webhook-Secret: $(sed -n 's/^WEBHOOK_SECRET=//p' .env)\" \
                   --json '{}' http://127.0.0.1:5000/status";
        serde_json::from_slice(&self.run(ask).stdout).ok()
    }

    /// Waits until the daemon waits for something, or is done.
    pub fn await_rest(&self) -> Value {
        eventually(SOON, "the daemon to wait or to be done", || {
            let status = self.status().ok_or("no answer")?;
            if status["status"] == "running" { Err("running") } else { Ok(status) }
        })
    }
}

/// A daemon that a document started. Dropped, it is ended.
pub struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}
