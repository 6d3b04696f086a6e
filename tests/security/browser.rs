//! A page that the operator's browser shows: it can send requests to the daemon, but it has no secret, and the browser
//! adds none.

use serde_json::json;

use super::support::claude::{Claude, succeeds};
use super::support::daemon::{Daemon, SECRET};
use super::support::http::{Answer, ask, post, stranger};
use super::support::taskfile::Task;

/// What a page may send anywhere without being asked for leave.
const SIMPLE: [&str; 3] =
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];

/// No header by which a browser would let a page read the answer, or keep something for the next request.
#[track_caller]
fn says_nothing_to_browsers(answer: &Answer) {
    for (name, value) in &answer.headers {
        let name = name.as_str();
        assert!(!name.starts_with("access-control-") && name != "set-cookie", "{name}: {value:?}");
    }
}

#[test]
fn a_page_can_neither_command_nor_read() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    for kind in SIMPLE {
        for origin in ["https://evil.example", "null"] {
            let form = |body: serde_json::Value| {
                let form = ask("POST", "/pause").raw(body.to_string()).header("content-type", kind);
                form.header("origin", origin)
                    .header("sec-fetch-site", "cross-site")
                    .header("cookie", "secret=x")
            };
            let answer = daemon.ask(form(json!({})));
            answer.fails(401, "unauthorized");
            says_nothing_to_browsers(&answer);
            // Even if it knew the secret, it couldn't send it without asking first.
            let answer = daemon.ask(form(json!({"secret": SECRET})));
            answer.fails(415, "unsupported_media_type");
            says_nothing_to_browsers(&answer);
        }
    }
    for path in ["/pause", "/webhook/approve", "/events", "/metrics", "/health"] {
        let preflight = ask("OPTIONS", path)
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, content-type")
            .header("access-control-request-private-network", "true");
        let answer = daemon.ask(preflight);
        answer.fails(405, "method_not_allowed");
        says_nothing_to_browsers(&answer);
    }
    let answer = daemon.ask(post("/status", &json!({})).header("origin", "https://evil.example"));
    says_nothing_to_browsers(&answer);
    assert_eq!(answer.succeeds()["status"], "waiting_approval", "nothing was paused");
}

/// A page whose name suddenly leads to the daemon is of the same origin, and may read. It has no secret either.
#[test]
fn a_page_that_rebinds_its_name_learns_what_any_stranger_does() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Hush", &succeeds(0.5))]);
    let rebound =
        |method: &str, path: &str| daemon.ask(ask(method, path).header("host", "evil.example:5000"));
    assert_eq!(rebound("GET", "/health").succeeds().as_object().unwrap().len(), 3);
    assert_eq!(rebound("GET", "/openapi.json").text, orchestrator::http::openapi::text());
    for (method, path) in
        [("GET", "/events"), ("GET", "/metrics"), ("POST", "/status"), ("POST", "/webhook/logs")]
    {
        let answer = rebound(method, path);
        answer.fails(401, "unauthorized");
        assert!(!answer.text.contains("Hush"), "{}", answer.text);
    }
}

#[test]
fn where_the_names_are_listed_another_name_learns_nothing_at_all() {
    let daemon =
        Daemon::with(Claude::stand_in()).set("server", "allowed_hosts", json!(["127.0.0.1"])).start();
    let mut answers = Vec::new();
    for (method, path) in [
        ("GET", "/health"),
        ("GET", "/openapi.json"),
        ("GET", "/events"),
        ("POST", "/status"),
        ("GET", "/nowhere"),
    ] {
        for host in ["evil.example", "127.0.0.1.evil.example", "evil.example:127.0.0.1", "@127.0.0.1", ""] {
            let answer =
                daemon.ask(ask(method, path).header("host", host).header("x-webhook-secret", SECRET));
            answer.fails(403, "forbidden");
            answers.push(answer.text);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
}

/// Whoever can write this header could otherwise have a minute's guesses for each address they make up, or use up
/// somebody else's.
#[test]
fn where_a_request_says_it_comes_from_is_not_believed() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let guess = |number: u32| {
        let made_up = format!("203.0.113.{number}");
        let mut guess = stranger("/status", &json!({})).header("x-request-id", &format!("guess-{number}"));
        for header in ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip"] {
            guess = guess.header(header, &made_up);
        }
        daemon.ask(guess).status
    };
    let answers: Vec<_> = (1..=25).map(guess).collect();
    assert!(answers.contains(&429), "{answers:?}");
    assert!(daemon.await_access_line("guess-7").contains(" 127.0.0.1 POST /status 401 "));
}
