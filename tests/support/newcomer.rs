//! Someone who has just installed the program: a home, a folder for a project, and nothing in either.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::eventually::eventually;
use super::executable::write_executable;
use super::terminal::Said;
use super::{SOON, free_port};

/// What the program says of a `claude` that there isn't.
const VERSION: &str = "2.1.328 (Claude Code)";

/// A home and a project, and the environment in which the program is called there.
pub struct Newcomer {
    folder: TempDir,
    pub port: u16,
    /// Whether modes of files hold back what is called, which they don't for root.
    pub unprivileged: bool,
    environment: BTreeMap<&'static str, String>,
}

impl Newcomer {
    /// With empty folders, and a `claude` on the `PATH` that knows its version and nothing else.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("orchestrator-test-").tempdir().unwrap();
        for name in ["bin", "home", "tmp", "project"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let port = free_port();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let environment = BTreeMap::from([
            ("HOME", at("home")),
            ("TMPDIR", at("tmp")),
            ("PATH", format!("{}:{}", at("bin"), std::env::var("PATH").unwrap())),
            ("LANG", "C.UTF-8".to_owned()),
            ("TZ", "Europe/Berlin".to_owned()),
            ("ORCHESTRATOR__SERVER__PORT", port.to_string()),
        ]);
        let newcomer = Self { folder, port, unprivileged: false, environment };
        newcomer.claude(&format!("echo '{VERSION}'"));
        newcomer
    }

    /// The same after `orchestrator init`.
    pub fn after_init() -> Self {
        let newcomer = Self::new();
        assert_eq!(newcomer.call(&["init"]).code, Some(0));
        newcomer
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the project.
    pub fn project(&self, name: &str) -> PathBuf {
        self.path("project").join(name)
    }

    /// Sets a variable for what is called from now on.
    pub fn set(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.environment.insert(name, value.into());
        self
    }

    /// Makes `claude` a script with these lines.
    pub fn claude(&self, lines: &str) {
        write_executable(&self.path("bin/claude"), &format!("#!/bin/sh\n{lines}\n"));
    }

    /// Runs git in the project.
    pub fn git(&self, arguments: &[&str]) {
        let identity = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
        let mut git = Command::new("git");
        git.args(["-c", "init.defaultBranch=main"]).args(arguments).current_dir(self.path("project"));
        git.env_clear().envs(&self.environment).envs(identity.map(|name| (name, "someone")));
        let output = git.output().expect("git: apt-get install git");
        assert!(output.status.success(), "{output:?}");
    }

    /// A call from the folder of the project, not made yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        if self.unprivileged && rustix::process::geteuid().is_root() {
            command.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_orchestrator")]);
        } else {
            command = Command::new(env!("CARGO_BIN_EXE_orchestrator"));
        }
        command
            .args(arguments)
            .current_dir(self.path("project"))
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null());
        command
    }

    pub fn call(&self, arguments: &[&str]) -> Said {
        Said::from(self.command(arguments).output().unwrap())
    }

    /// Calls `serve`, which must fail; gives what it says.
    #[track_caller]
    pub fn serve_in_vain(&self) -> String {
        let mut process = self.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        eventually(SOON, "serve to fail", || process.try_wait().unwrap().ok_or("it runs"));
        let said = Said::from(process.wait_with_output().unwrap());
        assert_eq!(said.code, Some(1), "{}", said.err);
        self.masked(&said.err)
    }

    /// Starts `serve`, as a rehearsal, and waits until it is well.
    #[track_caller]
    pub fn serve(&self) -> Serving {
        let mut command = self.command(&["serve"]);
        command.env("ORCHESTRATOR__CLAUDE__REHEARSE", "true").stderr(Stdio::null());
        let serving = Serving(command.spawn().unwrap());
        eventually(SOON, "the daemon to be well", || {
            let said = self.call(&["health"]);
            if said.code == Some(0) { Ok(()) } else { Err(said) }
        });
        serving
    }

    /// The findings of the doctor about one thing: level and all that it says of it.
    #[track_caller]
    pub fn findings(&self, check: &str) -> String {
        let said = self.call(&["doctor", "--json"]);
        let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        let findings = report["findings"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let lines = findings.filter(|finding| finding["check"] == check).map(|finding| {
            let remedy = finding["remedy"].as_str().map_or(String::new(), |remedy| format!(" → {remedy}"));
            format!("{} {}{remedy}\n", text(&finding["level"]), text(&finding["message"]))
        });
        self.masked(&lines.collect::<String>())
    }

    /// A text without what is another one each time: the folder's name, and numbers.
    pub fn masked(&self, text: &str) -> String {
        let text = text.replace(self.folder.path().to_str().unwrap(), "<folder>");
        let mut masked = String::new();
        for letter in text.chars() {
            match letter {
                '0'..='9' if masked.ends_with('#') => {}
                '0'..='9' => masked.push('#'),
                other => masked.push(other),
            }
        }
        masked.replace("n#n", "n8n").replace("N#N", "N8N")
    }
}

/// A daemon that ends with the test.
pub struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Every file below a folder, with its mode and what it holds; of folders the mode.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            found.extend(tree(&path));
            found.insert(path, (mode, Vec::new()));
        } else {
            found.insert(path.clone(), (mode, fs::read(&path).unwrap()));
        }
    }
    found
}

/// Lets a database look as if a later version of this program had used it.
pub fn make_newer(database: &Path) {
    use sqlx::{Connection as _, Executor as _};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                      VALUES (9999, 'from the future', TRUE, x'00', 1)";
        connection.execute(insert).await.unwrap();
        connection.close().await.unwrap();
    });
}
