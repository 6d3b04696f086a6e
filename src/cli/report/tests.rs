//! A day with everything in it as a page, and pages that no text can bend.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use pulldown_cmark::{Event as Piece, Options, Parser, Tag};

use super::account::Account;
use super::render::{Frame, report};
use crate::domain::actor::Actor;
use crate::domain::change::{Effect, World};
use crate::domain::command::{Command, Opening, Order, Target};
use crate::domain::id::{GateId, RunId, SessionId, TaskNumber};
use crate::domain::limits::DayAccount;
use crate::domain::plan::{Plan, TaskSpec};
use crate::domain::policy::{OnTrouble, Policy};
use crate::domain::run::{Failure, Obstacle, Outcome, Verdict};
use crate::domain::session::{Session, TaskFile};
use crate::domain::transition::transition;
use crate::domain::usage::Usage;
use crate::domain::usd::Usd;
use crate::store::events::Told;
use crate::store::{gates, runs};

/// 2025-11-20 22:59:00 UTC: a minute before midnight in Berlin.
const EVENING: i64 = 1_763_679_540;

/// A session being driven, with what the store would keep of it.
struct Day {
    account: Option<Account>,
    opening: Opening,
    seconds: i64,
}

impl Day {
    fn of(tasks: Vec<TaskSpec>, policy: Policy) -> Self {
        let opening = Opening {
            id: SessionId::new("20251120-235900"),
            task_file: TaskFile { name: "2025-11-20-tasks.md".to_owned(), digest: "c0ffee".to_owned() },
            plan: Plan { title: None, tasks: tasks.into_iter().map(Arc::new).collect() },
            policy,
            rehearsal: false,
        };
        let mut day = Self { account: None, opening, seconds: 0 };
        day.tell(Command::Start(Box::new(day.opening.clone())));
        day
    }

    /// Lets 20 seconds pass and gives a command.
    fn tell(&mut self, command: Command) {
        self.seconds += 20;
        let now = Timestamp::from_second(EVENING + self.seconds).unwrap();
        let workers = matches!(command, Command::Claim { .. } | Command::Finish { .. });
        let by = if workers { Actor::worker() } else { Actor::named("ann_b") };
        let (gates, run_open) = self.account.as_ref().map_or((0, false), |account| {
            (account.gates.len(), account.runs.iter().any(|run| run.end.is_none()))
        });
        let fresh_gate = GateId::from_random(u32::try_from(gates).unwrap());
        let today = DayAccount::new(now.to_zoned(TimeZone::UTC).date());
        let world = World { now, fresh_gate, hold: None, last_hold: None, run_open, today };
        let before = self.account.as_ref().map(|account| &account.session);
        let next = transition(before, &Order { command, by, sent_at: None }, &world).unwrap();
        let session = next.session.clone();
        let account = self.account.get_or_insert_with(|| Account {
            session,
            runs: Vec::new(),
            gates: Vec::new(),
            events: Vec::new(),
        });
        account.session = next.session;
        for effect in next.effects {
            keep(account, effect, now);
        }
        account.events.extend(next.events.into_iter().map(|event| Told {
            id: 0,
            at: now,
            message: event.sentence(),
            event,
        }));
        account.runs.sort_by_key(|run| (run.task, run.number));
    }

    fn approve(&mut self, note: &str) {
        let note = (!note.is_empty()).then(|| note.to_owned());
        self.tell(Command::Approve { gate: None, note });
    }

    fn run(&mut self, verdict: Verdict, denials: &[&str]) {
        let run = self.claim();
        let usage = Usage {
            cost: Usd::from_micros(420_000),
            input_tokens: 12_345,
            output_tokens: 678,
            model: Some("claude-sonnet-4-5".to_owned()),
            ..Usage::default()
        };
        let denials = denials.iter().map(ToString::to_string).collect();
        let outcome = Box::new(Outcome { usage, denials, ..Outcome::bare(verdict) });
        self.tell(Command::Finish { run, outcome, took: Duration::from_secs(20) });
    }

    fn claim(&mut self) -> RunId {
        let runs = self.account.as_ref().map_or(0, |account| account.runs.len());
        let run = RunId(i64::try_from(runs).unwrap() + 1);
        self.tell(Command::Claim { run });
        run
    }

    fn page(&self) -> String {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = Timestamp::from_second(EVENING + self.seconds + 60).unwrap();
        let logs = "orchestrator_logs/20251120-235900";
        report(self.account.as_ref().unwrap(), &Frame { logs, zone: &zone, now })
    }
}

fn keep(account: &mut Account, effect: Effect, now: Timestamp) {
    let session = account.session.id.clone();
    match effect {
        Effect::OpenGate(gate) => account.gates.push(gates::Record { gate, session, closing: None }),
        Effect::CloseGate(id, closing) => {
            account.gates.iter_mut().find(|record| record.gate.id == id).unwrap().closing = Some(closing);
        }
        Effect::OpenRun { run, task, number, resume } => account.runs.push(runs::Record {
            id: run,
            task,
            number,
            resumed: resume.is_some(),
            claimed_at: now,
            end: None,
        }),
        Effect::CloseRun(run, outcome) => {
            account.runs.iter_mut().find(|record| record.id == run).unwrap().end = Some((now, *outcome));
        }
        Effect::GrantForToday(..) | Effect::BeginHold(_) | Effect::LiftHold | Effect::GotThrough => {}
    }
}

fn task(number: u32, kind: &str, title: &str) -> TaskSpec {
    TaskSpec {
        number: TaskNumber(number),
        title: title.to_owned(),
        kind: kind.to_owned(),
        priority: None,
        requires_approval: None,
        description: None,
        acceptance_criteria: Vec::new(),
        instruction: Some("Do it".to_owned()),
        model: None,
        timeout: None,
        idle_timeout: None,
        check: None,
        depends_on: Vec::new(),
    }
}

fn completed(summary: &str) -> Verdict {
    Verdict::Completed { summary: summary.to_owned() }
}

fn reject(feedback: &str) -> Command {
    Command::Reject { gate: None, feedback: Some(feedback.to_owned()) }
}

#[test]
fn a_day_with_everything_in_it() {
    let policy = Policy {
        checkpoint_after: vec!["database".to_owned()],
        auto_approve: vec!["docs".to_owned()],
        on_interrupted: OnTrouble::Retry,
        ..Policy::default()
    };
    let tests = TaskSpec { check: Some("tests".to_owned()), ..task(2, "backend", "Serve `a|b` & <x>") };
    let mut day = Day::of(
        vec![
            task(1, "database", "Lay the ground"),
            tests,
            task(3, "backend", "Write the report"),
            task(4, "docs", "Describe_it all #"),
        ],
        policy,
    );
    day.approve("Plural table_names, please.");
    day.run(completed("The table is there.\n\n- one `index`\n- a <b>trigger</b>"), &["Write notes.txt"]);
    day.tell(reject("add an *index*"));
    day.tell(Command::Retry { target: Target::Current, feedback: None });
    day.run(completed("Now with an index."), &[]);
    day.approve("");
    let output = "running 2 tests\n```\nFAILED\n".to_owned();
    let check = Failure::Check { name: "tests".to_owned(), reason: "exit code 101".to_owned(), output };
    day.run(Verdict::Failed { failure: check }, &[]);
    day.tell(Command::Retry { target: Target::Current, feedback: Some("the tests first".to_owned()) });
    let limit = Obstacle::UsageLimit { resets_at: None, message: "5-hour limit reached".to_owned() };
    day.run(Verdict::Unavailable { obstacle: limit }, &[]);
    let run = day.claim();
    day.tell(Command::Pause { now: true });
    let outcome = Outcome::bare(Verdict::Lost);
    day.tell(Command::Finish { run, outcome: Box::new(outcome), took: Duration::from_secs(20) });
    day.tell(Command::Resume);
    day.run(completed("Done."), &[]);
    day.tell(Command::Skip { target: Target::Current });
    insta::assert_snapshot!("a_day_still_open", day.page());
    day.run(completed(""), &[]);
    insta::assert_snapshot!("a_day_with_everything_in_it", day.page());
}

#[test]
fn nothing_has_happened_yet() {
    let day = Day::of(vec![task(1, "general", "First"), task(5, "general", "Second")], Policy::default());
    insta::assert_snapshot!(day.page());
}

/// A text that is out to be more than a text.
fn wild() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "B",
        "1.",
        " ",
        "  ",
        "    ",
        "\n",
        "\n\n",
        "\t",
        "|",
        "\\",
        "`",
        "```",
        "~~~",
        "*",
        "**",
        "_",
        "#",
        "## ",
        "<",
        "<b>",
        "</div>",
        "<!--",
        "-->",
        "<script>",
        "&",
        "&lt;",
        "&#60;",
        "[",
        "](",
        ")",
        "!",
        "- ",
        "> ",
        "---",
        "===",
        "| - |",
        "https://x.y",
        "<https://x.y>",
        "\u{1b}[2J",
        "\r",
        "$",
        "é",
    ]);
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

/// Everything of a page that isn't text or a quotation's own: headings, rows, and what must not be there.
fn skeleton(page: &str) -> (usize, usize, usize) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let (mut headings, mut rows, mut foreign, mut quotations) = (0, 0, 0, 0);
    for piece in Parser::new_ext(page, options) {
        match piece {
            Piece::Start(Tag::BlockQuote(_)) => quotations += 1,
            Piece::End(pulldown_cmark::TagEnd::BlockQuote(_)) => quotations -= 1,
            Piece::Html(_) | Piece::InlineHtml(_) => foreign += 1,
            _ if quotations > 0 => {}
            Piece::Start(Tag::Heading { .. }) => headings += 1,
            Piece::Start(Tag::TableRow) => rows += 1,
            Piece::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Strikethrough | Tag::Emphasis) => {
                foreign += 1;
            }
            _ => {}
        }
    }
    (headings, rows, foreign)
}

fn bent(title: &str, kind: &str, words: &str, long: &str) -> Session {
    let mut day = Day::of(vec![task(1, kind, title)], Policy::default());
    day.approve(words);
    let failure =
        Failure::Check { name: words.to_owned(), reason: title.to_owned(), output: long.to_owned() };
    day.run(Verdict::Failed { failure }, &[title]);
    day.tell(Command::Retry { target: Target::Current, feedback: Some(words.to_owned()) });
    day.run(completed(long), &[]);
    let page = day.page();
    let plain = {
        let mut day = Day::of(vec![task(1, "x", "x")], Policy::default());
        day.approve(if words.is_empty() { "" } else { "x" });
        let output = if long.trim().is_empty() { "" } else { "x" }.to_owned();
        let failure = Failure::Check { name: "x".to_owned(), reason: "x".to_owned(), output };
        day.run(Verdict::Failed { failure }, &["x"]);
        day.tell(Command::Retry { target: Target::Current, feedback: Some("x".to_owned()) });
        day.run(completed("x"), &[]);
        day.page()
    };
    assert_eq!(skeleton(&page), skeleton(&plain), "{page}");
    assert!(!page.contains('\u{1b}'), "{page}");
    day.account.unwrap().session
}

proptest! {
    #[test]
    fn no_text_bends_the_page(title in wild(), kind in wild(), words in wild(), long in wild()) {
        bent(&title, &kind, &words, &long);
    }
}

/// In a quotation a tab reaches less far than at the start of a line: what follows it is no code there.
#[test]
fn html_behind_a_tab_bends_no_page() {
    bent("", "", "", "|\n\n\t<b>");
}
