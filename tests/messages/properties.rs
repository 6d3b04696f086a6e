//! Whatever is quoted, Telegram takes the message, and nothing of ours is moved, hidden or lost.

use std::time::Duration;

use orchestrator::domain::command::Command;
use orchestrator::domain::hold::{Hold, HoldKind};
use orchestrator::domain::policy::Policy;
use orchestrator::domain::refused::Offer;
use orchestrator::domain::run::{Failure, Verdict};
use orchestrator::telegram::{
    self, Fault, Keyboard, ListedNotification, ListedSession, Log, Message, Status,
};
use proptest::prelude::*;

use crate::notifications::reminder;
use crate::support::desk::{Desk, completed, reject, task};
use crate::support::telegram_html::{parse, plain, units};

/// What makes trouble in a chat.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<b>".to_owned()),
        Just("</blockquote>".to_owned()),
        Just("&amp;&lt;&#60;&".to_owned()),
        Just("_*`[".to_owned()),
        Just("👩‍👩‍👧‍👦🇬🇧e\u{301}".to_owned()),
        Just("שלום عليكم".to_owned()),
        Just("\u{202e}\u{2067}\u{2069}\u{200f}".to_owned()),
        Just("\r\n\t\0\u{1b}[31m\u{85}\u{2028}\u{feff}".to_owned()),
        Just(String::from_utf8_lossy(&[0xff, 0xed, 0xa0, 0x80, b'x']).into_owned()),
        Just("\u{301}".repeat(300)),
        Just("א\n".repeat(300)),
        Just(" ".to_owned()),
        ".{0,60}",
        "[a-z \n]{0,900}",
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

#[track_caller]
fn holds(message: &Message) {
    let parsed = parse(&message.text).unwrap_or_else(|error| panic!("{error}: {}", message.text));
    assert_eq!(message.plain.trim(), parsed.text);
    let limit = if message.reply_markup.is_some() { 3896 } else { 4096 };
    assert!(units(&parsed.text) <= limit, "{} units", units(&parsed.text));
    let steering = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}' | '\u{2067}' | '\u{200f}');
    assert!(!parsed.text.contains(steering), "{:?}", parsed.text);
    for line in parsed.text.lines() {
        let depth = line.chars().fold(0_i32, |depth, c| match c {
            '\u{2068}' => depth + 1,
            '\u{2069}' => depth - 1,
            _ => depth,
        });
        assert!((0..=1).contains(&depth), "a line that isn't shut in: {line:?}");
    }
    for button in message.reply_markup.iter().flat_map(Keyboard::rows).flatten() {
        assert!((1..=64).contains(&button.says().len()) && !button.label().is_empty());
    }
}

#[track_caller]
fn everything_said_of(desk: &Desk, told: &crate::support::desk::Told) {
    holds(&telegram::answer(&told.events, &told.message, &desk.scene()));
    if let Some(notice) = telegram::notice(&told.events, &desk.scene()) {
        holds(&notice.telegram);
        plain(&notice.message).unwrap_or_else(|error| panic!("{error}: {}", notice.message));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn telegram_takes_whatever_is_quoted(
        title in nasty(), kind in nasty(), said in nasty(), output in nasty(), commands in prop::bool::ANY,
    ) {
        let tasks = vec![task(1, &title, &kind), task(2, &said, &kind), task(3, &output, &kind)];
        let mut desk = Desk::new(tasks, Policy { checkpoint_after: vec![kind.clone()], ..Policy::default() });
        desk.commands = if commands { vec!["status".to_owned()] } else { Vec::new() };
        let told = desk.start();
        everything_said_of(&desk, &told);
        let told = desk.tell(reject(Some(&said)));
        everything_said_of(&desk, &told);
        desk.approve();
        let told = desk.claim();
        everything_said_of(&desk, &told);
        holds(&telegram::progress(desk.session(), &desk.session().tasks[0], &said, Duration::from_secs(9)));
        desk.denials = vec![said.clone(), output.clone()];
        let told = desk.finish(completed(&output));
        everything_said_of(&desk, &told);
        let told = desk.tell(reject(Some(&output)));
        everything_said_of(&desk, &told);
        everything_said_of(&desk, &reminder(&desk));
        let failure = Failure::Check { name: said.clone(), reason: title.clone(), output: output.clone() };
        let told = desk.work(Verdict::Failed { failure });
        everything_said_of(&desk, &told);
        desk.hold = Some(Hold::lasting(HoldKind::Api, output.clone()));
        let status = Status { task_file_changed: true, pending: 1, ..Status::default() };
        holds(&telegram::status(&status, &desk.scene()));
        let offer = Offer::Again { file: title.clone() };
        holds(&telegram::refusal(&said, Some(&offer), &desk.scene()));
        holds(&telegram::progress_end(desk.session(), &desk.session().tasks[0]));
        holds(&telegram::tasks(desk.session(), &desk.scene()));
        let told = desk.tell(Command::Stop { gate: None });
        everything_said_of(&desk, &told);
    }

    #[test]
    fn telegram_takes_whatever_is_listed(text in nasty(), number in 0_usize..60) {
        let desk = Desk::new(Vec::new(), Policy::default());
        let listed = ListedSession { id: "20251120-093000", status: "open", task_file: &text, completed: 1, total: 2 };
        holds(&telegram::sessions(&vec![listed; number], &desk.scene()));
        let waiting = ListedNotification { given_up: number % 2 == 0, message: &text, error: Some(&text) };
        holds(&telegram::notifications("Some", &vec![waiting; number]));
        let lines = format!("{text}\n").repeat(number);
        holds(&telegram::logs(&Log { lines: &lines, task: None, file: Some(&text) }, &desk.scene()));
        for fault in [Fault::Request, Fault::TaskFile, Fault::Inside] {
            holds(&telegram::failure(&text, fault));
        }
    }
}

#[test]
fn what_is_too_long_is_cut_where_a_person_would_and_says_where_the_rest_is() {
    let title = "A very long title ".repeat(600);
    let mut desk = Desk::opened(vec![task(1, &title, "database")], Policy::default());
    let told = desk.work(completed(&"Every paragraph says what was done.\n\n".repeat(300)));
    let notice = telegram::notice(&told.events, &desk.scene()).unwrap();

    let text = parse(&notice.telegram.text).unwrap().text;
    let titles: Vec<_> = text.lines().filter(|line| line.starts_with("📝 ")).collect();
    assert!(titles[0].ends_with(" title…") || titles[0].ends_with("long…"), "{titles:?}");
    assert!(text.contains("says what was done.…\nThe rest: /logs 100 #1\n"), "{text}");
    assert!(text.contains("🎉 Session complete!"), "{text}");
}

#[test]
fn newer_lines_are_kept_where_not_all_fit() {
    let lines = (1..=1000).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n");
    let desk = Desk::new(Vec::new(), Policy::default());
    let message = telegram::logs(&Log { lines: &lines, task: None, file: None }, &desk.scene());
    let text = parse(&message.text).unwrap().text;
    assert!(text.ends_with("line 1000") && !text.contains("line 1\n"), "{text}");
}
