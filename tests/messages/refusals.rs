//! What was not done, and what would work.

use orchestrator::domain::command::{Command, Target};
use orchestrator::domain::id::{GateId, SessionId, TaskNumber};
use orchestrator::domain::policy::Policy;
use orchestrator::domain::refused::{Offer, Refused};
use orchestrator::telegram::{self, Message};

use crate::gallery::Gallery;
use crate::seen::codes;
use crate::support::desk::{Desk, auto, baptisms, completed, reject, reported, retry};
use crate::support::telegram_html::parse;

pub fn show(gallery: &mut Gallery) {
    gallery.section(
        "Refusals",
        "Legal, but not now (409): why, what would work, and the open gate's question. The answer to a press on an old button is one, too.",
    );
    by_the_rules(gallery);
    by_the_engine(gallery);
    gallery
        .section("Errors", "One message for each code of the HTTP interface, with an example of its reason.");
    errors(gallery);
}

fn by_the_rules(gallery: &mut Gallery) {
    let approve = |gate| Command::Approve { gate, note: None };
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(completed("Done."));
    let running = desk.then(|desk| {
        desk.approve();
        desk.claim();
    });
    let failed = running.then(|desk| drop(desk.finish(reported("no such table: weddings"))));
    let ready = desk.then(|desk| drop(desk.approve()));
    let over = desk.then(|desk| drop(desk.tell(Command::Stop { gate: None })));
    let late = desk.then(|desk| desk.sent_at = Some(desk.session().started_at));
    let beyond = Command::Skip { target: Target::Task(TaskNumber(9)) };
    for (heading, when, desk, command) in [
        ("Nothing is open", "`/approve` with no session.", &over, approve(None)),
        ("Nothing is asked", "`/approve` while a task runs.", &running, approve(None)),
        ("Already approved", "`/approve` before the task has started.", &ready, approve(None)),
        (
            "Already approved, and rejected too late",
            "`/reject` before the task has started.",
            &ready,
            reject(Some("no")),
        ),
        ("Not one of the gate's answers", "`/approve` after a failure.", &failed, approve(None)),
        (
            "Meant for the question before",
            "An answer without a gate's name that was sent before the gate opened.",
            &late,
            approve(None),
        ),
        ("Nothing to retry", "`/retry` at a gate that asks for an approval.", &desk, retry(None)),
        (
            "A completed task",
            "`/retry #1`.",
            &desk,
            Command::Retry { target: Target::Task(TaskNumber(1)), feedback: None },
        ),
        ("A task that there isn't", "`/skip #9`, answered with 404.", &desk, beyond),
    ] {
        let refused = desk.then(|_| ()).try_to(command).err().unwrap_or_else(|| panic!("{heading}"));
        gallery.seen.refusal(&refused);
        let message = match &refused {
            Refused::Unknown(message) => telegram::failure(message, telegram::Fault::Request),
            refused => telegram::refusal(&refused.to_string(), None, &desk.scene()),
        };
        gallery.message(heading, when, &message);
    }
    in_the_way(gallery, &desk, "A session is in the way", "`/start` while a gate is open.");
    in_the_way(gallery, &running, "A session is in the way, and runs", "`/start` while a task runs.");
}

fn in_the_way(gallery: &mut Gallery, desk: &Desk, heading: &str, when: &str) {
    let refused = desk.then(|_| ()).try_to(desk.opening()).err().unwrap();
    gallery.seen.refusal(&refused);
    let Refused::StillOpen { session, file } = refused.clone() else { panic!("{refused}") };
    let offer = Offer::Replace { file, session };
    gallery.seen.offer(&offer);
    gallery.message(heading, when, &telegram::refusal(&refused.to_string(), Some(&offer), &desk.scene()));
}

/// What the engine finds in the database and the folder; the sentences are its own.
fn by_the_engine(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(completed("Done."));
    let idle = Desk::new(baptisms(), auto());
    gallery.seen.refusal(&Refused::NotTheOpenGate(GateId::from_random(77)));
    let mut show = |heading: &str, when: &str, message: &str, offer: Option<Offer>, desk: &Desk| {
        if let Some(offer) = &offer {
            gallery.seen.offer(offer);
        }
        gallery.message(heading, when, &telegram::refusal(message, offer.as_ref(), &desk.scene()));
    };
    show(
        "A gate that is closed",
        "A press on an old message, or a second tap.",
        "gate g7_aacn was already approved by Ana at 09:31:02 on 2025-11-20: nothing was changed",
        None,
        &desk,
    );
    let file = || "2025-11-20-tasks.md".to_owned();
    show(
        "A file that was done before",
        "`/start` with a file that a session has completed, and that hasn't changed since.",
        "2025-11-20-tasks.md was already completed, unchanged, by session 20251120-093000: \"start 2025-11-20-tasks.md again\" runs it once more",
        Some(Offer::Again { file: file() }),
        &idle,
    );
    show(
        "No file for today",
        "`/start` without a name, where nothing was written; answered with 404.",
        "there is no task file for today: looked for orchestrator_tasks/2025-11-21-tasks.md; the newest are 2025-11-20-tasks.md, 2025-11-19-tasks.md",
        Some(Offer::Start { files: vec![file(), "2025-11-19-tasks.md".to_owned()] }),
        &idle,
    );
    show(
        "The session that was to be replaced has ended",
        "A press on “Stop it and start this one” after that.",
        "session 20251120-093000 isn't open any more: nothing was changed",
        Some(Offer::Start { files: vec![file()] }),
        &idle,
    );
    show(
        "Another session than the one to be replaced",
        "A second tap on “Stop it and start this one”.",
        "session 20251120-093000 isn't the open one any more, 20251120-101500 is: nothing was changed",
        None,
        &desk,
    );
}

/// The answers' own messages, as the OpenAPI document has them.
fn errors(gallery: &mut Gallery) {
    for (code, answer) in codes() {
        let text = answer["telegram"]["text"].as_str().unwrap();
        parse(text).unwrap();
        let fault = match code.as_str() {
            "invalid" => telegram::Fault::TaskFile,
            "internal" | "unavailable" => telegram::Fault::Inside,
            _ => telegram::Fault::Request,
        };
        let message: Message = telegram::failure(answer["message"].as_str().unwrap(), fault);
        assert_eq!(message.text, text, "{code}");
        gallery.seen.code(&code);
        gallery.message(&format!("`{code}`"), "For example:", &message);
    }
}

/// A button has to be understood as what it says.
#[test]
fn no_button_is_there_that_would_be_misunderstood_or_could_not_carry_it() {
    let desk = Desk::new(baptisms(), auto());
    let session = SessionId::new("20251120-093000");
    let buttons = |file: &str| {
        let offers = [
            Offer::Replace { file: file.to_owned(), session: session.clone() },
            Offer::Again { file: file.to_owned() },
            Offer::Start { files: vec![file.to_owned()] },
        ];
        let has = |offer| telegram::refusal("no", Some(&offer), &desk.scene()).reply_markup.is_some();
        offers.map(has)
    };
    assert_eq!(buttons("2025-11-20-tasks.md"), [true; 3]);
    assert_eq!(buttons("über uns.md"), [true; 3]);
    for file in ["two  blanks.md", "do it again", "replace=me.md", &"x".repeat(70)] {
        assert_eq!(buttons(file), [false; 3], "{file}");
    }
    assert_eq!(buttons(&format!("{}.md", "x".repeat(40))), [false, true, true]);
}
