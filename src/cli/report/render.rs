//! A session's story as markdown: values in, a page out.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::account::Account;
use super::markdown::{code, fenced, indented, inline, quotation};
use crate::domain::actor::Actor;
use crate::domain::duration::human;
use crate::domain::event::{Event, Subject};
use crate::domain::gate::Decision;
use crate::domain::number::{count, grouped};
use crate::domain::policy::{ApprovalMode, OnTrouble, Policy};
use crate::domain::run::{Failure, Outcome, Verdict};
use crate::domain::sentence::waiting_sentence;
use crate::domain::session::{Session, State, Why, Work};
use crate::domain::task::{Task, TaskState};
use crate::store::{gates, runs};

/// Where and when a report is read.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// The folder with the logs of the session's runs, as it is shown.
    pub(super) logs: &'a str,
    pub(super) zone: &'a TimeZone,
    pub(super) now: Timestamp,
}

/// Writes the page.
pub(super) fn report(account: &Account, frame: &Frame<'_>) -> String {
    let session = &account.session;
    let mut blocks = vec![format!("# Session {}", inline(session.id.as_str())), standing(session)];
    if session.rehearsal {
        blocks.push("A rehearsal: nothing was changed and nothing was paid.".to_owned());
    }
    blocks.push(facts(account, frame));
    blocks.push("## Tasks".to_owned());
    blocks.push(table(session));
    for task in &session.tasks {
        blocks.push(format!("## {}", inline(&subject(session, task).to_string())));
        blocks.extend(about_task(account, task, frame));
    }
    let pauses = pauses(account, frame);
    if !pauses.is_empty() {
        blocks.push("## Pauses and holds".to_owned());
        blocks.push(pauses);
    }
    blocks.push("## The end".to_owned());
    blocks.push(the_end(account, frame));
    blocks.join("\n\n") + "\n"
}

fn standing(session: &Session) -> String {
    let open = match &session.state {
        State::Completed { .. } => return "**Completed.**".to_owned(),
        State::Stopped { .. } => return "**Stopped before its end.**".to_owned(),
        State::Open(open) => open,
    };
    let word = match &open.work {
        Work::Waiting { .. } | Work::Running { gate: Some(_), .. } => "waits for an answer",
        Work::Ready { .. } => "about to go on",
        Work::Running { gate: None, .. } => "running",
        Work::Ending { .. } => "ending a run",
    };
    let paused = if open.paused.is_some() { ", paused" } else { "" };
    format!("**Still open: {word}{paused}.**")
}

fn facts(account: &Account, frame: &Frame<'_>) -> String {
    let session = &account.session;
    let counts = session.counts();
    let by = account.started_by().map_or(String::new(), |by| format!(" by {}", inline(&by.name)));
    let end = session.ended_at();
    let took = between(session.started_at, end.unwrap_or(frame.now));
    let ended = end.map_or_else(
        || format!("not yet, after {}", human(&took)),
        |at| format!("{} (after {})", frame.date_and_time(at), human(&took)),
    );
    let spent: Duration = session.tasks.iter().map(|task| task.progress.duration).sum();
    let mut facts = vec![
        ("Task file", code(&session.task_file.name)),
        ("Approvals", approvals(&session.policy)),
        ("Started", format!("{}{by}", frame.date_and_time(session.started_at))),
        ("Ended", ended),
        ("Tasks", tasks_in_words(counts.completed, counts.skipped, counts.total)),
        (
            "Runs",
            match account.runs.len() {
                0 => "none".to_owned(),
                runs => format!("{runs}, {} in all", human(&spent)),
            },
        ),
        ("Cost", session.cost().as_entry()),
    ];
    let usages = || account.runs.iter().filter_map(outcome).map(|outcome| &outcome.usage);
    let (input, output) = usages()
        .fold((0, 0), |(input, output), usage| (input + usage.input_tokens, output + usage.output_tokens));
    if input + output > 0 {
        let at_least = if session.cost().at_least { "at least " } else { "" };
        facts.push(("Tokens", format!("{at_least}{} in, {} out", grouped(input), grouped(output))));
    }
    let models: BTreeSet<_> = usages().filter_map(|usage| usage.model.as_deref()).map(inline).collect();
    if !models.is_empty() {
        facts.push(("Models", models.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let facts: Vec<_> = facts.into_iter().map(|(name, fact)| format!("- {name}: {fact}")).collect();
    facts.join("\n")
}

fn tasks_in_words(completed: usize, skipped: usize, total: usize) -> String {
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    format!("{completed} of {total} completed{skipped}")
}

/// The mode, and what of the policy isn't the default.
fn approvals(policy: &Policy) -> String {
    let mode = match policy.approval_mode {
        ApprovalMode::Manual => "manual",
        ApprovalMode::Required => "required",
        ApprovalMode::Auto => "auto",
    };
    let mut parts = vec![format!("mode {mode}")];
    for (what, types) in [
        ("auto_approve", &policy.auto_approve),
        ("approve_before", &policy.approve_before),
        ("checkpoint_after", &policy.checkpoint_after),
    ] {
        if !types.is_empty() {
            parts.push(format!("{} {}", inline(what), inline(&types.join(", "))));
        }
    }
    for (what, then) in [("on_failure", policy.on_failure), ("on_interrupted", policy.on_interrupted)] {
        let then = match then {
            OnTrouble::Ask => continue,
            OnTrouble::Retry => format!("retry, at most {} runs", policy.max_attempts),
            OnTrouble::Skip => "skip".to_owned(),
            OnTrouble::Stop => "stop".to_owned(),
        };
        parts.push(format!("{} {then}", inline(what)));
    }
    parts.join("; ")
}

fn table(session: &Session) -> String {
    let mut rows = vec![
        "| # | Task | Type | State | Runs | Time | Cost |".to_owned(),
        "| ---: | --- | --- | --- | ---: | ---: | ---: |".to_owned(),
    ];
    for task in &session.tasks {
        let (spec, progress) = (&task.spec, &task.progress);
        let time = if progress.runs > 0 { human(&progress.duration) } else { String::new() };
        let cost = if progress.runs > 0 { progress.cost().as_entry() } else { String::new() };
        rows.push(format!(
            "| {} | {} | {} | {} | {} | {time} | {cost} |",
            spec.number,
            inline(&spec.title),
            inline(&spec.kind),
            task.state().as_str(),
            progress.runs,
        ));
    }
    rows.join("\n")
}

fn about_task(account: &Account, task: &Task, frame: &Frame<'_>) -> Vec<String> {
    let mut blocks = Vec::new();
    let runs: Vec<_> = account.runs_of(task.number()).collect();
    let summary = runs.iter().rev().find_map(|run| match &outcome(run)?.verdict {
        Verdict::Completed { summary } => Some(summary.as_str()),
        Verdict::Failed { .. }
        | Verdict::Lost
        | Verdict::Unavailable { .. }
        | Verdict::NeverRan
        | Verdict::NotResumed { .. } => None,
    });
    if let Some(summary) = summary.filter(|summary| !summary.trim().is_empty()) {
        blocks.push(quotation(summary));
    }
    if let Some(check) = &task.spec.check {
        blocks.push(format!("Check: {}", inline(check)));
    }
    let skipped = account.events.iter().rev().find_map(|told| match &told.event {
        Event::TaskSkipped { subject, by } if subject.task == task.number() => Some((told.at, by)),
        _ => None,
    });
    if let Some((at, by)) = skipped.filter(|_| task.state() == TaskState::Skipped) {
        blocks.push(format!("Skipped by {} at {}.", inline(&by.name), frame.time(at, &account.session)));
    }
    let asked: Vec<_> =
        account.gates_of(Some(task.number())).map(|gate| asked(account, gate, frame)).collect();
    let ran: Vec<_> = runs.iter().map(|run| ran(account, run, frame)).collect();
    let told: Vec<_> = [("Note", &task.progress.notes), ("Feedback", &task.progress.feedback)]
        .into_iter()
        .flat_map(|(what, texts)| texts.iter().map(move |text| format!("- {what}: {}", inline(text))))
        .collect();
    for (title, items) in [("Runs", ran), ("Gates", asked), ("What Claude was told besides", told)] {
        if !items.is_empty() {
            blocks.push(format!("### {title}"));
            blocks.push(items.join("\n"));
        }
    }
    if blocks.is_empty() {
        blocks.push("Not begun.".to_owned());
    }
    blocks
}

fn ran(account: &Account, run: &runs::Record, frame: &Frame<'_>) -> String {
    let began = frame.time(run.claimed_at, &account.session);
    let resumed = if run.resumed { ", continued" } else { "" };
    let stem = format!("task-{}-run-{}", run.task, run.number);
    let log = code(&format!("{}/{stem}.log", frame.logs));
    let Some((ended_at, outcome)) = &run.end else {
        return format!("- Run {} at {began}{resumed}: **still running**\n  - Log: {log}", run.number);
    };
    let usage = &outcome.usage;
    let mut used = vec![human(&between(run.claimed_at, *ended_at)), usage.cost().to_string()];
    used.extend(usage.model.as_deref().map(inline));
    if usage.input_tokens + usage.output_tokens > 0 {
        let at_least = if usage.at_least { "at least " } else { "" };
        used.push(format!("{at_least}{}", tokens(usage.input_tokens, usage.output_tokens)));
    }
    if usage.includes > 0 {
        used.push(format!(
            "what {} used before included",
            count(usize::try_from(usage.includes).unwrap_or(usize::MAX), "run")
        ));
    }
    let verdict = verdict(account, run, outcome);
    let mut lines =
        vec![format!("- Run {} at {began}{resumed} ({}): {verdict}", run.number, used.join(", "))];
    lines.extend(outcome.denials.iter().map(|denied| format!("  - Was not allowed to: {}", inline(denied))));
    lines.push(format!("  - Log: {log}"));
    if let Verdict::Failed { failure: Failure::Check { output, .. } } = &outcome.verdict
        && !output.trim().is_empty()
    {
        lines.push(format!("\n  The end of what the check printed:\n\n{}\n", indented(&fenced(output))));
    }
    lines.join("\n")
}

fn verdict(account: &Account, run: &runs::Record, outcome: &Outcome) -> String {
    let intended = account.intent(run.id).map(|(why, by)| (why, inline(&by.name)));
    match (&outcome.verdict, intended) {
        (Verdict::Completed { .. }, _) => "**completed**".to_owned(),
        (Verdict::Failed { failure }, _) => format!("**failed**: {}", inline(&failure.to_string())),
        (Verdict::Lost, Some((why, by))) => {
            let purpose = match why {
                Why::Pause => "to be continued later",
                Why::Skip => "to skip the task",
                Why::Stop => "to stop the session",
            };
            format!("**ended** {purpose}, asked by {by}")
        }
        (Verdict::Lost, None) => "**interrupted**: its process is gone and left no result".to_owned(),
        (Verdict::Unavailable { obstacle }, _) => {
            let reason = crate::domain::hold::Hold::for_obstacle(obstacle, None, run.claimed_at).reason;
            format!("**held**, no attempt counted: {}", inline(&reason))
        }
        (Verdict::NeverRan, _) => "**never started**".to_owned(),
        (Verdict::NotResumed { message }, _) => {
            format!("**could not continue its Claude session**, no attempt counted: {}", inline(message))
        }
    }
}

fn asked(account: &Account, record: &gates::Record, frame: &Frame<'_>) -> String {
    let gate = &record.gate;
    let opened = frame.time(gate.opened_at, &account.session);
    let reasons = inline(&gate.reasons().join(", "));
    let question = format!("- {} at {opened} ({reasons})", inline(gate.id.as_str()));
    let Some(closing) = &record.closing else { return format!("{question}: **open**") };
    let waited = human(&between(gate.opened_at, closing.at));
    let answer = answer(closing.decision, &closing.by);
    let words = account.words(&gate.id).map_or(String::new(), |words| format!(": “{}”", inline(words)));
    format!("{question}: {answer} at {} (after {waited}){words}", frame.time(closing.at, &account.session))
}

fn answer(decision: Decision, by: &Actor) -> String {
    let by = inline(&by.name);
    match decision {
        Decision::Approved => format!("**approved** by {by}"),
        Decision::Rejected => format!("**rejected** by {by}"),
        Decision::Retried => format!("answered with **retry** by {by}"),
        Decision::Continued => format!("answered with **continue** by {by}"),
        Decision::Skipped => format!("answered with **skip** by {by}"),
        Decision::Stopped => format!("answered with **stop** by {by}"),
        Decision::Withdrawn => format!("**withdrawn** by {by}"),
    }
}

fn pauses(account: &Account, frame: &Frame<'_>) -> String {
    let lines = account.events.iter().filter(|told| match &told.event {
        Event::Paused { .. }
        | Event::Resumed { .. }
        | Event::RunBlocked { .. }
        | Event::RunOutOfBudget { .. }
        | Event::BudgetRaised { .. }
        | Event::GotThrough { .. }
        | Event::RunNotResumed { .. }
        | Event::HoldBegan { .. }
        | Event::DatabaseReplaced { .. }
        | Event::DatabaseRestored { .. }
        | Event::HoldEnded { .. } => true,
        Event::SessionStarted { .. }
        | Event::GateOpened { .. }
        | Event::GateClosed { .. }
        | Event::GateReminded { .. }
        | Event::TaskStarted { .. }
        | Event::TaskCompleted { .. }
        | Event::TaskFailed { .. }
        | Event::TaskInterrupted { .. }
        | Event::TaskSkipped { .. }
        | Event::TaskRetried { .. }
        | Event::RunEnding { .. }
        | Event::RunSuspended { .. }
        | Event::RunNeverRan { .. }
        | Event::SessionCompleted { .. }
        | Event::SessionStopped { .. } => false,
    });
    let lines: Vec<_> = lines
        .map(|told| format!("- {} {}", frame.time(told.at, &account.session), inline(&told.message)))
        .collect();
    lines.join("\n")
}

fn the_end(account: &Account, frame: &Frame<'_>) -> String {
    let session = &account.session;
    let mut lines: Vec<_> = account.gates_of(None).map(|gate| asked(account, gate, frame)).collect();
    let ended = account
        .events
        .iter()
        .rev()
        .find(|told| matches!(told.event, Event::SessionCompleted { .. } | Event::SessionStopped { .. }));
    lines.push(match ended {
        Some(told) => format!("- {} {}", frame.time(told.at, session), inline(&told.message)),
        None => format!("- Not yet. {}", inline(&at(session))),
    });
    lines.join("\n")
}

/// What an open session is at.
fn at(session: &Session) -> String {
    let current = session.current().map(|task| subject(session, task));
    let named = current.as_ref().map(Subject::to_string).unwrap_or_default();
    match session.open().map(|open| &open.work) {
        Some(Work::Waiting { gate } | Work::Running { gate: Some(gate), .. }) => {
            waiting_sentence(gate, current.as_ref())
        }
        Some(Work::Ready { .. }) => format!("{named}: approved and next"),
        Some(Work::Running { gate: None, .. }) => format!("{named}: running"),
        Some(Work::Ending { .. }) => format!("{named}: its run is being ended"),
        None => String::new(),
    }
}

fn subject(session: &Session, task: &Task) -> Subject {
    Subject {
        task: task.number(),
        of_total: session.of_total(task.number()),
        title: task.spec.title.clone(),
        rehearsal: false,
    }
}

fn outcome(run: &runs::Record) -> Option<&Outcome> {
    run.end.as_ref().map(|(_, outcome)| outcome)
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

fn tokens(input: u64, output: u64) -> String {
    format!("{} tokens in, {} out", grouped(input), grouped(output))
}

impl Frame<'_> {
    fn date_and_time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    /// The time of day, with its date if that isn't the one on which the session began.
    fn time(&self, at: Timestamp, session: &Session) -> String {
        let (at, began) = (at.to_zoned(self.zone.clone()), session.started_at.to_zoned(self.zone.clone()));
        let format = if at.date() == began.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
        at.strftime(format).to_string()
    }
}
