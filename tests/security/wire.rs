//! Requests as no client sends them: split, smuggled, piled up, endless.

use super::support::claude::{Claude, succeeds};
use super::support::daemon::{Daemon, SECRET};
use super::support::http::Connection;
use super::support::taskfile::Task;

/// Someone who has said nothing of a secret.
const STRANGER: &str = "Host: x\r\nContent-Type: application/json\r\n";

fn insider() -> String {
    format!("{STRANGER}Authorization: Bearer {SECRET}\r\n")
}

/// The statuses that come back for these bytes until the daemon closes the connection, and all that was said.
fn statuses(daemon: &Daemon, bytes: &str) -> (Vec<u16>, String) {
    let mut connection = daemon.connect();
    connection.send(bytes);
    let said = closed(connection);
    let statuses = said.match_indices("HTTP/1.1 ").map(|(at, _)| said[at + 9..at + 12].parse().unwrap());
    (statuses.collect(), said)
}

/// What the daemon says until it closes the connection; it is asked to by the end of what is sent.
fn closed(connection: Connection) -> String {
    connection.finish();
    connection.read_to_end()
}

/// Two programs that read the same bytes as different requests are how a request slips past the first of them. What is
/// hidden here asks for a pause, on the strength of the request in front of it.
#[test]
fn nothing_is_smuggled_in_behind_another_request() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let insider = insider();
    let hidden = format!("POST /pause HTTP/1.1\r\n{STRANGER}Content-Length: 2\r\n\r\n{{}}");
    let both = [
        format!("{insider}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!(
            "{insider}Transfer-Encoding: chunked\r\nContent-Length: {}\r\n\r\n0\r\n\r\n{hidden}",
            hidden.len() + 5
        ),
    ];
    for request in both {
        let (statuses, said) = statuses(&daemon, &format!("POST /status HTTP/1.1\r\n{request}"));
        assert_eq!(statuses, [200], "{said}");
        assert!(said.contains("\r\nconnection: close\r\n"), "{said}");
    }
    let behind = format!("POST /status HTTP/1.1\r\n{insider}Content-Length: 2\r\n\r\n{{}}{hidden}");
    assert_eq!(statuses(&daemon, &behind).0, [200, 401], "each request proves itself");
    assert_eq!(daemon.status()["status"], "waiting_approval");
}

#[test]
fn a_request_that_can_be_read_in_two_ways_is_refused_and_its_connection_closed() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("Asked", &succeeds(0.5))]);
    let insider = insider();
    for ambiguous in [
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "Content-Length: 2, 2\r\n\r\n{}",
        "Content-Length: +2\r\n\r\n{}",
        "Content-Length : 2\r\n\r\n{}",
        "Content-Length: -1\r\n\r\n{}",
        "Content-Length: 99999999999999999999\r\n\r\n{}",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
        "Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "X: a\r\n folded: b\r\nContent-Length: 2\r\n\r\n{}",
        "X: a\rContent-Length: 9\r\nContent-Length: 2\r\n\r\n{}",
        "X: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    ] {
        let (statuses, said) = statuses(&daemon, &format!("POST /pause HTTP/1.1\r\n{insider}{ambiguous}"));
        assert_eq!(statuses, [400], "{ambiguous:?}: {said}");
    }
    for nonsense in
        ["\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03", "GET /health\r\n\r\n", "GET /\x1b[2J HTTP/1.1\r\n\r\n"]
    {
        assert_eq!(statuses(&daemon, nonsense).0, [400], "{nonsense:?}");
    }
    assert_eq!(daemon.status()["status"], "waiting_approval", "none of them was carried out");
}

#[test]
fn a_right_secret_speaks_for_its_own_request_and_for_no_other_on_the_connection() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let ask = |head: &str| format!("POST /status HTTP/1.1\r\n{head}Content-Length: 2\r\n\r\n{{}}");
    let (wrong, right) = (ask(&format!("{STRANGER}X-Webhook-Secret: wrong\r\n")), ask(&insider()));
    let piled = [&wrong, &right, &wrong, &ask(STRANGER), &right].map(String::as_str).concat();
    assert_eq!(statuses(&daemon, &piled).0, [401, 200, 401, 401, 200]);
}

#[test]
fn no_other_method_or_protocol_gives_a_stranger_more() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    for method in ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "PROPFIND", "get", "X"] {
        for path in ["/command", "/webhook/stop", "/events", "/metrics"] {
            let (statuses, said) =
                statuses(&daemon, &format!("{method} {path} HTTP/1.1\r\n{STRANGER}X: echo\r\n\r\n"));
            assert!(matches!(statuses[..], [401 | 405]), "{method} {path}: {said}");
            assert!(!said.contains("echo"), "{said}");
        }
    }
    let upgrade = |to: &str| {
        format!(
            "GET /events HTTP/1.1\r\n{STRANGER}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {to}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
    };
    for (bytes, expected) in [
        (upgrade("h2c"), &[401][..]),
        (upgrade("websocket"), &[401]),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[]),
        (format!("OPTIONS * HTTP/1.1\r\n{STRANGER}\r\n"), &[404]),
        (format!("CONNECT 127.0.0.1:22 HTTP/1.1\r\n{STRANGER}\r\nSSH-2.0\r\n"), &[404, 400]),
        (
            format!("POST http://evil.example/stop HTTP/1.1\r\n{STRANGER}Content-Length: 2\r\n\r\n{{}}"),
            &[401],
        ),
        (
            format!("POST /stop HTTP/1.1\r\n{STRANGER}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{{}}"),
            &[100, 401],
        ),
        (format!("POST /stop HTTP/1.1\r\n{STRANGER}Expect: tea\r\nContent-Length: 2\r\n\r\n{{}}"), &[401]),
    ] {
        let (statuses, said) = statuses(&daemon, &bytes);
        assert!(statuses == expected || (statuses == [401] && expected == [100, 401]), "{bytes}: {said}");
    }
}

#[test]
fn a_head_may_be_32_kib_long_and_no_longer() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let answers = |bytes: String| statuses(&daemon, &bytes).0;
    let header = |length: usize| format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(length));
    let path = |length: usize| format!("GET /{} HTTP/1.1\r\nX-Request-Id: long\r\n\r\n", "x".repeat(length));
    let many = |count: usize| format!("GET /health HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(count));
    assert_eq!(answers(header(31 * 1024)), [200]);
    assert_eq!(answers(header(64 * 1024)), [431]);
    assert_eq!(answers(path(31 * 1024)), [404]);
    assert!(matches!(answers(path(64 * 1024))[..], [414 | 431]));
    assert_eq!(answers(many(100)), [200]);
    assert_eq!(answers(many(101)), [431]);

    let line = daemon.await_access_line("long");
    assert!(line.len() < 400 && line.contains("xxx… 404 "), "one request can't fill the access log: {line}");
}

/// A byte now and then, for ever: neither the head nor the body may take longer than ten seconds in all.
#[test]
fn who_trickles_is_cut_off_all_the_same() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let mut head = daemon.connect();
    head.send("POST /status HTTP/1.1\r\nX: ");
    let mut body = daemon.connect();
    body.send_head("/status", 60_000);
    body.send("{\"x\":\"");
    let trickles = |connection: &mut Connection| connection.try_send("x").is_ok();
    super::support::eventually::until(super::support::SOON, "both to be cut off", || {
        // An answer, or the end, has come once there is something to read.
        let (head_goes_on, body_goes_on) = (trickles(&mut head), trickles(&mut body));
        (head.has_news() || !head_goes_on) && (body.has_news() || !body_goes_on)
    });
    let said = body.read_what_came();
    assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("did not arrive within 10 s"), "{said}");
}

#[test]
#[ignore = "takes over a minute: .ci/run asks for it"]
fn a_stranger_who_never_reads_is_cut_off_after_a_while() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let before = daemon.open_files();
    let mut connections: Vec<_> = (0..50).map(|_| daemon.connect()).collect();
    let ask = format!("GET /openapi.json HTTP/1.1\r\n{STRANGER}\r\n").repeat(100);
    for connection in &mut connections {
        connection.send(&ask);
    }
    assert!(daemon.open_files() >= before + 50, "they are open, and their answers lie about");
    let deadline = std::time::Duration::from_mins(2);
    super::support::eventually::until(deadline, "them to be cut off", || daemon.open_files() <= before + 1);
}
