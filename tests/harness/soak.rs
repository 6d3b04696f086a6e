//! Many tasks through one daemon: what it holds on to must not grow with what it has done.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::arena::{Arena, Setting};
use crate::given;
use crate::operator::order;
use crate::support::processes::alive;
use crate::support::taskfile::{Task, task_file};

const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long a session may take.
const A_SESSION: Duration = Duration::from_mins(10);

/// What is held at the end of a session.
#[derive(Clone, Copy, Debug)]
struct Sample {
    resident_kib: u64,
    threads: u64,
    files: usize,
    wal_kib: u64,
    database_kib: u64,
    tasks_per_second: f64,
}

impl Sample {
    fn take(arena: &Arena, pid: u32, tasks: u64, took: Duration) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let kib = |name: &str| fs::metadata(arena.root().join(name)).map_or(0, |file| file.len() / 1024);
        Self {
            resident_kib: field("VmRSS:"),
            threads: field("Threads:"),
            files: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(),
            wal_kib: kib("orchestrator.db-wal"),
            database_kib: kib("orchestrator.db"),
            tasks_per_second: f64::from(u32::try_from(tasks).unwrap()) / took.as_secs_f64(),
        }
    }
}

#[test]
#[ignore = "takes an hour: SOAK_SESSIONS=200 SOAK_TASKS=500"]
fn memory_files_and_wal_stay_level() {
    let (sessions, tasks) = (given("SOAK_SESSIONS", 200), given("SOAK_TASKS", 500));
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/stand_in.sh");
    let environment = vec![
        ("ORCHESTRATOR__ORCHESTRATOR__APPROVAL_MODE", "auto".to_owned()),
        ("ORCHESTRATOR__CLAUDE__COMMAND", shell_words::quote(program.to_str().unwrap()).into_owned()),
    ];
    let arena = Arena::new(Setting { environment, ..Setting::usual() });
    let mut daemon = arena.start(&[]);
    let round: Vec<Task> = (0..tasks).map(|_| Task::new("Round", "stand-in succeeds 0.01")).collect();
    fs::write(arena.root().join("tasks/round.md"), task_file(&round)).unwrap();

    let mut samples = Vec::new();
    for number in 1..=sessions {
        let began = Instant::now();
        let ended = see_through(&arena);
        assert_eq!(ended["completed"], tasks, "{}", arena.said());
        let sample = Sample::take(&arena, daemon.id(), tasks, began.elapsed());
        let Sample { database_kib, tasks_per_second, .. } = sample;
        eprintln!("session {number}: {database_kib} KiB, {tasks_per_second:.1} tasks a second; {sample:?}");
        samples.push(sample);
        // What a run printed is kept for the operator to look at; here it would only fill the disk.
        fs::remove_dir_all(arena.root().join("logs").join(ended["session"].as_str().unwrap())).unwrap();
    }
    assert!(daemon.try_wait().unwrap().is_none(), "{}", arena.said());
    assert!(arena.complaints().is_empty(), "{:?}", arena.complaints());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(alive().iter().all(|process| process.identity.pid != daemon.id().cast_signed()));
    assert_level(&samples);
}

/// Starts the round and waits for its end.
fn see_through(arena: &Arena) -> Value {
    arena.ask(order("/start", &json!({"task_file": "round.md", "again": true}))).expect("an answer");
    let since = Instant::now();
    loop {
        let status = arena.insist("/status", &json!({}));
        if status["status"] == "completed" {
            return status;
        }
        assert!(since.elapsed() < A_SESSION, "{status:#}\n{}", arena.said());
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Holds the last third against the second: the first is for warming up.
fn assert_level(samples: &[Sample]) {
    let third = samples.len() / 3;
    let (middle, last) = (&samples[third..2 * third], &samples[2 * third..]);
    let most = |samples: &[Sample], of: fn(&Sample) -> u64| samples.iter().map(of).max().unwrap_or_default();
    for (what, of, slack) in [
        ("KiB of memory", (|sample| sample.resident_kib) as fn(&Sample) -> u64, 4096),
        ("threads", |sample| sample.threads, 2),
        ("open files", |sample| sample.files as u64, 3),
        ("KiB of WAL", |sample| sample.wal_kib, 1024),
    ] {
        let (before, after) = (most(middle, of), most(last, of));
        eprintln!("{what}: at most {before}, then {after}");
        assert!(after <= before + before / 20 + slack, "{what} grow: {before}, then {after}");
    }
}
