//! What the daemon runs as `claude`: the real CLI in front of the loopback model, or a scripted stand-in.

use std::path::{Path, PathBuf};

use super::model::Model;
use super::rig::Rig;

const OBEDIENT: &str = "--dangerously-skip-permissions --max-turns 12";
const ASKING: &str = "--max-turns 12";

/// A program and what it needs besides.
pub struct Claude {
    pub program: PathBuf,
    pub flags: &'static str,
    pub environment: Vec<(&'static str, String)>,
}

impl Claude {
    /// The real CLI, which may do anything the model asks for.
    pub fn real(model: &Model) -> Self {
        let mut environment = environment(model.url());
        environment.push(("ANTHROPIC_API_KEY", "dummy".into()));
        Self { program: Rig::get().claude.clone(), flags: OBEDIENT, environment }
    }

    /// The real CLI with the login of a subscriber, of whom alone the API tells usage limits.
    pub fn subscribed(url: String) -> Self {
        let mut environment = environment(url);
        environment.push(("CLAUDE_CODE_OAUTH_TOKEN", "dummy".into()));
        Self { program: Rig::get().claude.clone(), flags: OBEDIENT, environment }
    }

    /// The real CLI, which has nobody to ask for permission and so is denied what needs one.
    pub fn without_permissions(model: &Model) -> Self {
        Self { flags: ASKING, ..Self::real(model) }
    }

    /// Any program, however little it has of Claude.
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), flags: "", environment: Vec::new() }
    }

    /// The stand-in: its instructions are [`waits`], [`uses`], [`ignores`], [`succeeds`] and [`fails`], a line each.
    pub fn stand_in() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/stand_in.sh");
        Self { program: program.canonicalize().unwrap(), flags: "", environment: Vec::new() }
    }
}

fn environment(url: String) -> Vec<(&'static str, String)> {
    vec![
        ("ANTHROPIC_BASE_URL", url),
        // The CLI refuses --dangerously-skip-permissions to root anywhere else.
        ("IS_SANDBOX", "1".into()),
        ("CLAUDE_CODE_MAX_RETRIES", "1".into()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".into()),
        ("DISABLE_TELEMETRY", "1".into()),
        ("DISABLE_ERROR_REPORTING", "1".into()),
        ("DISABLE_AUTOUPDATER", "1".into()),
    ]
}

/// The stand-in adds a line to `ready` and goes on when `go` exists.
pub fn waits(ready: &Path, go: &Path) -> String {
    format!("stand-in waits {} {}\n", ready.display(), go.display())
}

/// The stand-in does not end when it is asked to.
pub fn resists() -> String {
    "stand-in resists\n".to_owned()
}

/// The stand-in prints so many bytes that mean nothing.
pub fn babbles(bytes: usize) -> String {
    format!("stand-in babbles {bytes}\n")
}

/// The stand-in makes a file of so many bytes.
pub fn fills(file: &Path, bytes: u64) -> String {
    format!("stand-in fills {} {bytes}\n", file.display())
}

/// The stand-in prints a line of so many bytes, and no end of it.
pub fn drones(bytes: usize) -> String {
    format!("stand-in drones {bytes}\n")
}

/// The stand-in says that it uses a tool.
pub fn uses(tool: &str, about: &str) -> String {
    format!("stand-in uses {tool} {about}\n")
}

/// The stand-in no longer ends at a signal, such as `TERM`.
pub fn ignores(signal: &str) -> String {
    format!("stand-in ignores {signal}\n")
}

/// The stand-in ends well and says what it cost.
pub fn succeeds(cost_usd: f64) -> String {
    format!("stand-in succeeds {cost_usd}\n")
}

/// The stand-in ends badly and says what it cost.
pub fn fails(cost_usd: f64) -> String {
    format!("stand-in fails {cost_usd}\n")
}

/// The stand-in meets, once, a usage limit that resets after so many seconds; `met` says that it has.
pub fn limited(seconds: u32, met: &Path) -> String {
    format!("stand-in limited {seconds} {}\n", met.display())
}

/// The stand-in stops, once, at its budget, having cost so much; `met` says that it has.
pub fn exhausts(cost_usd: f64, met: &Path) -> String {
    format!("stand-in exhausts {cost_usd} {}\n", met.display())
}

/// The stand-in gives an answer of two parts, which used so many tokens, and ten more for what it says.
pub fn answers(id: &str, tokens: u32) -> String {
    format!("stand-in answers {id} {tokens}\n")
}

/// The stand-in is killed.
pub fn dies() -> String {
    "stand-in dies\n".to_owned()
}

/// The stand-in, or rather a shell of it, does what a script says.
pub fn runs(script: &Path) -> String {
    format!("stand-in runs {}\n", script.display())
}

/// The stand-in writes a word into a file of the project.
pub fn edits(file: &str, word: &str) -> String {
    format!("stand-in edits {file} {word}\n")
}
