//! The published tools for OpenAPI, installed on first use.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The tools' programs.
pub struct Tools(PathBuf);

impl Tools {
    /// The tools of this source tree; the first caller of a fresh machine waits for their installation.
    pub fn get() -> &'static Self {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        TOOLS.get_or_init(Self::set_up)
    }

    fn set_up() -> Self {
        let output = Command::new(Self::script("setup.sh")).output().expect("setup.sh can be started");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "tests/e2e/python/setup.sh failed:\n{stdout}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self(stdout.lines().last().expect("setup.sh prints a directory").into())
    }

    /// A program of theirs, which finds the others.
    pub fn command(&self, program: &str) -> Command {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(self.0.join(program));
        command.env("PATH", format!("{}:{path}", self.0.display())).env("NO_COLOR", "1");
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONIOENCODING", "utf-8");
        for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        command
    }

    /// A script of ours beside the requirements.
    pub fn script(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/python").join(name)
    }
}
