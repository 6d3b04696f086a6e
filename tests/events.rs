//! `GET /events`, read byte by byte: nothing is lost, nothing is told twice, and nobody's stream is in anyone's way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use support::claude::{Claude, succeeds};
use support::daemon::{A_RUN, Builder, Daemon, SECRET};
use support::eventually::{eventually, until};
use support::stream::{EventStream, Frame};
use support::taskfile::Task;

const CUTS: usize = 100;

#[test]
fn a_stream_that_is_cut_anywhere_is_resumed_without_loss_or_repetition() {
    let mut daemon = quiet().start();
    let epoch = epoch(&daemon);
    let mut seen = vec![];
    let mut last = format!("{epoch}-0");
    let mut random = Random(0x5eed);
    for cut in 0..CUTS {
        pause_and_resume(&daemon, random.below(4));
        let mut stream = EventStream::open(daemon.port(), Some(&last));
        pause_and_resume(&daemon, random.below(4));
        let newest = format!("{epoch}-{}", newest(&daemon));

        let mut budget = random.below(1500);
        while last != newest
            && let Some(frame) = stream.frame(&mut budget)
        {
            if frame.event.is_some() {
                last = take(&mut seen, &frame);
            }
        }
        match cut % 10 {
            3 => daemon.kill9(),
            7 => assert!(daemon.sigterm().success()),
            _ => continue,
        }
        daemon.restart();
    }

    let all = daemon.database().numbers("SELECT id FROM events ORDER BY id");
    let mut stream = EventStream::open(daemon.port(), Some(&last));
    while seen.len() < all.len() {
        take(&mut seen, &stream.event().unwrap());
    }
    assert_eq!(seen, all);
    assert!(all.len() > CUTS, "{}", all.len());
    pause_and_resume(&daemon, 1);
    let next = take(&mut seen, &stream.event().unwrap());
    assert_eq!(next, format!("{epoch}-{}", newest(&daemon)), "nothing is told again");
}

#[test]
fn who_names_no_event_hears_of_what_happens_from_now_on() {
    let daemon = quiet().set("orchestrator", "timezone", "Asia/Kolkata").start();
    let before = newest(&daemon);
    let mut stream = EventStream::open(daemon.port(), None);
    assert!(stream.head.contains("content-type: text/event-stream"), "{}", stream.head);
    assert!(stream.head.contains("cache-control: no-cache"), "{}", stream.head);

    let epoch = epoch(&daemon);
    let greeting = stream.frame(&mut usize::MAX.clone()).unwrap();
    assert_eq!(greeting.retry.as_deref(), Some("2000"));
    assert_eq!(greeting.id, Some(format!("{epoch}-{before}")), "where it stands, should it be cut off now");
    assert!(greeting.data.is_empty() && greeting.event.is_none(), "{greeting:?}");

    daemon.ok("/pause", json!({"user": "Ada"}));
    let paused = stream.event().unwrap();
    assert_eq!(paused.event.as_deref(), Some("paused"));
    assert_eq!(paused.id, Some(format!("{epoch}-{}", before + 1)));
    let data = paused.json();
    assert!(data["at"].as_str().unwrap().ends_with("+05:30"), "{data}");
    let session = daemon.status()["session"].clone();
    assert_eq!(
        data,
        json!({
            "id": before + 1, "kind": "paused", "session": session, "task": null, "at": data["at"],
            "message": "Paused by Ada", "event": {"kind": "paused", "by": {"name": "Ada"}},
        })
    );

    daemon.ok("/skip", json!({"task": 1}));
    let skipped =
        (0..9).find_map(|_| stream.event().filter(|frame| frame.event.as_deref() == Some("task_skipped")));
    assert_eq!(skipped.unwrap().json()["task"], 1);
}

#[test]
fn who_names_what_is_not_of_this_journal_is_told_so_and_gets_all_of_it() {
    let daemon = quiet().start();
    let epoch = epoch(&daemon);
    let all = daemon.database().numbers("SELECT id FROM events ORDER BY id");
    let ahead = format!("{epoch}-{}", newest(&daemon) + 1);
    for stranger in ["0123456789abcdef0123456789abcdef-2", "0", "nonsense", &format!("{epoch}-x"), &ahead] {
        let mut stream = EventStream::open(daemon.port(), Some(stranger));
        let reset = stream.event().unwrap();
        assert_eq!(reset.event.as_deref(), Some("reset"), "{stranger}");
        assert_eq!(reset.id, Some(format!("{epoch}-0")));
        assert_eq!(reset.json()["epoch"], epoch.as_str());
        let mut seen = vec![];
        while seen.len() < all.len() {
            take(&mut seen, &stream.event().unwrap());
        }
        assert_eq!(seen, all, "{stranger}");
    }

    let bearer = format!("Bearer {SECRET}");
    let asked = format!("/events?last_event_id={epoch}-1");
    let mut by_query = EventStream::ask(daemon.port(), &asked, &[("Authorization", &bearer)]);
    assert_eq!(by_query.event().unwrap().id, Some(format!("{epoch}-2")));
    let headers = [("Authorization", bearer.as_str()), ("Last-Event-ID", &format!("{epoch}-0"))];
    let mut by_both = EventStream::ask(daemon.port(), &asked, &headers);
    assert_eq!(by_both.event().unwrap().id, Some(format!("{epoch}-1")), "the header is the newer one");
}

#[test]
fn only_who_knows_the_secret_may_listen() {
    let daemon = quiet().start();
    let refused = |path: &str, headers: &[(&str, &str)]| {
        let answer = EventStream::ask(daemon.port(), path, headers);
        assert_eq!(answer.status, 401, "{path} {headers:?}");
        assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
        let body: Value = serde_json::from_str(&answer.rest()).unwrap();
        assert_eq!((&body["status"], &body["error"]["code"]), (&"error".into(), &"unauthorized".into()));
    };
    for path in ["/events", "/metrics"] {
        refused(path, &[]);
        refused(path, &[("Authorization", "Bearer wrong")]);
        refused(&format!("{path}?secret={SECRET}"), &[]);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let signature = signature("msg_1", now, "");
        let time = now.to_string();
        let signed =
            [("webhook-id", "msg_1"), ("webhook-timestamp", &time), ("webhook-signature", &signature)];
        assert_eq!(EventStream::ask(daemon.port(), path, &signed).status, 200, "{path}");
        let by_header = [("X-Webhook-Secret", SECRET)];
        assert_eq!(EventStream::ask(daemon.port(), path, &by_header).status, 200, "{path}");
    }
}

#[test]
fn open_streams_do_not_delay_the_end() {
    let mut daemon = quiet().start();
    let (mut busy, mut idle) =
        (EventStream::open(daemon.port(), None), EventStream::open(daemon.port(), None));
    daemon.ok("/pause", json!({}));
    assert_eq!(busy.event().unwrap().event.as_deref(), Some("paused"));
    assert!(daemon.sigterm().success());
    assert!(busy.event().is_none());
    while idle.event().is_some() {}
    assert!(!daemon.said().contains("dropping"), "{}", daemon.said());
}

#[test]
fn a_reader_who_stops_reading_costs_neither_memory_nor_a_clean_end() {
    let mut daemon = quiet().start();
    let epoch = epoch(&daemon);
    assert!(daemon.sigterm().success());
    let big = "hex(zeroblob(2000))";
    insert_events(&daemon, 20_000, big);
    daemon.restart();
    let before = resident_kib(&daemon);
    let mut streams: Vec<_> =
        (0..8).map(|_| EventStream::open(daemon.port(), Some(&format!("{epoch}-0")))).collect();
    for stream in &mut streams {
        assert!(stream.event().is_some());
    }
    assert_eq!(daemon.get("/metrics").unwrap().0, 200, "others are answered");
    let grown = resident_kib(&daemon).saturating_sub(before);
    assert!(grown < 40 * 1024, "grown by {grown} KiB for 8 streams of 80 MiB each");
    assert!(daemon.sigterm().success(), "{}", daemon.said());
    drop(streams);
}

#[test]
fn resuming_at_the_end_of_a_long_history_reads_none_of_it() {
    const HISTORY: u32 = 1_000_000;
    let mut daemon = quiet().start();
    let epoch = epoch(&daemon);
    assert!(daemon.sigterm().success());
    insert_events(&daemon, HISTORY, "'It happened'");
    daemon.restart();
    let newest = newest(&daemon);
    assert!(newest > i64::from(HISTORY));

    let read_before = bytes_read(&daemon);
    let mut resumed = EventStream::open(daemon.port(), Some(&format!("{epoch}-{newest}")));
    let mut fresh = EventStream::open(daemon.port(), None);
    daemon.ok("/pause", json!({}));
    for stream in [&mut resumed, &mut fresh] {
        let event = stream.event().unwrap();
        assert_eq!(event.id, Some(format!("{epoch}-{}", newest + 1)));
        assert_eq!(event.event.as_deref(), Some("paused"));
    }
    assert_eq!(daemon.get("/metrics").unwrap().0, 200);
    let read = bytes_read(&daemon) - read_before;
    assert!(read < 4 * 1024 * 1024, "{read} bytes were read to tell of one event");
}

#[test]
fn the_journal_is_read_by_its_key() {
    let daemon = quiet().start();
    let database = daemon.database();
    let queries = prepared_queries();
    let mut planned = 0;
    for query in queries.iter().filter(|query| query.contains("FROM events")) {
        planned += 1;
        let plan = database.plan(query);
        let by_key = |step: &String| !step.starts_with("SCAN") && !step.contains("TEMP B-TREE");
        assert!(plan.iter().all(by_key), "{query}\n{plan:#?}");
    }
    assert!(planned >= 3, "{queries:#?}");
}

#[test]
fn a_stream_that_meets_a_row_it_cannot_read_ends_and_nothing_else_does() {
    let mut daemon = quiet().start();
    let epoch = epoch(&daemon);
    let good = newest(&daemon);
    assert!(daemon.sigterm().success());
    insert_events(&daemon, 1, "'It happened'");
    daemon.database().execute(&format!("UPDATE events SET at = 'once' WHERE id > {good}"));
    daemon.restart();
    let mut stream = EventStream::open(daemon.port(), Some(&format!("{epoch}-{good}")));
    assert!(stream.event().is_none(), "nothing is left out in silence");
    assert!(daemon.said().contains("a row of the table events can't be read"), "{}", daemon.said());
    let mut past_it = EventStream::open(daemon.port(), Some(&format!("{epoch}-{}", good + 1)));
    daemon.ok("/pause", json!({}));
    assert_eq!(past_it.event().unwrap().event.as_deref(), Some("paused"));
}

#[test]
fn more_streams_than_there_are_places_for_are_refused_until_one_is_closed() {
    let daemon = quiet().start();
    let bearer = format!("Bearer {SECRET}");
    let ask = || EventStream::ask(daemon.port(), "/events", &[("Authorization", bearer.as_str())]);
    let mut streams: Vec<_> = (0..64).map(|_| ask()).collect();
    assert!(streams.iter().all(|stream| stream.status == 200));
    let refused = ask();
    assert_eq!(refused.status, 503);
    let body: Value = serde_json::from_str(&refused.rest()).unwrap();
    assert_eq!(body["error"]["code"], "unavailable");

    streams.pop();
    eventually(A_RUN, "a place to be free again", || {
        pause_and_resume(&daemon, 1);
        let stream = ask();
        if stream.status == 200 { Ok(()) } else { Err(stream.status) }
    });
}

#[test]
fn a_stream_on_which_nothing_happens_stays_open() {
    let daemon = quiet().start();
    let mut stream = EventStream::open(daemon.port(), None);
    until(A_RUN, "three signs of life, the last after any request would have timed out", || {
        stream.frame(&mut usize::MAX.clone()).expect("the stream goes on");
        stream.comments >= 3
    });
    daemon.ok("/pause", json!({}));
    assert_eq!(stream.event().unwrap().event.as_deref(), Some("paused"));
}

/// A daemon with a session that waits for its first approval: nothing happens unless somebody makes it happen.
fn quiet() -> Started {
    Started(Daemon::with(Claude::stand_in()))
}

struct Started(Builder);

impl Started {
    fn set(self, section: &'static str, key: &'static str, value: &str) -> Self {
        Self(self.0.set(section, key, value))
    }

    fn start(self) -> Daemon {
        let daemon = self.0.start();
        daemon.start(&[Task::new("One", &succeeds(0.25)), Task::new("Two", &succeeds(0.25))]);
        daemon
    }
}

/// Makes so many events.
fn pause_and_resume(daemon: &Daemon, times: usize) {
    for _ in 0..times {
        let path = if daemon.status()["paused"] == true { "/resume" } else { "/pause" };
        daemon.ok(path, json!({}));
    }
}

/// Notes an event's number; gives its id.
#[track_caller]
fn take(seen: &mut Vec<i64>, frame: &Frame) -> String {
    let data = frame.json();
    let id = frame.id.clone().expect("every event has an id");
    assert_eq!(frame.event.as_deref(), data["kind"].as_str());
    assert_eq!(id.rsplit_once('-').unwrap().1, data["id"].to_string());
    seen.push(data["id"].as_i64().unwrap());
    id
}

fn epoch(daemon: &Daemon) -> String {
    daemon.database().texts("SELECT value FROM meta WHERE key = 'epoch'").remove(0)
}

fn newest(daemon: &Daemon) -> i64 {
    daemon.database().numbers("SELECT max(id) FROM events")[0]
}

fn insert_events(daemon: &Daemon, count: u32, message: &str) {
    daemon.database().execute(&format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
         INSERT INTO events (session_id, kind, task, at, message, event)
         SELECT (SELECT id FROM sessions), 'paused', NULL, '2025-11-20T09:30:15Z', {message},
           '{{\"kind\":\"paused\",\"by\":{{\"name\":\"Ada\",\"chat\":null}}}}' FROM numbers"
    ));
}

fn prepared_queries() -> Vec<String> {
    fs::read_dir(".sqlx")
        .unwrap()
        .map(|entry| {
            let prepared: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
            prepared["query"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// What the daemon holds in memory.
fn resident_kib(daemon: &Daemon) -> u64 {
    figure(&format!("/proc/{}/status", daemon.pid()), "VmRSS:")
}

/// What the daemon has read so far, from files and otherwise.
fn bytes_read(daemon: &Daemon) -> u64 {
    figure(&format!("/proc/{}/io", daemon.pid()), "rchar:")
}

fn figure(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Standard Webhooks.
fn signature(id: &str, timestamp: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Numbers that look random and are the same in each run of the test.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
