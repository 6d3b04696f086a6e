//! The real Claude CLI where the API refuses, breaks off or says nothing: what holds everything up and what is the task's
//! own failure, what the operator is told, and that nothing of such a run is left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use insta::assert_snapshot;
use serde_json::{Value, json};
use support::claude::Claude;
use support::daemon::{A_RUN, Builder, Daemon, task_of};
use support::free_port;
use support::gateway::{Fault, Gateway};
use support::model::{Model, Script, Turn};
use support::normal::normal;
use support::receiver::{Delivery, Receiver};
use support::taskfile::Task;

/// A model that does what it is asked.
fn model() -> Model {
    let script =
        Script::new().on("a-task", [Turn::says("Done.")]).on("another-task", [Turn::says("Done too.")]);
    Model::start(&script)
}

fn daemon(claude: Claude, receiver: &Receiver) -> Builder {
    Daemon::with(claude).approval_mode("auto").set("orchestrator", "timezone", "UTC").set(
        "webhooks",
        "n8n_notify_url",
        receiver.url(),
    )
}

fn two_tasks() -> [Task; 2] {
    [Task::new("First", "Please do a-task."), Task::new("Second", "Please do another-task.")]
}

/// A fault on the way to the API holds everything up, and is nobody's failure; gives what is told of it.
#[track_caller]
fn held(daemon: &Daemon, receiver: &Receiver, kind: &str) -> String {
    let held = daemon.await_status("held");
    daemon.assert_no_run_alive();
    assert_eq!(held["hold"]["kind"], kind, "{:#}", held["hold"]);
    assert_eq!((&held["failed"], &held["gate"]), (&json!(0), &Value::Null));
    assert_eq!((&task_of(&held, 1)["state"], &task_of(&held, 1)["runs"]), (&json!("pending"), &json!(1)));
    assert!(daemon.logs().contains("held, no attempt counted"), "{}", daemon.logs());
    told(receiver, "run_blocked")
}

/// What the operator reads of an event that is told once.
#[track_caller]
fn told(receiver: &Receiver, event: &str) -> String {
    let letter = receiver.await_event(A_RUN, event, None);
    normal(&message(letter.letter["telegram"]["text"].as_str().unwrap()))
}

/// The message without what differs from one time to the next, and without the card beneath it.
fn message(text: &str) -> String {
    let text = text.split("\n\n────").next().unwrap();
    let text = match text
        .split_once(" · resets ")
        .and_then(|(before, rest)| Some((before, rest.split_once(" (UTC)")?)))
    {
        Some((before, (_, after))) => format!("{before} · resets TIME (UTC){after}"),
        None => text.to_owned(),
    };
    let port = |c: char| c.is_ascii_digit();
    match text.split_once("127.0.0.1:") {
        Some((before, after)) => format!("{before}GATEWAY{}", after.trim_start_matches(port)),
        None => text,
    }
}

/// When the hold ends, in seconds since 1970.
#[track_caller]
fn until(daemon: &Daemon) -> u64 {
    let until: jiff::Timestamp = daemon.status()["hold"]["until"].as_str().unwrap().parse().unwrap();
    until.as_second().try_into().unwrap()
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

mod a_usage_limit {
    use super::*;

    #[test]
    fn is_told_once_charges_nothing_and_goes_on_just_after_its_reset_whatever_happens_meanwhile() {
        let (model, receiver) = (model(), Receiver::start());
        let used_up = Fault::UsageLimit { resets_after: Some(Duration::from_secs(8)) };
        let gateway = Gateway::broken(&model, used_up);
        let mut daemon = daemon(Claude::subscribed(gateway.url()), &receiver)
            .set("orchestrator", "on_failure", "retry")
            .set("orchestrator", "max_attempts", 1)
            .start();
        daemon.start(&two_tasks());

        let began = held(&daemon, &receiver, "usage_limit");

        assert_snapshot!(began, @r"
        <b>⏳ On hold: usage limit</b>
        Task 1/2 waits; the attempt doesn't count
        📝 First
        <blockquote>You've hit your 5-hour limit · resets TIME (UTC)</blockquote>
        Goes on by itself at TIME
        ");
        let until = until(&daemon);
        gateway.mend();
        daemon.kill9();
        daemon.restart();
        let ended = daemon.await_status("completed");
        assert_eq!((&task_of(&ended, 1)["runs"], &task_of(&ended, 2)["runs"]), (&json!(2), &json!(1)));
        assert!(!daemon.logs().contains("attempt 2"), "{}", daemon.logs());
        let came: Vec<u64> = gateway.came().into_iter().map(seconds).collect();
        let reset = until - 1;
        assert!((came[0] + 8..=came[0] + 9).contains(&reset), "{came:?}, until {until}");
        assert!(until <= came[1], "{came:?}, until {until}");
        assert_snapshot!(told(&receiver, "hold_ended"), @r"
        <b>▶️ The hold is over (usage limit)</b>

        ⚙️ Task 1/2 starts now
        ");
        receiver.await_event(A_RUN, "session_completed", None);
        let events: Vec<String> =
            receiver.accepted().iter().map(Delivery::event).map(str::to_owned).collect();
        let events = events.iter().filter(|event| *event != "task_progress").map(String::as_str);
        let first = ["session_started", "task_started", "run_blocked", "hold_ended", "task_completed"];
        let second = ["task_started", "session_completed"];
        assert_eq!(events.collect::<Vec<_>>(), [&first[..], &second].concat());
    }

    #[test]
    fn of_which_nobody_says_when_it_ends_waits_for_a_person() {
        let (model, receiver) = (model(), Receiver::start());
        let gateway = Gateway::broken(&model, Fault::UsageLimit { resets_after: None });
        let daemon = daemon(Claude::subscribed(gateway.url()), &receiver).start();
        daemon.start(&two_tasks());

        assert_snapshot!(held(&daemon, &receiver, "usage_limit"), @r"
        <b>⏳ On hold: usage limit</b>
        Task 1/2 waits; the attempt doesn't count
        📝 First
        <blockquote>You've hit your 5-hour limit; when there is more: /resume</blockquote>
        ");

        assert_eq!(daemon.status()["hold"]["until"], Value::Null);
        gateway.mend();
        daemon.ok("/resume", json!({}));
        assert_eq!(daemon.await_status("completed")["completed"], 2);
    }

    #[test]
    fn is_not_what_a_busy_server_says_which_is_tried_again_soon() {
        let receiver = Receiver::start();
        let gateway = Gateway::to_nowhere(Fault::refuses(429, "rate_limit_error", "Rate limited"));
        let daemon = daemon(Claude::subscribed(gateway.url()), &receiver).start();
        daemon.start(&two_tasks());

        assert_snapshot!(held(&daemon, &receiver, "api"), @r"
        <b>⏳ On hold: the API is not available</b>
        Task 1/2 waits; the attempt doesn't count
        📝 First
        <blockquote>API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited</blockquote>
        Goes on by itself at TIME
        ");

        assert!(daemon.status()["hold"]["until"].is_string());
    }
}

mod a_login {
    use super::*;

    #[test]
    fn that_is_refused_waits_for_another_token() {
        let (model, receiver) = (model(), Receiver::start());
        let refused = Fault::refuses(401, "authentication_error", "OAuth token has expired");
        let gateway = Gateway::broken(&model, refused);
        let daemon = daemon(Claude::subscribed(gateway.url()), &receiver).start();
        daemon.start(&two_tasks());

        assert_snapshot!(held(&daemon, &receiver, "login"), @r"
        <b>⏳ On hold: not logged in</b>
        Task 1/2 waits; the attempt doesn't count
        📝 First
        <blockquote>Failed to authenticate. API Error: 401 OAuth token has expired (`claude setup-token` makes another CLAUDE_CODE_OAUTH_TOKEN: start the daemon with it, then /resume)</blockquote>
        ");

        assert_eq!(daemon.status()["hold"]["until"], Value::Null);
        gateway.mend();
        daemon.ok("/resume", json!({}));
        assert_eq!(daemon.await_status("completed")["completed"], 2);
    }
}

/// Each of these is tried again by itself, after a minute first.
mod an_api_that_is_not_available {
    use super::*;

    #[track_caller]
    fn told_of(fault: Fault) -> String {
        let (gateway, receiver) = (Gateway::to_nowhere(fault), Receiver::start());
        let daemon = daemon(Claude::subscribed(gateway.url()), &receiver).start();
        daemon.start(&two_tasks());
        let told = held(&daemon, &receiver, "api");
        let refused = seconds(*gateway.came().last().unwrap());
        assert!(until(&daemon) >= refused + 60, "{} after {refused}", until(&daemon));
        told
    }

    #[test]
    fn because_of_an_error_of_its_own() {
        let told = told_of(Fault::refuses(500, "api_error", "Internal server error"));
        assert_snapshot!(told, @r"
        <b>⏳ On hold: the API is not available</b>
        Task 1/2 waits; the attempt doesn't count
        📝 First
        <blockquote>API Error: 500 Internal server error. This is a server-side issue, usually temporary — try again in a moment. If it persists, check your inference gateway (GATEWAY).</blockquote>
        Goes on by itself at TIME
        ");
    }

    #[test]
    fn because_it_is_overloaded() {
        assert_snapshot!(told_of(Fault::refuses(529, "overloaded_error", "Overloaded")), @r"
        <b>⏳ On hold: the API is not available</b>
        Task 1/2 waits; the attempt doesn't count
        📝 First
        <blockquote>API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment. If it persists, check your inference gateway (GATEWAY).</blockquote>
        Goes on by itself at TIME
        ");
    }

    #[test]
    fn because_nobody_listens() {
        let receiver = Receiver::start();
        let nobody = format!("http://127.0.0.1:{}", free_port());
        let daemon = daemon(Claude::subscribed(nobody), &receiver).start();
        daemon.start(&two_tasks());

        assert_snapshot!(held(&daemon, &receiver, "api"), @r"
        <b>⏳ On hold: the API is not available</b>
        Task 1/2 waits; the attempt doesn't count
        📝 First
        <blockquote>API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)</blockquote>
        Goes on by itself at TIME
        ");
    }

    /// In the middle of the second answer; the task goes on in the same Claude session, by itself.
    #[test]
    fn because_connections_break_which_loses_nothing() {
        let work = tempfile::tempdir().unwrap();
        let begun = work.path().join("begun");
        let script = Script::new()
            .on("a-task", [Turn::says("I begin.").writes(&begun, "x"), Turn::says("Never heard.")])
            .on("another-task", [Turn::says("Done too.")])
            .otherwise_at(1, &Turn::says("Went on."));
        let (model, receiver) = (Model::start(&script), Receiver::start());
        let gateway = Gateway::breaking(&model, 1, Fault::Cuts);
        let mut daemon = daemon(Claude::subscribed(gateway.url()), &receiver).start();
        daemon.start(&two_tasks());

        assert_snapshot!(held(&daemon, &receiver, "api"), @r"
        <b>⏳ On hold: the API is not available</b>
        Task 1/2 waits; the attempt doesn't count
        📝 First
        <blockquote>API Error: Connection to the API was lost (ECONNRESET). This is usually temporary — try again.</blockquote>
        Goes on by itself at TIME
        ");

        assert!(begun.exists());
        gateway.mend();
        daemon.kill9();
        let at_once = "UPDATE holds SET hold = json_set(hold, '$.until', '2026-01-01T00:00:00Z') WHERE ended_at IS NULL";
        daemon.database().execute(at_once);
        daemon.restart();
        let ended = daemon.await_status("completed");
        assert_eq!(
            (&task_of(&ended, 1)["runs"], &task_of(&ended, 1)["summary"]),
            (&json!(2), &json!("Went on."))
        );
        let printed = daemon.printed(ended["session"].as_str().unwrap(), 1);
        let conversations: BTreeSet<&str> =
            printed.iter().filter_map(|line| line["session_id"].as_str()).collect();
        assert_eq!(conversations.len(), 1, "{conversations:?}");
        assert_snapshot!(told(&receiver, "got_through"), @r"
        ▶️ The hold is over (the API is not available)

        <b>✅ Task 1/2 Complete!</b>
        📝 First
        ⏱ LENGTH · $0.00

        <blockquote>Went on.</blockquote>

        📊 Progress: 1/2 (50%)
        ");
    }
}

/// What no waiting mends.
mod the_tasks_own_failure {
    use super::*;

    #[test]
    fn is_an_answer_that_never_comes() {
        let (gateway, receiver) = (Gateway::to_nowhere(Fault::Silence), Receiver::start());
        let daemon = daemon(Claude::subscribed(gateway.url()), &receiver).start();
        let [first, second] = two_tasks();
        daemon.start(&[first.with("Idle Timeout", "5s"), second]);

        daemon.await_gate("failed", 1);

        daemon.assert_no_run_alive();
        assert_snapshot!(told(&receiver, "task_failed"), @r"
        <b>❌ Task 1/2 failed</b>
        📝 First
        ⏱ LENGTH · cost unknown

        <blockquote>Printed nothing for LENGTH</blockquote>

        📊 Progress: 0/2 (0%)
        ");
    }

    #[test]
    fn is_an_answer_that_grows_too_long() {
        let rambling = Turn::says("I ramble.").cut_short();
        let script = Script::new().on("a-task", [rambling.clone()]).otherwise_at(1, &rambling);
        let (model, receiver) = (Model::start(&script), Receiver::start());
        let daemon = daemon(Claude::subscribed(model.url()), &receiver).start();
        daemon.start(&two_tasks());

        daemon.await_gate("failed", 1);

        daemon.assert_no_run_alive();
        assert_snapshot!(told(&receiver, "task_failed"), @r"
        <b>❌ Task 1/2 failed</b>
        📝 First
        ⏱ LENGTH · $0.01

        <blockquote>Claude reported an error: API Error: Claude's response exceeded the 128000 output token maximum. To configure this behavior, set the CLAUDE_CODE_MAX_OUTPUT_TOKENS environment variable.</blockquote>

        📊 Progress: 0/2 (0%)
        ");
    }
}
