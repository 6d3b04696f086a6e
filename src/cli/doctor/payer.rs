//! Who pays for runs: what can be known of it without a call that costs something, and without reading a secret.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Files;
use super::report::Finding;
use crate::cli::shown;
use crate::user::{User, look as look_at};

/// Set, the runs are a cloud provider's.
const CLOUD: [&str; 2] = ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"];
/// Set, a key pays; the CLI takes it before any login.
const KEYS: [&str; 2] = ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"];
/// What `claude setup-token` makes.
const TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";

/// Looks at a run's environment, and at which files there are.
pub(super) fn look(env: &BTreeMap<OsString, OsString>, user: Option<&User>, files: &Files) -> Finding {
    let is_set = |name: &str| env.get(OsStr::new(name)).is_some_and(|value| !value.is_empty());
    if let Some(name) = CLOUD.into_iter().find(|name| is_set(name)) {
        return Finding::ok("login", format!("the cloud account pays ({name})"));
    }
    let key = KEYS.into_iter().find(|name| is_set(name));
    let login = if is_set(TOKEN) { Some(TOKEN.to_owned()) } else { stored(env, user) };
    match (key, login) {
        (Some(key), None) => Finding::ok("login", format!("API key pays ({key})")),
        (None, Some(login)) => Finding::ok("login", format!("subscription pays ({login})")),
        (Some(key), Some(login)) => Finding::warn(
            "login",
            format!("API key pays ({key}), although there is a login, too ({login})"),
            format!("if the subscription is to pay, take {key} out of claude.env"),
        ),
        (None, None) => nobody(&files.dotenv, user),
    }
}

/// The file in which the CLI keeps a login, if there is one for whoever runs are.
fn stored(env: &BTreeMap<OsString, OsString>, user: Option<&User>) -> Option<String> {
    let folder = |name: &str| env.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = folder("CLAUDE_CONFIG_DIR").or_else(|| Some(folder("HOME")?.join(".claude")))?;
    let file = folder.join(".credentials.json");
    let seen = look_at(user, std::slice::from_ref(&file)).ok()?;
    seen.first()?.exists.then(|| file.display().to_string())
}

fn nobody(dotenv: &Path, user: Option<&User>) -> Finding {
    let call = user.map_or_else(
        || "call `claude` once as this user".to_owned(),
        |user| format!("call `sudo -u {} -H claude` once", user.name),
    );
    let log_in =
        format!("{call} and log in, or set CLAUDE_CODE_OAUTH_TOKEN (`claude setup-token` makes one)");
    let out_of_reach =
        KEYS.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if let Some(name) = out_of_reach {
        let message = format!("nobody: {name} is set, but not passed to runs");
        return Finding::fail(
            "login",
            message,
            format!("add it to claude.env if the API key is to pay; else {log_in}"),
        );
    }
    if let Some(name) = misplaced(dotenv) {
        let message = format!("nobody: {name} is set in {}, which runs don't see", shown(dotenv));
        return Finding::fail("login", message, "set it in the environment that the daemon is started in");
    }
    Finding::fail("login", "nobody is logged in, and no API key is passed to runs", log_in)
}

/// The name of a variable that only the daemon itself would read.
fn misplaced(dotenv: &Path) -> Option<String> {
    let names = dotenvy::from_path_iter(dotenv).ok()?.filter_map(|item| Some(item.ok()?.0));
    names.into_iter().find(|name| name == TOKEN || KEYS.contains(&name.as_str()))
}
