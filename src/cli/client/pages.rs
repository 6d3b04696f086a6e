//! Answers as pages for people; what isn't understood is told in the daemon's own words.

use std::path::Path;

use super::answer::Answer;
use super::command::Command;
use super::status::status;
use super::table::{Cell, table};
use super::tasks::{mark, tasks};
use super::view::{Notification, Outbox, Session, Sessions, Status, Tasks, minute};
use crate::cli::page::Page;
use crate::cli::say::{DIM, RED, YELLOW, harmless};

const FILE: usize = 4;
const TOLD: usize = 4;

/// What pages are made with.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    pub(super) page: Page,
    /// How this program was called.
    pub(super) program: &'a str,
    pub(super) logs_dir: &'a Path,
}

impl Pages<'_> {
    /// What a person is told of an answer.
    pub(super) fn text(&self, command: &Command, answer: &Answer) -> String {
        let page = match command {
            Command::Status(_) => {
                answer.view().map(|view: Status| status(&view, self.program, self.logs_dir, self.page))
            }
            Command::Tasks(_) => {
                answer.view().map(|view: Tasks| tasks(&view.tasks, None, self.page).join("\n"))
            }
            Command::Sessions(_) => answer
                .view()
                .filter(|view: &Sessions| !view.sessions.is_empty())
                .map(|view| sessions(&view.sessions, self.page).join("\n")),
            Command::Notifications(_) => answer
                .view()
                .filter(|view: &Outbox| !view.notifications.is_empty())
                .map(|view| notifications(&view.notifications, self.page).join("\n")),
            Command::Start(_)
            | Command::Approve(_)
            | Command::Reject(_)
            | Command::Pause(_)
            | Command::Resume(_)
            | Command::Skip(_)
            | Command::Retry(_)
            | Command::Continue(_)
            | Command::Stop(_)
            | Command::Logs(_) => None,
        };
        page.unwrap_or_else(|| printable(&answer.message))
    }
}

/// Text of others, with its tabs and without what could move the cursor.
pub(super) fn printable(text: &str) -> String {
    harmless(&text.replace('\t', "    "))
}

fn sessions(sessions: &[Session], page: Page) -> Vec<String> {
    let row = |session: &Session| {
        let (sign, style) = mark(&session.status);
        let mut row = vec![
            Cell::new(sign, style),
            Cell::plain(&session.id),
            Cell::new(session.status.replace('_', " "), style),
            Cell::number(format!("{}/{}", session.completed, session.total), DIM),
            Cell::plain(&session.task_file),
        ];
        if !page.is_narrow() {
            row.push(Cell::new(minute(&session.started_at), DIM));
        }
        row
    };
    table(&sessions.iter().map(row).collect::<Vec<_>>(), FILE, page)
}

/// A line each: how it stands, which, since when, how often it was tried, what it tells and why it was not delivered.
fn notifications(notifications: &[Notification], page: Page) -> Vec<String> {
    let row = |notification: &Notification| {
        let style = if notification.state == "dead" { RED } else { YELLOW };
        let told = notification.message.lines().next().unwrap_or_default();
        vec![
            Cell::new(&notification.state, style),
            Cell::plain(&notification.id),
            Cell::new(minute(&notification.occurred_at), DIM),
            Cell::number(notification.attempts.to_string(), DIM),
            Cell::plain(match &notification.error {
                Some(error) => format!("{told} – {error}"),
                None => told.to_owned(),
            }),
        ]
    };
    table(&notifications.iter().map(row).collect::<Vec<_>>(), TOLD, page)
}
