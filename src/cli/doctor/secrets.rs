//! Whether the secret is one, and whether it is kept.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::process::geteuid;
use secrecy::{ExposeSecret, SecretString};

use super::Files;
use super::report::Finding;
use crate::cli::{git, shown};
use crate::config::Config;

/// Shorter ones can be guessed by someone who has time.
const SHORTEST: usize = 24;
/// What a random text of that length has, whatever its alphabet.
const FEWEST_DIFFERENT: usize = 10;
const READABLE_BY_OTHERS: u32 = 0o077;
const WRITABLE_OR_OPEN: u32 = 0o037;

pub(super) fn look(config: &Config, files: &Files) -> Vec<Finding> {
    let mut findings = vec![secret(config.webhooks.secret.as_ref(), &files.dotenv)];
    findings.extend([&files.config, &files.dotenv].into_iter().filter_map(|file| privacy(file)));
    findings.extend(commit(&files.dotenv));
    findings
}

fn secret(secret: Option<&SecretString>, dotenv: &Path) -> Finding {
    let remedy = format!("echo \"WEBHOOK_SECRET=$(openssl rand -hex 32)\" >> {}", shown(dotenv));
    let Some(secret) = secret.map(ExposeSecret::expose_secret) else {
        let message = "webhooks.secret is not set, and `orchestrator serve` doesn't start without one";
        let remedy = if dotenv.exists() { remedy } else { "orchestrator init".to_owned() };
        return Finding::fail("secret", message, remedy);
    };
    let different: BTreeSet<char> = secret.chars().collect();
    if secret.chars().count() < SHORTEST || different.len() < FEWEST_DIFFERENT {
        return Finding::warn("secret", "it could be guessed", format!("a better one: {remedy}"));
    }
    Finding::ok("secret", "long enough not to be guessed")
}

fn privacy(file: &Path) -> Option<Finding> {
    let metadata = fs::metadata(file).ok()?;
    let mode = metadata.permissions().mode() & 0o777;
    let name = shown(file);
    // What root owns is for this user to read by its group, as a service has it.
    let is_roots = metadata.uid() == 0 && !geteuid().is_root();
    Some(if is_roots && mode & WRITABLE_OR_OPEN == 0 {
        Finding::ok("privacy", format!("only root can write {name}, and only this user's group can read it"))
    } else if mode & READABLE_BY_OTHERS == 0 {
        Finding::ok("privacy", format!("only you can read {name}"))
    } else {
        Finding::warn(
            "privacy",
            format!("others can read {name} (mode {mode:o})"),
            format!("chmod 600 {name}"),
        )
    })
}

fn commit(dotenv: &Path) -> Option<Finding> {
    let folder = dotenv.parent()?;
    let in_danger = dotenv.exists() && git::is_repository(folder) && !git::ignores(folder, dotenv);
    in_danger.then(|| {
        let message =
            format!("git doesn't ignore {}, so that the secret can get into a commit", shown(dotenv));
        Finding::warn("privacy", message, format!("echo /.env >> {}", shown(&folder.join(".gitignore"))))
    })
}
