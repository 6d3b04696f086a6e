//! `GET /metrics`: what Prometheus makes of it, and that what is counted survives whatever happens to the daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;
use support::claude::{Claude, fails, succeeds, waits};
use support::daemon::{A_RUN, Daemon, SECRET};
use support::eventually::until;
use support::processes;
use support::stream::EventStream;
use support::taskfile::Task;

#[test]
fn prometheus_accepts_the_figures() {
    let daemon = busy();
    daemon.get("/nowhere").unwrap();
    let _stream = EventStream::open(daemon.port(), None);
    let bearer = format!("Bearer {SECRET}");
    let answer = EventStream::ask(daemon.port(), "/metrics", &[("Authorization", &bearer)]);
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    let text = answer.rest();

    assert_eq!(promtool(&text), "", "promtool check metrics, of:\n{text}");
    let mut series = BTreeSet::new();
    let mut families = BTreeSet::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(families.insert(help.split(' ').next().unwrap()), "twice: {line}");
        } else if !line.starts_with('#') {
            assert!(series.insert(line.rsplit_once(' ').unwrap().0), "twice: {line}");
        }
    }
    for name in [
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_start_time_seconds",
        "orchestrator_build_info{version=\"0.1.0\"}",
        "orchestrator_http_request_duration_seconds_bucket{endpoint=\"other\",le=\"+Inf\"}",
    ] {
        assert!(series.contains(name), "no {name} in:\n{text}");
    }
}

#[test]
fn what_happened_is_counted_and_survives_restarts() {
    let mut daemon = busy();
    let figures = Figures::of(&daemon);
    for (series, value) in [
        ("orchestrator_tasks_total{outcome=\"completed\"}", 1.0),
        ("orchestrator_tasks_total{outcome=\"failed\"}", 1.0),
        ("orchestrator_tasks_total{outcome=\"interrupted\"}", 1.0),
        ("orchestrator_tasks_total{outcome=\"skipped\"}", 2.0),
        ("orchestrator_runs_total{verdict=\"completed\"}", 1.0),
        ("orchestrator_runs_total{verdict=\"failed\"}", 1.0),
        ("orchestrator_runs_total{verdict=\"lost\"}", 1.0),
        ("orchestrator_runs_total{verdict=\"never_ran\"}", 0.0),
        ("orchestrator_run_duration_seconds_count", 3.0),
        ("orchestrator_run_duration_seconds_bucket{le=\"+Inf\"}", 3.0),
        ("orchestrator_gate_wait_seconds_count", 3.0),
        ("orchestrator_cost_usd_total", 0.75),
        ("orchestrator_open_gates", 1.0),
        ("orchestrator_sessions{status=\"open\"}", 1.0),
        ("orchestrator_sessions{status=\"completed\"}", 0.0),
        ("orchestrator_events_total{kind=\"session_started\"}", 1.0),
        ("orchestrator_hold{kind=\"usage_limit\"}", 0.0),
    ] {
        assert_eq!(figures.value(series), Some(value), "{series}:\n{}", figures.text);
    }
    for took in ["orchestrator_run_duration_seconds_sum", "orchestrator_gate_wait_seconds_sum"] {
        assert!(figures.value(took).is_some_and(|seconds| 0.0 < seconds && seconds < 60.0), "{took}");
    }
    let events = daemon.database().numbers("SELECT count(*) FROM events")[0];
    let told: f64 = figures.named("orchestrator_events_total").map(|(_, value)| value).sum();
    assert_eq!(told.to_string(), events.to_string());

    assert!(daemon.sigterm().success());
    daemon.restart();
    assert_eq!(Figures::of(&daemon).lasting(), figures.lasting());
    daemon.kill9();
    daemon.restart();
    assert_eq!(Figures::of(&daemon).lasting(), figures.lasting());

    daemon.ok("/stop", json!({}));
    let stopped = Figures::of(&daemon);
    assert_eq!(stopped.value("orchestrator_sessions{status=\"open\"}"), Some(0.0));
    assert_eq!(stopped.value("orchestrator_sessions{status=\"stopped\"}"), Some(1.0));
    assert_eq!(stopped.value("orchestrator_open_gates"), Some(0.0));
    assert_eq!(stopped.value("orchestrator_gate_wait_seconds_count"), Some(4.0));
}

/// The counting began with a migration; what a database held by then is counted too.
#[test]
fn a_history_that_is_older_than_the_counting_is_counted() {
    let mut daemon = busy();
    let figures = Figures::of(&daemon);
    assert!(daemon.sigterm().success());
    let database = daemon.database();
    let triggers = database.texts("SELECT name FROM sqlite_master WHERE type = 'trigger'");
    let dropped: Vec<_> = triggers.iter().map(|name| format!("DROP TRIGGER {name};")).collect();
    database.execute(&format!(
        "{}
         ALTER TABLE runs DROP COLUMN verdict;
         ALTER TABLE runs DROP COLUMN micro_usd;
         ALTER TABLE runs DROP COLUMN milliseconds;
         ALTER TABLE gates DROP COLUMN decision;
         ALTER TABLE gates DROP COLUMN milliseconds;
         DROP TABLE tallies;
         DROP TABLE durations;
         DROP TABLE notifications;
         DROP TABLE retired_gates;
         ALTER TABLE gates DROP COLUMN reminders;
         DROP TABLE spending;
         DROP INDEX unovercome_holds;
         DROP INDEX ended_holds;
         ALTER TABLE holds DROP COLUMN overcome_at;
         DELETE FROM _sqlx_migrations WHERE version >= 2",
        dropped.concat()
    ));
    daemon.restart();
    assert_eq!(Figures::of(&daemon).lasting(), figures.lasting());
}

#[test]
fn requests_are_counted_by_endpoint_whoever_makes_up_paths() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let before = Figures::of(&daemon);
    for path in ["/nowhere", "/start/", "/%00", "/webhook", "/a?b=c"] {
        assert_eq!(daemon.get(path).unwrap().0, 404, "{path}");
    }
    daemon.ok("/sessions", json!({}));
    daemon.ok("/webhook/sessions", json!({}));
    assert_eq!(daemon.get("/sessions").unwrap().0, 405);
    let after = Figures::of(&daemon);
    for (labels, count) in [
        ("{endpoint=\"other\",status=\"404\"}", 5.0),
        ("{endpoint=\"/sessions\",status=\"200\"}", 2.0),
        ("{endpoint=\"/sessions\",status=\"405\"}", 1.0),
        ("{endpoint=\"/metrics\",status=\"200\"}", 1.0),
    ] {
        let series = format!("orchestrator_http_requests_total{labels}");
        let grown = after.value(&series).unwrap_or(0.0) - before.value(&series).unwrap_or(0.0);
        assert_eq!(grown.to_string(), count.to_string(), "{series}:\n{}", after.text);
    }
}

#[test]
fn a_hold_is_told_while_it_stands() {
    let nowhere = Claude { program: "/nowhere/claude".into(), flags: "", environment: vec![] };
    let daemon = Daemon::with(nowhere).approval_mode("auto").start();
    daemon.start(&[Task::new("One", "Please do.")]);
    daemon.await_that(A_RUN, "a hold", |status| !status["hold"].is_null());
    let figures = Figures::of(&daemon);
    assert_eq!(figures.value("orchestrator_hold{kind=\"launch\"}"), Some(1.0));
    assert_eq!(figures.value("orchestrator_hold{kind=\"login\"}"), Some(0.0));
}

/// A daemon that has seen a run end in each way, and waits at a gate.
fn busy() -> Daemon {
    let mut daemon = Daemon::with(Claude::stand_in()).approval_mode("auto").start();
    let files = tempfile::tempdir().unwrap();
    let (ready, go) = (files.path().join("ready"), files.path().join("go"));
    daemon.start(&[
        Task::new("Well", &succeeds(0.5)),
        Task::new("Badly", &fails(0.25)),
        Task::new("Not", &waits(&ready, &go)),
        Task::new("Asked", &succeeds(0.0)).with("Requires Approval", "true"),
        Task::new("Asked too", &succeeds(0.0)).with("Requires Approval", "true"),
    ]);
    let failed = daemon.await_gate("failed", 2);
    daemon.ok("/skip", json!({"gate": failed["id"]}));
    until(A_RUN, "the run to be at work", || ready.exists());
    daemon.kill9();
    processes::kill_all(|| daemon.run_tree());
    daemon.restart();
    let interrupted = daemon.await_gate("interrupted", 3);
    daemon.ok("/skip", json!({"gate": interrupted["id"]}));
    let asked = daemon.await_gate("before", 4);
    daemon.ok("/reject", json!({"gate": asked["id"], "feedback": "not yet"}));
    daemon.await_gate("before", 4);
    daemon
}

/// What `promtool check metrics` has to say.
fn promtool(text: &str) -> String {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed: `apt-get install prometheus` on Debian");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { said } else { format!("{}: {said}", output.status) }
}

/// One scrape.
struct Figures {
    text: String,
    series: BTreeMap<String, f64>,
}

impl Figures {
    #[track_caller]
    fn of(daemon: &Daemon) -> Self {
        let (status, text) = daemon.get("/metrics").unwrap();
        assert_eq!(status, 200, "{text}");
        let series = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        });
        Self { series: series.collect(), text }
    }

    fn value(&self, series: &str) -> Option<f64> {
        self.series.get(series).copied()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = (&str, f64)> {
        let of_that_name = move |series: &str| series.split('{').next() == Some(name);
        self.series
            .iter()
            .map(|(series, value)| (series.as_str(), *value))
            .filter(move |(series, _)| of_that_name(series))
    }

    /// What isn't about the process alone.
    fn lasting(&self) -> Vec<(&str, f64)> {
        let passing =
            ["process_", "orchestrator_http_", "orchestrator_event_streams", "orchestrator_database_bytes"];
        let all = self.series.iter().map(|(series, value)| (series.as_str(), *value));
        all.filter(|(series, _)| passing.iter().all(|prefix| !series.starts_with(prefix))).collect()
    }
}
