//! What a run in the terminal says when it leaves: what was not done, where the logs are, and how to go on.

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use super::Call;
use crate::cli::say::{BOLD, DIM, harmless};
use crate::cli::shown;
use crate::config::Config;
use crate::domain::gate::Gate;
use crate::domain::hold::Hold;
use crate::domain::session::Session;
use crate::domain::task::TaskState;

const MOST_NAMED: usize = 20;

/// Below the sentence that ends a session.
pub(super) fn summary(session: &Session, config: &Config, call: &Call<'_>, now: Timestamp) -> String {
    let undone: Vec<_> = session.tasks.iter().filter(|task| task.state() != TaskState::Completed).collect();
    let mut lines: Vec<String> = undone
        .iter()
        .take(MOST_NAMED)
        .map(|task| {
            let (of_total, state) = (session.of_total(task.number()), task.state().as_str());
            harmless(&format!("  {state}: task {of_total}, {}", task.spec.title))
        })
        .collect();
    if undone.len() > MOST_NAMED {
        lines.push(format!("  and {} more", undone.len() - MOST_NAMED));
    }
    if session.rehearsal {
        lines.push("Rehearsal: nothing was changed and nothing was paid.".to_owned());
    }
    lines.push(logs(session, config, now));
    if session.rehearsal && !config.claude.rehearse {
        let command = call.command.trim_end_matches(" --rehearse");
        lines.push(format!("For real:\n  {BOLD}{command}{BOLD:#}"));
    }
    lines.join("\n")
}

/// After the first Ctrl-C.
pub(super) fn paused(session: &Session, config: &Config, call: &Call<'_>, now: Timestamp) -> String {
    format!(
        "Paused; nothing is running. Go on with:\n  {BOLD}{}{BOLD:#}\n{}",
        call.command,
        logs(session, config, now)
    )
}

/// After the second one.
pub(super) fn aborted(call: &Call<'_>) -> String {
    let command = &call.command;
    format!("Left at once. The run may still be alive; the next start sees to it:\n  {BOLD}{command}{BOLD:#}")
}

/// At a hold that doesn't end by itself; its reason, unless that `is_told` just above.
pub(super) fn held(hold: &Hold, is_told: bool, call: &Call<'_>) -> String {
    let kind = hold.kind.as_str().replace('_', " ");
    let reason = if is_told { ".".to_owned() } else { format!(": {}", harmless(&hold.reason)) };
    let command = &call.command;
    format!(
        "Nothing can start now ({kind}){reason}\nWhen that is mended, go on with:\n  {BOLD}{command}{BOLD:#}"
    )
}

/// At a hold that ends by itself.
pub(super) fn waiting_until(hold: &Hold, config: &Config) -> String {
    let kind = hold.kind.as_str().replace('_', " ");
    let until = hold.until.map(|until| until.to_zoned(config.orchestrator.timezone.clone()));
    let until = until.map_or(String::new(), |until| until.strftime(" until %Y-%m-%d %H:%M:%S").to_string());
    format!("Nothing can start{until} ({kind}); it goes on by itself then.")
}

/// At a gate that nobody can be asked about here.
pub(super) fn waiting(gate: &Gate, call: &Call<'_>) -> String {
    let mut ways = vec![(call.command.clone(), "in a terminal, asks for the answer")];
    if gate.takes_advance_approval() {
        ways.push((format!("{} --yes", call.command), "approves"));
    }
    ways.push((format!("orchestrator{} serve", call.config), "takes the answer over HTTP"));
    let width = ways.iter().map(|(command, _)| command.width()).max().unwrap_or_default();
    let ways: Vec<String> = ways
        .iter()
        .map(|(command, means)| {
            let padding = " ".repeat(width - command.width());
            format!("\n  {BOLD}{command}{BOLD:#}{padding}   {means}")
        })
        .collect();
    let choices = gate.choices_in_words().replace('/', "");
    format!("Waiting for an answer to gate {}: {choices}. Any of these goes on:{}", gate.id, ways.concat())
}

fn logs(session: &Session, config: &Config, now: Timestamp) -> String {
    let folder = &config.paths.logs_dir;
    let day = now.to_zoned(config.orchestrator.timezone.clone()).strftime("%Y-%m-%d.log").to_string();
    format!(
        "{DIM}Logs: {} (the story), {}/ (the runs){DIM:#}",
        shown(&folder.join(day)),
        shown(&folder.join(session.id.as_str()))
    )
}
