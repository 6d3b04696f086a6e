//! The page of `status` in the main states, on narrow, usual and wide terminals, as the answers of a daemon have it.

use std::fmt::Write as _;
use std::path::Path;

use anstream::adapter::strip_str;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::status::status;
use crate::cli::page::Page;

fn task(id: u32, title: &str, state: &str, runs: u32) -> Value {
    let done = matches!(state, "completed" | "failed");
    json!({
        "id": id, "title": title, "type": if id == 1 { "database" } else { "backend" }, "state": state, "runs": runs,
        "cost_usd": if done { 0.42 } else { 0.0 }, "cost_at_least": state == "interrupted", "duration_seconds": if done { 87 } else { 0 },
        "summary": (state == "failed").then_some("Claude stopped at a limit: error_max_turns (Reached the limit of turns)"),
    })
}

fn answer(word: &str, tasks: &[Value], more: Value) -> Value {
    let count = |state: &str| tasks.iter().filter(|task| task["state"] == state).count();
    let mut answer = json!({
        "status": word, "total": tasks.len(), "completed": count("completed"), "failed": count("failed"),
        "skipped": count("skipped"), "progress": 100 * count("completed") / tasks.len(),
        "session": "20251120-093015", "task_file": "2025-11-20-tasks.md", "tasks": tasks,
        "current": tasks.iter().find(|task| task["state"] != "completed"),
        "started_at": "2025-11-20T09:30:15.250+01:00", "last_activity": "2025-11-20T09:35:27.000+01:00",
        "runtime_seconds": 312, "cost_usd": 0.42, "notifications": {"pending": 0, "dead": 0}, "message": "…",
    });
    if let (Value::Object(answer), Value::Object(more)) = (&mut answer, more) {
        answer.extend(more);
    }
    answer
}

fn tasks(second: &str) -> Vec<Value> {
    vec![
        task(1, "Create baptisms migration", "completed", 1),
        task(2, "Create server actions", second, u32::from(second != "pending") * 2),
        task(3, "A title that is much longer than any narrow terminal is wide, and 日本語 too", "pending", 0),
        task(10, "Write it down", "pending", 0),
    ]
}

fn page(answer: &Value, columns: Option<u16>) -> String {
    let view = serde_json::from_value(answer.clone()).unwrap();
    let page = status(&view, "orchestrator", Path::new("orchestrator_logs"), Page::wide(columns));
    strip_str(&page).to_string()
}

/// The page at each width, none of whose lines is wider, unless a command or a path is.
fn at_all_widths(answer: &Value) -> String {
    let mut pages = String::new();
    for columns in [40, 80, 120] {
        let page = page(answer, Some(columns));
        for line in page.lines() {
            let is_one_word = line.trim().split(' ').count() <= 3;
            assert!(line.width() < usize::from(columns) || is_one_word, "{columns}: {line}");
            assert_eq!(line.trim_end(), line);
        }
        writeln!(pages, "{}\n{page}\n", "─".repeat(usize::from(columns))).unwrap();
    }
    pages
}

fn holds(name: &str, pages: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, pages);
    });
}

#[test]
fn a_gate_before_a_task() {
    let gate = json!({"id": "g7_k3qd", "kind": "before", "task": 2, "opened_at": "2025-11-20T09:35:27.000+01:00",
        "reasons": ["required", "checkpoint after task 1", "rejected: mind the \"old\" table"],
        "choices": ["approve", "reject", "retry", "skip", "stop"]});
    let answer = answer("waiting_approval", &tasks("pending"), json!({"gate": gate}));
    holds("status_before_a_task", &at_all_widths(&answer));
}

#[test]
fn a_failure() {
    let gate = json!({"id": "g7_k3qd", "kind": "failed", "task": 2, "reasons": ["task 2 failed"],
        "choices": ["retry", "skip", "stop"]});
    let answer = answer("waiting_approval", &tasks("failed"), json!({"gate": gate}));
    holds("status_of_a_failure", &at_all_widths(&answer));
}

#[test]
fn an_interruption_of_which_something_is_known() {
    let recovery = json!({"resumable": true, "last_activity": "Edit src/actions.ts", "duration_seconds": 87,
        "cost_usd": 0.0, "cost_at_least": true, "tokens": 8800, "changed": true,
        "changes": ["2 files changed, 31 insertions(+)", "not in git: notes.md"]});
    let gate = json!({"id": "g7_k3qd", "kind": "interrupted", "task": 2, "reasons": ["task 2 was interrupted"],
        "choices": ["retry", "skip", "stop"], "recovery": recovery});
    let more = json!({"gate": gate, "cost_at_least": true});
    let answer = answer("waiting_approval", &tasks("interrupted"), more);
    holds("status_of_an_interruption", &at_all_widths(&answer));
}

#[test]
fn a_run() {
    let answer = answer("running", &tasks("running"), json!({}));
    holds("status_of_a_run", &at_all_widths(&answer));
}

#[test]
fn a_pause_and_everything_else_that_can_be_said() {
    let hold = json!({"kind": "login", "until": null, "reason": "the Claude CLI is not logged in: run claude /login"});
    let more = json!({"paused": true, "hold": hold, "task_file_changed": true, "rehearsal": true,
        "notifications": {"pending": 3, "dead": 1}});
    let answer = answer("paused", &tasks("interrupted"), more);
    holds("status_paused", &at_all_widths(&answer));
}

#[test]
fn a_hold_that_ends_by_itself() {
    let hold = json!({"kind": "usage_limit", "until": "2025-11-20T14:00:00.000+01:00", "reason": "the usage limit is reached"});
    let answer = answer("held", &tasks("pending"), json!({"hold": hold}));
    holds("status_held", &at_all_widths(&answer));
}

#[test]
fn an_end() {
    let all = [
        task(1, "Create baptisms migration", "completed", 1),
        task(2, "Create server actions", "skipped", 0),
    ];
    let answer = answer("completed", &all, json!({"current": null, "progress": 100}));
    holds("status_completed", &at_all_widths(&answer));
}

#[test]
fn nothing_yet() {
    let idle = json!({"status": "idle", "session": null, "message": "…"});
    holds("status_idle", &at_all_widths(&idle));
}

#[test]
fn of_many_tasks_those_around_the_current_one_are_shown() {
    let state = |id| if id < 40 { "completed" } else { "pending" };
    let many: Vec<Value> = (1..=60).map(|id| task(id, &format!("Step {id}"), state(id), 1)).collect();
    let shown = page(&answer("running", &many, json!({})), Some(80));
    assert!(shown.contains("… 34 more before") && shown.contains("… 6 more behind"), "{shown}");
    assert!(shown.contains("Step 35 ") && shown.contains("Step 54 "), "{shown}");
    assert!(shown.lines().count() < 32, "{shown}");
}

#[test]
fn a_task_is_counted_by_its_place_if_its_number_is_not_that() {
    let gate =
        json!({"id": "g7_k3qd", "kind": "interrupted", "task": 10, "reasons": [], "choices": ["retry"]});
    let shown = page(&answer("waiting_approval", &tasks("completed"), json!({"gate": gate})), None);
    assert!(shown.contains("What now? Task 10 (4/4), Write it down was interrupted"), "{shown}");
}

#[test]
fn without_a_terminal_nothing_is_cut() {
    let shown = page(&answer("running", &tasks("running"), json!({})), None);
    assert!(shown.contains("any narrow terminal is wide, and 日本語 too"), "{shown}");
}

/// Whatever was in a task file or came from a run: nothing moves the cursor.
#[test]
fn what_others_wrote_is_only_text() {
    let evil = "\u{1b}[2J\u{7}evil\r\n";
    let gate = json!({"id": "g7_k3qd", "kind": "before", "task": 1, "reasons": [format!("rejected: {evil}")],
        "choices": ["approve"]});
    let hold = json!({"kind": "api", "until": null, "reason": evil});
    let more = json!({"gate": gate, "hold": hold, "task_file": evil, "task_file_changed": true});
    let shown =
        serde_json::from_value(answer("waiting_approval", &[task(1, evil, "pending", 0)], more)).unwrap();
    let page = status(&shown, "orchestrator", Path::new("logs"), Page::wide(Some(80)));
    assert!(!page.contains("\u{1b}[2J") && !page.contains('\u{7}') && !page.contains('\r'), "{page:?}");
}
