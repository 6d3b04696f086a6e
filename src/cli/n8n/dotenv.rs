//! The `.env` beside the configuration, to which is added what the daemon has yet to learn.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::request::{KEY_HEADER, NOTIFY_PATH, Request};
use super::trouble::Trouble;
use crate::files::{private, reason};

const READABLE_BY_OTHERS: u32 = 0o077;

/// Lines to add, and what they are for.
#[derive(Debug, Default)]
pub(super) struct Additions {
    lines: Vec<String>,
    pub(super) what: Vec<&'static str>,
    /// What only a person can do, because it is written elsewhere already.
    pub(super) advice: Option<String>,
}

impl Additions {
    /// What the daemon lacks.
    pub(super) fn of(request: &Request<'_>) -> Self {
        let mut additions = Self::default();
        let (webhooks, wanted) = (&request.config.webhooks, request.notify_url());
        match webhooks.n8n_notify_url.as_deref() {
            None => additions.add(format!("N8N_NOTIFY_URL={wanted}"), "where n8n takes notifications"),
            Some(url) if url.ends_with(NOTIFY_PATH) => {}
            Some(_) => {
                additions.advice = Some(format!(
                    "webhooks.n8n_notify_url leads elsewhere: for notifications by these workflows, set it to {wanted}"
                ));
            }
        }
        if request.is_new_key {
            let key = request.notify_key.expose_secret();
            let table = format!(r#"{{ "{KEY_HEADER}" = "{key}" }}"#);
            let line = format!("ORCHESTRATOR__WEBHOOKS__NOTIFY_HEADERS='{table}'");
            additions.add(line, "the key that n8n asks for");
        }
        additions
    }

    fn add(&mut self, line: String, what: &'static str) {
        self.lines.push(line);
        self.what.push(what);
    }

    /// Writes them, each whole or not at all, readable by the owner only.
    pub(super) fn write(&self, path: &Path) -> Result<(), Trouble> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let text = format!("# For n8n, by `orchestrator n8n push`.\n{}\n", self.lines.join("\n"));
        append(path, &text)
            .map_err(|error| Trouble::CannotWrite { path: path.to_owned(), why: reason(&error) })
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    let before = match fs::read(path) {
        Ok(before) => before,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut file = private::append(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & READABLE_BY_OTHERS != 0 {
        file.set_permissions(fs::Permissions::from_mode(mode & !READABLE_BY_OTHERS))?;
    }
    let gap = if before.is_empty() || before.ends_with(b"\n") { "" } else { "\n" };
    file.write_all(format!("{gap}{text}").as_bytes())?;
    file.sync_all()
}
