//! What is sent unasked, to every chat but the one that caused it.

use std::time::Duration;

use orchestrator::domain::actor::Actor;
use orchestrator::domain::command::{Command, Target};
use orchestrator::domain::event::Event;
use orchestrator::domain::gate::Gate;
use orchestrator::domain::hold::{Hold, HoldKind};
use orchestrator::domain::id::TaskNumber;
use orchestrator::domain::limits::Limits;
use orchestrator::domain::policy::{ApprovalMode, OnTrouble, Policy};
use orchestrator::domain::run::{Failure, Obstacle, Verdict};
use orchestrator::domain::size::Size;
use orchestrator::domain::usd::Usd;
use orchestrator::telegram;

use crate::gallery::Gallery;
use crate::support::desk::{
    Desk, Told, auto, baptisms, completed, reject, reported, retry, skip, unavailable,
};

const MIGRATED: &str = "Migration created: 20251120_create_baptisms.sql";

/// How a run may come to its end.
type End = fn(&mut Desk);

pub fn show(gallery: &mut Gallery) {
    gallery.section(
        "Notifications",
        "Sent to every chat but the one whose command caused it: that one has the answer.",
    );
    beginnings(gallery);
    ends(gallery);
    stopped_while_running(gallery);
    questions(gallery);
    trouble(gallery);
    recoveries(gallery);
    budgets(gallery);
    holds(gallery);
    successions(gallery);
    pauses(gallery);
    asides(gallery);
    progress(gallery);
}

fn beginnings(gallery: &mut Gallery) {
    let mut desk = Desk::new(baptisms(), Policy::default());
    let told = desk.start();
    gallery.notice("A session has started", "Someone, or the schedule, has started one.", &desk, &told);

    let mut rehearsal = Desk::new(baptisms(), auto());
    rehearsal.rehearsal = true;
    let told = rehearsal.start();
    gallery.notice(
        "A rehearsal has started",
        "Mode `auto` asks nobody; this program plays Claude.",
        &rehearsal,
        &told,
    );

    desk.approve();
    let told = desk.claim();
    gallery.notice("A task has started", "Somebody approved it, and nothing is in the way.", &desk, &told);

    let mut desk = desk.then(|desk| {
        desk.finish(reported("no such table: weddings"));
        desk.tell(retry(Some("Run the weddings migration first")));
    });
    let told = desk.claim();
    gallery.notice("A task has started again", "After `/retry`, or by the policy.", &desk, &told);

    let mut desk = desk.then(|desk| {
        desk.tell(Command::Pause { now: true });
        desk.finish(Verdict::Lost);
        desk.tell(Command::Resume);
    });
    let told = desk.claim();
    gallery.notice("A task is continued", "After `/pause now` and `/resume`.", &desk, &told);
}

fn ends(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.denials = vec!["Bash rm -r public".to_owned(), "Write .env".to_owned()];
    let told = desk.work(completed(MIGRATED));
    gallery.notice(
        "A task is completed, and the next one needs an approval",
        "With what Claude wasn't allowed to do.",
        &desk,
        &told,
    );

    let mut going = Desk::opened(baptisms(), auto());
    going.claim();
    let mut told = going.finish(completed(MIGRATED));
    told.events.extend(going.claim().events);
    gallery.notice(
        "A task is completed, and the next one has started",
        "Nothing had to be asked.",
        &going,
        &told,
    );

    let mut paused = Desk::opened(baptisms(), auto());
    paused.claim();
    paused.tell(Command::Pause { now: false });
    let told = paused.finish(completed(MIGRATED));
    gallery.notice("A task is completed during a pause", "What comes next waits.", &paused, &told);

    desk.tell(skip());
    let told = desk.work(completed("The list page is at /baptisms, with search and an empty state."));
    gallery.notice("The session is completed", "Its last task is done with.", &desk, &told);

    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(completed(MIGRATED));
    let told = desk.tell(Command::Stop { gate: None });
    gallery.notice(
        "The session is stopped",
        "Somebody has stopped it, or the policy (`on_failure = \"stop\"`).",
        &desk,
        &told,
    );
}

fn stopped_while_running(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.approve();
    desk.claim();
    desk.tell(Command::Stop { gate: None });
    let told = desk.finish(Verdict::Lost);
    gallery.notice(
        "The session is stopped while a task runs",
        "Somebody has stopped it, and its run has ended.",
        &desk,
        &told,
    );
}

fn questions(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(completed(MIGRATED));
    let skipped = &mut desk.clone();
    let told = skipped.tell(skip());
    gallery.notice(
        "A task was skipped, and the next one needs an approval",
        "Somebody has answered the gate with skip.",
        skipped,
        &told,
    );

    let told = desk.tell(reject(Some("Use the <weddings> pattern & keep the RLS policies")));
    gallery.notice(
        "An approval was refused",
        "The same is asked again; the words are kept for the task's next run.",
        &desk,
        &told,
    );

    let mut tasks = baptisms();
    tasks[1].requires_approval = Some(true);
    tasks[1].depends_on = vec![TaskNumber(1)];
    let list = |kind: &str| vec![kind.to_owned()];
    let policy = Policy {
        approval_mode: ApprovalMode::Manual,
        checkpoint_after: [list("database"), list("frontend")].concat(),
        approve_before: list("backend"),
        ..Policy::default()
    };
    let mut desk = Desk::opened(tasks, policy);
    let skipped = &mut desk.clone();
    let told = skipped.tell(skip());
    gallery.notice(
        "Many reasons to ask",
        "All reasons of a gate are told, and one approval discharges them.",
        skipped,
        &told,
    );

    let told = desk.work(completed(MIGRATED));
    gallery.notice("A checkpoint", "A completed task's type is in `checkpoint_after`.", &desk, &told);
    let rejected = &mut desk.clone();
    let told = rejected.tell(reject(Some("The table has to be plural")));
    gallery.notice(
        "A checkpoint was rejected",
        "The task it is about can now be run again.",
        rejected,
        &told,
    );

    desk.work(completed("Done."));
    let told = desk.work(completed("Done."));
    gallery.notice("A last look", "A checkpoint after the last task.", &desk, &told);
    let told = desk.approve();
    gallery.notice("The last look is done", "The session's end was approved.", &desk, &told);

    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.wait(2 * 60 * 60);
    let told = reminder(&desk);
    gallery.notice(
        "A reminder",
        "Nobody has answered for `remind_after`; then after twice as long, and so on.",
        &desk,
        &told,
    );
}

/// The open gate, asked again as the daemon does when it is time.
pub fn reminder(desk: &Desk) -> Told {
    let gate: Gate = desk.gate().clone();
    let waited = Duration::try_from(desk.now().duration_since(gate.opened_at)).unwrap();
    let subject = gate.task().map(|task| desk.subject(task.0));
    let event = Event::GateReminded { gate, subject, waited };
    Told { message: event.sentence(), events: vec![event] }
}

fn trouble(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    let told = desk.work(reported("no such table: weddings"));
    gallery.notice("A task has failed", "Claude says why, or what ended it does.", &desk, &told);

    desk.wait(60 * 60);
    let told = reminder(&desk);
    gallery.notice("A reminder of a failure", "Nobody has said what now.", &desk, &told);

    let output = "running 12 tests\ntest baptisms::are_plural ... FAILED\n\n1 failed; 11 passed";
    let failure =
        Failure::Check { name: "tests".into(), reason: "exit code 101".into(), output: output.into() };
    let mut checked = Desk::opened(baptisms(), Policy::default());
    let told = checked.work(Verdict::Failed { failure });
    gallery.notice("A task's check has failed", "With the end of what the check printed.", &checked, &told);

    for failure in [
        Failure::LimitReached { message: "Reached maximum number of turns (40)".into() },
        Failure::NoResult { code: 1, message: "error: unknown option '--frobnicate'".into() },
        Failure::TimedOut { after: Duration::from_hours(1) },
        Failure::WentQuiet { after: Duration::from_mins(10) },
        Failure::PrintedTooMuch { limit: Size(2_000_000_000) },
        Failure::OutOfBudget { message: "Reached maximum budget ($5)".into() },
    ] {
        let heading = match &failure {
            Failure::LimitReached { .. } => "Claude has stopped at a limit",
            Failure::NoResult { .. } => "Claude has ended without a result",
            Failure::TimedOut { .. } => "A task has taken too long",
            Failure::WentQuiet { .. } => "A task has gone quiet",
            Failure::PrintedTooMuch { .. } => "A task has printed too much",
            Failure::OutOfBudget { .. } => "Claude has stopped at a budget of its own flags",
            Failure::Reported { .. } | Failure::Check { .. } => unreachable!(),
        };
        let mut desk = Desk::opened(baptisms(), Policy::default());
        let told = desk.work(Verdict::Failed { failure });
        gallery.notice(heading, "A task has failed for this reason.", &desk, &told);
    }

    let mut by_policy = Desk::opened(baptisms(), Policy { on_failure: OnTrouble::Retry, ..auto() });
    by_policy.claim();
    let mut told = by_policy.finish(reported("no such table: weddings"));
    told.events.extend(by_policy.claim().events);
    gallery.notice(
        "A failed task runs again by itself",
        "The policy says `on_failure = \"retry\"`.",
        &by_policy,
        &told,
    );

    let mut by_policy = Desk::opened(baptisms(), Policy { on_failure: OnTrouble::Stop, ..auto() });
    by_policy.claim();
    let told = by_policy.finish(reported("no such table: weddings"));
    gallery.notice(
        "A failed task has stopped the session",
        "The policy says `on_failure = \"stop\"`.",
        &by_policy,
        &told,
    );

    let mut desk = Desk::opened(baptisms(), Policy::default());
    let told = desk.work(Verdict::Lost);
    gallery.notice(
        "A task was interrupted",
        "Its process was killed from outside, or the machine was restarted.",
        &desk,
        &told,
    );
}

fn successions(gallery: &mut Gallery) {
    let desk = Desk::new(baptisms(), Policy::default());
    let event = Event::DatabaseReplaced { set_aside: "orchestrator.db.corrupt-20251120-093015".to_owned() };
    let told = Told { message: event.sentence(), events: vec![event] };
    gallery.notice(
        "The database was put aside",
        "It could not be read when the daemon started.",
        &desk,
        &told,
    );

    let mut desk = Desk::opened(baptisms(), Policy::default());
    let mut told = desk.tell(Command::Pause { now: false });
    let made_at = "2025-11-19T22:00:00Z".parse().ok();
    told.events.insert(0, Event::DatabaseRestored { made_at });
    gallery.notice("The database was restored", "Its open session comes up paused.", &desk, &told);
}

fn holds(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    let resets_at = Some(desk.now() + Duration::from_hours(3));
    let message = "You've hit your 5-hour limit · resets 12:30pm (UTC)".to_owned();
    let told = desk.work(unavailable(Obstacle::UsageLimit { resets_at, message }));
    gallery.notice("The usage limit is reached", "Nothing starts until it resets.", &desk, &told);
    desk.wait(3 * 60 * 60);
    let hold = desk.hold.take().unwrap();
    let event = Event::HoldEnded { hold, by: Actor::worker() };
    let told = Told { message: event.sentence(), events: vec![event] };
    gallery.notice("A hold is over", "Its time has come.", &desk, &told);

    let obstacles = [
        (
            "Claude isn't logged in",
            Obstacle::Login {
                message: "Invalid API key · Please run /login".into(),
                remedy: Some("as user ana: `claude auth login`".into()),
            },
        ),
        ("The API is not available", Obstacle::Api { message: "API Error: 529 overloaded".into() }),
        (
            "The disk is nearly full",
            Obstacle::Disk {
                message: "only 48 MB are free where /srv/shop is, and limits.min_free asks for 100 MB; \
                          work goes on by itself when there is room"
                    .into(),
            },
        ),
        ("Claude can't be started", Obstacle::Launch { message: "`claude` is not in PATH".into() }),
    ];
    for (heading, obstacle) in obstacles {
        let mut desk = Desk::opened(baptisms(), Policy::default());
        let told = desk.work(unavailable(obstacle));
        gallery.notice(heading, "A run met it; the task keeps its approval.", &desk, &told);
        if desk.hold.as_ref().unwrap().kind == HoldKind::Login {
            let told = desk.tell(Command::Resume);
            gallery.notice("A hold was lifted", "Somebody said `/resume`.", &desk, &told);
        }
    }

    let api = || unavailable(Obstacle::Api { message: "API Error: 529 overloaded".into() });
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(api());
    desk.wait(60);
    desk.hold = None;
    desk.claim();
    desk.finish(api());
    desk.wait(120);
    desk.hold = None;
    desk.claim();
    let told = desk.finish(completed("Added the table and its migration."));
    gallery.notice(
        "The API is available again",
        "A run got through. What was tried in between was not told.",
        &desk,
        &told,
    );

    let mut desk = Desk::opened(baptisms(), Policy::default());
    let reason = "processes of run 12 can't be ended (4711 node): end them, then /resume".to_owned();
    let hold = Hold::lasting(HoldKind::Leftover, reason);
    desk.hold = Some(hold.clone());
    let event = Event::HoldBegan { hold };
    let told = Told { message: event.sentence(), events: vec![event] };
    gallery.notice(
        "Processes are left over",
        "The daemon can't end what a run has left behind.",
        &desk,
        &told,
    );
}

fn budgets(gallery: &mut Gallery) {
    let limits = Limits { cost_per_day: Some(Usd::from_micros(400_000)), ..Limits::default() };
    let policy = Policy { limits, ..Policy::default() };
    let mut desk = Desk::opened(baptisms(), policy.clone());
    let told = desk.work(completed("Added the table and its migration."));
    gallery.notice("A budget is used up", "`limits.cost_per_day = 0.40`.", &desk, &told);
    let mut told = desk.approve();
    told.events.extend(desk.claim().events);
    gallery.notice("A budget was raised", "Somebody approved, which allows as much once more.", &desk, &told);

    let mut desk = Desk::opened(baptisms(), policy);
    let message = "Reached maximum budget ($0.40)".to_owned();
    let told = desk.work(Verdict::Failed { failure: Failure::OutOfBudget { message } });
    gallery.notice("A run stopped at its budget", "It goes on there after an approval.", &desk, &told);

    let limits = Limits { failures_in_a_row: Some(2), ..Limits::default() };
    let policy = Policy { limits, on_failure: OnTrouble::Retry, max_attempts: 9, ..Policy::default() };
    let mut desk = Desk::opened(baptisms(), policy);
    desk.known.changed = Some(false);
    desk.work(reported("no such table: weddings"));
    desk.claim();
    desk.known.changed = Some(false);
    let told = desk.finish(reported("no such table: weddings"));
    gallery.notice("Runs come to nothing", "`limits.failures_in_a_row = 2`.", &desk, &told);

    let limits = Limits { cost_per_day: Some(Usd::from_micros(5_000_000)), ..Limits::default() };
    let policy = Policy { limits, on_interrupted: OnTrouble::Retry, ..Policy::default() };
    let mut desk = Desk::opened(baptisms(), policy);
    let told = desk.work(Verdict::Lost);
    let when = "Its run was killed, and the policy would try again: `limits.cost_per_day = 5`.";
    gallery.notice("Nobody knows what a run cost", when, &desk, &told);
}

fn recoveries(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.known.changed = Some(true);
    desk.known.changes =
        vec!["2 files changed, 31 insertions(+)".to_owned(), "not in git: notes.md".to_owned()];
    desk.known.last_activity = Some("Edit src/actions.ts".to_owned());
    let told = desk.work(Verdict::Lost);
    gallery.notice("What is known of an interrupted run", "It can be continued or run again.", &desk, &told);
    let target = Target::Current;
    let feedback = Some("leave the old table alone".to_owned());
    let mut told = desk.tell(Command::Continue { target, feedback });
    told.events.extend(desk.claim().events);
    gallery.notice("A task is continued", "Somebody said `/continue`.", &desk, &told);
    let message = "Claude reported an error: No conversation found".to_owned();
    let mut told = desk.finish(Verdict::NotResumed { message });
    told.events.extend(desk.claim().events);
    gallery.notice("A Claude session can't be continued", "The next run is from scratch.", &desk, &told);
}

fn pauses(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    let told = desk.tell(Command::Pause { now: false });
    gallery.notice("Paused", "Somebody said `/pause`.", &desk, &told);
    let told = desk.tell(Command::Resume);
    gallery.notice("Resumed", "Somebody said `/resume`.", &desk, &told);
    desk.approve();
    desk.claim();
    let told = desk.then(|_| ()).tell(Command::Pause { now: false });
    let running = desk.then(|desk| drop(desk.tell(Command::Pause { now: false })));
    gallery.notice("Paused while a task runs", "The task goes on to its end.", &running, &told);
    let told = desk.tell(Command::Pause { now: true });
    gallery.notice("Paused at once", "Somebody said `/pause now`.", &desk, &told);
}

/// What is sent only together with something else.
fn asides(gallery: &mut Gallery) {
    gallery.section(
        "Told beside what follows",
        "These are no reason to send anything. Where something else happened in the same transition, they are part of its message; the \
         chat whose command it was reads them in the answer. Here they stand alone.",
    );
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.approve();
    desk.claim();
    let mut alone = |heading: &str, when: &str, desk: &Desk, told: &Told| {
        assert_eq!(telegram::notice(&told.events, &desk.scene()), None, "{heading}");
        gallery.answer(heading, when, desk, told);
    };
    let paused = &mut desk.clone();
    paused.tell(Command::Pause { now: true });
    let told = paused.finish(Verdict::Lost);
    alone("A run has ended for a pause", "Its Claude session is continued later.", paused, &told);
    let told = desk.finish(Verdict::NeverRan);
    alone("A run never began", "The daemon ended just before it; the task is ready again.", &desk, &told);
    desk.claim();
    let told = desk.tell(Command::Skip { target: Target::Task(TaskNumber(3)) });
    alone("A task was skipped while another one runs", "`/skip #3`.", &desk, &told);
}

fn progress(gallery: &mut Gallery) {
    gallery.section(
        "Live progress",
        "One message for each task that runs, edited as it goes, without buttons: an edit would bring those back that somebody has pressed.",
    );
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.approve();
    desk.claim();
    let took = Duration::from_secs(192);
    let shown = telegram::progress(
        desk.session(),
        &desk.session().tasks[0],
        "Edit supabase/migrations/20251120_create_baptisms.sql",
        took,
    );
    gallery.message("A task is running", "Every few seconds, at most.", &shown);
    let ends: [(&str, End); 5] = [
        ("Its task is completed", |desk| drop(desk.finish(completed(MIGRATED)))),
        ("Its task has failed", |desk| drop(desk.finish(reported("no")))),
        ("Its task was interrupted", |desk| drop(desk.finish(Verdict::Lost))),
        ("Its task was skipped", |desk| {
            desk.tell(skip());
            desk.finish(Verdict::Lost);
        }),
        ("Its run was ended for a pause", |desk| {
            desk.tell(Command::Pause { now: true });
            desk.finish(Verdict::Lost);
        }),
    ];
    for (heading, end) in ends {
        let ended = desk.then(end);
        gallery.message(
            heading,
            "The last edit.",
            &telegram::progress_end(ended.session(), &ended.session().tasks[0]),
        );
    }
}
