//! The example files mean what a person reads in them.

use std::sync::Arc;

use crate::domain::id::TaskNumber;
use crate::domain::plan::TaskSpec;
use crate::taskfile::{DayLog, parse, render};

use super::plan;

const BAPTISMS: &str = include_str!("../../../examples/example-tasks.md");
const FIRST: &str = include_str!("../../../examples/first-tasks.md");
const DAY: &str = include_str!("../../../examples/example-daily-log.md");

#[test]
fn the_baptisms_day_reads_as_a_person_reads_it() {
    let parsed = parse("tasks.md", BAPTISMS.as_bytes(), &[]).unwrap();
    assert_eq!(parsed.lines, [3, 19, 35]);
    assert_eq!(parsed.plan.title.as_deref(), Some("Tasks - 2025-11-20"));
    let migration = TaskSpec {
        number: TaskNumber(1),
        title: "Create baptisms migration".into(),
        kind: "database".into(),
        priority: Some("high".into()),
        requires_approval: Some(true),
        description: Some("Create database migration for baptisms table following wedding pattern".into()),
        acceptance_criteria: vec![
            "Migration file created in supabase/migrations/".into(),
            "Table uses plural form (baptisms)".into(),
            "RLS policies created".into(),
            "Parish scoping included".into(),
        ],
        instruction: Some("Create a database migration for the baptisms table. Follow the exact pattern used in the weddings table migration. Include all necessary columns, RLS policies, and parish scoping. The migration file should be named with today's timestamp.".into()),
        model: None,
        timeout: None,
        idle_timeout: None,
        check: None,
        depends_on: vec![],
    };
    let actions = TaskSpec {
        number: TaskNumber(2),
        title: "Create baptisms server actions".into(),
        kind: "backend".into(),
        description: Some("Create server actions for CRUD operations on baptisms".into()),
        acceptance_criteria: vec![
            "File created at src/app/(main)/baptisms/actions.ts".into(),
            "Implements create, update, delete, get, list".into(),
            "Uses WithRelations pattern".into(),
            "Includes proper error handling".into(),
        ],
        instruction: Some("Create server actions file for the baptisms module at src/app/(main)/baptisms/actions.ts. Follow the exact pattern from weddings/actions.ts. Include all CRUD operations and the WithRelations interface for fetching baptisms with related data.".into()),
        ..migration.clone()
    };
    let list = TaskSpec {
        number: TaskNumber(3),
        title: "Create baptisms UI - List page".into(),
        kind: "frontend".into(),
        requires_approval: Some(false),
        description: Some("Create the main list page for baptisms module".into()),
        acceptance_criteria: vec![
            "page.tsx created (server component)".into(),
            "baptisms-list-client.tsx created".into(),
            "Search and filter functionality".into(),
            "Empty state with create button".into(),
            "Uses ModuleListPanel".into(),
        ],
        instruction: Some("Create the baptisms list page following the wedding module pattern. Create both page.tsx (server) and baptisms-list-client.tsx (client) files. Implement search, filtering, and the entity grid display.".into()),
        ..migration.clone()
    };
    let expected = [migration, actions, list].map(Arc::new);
    assert_eq!(parsed.plan.tasks, expected);
}

#[test]
fn the_baptisms_day_is_rendered_as_it_was_written() {
    assert_eq!(render(&plan(BAPTISMS)), BAPTISMS);
}

#[test]
fn windows_line_endings_change_nothing() {
    let windows = BAPTISMS.replace('\n', "\r\n");
    assert_eq!(plan(&windows), plan(BAPTISMS));
    assert_eq!(plan(&format!("\u{feff}{windows}")), plan(BAPTISMS));
}

#[test]
fn the_first_tasks_show_both_answers_about_approval() {
    let tasks = plan(FIRST).tasks;
    let approvals: Vec<_> = tasks.iter().map(|task| task.requires_approval).collect();
    assert_eq!(approvals, [Some(true), Some(false)]);
    assert_eq!(tasks[1].depends_on, [TaskNumber(1)]);
}

#[test]
fn the_days_log_gives_its_context_and_notes() {
    let day = DayLog::parse(DAY);
    assert_eq!(day.context.as_deref(), Some("Following the wedding module pattern for baptisms"));
    assert_eq!(
        day.notes.as_deref(),
        Some("- Database migration should come first\n- Ensure all 9 main files are created")
    );
}
