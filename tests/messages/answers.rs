//! What the one reads who gave a command.

use jiff::Timestamp;
use orchestrator::domain::actor::Actor;
use orchestrator::domain::command::{Command, Target};
use orchestrator::domain::gate::{Closing, Decision};
use orchestrator::domain::id::TaskNumber;
use orchestrator::domain::policy::Policy;
use orchestrator::domain::run::{Obstacle, Verdict};
use orchestrator::telegram::{self, ListedGate, ListedNotification, ListedSession, Log, Status};

use crate::gallery::Gallery;
use crate::support::desk::{
    Desk, auto, baptisms, completed, reject, reported, retry, skip, task, unavailable,
};

const MIGRATED: &str = "Migration created: 20251120_create_baptisms.sql";

pub fn show(gallery: &mut Gallery) {
    gallery.section(
        "Answers",
        "What the chat reads that gave a command, by words or by a button. n8n answers a press with the first line of the plain \
         `message`, and sends these after it where they have buttons.",
    );
    start_and_approve(gallery);
    reject_skip_retry(gallery);
    pause_and_resume(gallery);
    stop(gallery);
    gallery.section("Status", "`/status`, with the buttons that fit.");
    status(gallery);
    gallery.section(
        "Lists and logs",
        "`/tasks`, `/sessions`, `/logs`, `/help`, `POST /gates` and `POST /notifications`.",
    );
    lists(gallery);
    logs(gallery);
}

fn start_and_approve(gallery: &mut Gallery) {
    let mut desk = Desk::new(baptisms(), Policy::default());
    let told = desk.start();
    gallery.answer("/start", "A task file has become a session.", &desk, &told);
    let long = (1..=40).map(|number| task(number, &format!("Migrate module {number}"), "database")).collect();
    let mut many = Desk::new(long, auto());
    let told = many.start();
    gallery.answer("/start, a long file", "Nothing has to be approved in mode `auto`.", &many, &told);

    let told = desk.then(|_| ()).approve();
    let approved = desk.then(|desk| drop(desk.approve()));
    gallery.answer(
        "/approve",
        "The task starts at once; a notification tells when it does.",
        &approved,
        &told,
    );
    let paused = &mut desk.then(|desk| drop(desk.tell(Command::Pause { now: false })));
    let note = Some("Mind the index on created_at".to_owned());
    let told = paused.tell(Command::Approve { gate: None, note });
    gallery.answer(
        "/approve with a note, while paused",
        "The approval is kept, and the note reaches Claude.",
        paused,
        &told,
    );

    let mut held = Desk::opened(baptisms(), Policy::default());
    let resets_at = Some(held.now() + std::time::Duration::from_hours(3));
    held.work(unavailable(Obstacle::UsageLimit {
        resets_at,
        message: "You've hit your 5-hour limit · resets 12:30pm (UTC)".into(),
    }));
    held.tell(skip());
    let told = held.approve();
    gallery.answer("/approve during a hold", "The approval is kept.", &held, &told);
}

fn reject_skip_retry(gallery: &mut Gallery) {
    let desk = Desk::opened(baptisms(), Policy::default());
    let rejected = &mut desk.clone();
    let told = rejected.tell(reject(Some("Use the <weddings> pattern & keep the RLS policies")));
    gallery.answer(
        "/reject with words",
        "The same is asked again; the words are kept for the task's next run.",
        rejected,
        &told,
    );
    let rejected = &mut desk.clone();
    let told = rejected.tell(reject(None));
    gallery.answer("/reject without words", "As the button does.", rejected, &told);

    let skipped = &mut desk.clone();
    let told = skipped.tell(skip());
    gallery.answer("/skip", "The gate's task is skipped, and the next one asked about.", skipped, &told);
    let running = &mut desk.clone();
    running.approve();
    running.claim();
    let told = running.tell(skip());
    gallery.answer("/skip while the task runs", "Its run is ended first.", running, &told);
    let told = running.tell(skip());
    gallery.answer("/skip, said twice", "Nothing happens, and that is fine.", running, &told);
    let other = &mut desk.clone();
    let told = other.tell(Command::Skip { target: Target::Task(TaskNumber(3)) });
    gallery.answer("/skip #3", "Another task than the one asked about: the question stays.", other, &told);

    let failed = &mut desk.clone();
    failed.work(reported("no such table: weddings"));
    let told = failed.tell(retry(Some("Run the weddings migration first")));
    gallery.answer(
        "/retry with advice",
        "It is the task's approval, and the words reach Claude.",
        failed,
        &told,
    );

    let again = &mut desk.clone();
    again.tell(skip());
    let told = again.tell(Command::Retry { target: Target::Task(TaskNumber(1)), feedback: None });
    gallery.answer(
        "/retry #1",
        "A skipped task runs after all; the open question comes later.",
        again,
        &told,
    );
}

fn pause_and_resume(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(completed(MIGRATED));
    let told = desk.tell(Command::Pause { now: false });
    gallery.answer("/pause", "Nothing new starts.", &desk, &told);
    let told = desk.tell(Command::Pause { now: false });
    gallery.answer("/pause, said twice", "Nothing happens, and that is fine.", &desk, &told);
    let told = desk.tell(Command::Resume);
    gallery.answer("/resume", "What was asked is asked still.", &desk, &told);
    let told = desk.tell(Command::Resume);
    gallery.answer("/resume, said twice", "Nothing happens, and that is fine.", &desk, &told);

    desk.approve();
    desk.claim();
    let told = desk.tell(Command::Pause { now: true });
    gallery.answer("/pause now", "The run is ended, to be continued.", &desk, &told);
    desk.finish(Verdict::Lost);
    let told = desk.tell(Command::Resume);
    gallery.answer("/resume after /pause now", "The run goes on where it was.", &desk, &told);
}

fn stop(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(completed(MIGRATED));
    let told = desk.then(|_| ()).tell(Command::Stop { gate: None });
    let stopped = desk.then(|desk| drop(desk.tell(Command::Stop { gate: None })));
    gallery.answer("/stop", "The session is over.", &stopped, &told);
    desk.approve();
    desk.claim();
    let told = desk.tell(Command::Stop { gate: None });
    gallery.answer(
        "/stop while a task runs",
        "Its run is ended first; then a notification tells what the session came to.",
        &desk,
        &told,
    );
    let told = desk.tell(Command::Stop { gate: None });
    gallery.answer("/stop, said twice", "Nothing happens, and that is fine.", &desk, &told);
}

fn status(gallery: &mut Gallery) {
    let quiet = Status::default();
    let mut show = |heading: &str, when: &str, status: &Status<'_>, desk: &Desk| {
        gallery.message(heading, when, &telegram::status(status, &desk.scene()));
    };
    show("No session yet", "Nothing was ever started.", &quiet, &Desk::new(baptisms(), Policy::default()));

    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(completed(MIGRATED));
    desk.wait(200);
    let decided = closing(desk.session().started_at);
    let busy =
        Status { task_file_changed: true, pending: 2, dead: 1, decided: Some(&decided), set_aside: None };
    show(
        "Waiting for an approval",
        "With notifications that wait or were given up, and a task file that was changed since.",
        &busy,
        &desk,
    );

    let paused = desk.then(|desk| drop(desk.tell(Command::Pause { now: false })));
    show("Paused", "The gate is open still.", &quiet, &paused);

    let approved = desk.then(|desk| drop(desk.approve()));
    show("About to run", "The task is approved.", &quiet, &approved);
    let waiting = paused.then(|desk| drop(desk.approve()));
    show("Approved, but paused", "The task is approved and waits.", &quiet, &waiting);

    let running = approved.then(|desk| drop(desk.claim()));
    show("Running", "A task runs.", &quiet, &running);
    let told = running.then(|desk| drop(desk.tell(Command::Pause { now: false })));
    show("Running, and paused", "It goes on to its end.", &quiet, &told);
    let ending = running.then(|desk| drop(desk.tell(skip())));
    show("A run is being ended", "Its processes aren't gone yet.", &quiet, &ending);

    let failed = running.then(|desk| drop(desk.finish(reported("no such table: weddings"))));
    show("A task has failed", "There is nothing to approve.", &quiet, &failed);

    let message = "Invalid API key · Please run /login".to_owned();
    let held = running.then(|desk| drop(desk.finish(unavailable(Obstacle::Login { message, remedy: None }))));
    show("On hold", "An approved task can't start.", &quiet, &held);

    let over = failed.then(|desk| {
        desk.tell(skip());
        desk.work(completed("Done."));
    });
    show("Completed", "Nothing is left to do.", &quiet, &over);
    let stopped = failed.then(|desk| drop(desk.tell(Command::Stop { gate: None })));
    show("Stopped", "The session was ended early.", &quiet, &stopped);
}

fn closing(at: Timestamp) -> Closing {
    Closing { decision: Decision::Approved, by: Actor::named("Ana"), at }
}

fn lists(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.work(completed(MIGRATED));
    gallery.message("/tasks", "The current one is bold.", &telegram::tasks(desk.session(), &desk.scene()));
    let long =
        (1..=120).map(|number| task(number, &format!("Migrate module {number}"), "database")).collect();
    let mut many = Desk::opened(long, auto());
    for _ in 0..50 {
        many.claim();
        many.finish(completed("Done."));
    }
    gallery.message(
        "/tasks, a long list",
        "Those around the current one.",
        &telegram::tasks(many.session(), &many.scene()),
    );

    let listed = |id, status, completed| ListedSession {
        id,
        status,
        task_file: "2025-11-20-tasks.md",
        completed,
        total: 3,
    };
    let sessions = [
        listed("20251120-093000", "open", 1),
        listed("20251119-090000", "completed", 3),
        listed("20251118-090000", "stopped", 2),
    ];
    gallery.message("/sessions", "The newest first.", &telegram::sessions(&sessions, &desk.scene()));
    gallery.message(
        "/sessions, none yet",
        "Nothing was ever started.",
        &telegram::sessions(&[], &desk.scene()),
    );

    let open = desk.gate().clone();
    let (mut old, closed) = (open.clone(), closing(desk.session().started_at));
    old.id = orchestrator::domain::id::GateId::from_random(77);
    let gates =
        [ListedGate { gate: &open, closing: None }, ListedGate { gate: &old, closing: Some(&closed) }];
    let shown = telegram::gates(&gates, "the newest first", &desk.scene());
    gallery.message("Gates", "`POST /gates`.", &shown);

    let waiting = [
        ListedNotification {
            given_up: false,
            message: "Task 1/3, Create baptisms migration: completed in 27s, $0.42",
            error: Some("n8n can't be reached: Connection refused (os error 111)"),
        },
        ListedNotification { given_up: true, message: "Paused by Ana", error: Some("400: chat not found") },
    ];
    let shown = telegram::notifications("1 notification on the way, 1 given up", &waiting);
    gallery.message("Notifications", "`POST /notifications`.", &shown);

    gallery.message("/help", "All commands may be given.", &telegram::help(&desk.scene()));
    let few = desk.then(|desk| desk.commands = ["approve", "status", "help"].map(str::to_owned).to_vec());
    gallery.message(
        "/help where commands are switched off",
        "Only those in `telegram.commands`.",
        &telegram::help(&few.scene()),
    );
    let told = few.then(|_| ()).tell(skip());
    let few = few.then(|desk| drop(desk.tell(skip())));
    gallery.answer(
        "A question where commands are switched off",
        "What may not be said isn't offered.",
        &few,
        &told,
    );
}

fn logs(gallery: &mut Gallery) {
    let mut desk = Desk::opened(baptisms(), Policy::default());
    desk.approve();
    desk.claim();
    let story = "[09:30:15] Task 1/3 started: Create baptisms migration (run 1)\n[09:30:47] Task 1/3, Create baptisms migration: completed in 27s, $0.42";
    let file = Some("orchestrator_logs/2025-11-20.log");
    let log = Log { lines: story, task: None, file };
    gallery.message(
        "/logs",
        "The newest lines of the session's story.",
        &telegram::logs(&log, &desk.scene()),
    );
    let line = |line| format!("line {line}: {}", "if (a < b && b > c) {} ".repeat(15).trim_end());
    let output = (1..=400).map(line).collect::<Vec<_>>().join("\n");
    let log = Log {
        lines: &output,
        task: Some(TaskNumber(1)),
        file: Some("orchestrator_logs/20251120-093000/task-1-run-1.log"),
    };
    gallery.message(
        "/logs 400 #1",
        "What the task printed; the newest lines that fit.",
        &telegram::logs(&log, &desk.scene()),
    );
    let log = Log { lines: "", task: Some(TaskNumber(2)), file: None };
    gallery.message(
        "/logs #2, nothing yet",
        "The task has printed nothing.",
        &telegram::logs(&log, &desk.scene()),
    );
}
