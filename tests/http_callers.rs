//! Who may call: every proof of the secret, and what those without one can do and learn, which is nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use support::SOON;
use support::claude::{Claude, succeeds};
use support::daemon::{Daemon, SECRET};
use support::eventually::until;
use support::http::{Ask, ask, post, stranger};
use support::taskfile::Task;

/// Not ASCII, as people's passwords are.
const PREVIOUS: &str = "früheres-geheimnis-0123456789";
const WRONG: &str = "wrong-secret-0123456789abcdef";

#[test]
fn any_proof_of_either_secret_lets_in() {
    let daemon = Daemon::with(Claude::stand_in()).set("webhooks", "previous_secret", json!(PREVIOUS)).start();
    for secret in [SECRET, PREVIOUS] {
        for proof in [
            status().header("authorization", &format!("Bearer {secret}")),
            status().header("authorization", &format!("bearer {secret}")),
            status().header("x-webhook-secret", secret),
            stranger("/status", &json!({"secret": secret})),
            signed("/status", &json!({}), secret.as_bytes(), 0),
            // One right proof among wrong ones is enough.
            status().header("authorization", "Basic YTpi").header("x-webhook-secret", secret),
        ] {
            daemon.ask(proof).succeeds();
        }
    }
}

#[test]
fn a_signature_is_one_of_several_and_its_key_may_be_encoded() {
    let key = b"twenty-four random bytes";
    let secret = format!("whsec_{}", STANDARD.encode(key));
    let daemon = Daemon::with(Claude::stand_in()).set("webhooks", "secret", json!(secret)).start();

    daemon.ask(signed("/status", &json!({}), key, 0)).succeeds();
    let body = json!({"session": null});
    let right = signature("msg_several", &now(0), &body.to_string(), key);
    let several = stranger("/status", &body)
        .header("webhook-id", "msg_several")
        .header("webhook-timestamp", &now(0))
        .header("webhook-signature", &format!("v1a,asymmetric v1,AAAA v1,not/base64! {right} v2,{right}"));
    daemon.ask(several).succeeds();
    daemon.ask(status().header("authorization", &format!("Bearer {secret}"))).succeeds();
    daemon.ask(signed("/status", &json!({}), secret.as_bytes(), 0)).fails(401, "unauthorized");
}

#[test]
fn a_wrong_proof_executes_nothing_and_is_noted_without_the_secret() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let gate = daemon.await_gate("before", 1);
    let approve = json!({"gate": gate["id"]});
    let tampered = signed("/approve", &json!({"gate": "g7_aaaa"}), SECRET.as_bytes(), 0);

    let mut answers = Vec::new();
    for wrong in [
        stranger("/approve", &approve),
        stranger("/approve", &approve).header("authorization", &format!("Bearer {WRONG}")),
        stranger("/approve", &approve).header("x-webhook-secret", &SECRET[1..]),
        stranger("/approve", &json!({"gate": gate["id"], "secret": WRONG})),
        stranger("/approve", &json!({"gate": gate["id"], "secret": [SECRET]})),
        signed("/approve", &approve, SECRET.as_bytes(), -301),
        signed("/approve", &approve, SECRET.as_bytes(), 330),
        tampered.raw(approve.to_string()),
    ] {
        let answer = daemon.ask(wrong);
        answer.fails(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        answers.push(answer.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "the answers don't tell what was wrong: {answers:#?}");

    let after = daemon.status();
    assert_eq!((&after["status"], &after["gate"]["id"]), (&json!("waiting_approval"), &gate["id"]));
    let access = await_access(&daemon, "/approve", 8);
    assert!(access.iter().all(|line| line.contains(" 127.0.0.1 POST /approve 401 ")), "{access:#?}");
    let noted = access.join("\n");
    assert!(!noted.contains(WRONG) && !noted.contains(&SECRET[1..]), "{noted}");
}

/// It covers neither the endpoint nor the header `Idempotency-Key`: who overhears a signed question can't make a command
/// of it, nor have a command carried out twice.
#[test]
fn a_signature_is_good_for_the_request_that_it_came_with() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let overheard = |method: &str, path: &str, body: &str, id: &str| {
        let at = now(0);
        let signature = signature(id, &at, body, SECRET.as_bytes());
        let (path, body) = (path.to_owned(), body.to_owned());
        let (id, method) = (id.to_owned(), method.to_owned());
        move |other: Option<&str>| {
            let other = other.map_or((method.as_str(), path.as_str()), |path| ("POST", path));
            let ask = ask(other.0, other.1).header("content-type", "application/json").raw(body.clone());
            let ask = ask.header("webhook-id", &id).header("webhook-timestamp", &at);
            ask.header("webhook-signature", &signature)
        }
    };
    for (method, path, body) in [
        ("POST", "/status", "{}"),
        ("POST", "/webhook/logs", "{}"),
        ("GET", "/metrics", ""),
        ("GET", "/health", ""),
    ] {
        let request = overheard(method, path, body, &format!("msg_{path}"));
        assert_eq!(daemon.ask(request(None)).status, 200);
        assert_eq!(daemon.ask(request(None)).status, 200, "a repetition is fine");
        for command in ["/stop", "/webhook/pause"] {
            let message = daemon.ask(request(Some(command))).fails(422, "key_reused");
            assert!(message.contains("used for another request"), "{message}");
        }
    }
    let reject = overheard("POST", "/reject", r#"{"feedback":"no"}"#, "msg_reject");
    let gate = daemon.status()["gate"]["id"].clone();
    daemon.ask(reject(None).key("once")).succeeds();
    let next = daemon.status()["gate"]["id"].clone();
    assert_ne!(next, gate);
    assert!(daemon.ask(reject(None).key("once")).is_replayed());
    assert!(
        daemon.ask(reject(Some("/webhook/reject")).key("once")).is_replayed(),
        "the same by another name"
    );
    for replay in [reject(None), reject(None).key("twice")] {
        daemon.ask(replay).fails(422, "key_reused");
    }
    assert_eq!(daemon.status()["gate"]["id"], next);
}

#[test]
fn the_bare_secret_is_not_enough_where_a_signature_is_required() {
    let daemon = Daemon::with(Claude::stand_in()).set("webhooks", "require_signature", true).start();
    for bare in [post("/pause", &json!({})), stranger("/pause", &json!({"secret": SECRET}))] {
        let message = daemon.ask(bare).fails(401, "unauthorized");
        assert!(message.contains("webhook-signature"), "{message}");
    }
    daemon.ask(signed("/status", &json!({}), SECRET.as_bytes(), 0)).succeeds();
    daemon.ask(ask("GET", "/health")).succeeds();
}

#[test]
fn after_ten_failures_a_minute_failures_are_turned_away_and_the_right_secret_is_not() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let wrong = || daemon.ask(status().header("x-webhook-secret", WRONG));
    for _ in 0..10 {
        wrong().fails(401, "unauthorized");
    }
    // A new minute may begin meanwhile, once.
    let turned_away = (0..11).map(|_| wrong()).find(|answer| answer.status != 401).expect("a limit");
    turned_away.fails(429, "too_many_attempts");
    assert!(turned_away.header("retry-after").is_some());
    daemon.ask(post("/status", &json!({}))).succeeds();
    daemon.ask(ask("GET", "/health")).succeeds();
}

#[test]
fn chats_and_users_are_let_in_by_name_and_commands_can_be_switched_off_for_them() {
    let daemon = Daemon::with(Claude::stand_in())
        .set("telegram", "chat_id", json!([42, "-100200300"]))
        .set("telegram", "user_id", 7)
        .set("telegram", "commands", json!(["status", "approve", "start"]))
        .start();
    for known in [json!({"chat_id": 42}), json!({"chat_id": "-100200300", "user_id": "7"}), json!({})] {
        daemon.ok("/status", known);
    }
    for foreign in [json!({"chat_id": 43}), json!({"chat_id": "42 "}), json!({"chat_id": 42, "user_id": 8})] {
        daemon.ask(post("/status", &foreign)).fails(403, "forbidden");
    }

    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    for spelling in ["stop", "/Stop@MyBot", "pause", "/pause now", "help"] {
        let chat = json!({"chat_id": 42, "command": spelling});
        daemon.ask(post("/command", &chat)).fails(403, "forbidden");
    }
    let refused = daemon.ask(post("/stop", &json!({"chat_id": 42})).key("once")).fails(403, "forbidden");
    assert!(refused.contains("telegram.commands"), "{refused}");
    assert_eq!(daemon.status()["status"], "waiting_approval", "nothing was executed");
    assert!(!daemon.ask(post("/pause", &json!({})).key("once")).is_replayed());
    assert_eq!(daemon.status()["status"], "paused", "who has the secret and no chat may");
}

/// Paths and methods are public knowledge (they are in the documentation); whatever lies behind them isn't.
#[test]
fn a_stranger_learns_that_the_daemon_lives_and_nothing_else() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Hush", &succeeds(0.5))]);
    let closed = daemon.ask(stranger("/status", &json!({}))).text;
    for malformed in [
        ask("POST", "/status"),
        ask("POST", "/status").raw("{").header("content-type", "application/json"),
        ask("POST", "/webhook/start").raw([0xff, 0xfe]).header("content-type", "application/json"),
        ask("POST", "/logs").raw("secret=x").header("content-type", "application/x-www-form-urlencoded"),
        stranger("/status", &json!({"session": "20251120-093015"})),
        stranger("/command", &json!({"command": "dance"})),
    ] {
        let answer = daemon.ask(malformed);
        answer.fails(401, "unauthorized");
        assert_eq!(answer.text, closed);
    }
    daemon.ask(stranger("/status", &json!({"x": "x".repeat(70_000)}))).fails(413, "too_large");
    daemon.ask(ask("GET", "/sessions/20251120-093015")).fails(404, "not_found");
    let wrong_method = daemon.ask(ask("GET", "/webhook/approve"));
    wrong_method.fails(405, "method_not_allowed");
    assert_eq!(wrong_method.header("allow"), Some("POST"));

    let health = daemon.ask(ask("GET", "/health")).succeeds();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["uptime"].is_u64());
    assert_eq!(health.as_object().unwrap().len(), 3, "{health}");
    let head = daemon.ask(ask("HEAD", "/health"));
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[test]
fn only_the_names_it_is_known_by_are_served() {
    let daemon = Daemon::with(Claude::stand_in())
        .set("server", "allowed_hosts", json!(["127.0.0.1", "daemon.example", "::1"]))
        .start();
    for known in ["daemon.example", "DAEMON.example:8443", "127.0.0.1:1", "[::1]:5000", "[::1]"] {
        daemon.ask(post("/status", &json!({})).header("host", known)).succeeds();
    }
    for rebound in ["evil.example", "daemon.example.evil.example:5000", "evil.example:daemon.example"] {
        let answer = daemon.ask(post("/status", &json!({})).header("host", rebound));
        answer.fails(403, "forbidden");
    }
}

fn status() -> Ask {
    stranger("/status", &json!({}))
}

fn now(later: i64) -> String {
    (jiff::Timestamp::now().as_second() + later).to_string()
}

fn signed(path: &str, body: &Value, key: &[u8], later: i64) -> Ask {
    let (id, timestamp) = (format!("msg_{}", uuid::Uuid::new_v4()), now(later));
    stranger(path, body)
        .header("webhook-id", &id)
        .header("webhook-timestamp", &timestamp)
        .header("webhook-signature", &signature(&id, &timestamp, &body.to_string(), key))
}

fn signature(id: &str, timestamp: &str, body: &str, key: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// The lines of the access log about a path, once there are so many.
#[track_caller]
fn await_access(daemon: &Daemon, path: &str, count: usize) -> Vec<String> {
    let log = daemon.folder().join("logs/webhook-access.log");
    let about = |line: &&str| line.contains(&format!("POST {path} "));
    let lines = || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.lines().filter(about).map(str::to_owned).collect::<Vec<_>>()
    };
    until(SOON, "the lines of the access log", || lines().len() >= count);
    lines()
}
