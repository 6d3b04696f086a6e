//! What happens to a run when the daemon, the launcher or the CLI dies at a bad moment. A future that is dropped is
//! what a daemon that is killed looks like from outside; the run goes on without it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod claude_support;

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use claude_support::{LIMITS, NOBODY, Run, failure, is_alive, summary, until, working_in};
use orchestrator::claude::{
    Birthplace, EndedBy, Exit, Found, Limits, MARKER_VARIABLE, Process, ProcessError, find,
};
use orchestrator::domain::run::{Failure, Verdict};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

fn adopted(found: Found) -> Process {
    match found {
        Found::Adopted(process) => process,
        other => panic!("not adopted: {other:?}"),
    }
}

fn gone(found: Found) -> Process {
    match found {
        Found::Gone(process) => process,
        other => panic!("not gone: {other:?}"),
    }
}

fn found(found: Found) -> Process {
    match found {
        Found::Adopted(process) | Found::Gone(process) => process,
        Found::NeverRan => panic!("it ran"),
    }
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

fn lines_of(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn a_daemon_that_dies_around_the_spawn_never_makes_two_processes() {
    let (mut never, mut ran) = (0, 0);
    for trial in 0..120_u32 {
        let run = Run::new();
        let tally = run.folder.path().join("tally");
        drop(run.spawn(&format!("count {}", tally.display())));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(u64::from(trial) * 60) {
            std::hint::spin_loop();
        }
        match run.find().await {
            Found::NeverRan => {
                assert_eq!(run.alive(), NOBODY);
                assert_eq!(lines_of(&tally), 0);
                assert!(matches!(run.find().await, Found::NeverRan));
                never += 1;
            }
            Found::Adopted(process) | Found::Gone(process) => {
                let ended = run.see(process, LIMITS).await;
                assert_eq!(summary(&ended), "Counted.");
                assert_eq!(lines_of(&tally), 1);
                ran += 1;
            }
        }
        assert_eq!(run.alive(), NOBODY);
    }
    assert!(never > 0 && ran > 0, "only one side of the race was seen: {never} and {ran}");
}

#[tokio::test]
async fn a_run_that_was_only_claimed_never_ran_and_never_will() {
    for _ in 0..50 {
        let run = Run::new();
        assert!(matches!(run.find().await, Found::NeverRan));
        let tally = run.folder.path().join("tally");
        let late = run.spawn(&format!("count {}", tally.display()));
        let ended = run.see(late, LIMITS).await;
        assert_eq!((ended.exit, lines_of(&tally)), (Exit::Unknown, 0));
        assert_eq!(run.alive(), NOBODY);
    }
}

/// As whom a run was started is in its order: one that can't be read now is read again later, rather than searched for as
/// if it were nobody's; one that broke off started nothing.
#[tokio::test]
async fn a_run_whose_order_cannot_be_read_is_found_when_it_can() {
    let run = Run::new();
    drop(run.spawn("succeed"));
    until("the result is there", || run.raw().contains("\"result\"")).await;
    let (order, elsewhere) = (run.control(), run.control().with_extension("elsewhere"));
    fs::rename(&order, &elsewhere).unwrap();
    fs::create_dir(&order).unwrap();

    let refused = find(run.files(), run.marker, &run.birthplace).await;

    assert!(matches!(refused, Err(ProcessError::Unreadable(_))), "{refused:?}");
    fs::remove_dir(&order).unwrap();
    fs::rename(&elsewhere, &order).unwrap();
    assert!(summary(&run.see(found(run.find().await), LIMITS).await).contains("one"));

    let claimed = Run::new();
    fs::create_dir_all(claimed.control().parent().unwrap()).unwrap();
    fs::write(claimed.control(), "{\"order\":{\"program\": \"cl").unwrap();
    assert!(matches!(claimed.find().await, Found::NeverRan));
}

#[tokio::test]
async fn a_result_that_lay_there_before_the_restart_is_never_lost() {
    for play in ["succeed", "hang-after-result", "result-then-killed"] {
        let run = Run::new();
        drop(run.spawn(play));
        until("the result is there", || run.raw().contains("\"result\"")).await;
        let ended = run.see(found(run.find().await), LIMITS).await;
        assert!(summary(&ended).contains("one"), "{play}");
        assert_eq!(run.alive(), NOBODY);
        assert_eq!(run.log().matches("■ Done").count(), 1, "{}", run.log());
    }
}

#[tokio::test]
async fn a_run_goes_on_through_restarts_and_its_log_has_no_seam() {
    let run = Run::new();
    let go = run.folder.path().join("go");
    let mut process = run.spawn(&format!("late {}", go.display()));
    until("it has begun", || run.raw().contains("init")).await;
    for _ in 0..3 {
        let watching = run.try_see(process, LIMITS);
        let restart = tokio::time::timeout(Duration::from_millis(50), watching).await;
        assert!(restart.is_err(), "it ended early");
        process = adopted(run.find().await);
    }
    fs::write(go, "").unwrap();
    let ended = run.see(process, LIMITS).await;
    assert_eq!(summary(&ended), "Late, but done.");
    assert_eq!((ended.by, ended.exit), (EndedBy::Itself, Exit::Code(0)));
    assert_eq!(run.log(), "Claude begins (stand-in)\n■ Done, $0.25\n");
}

/// Counted from the adoption, the idle limit would come first.
#[tokio::test]
async fn the_total_limit_counts_from_the_start_of_the_run() {
    let run = Run::new();
    drop(run.spawn("hang"));
    until("it has begun", || run.raw().contains("init")).await;
    let begun = Instant::now();
    until("it is old", || begun.elapsed() > Duration::from_millis(600)).await;
    let (total, idle) = (Duration::from_millis(1200), Duration::from_secs(1));
    let ended = run.see(adopted(run.find().await), Limits { total, idle, ..LIMITS }).await;
    assert_eq!(*failure(&ended), Failure::TimedOut { after: total });
}

#[tokio::test]
async fn what_ended_a_run_is_known_after_a_restart() {
    let run = Run::new();
    let process = run.spawn("ignore-term");
    until("it speaks", || run.raw().contains("cannot stop")).await;
    let total = Duration::from_millis(1);
    let watching = run.try_see(process, Limits { total, ..LIMITS });
    assert!(tokio::time::timeout(Duration::from_millis(200), watching).await.is_err());
    let process = adopted(run.find().await);
    kill(run.program());
    let ended = run.see(process, LIMITS).await;
    assert_eq!(*failure(&ended), Failure::TimedOut { after: total });
}

#[tokio::test]
async fn a_dead_launcher_leaves_nothing_alive() {
    for restart in [false, true] {
        let run = Run::new();
        let process = run.spawn("detach-and-hang");
        until("it has detached", || run.raw().contains("Detached")).await;
        kill(process.pid().unwrap());
        let process = if restart {
            drop(process);
            until("the launcher is gone", || !is_alive(run.launcher())).await;
            found(run.find().await)
        } else {
            process
        };
        let ended = run.see(process, LIMITS).await;
        assert_eq!((ended.outcome.verdict, ended.exit), (Verdict::Lost, Exit::Unknown));
        assert_eq!(run.alive(), NOBODY);
        for escapee in working_in(&run.project()) {
            let command = fs::read(format!("/proc/{escapee}/cmdline")).unwrap();
            assert!(command.starts_with(b"sleep\x00603"), "{command:?}");
            kill(escapee);
        }
    }
}

#[tokio::test]
async fn a_run_that_puts_pipes_in_its_files_places_keeps_nobody_waiting() {
    let run = Run::new();
    let ended = tokio::time::timeout(LIMITS.idle, run.play("pipes")).await.expect("it ends");
    assert_eq!((ended.outcome.verdict, ended.exit), (Verdict::Lost, Exit::Unknown));
    assert!(fs::metadata(run.control()).unwrap().file_type().is_fifo());
}

/// Such as what a terminal server or a build server starts for the run: nobody's child in it, and known by the marker alone.
#[tokio::test]
async fn what_others_start_for_a_run_ends_with_it() {
    let run = Run::new();
    let go = run.folder.path().join("go");
    let process = run.spawn(&format!("late {}", go.display()));
    // Who else should know the marker?
    until("the program is there", || run.record("child").is_some()).await;
    let marker = run.marker.to_string();
    let mut other = Command::new("sleep").arg("604").env(MARKER_VARIABLE, marker).spawn().unwrap();
    fs::write(go, "").unwrap();
    let ended = run.see(process, LIMITS).await;
    assert_eq!((ended.exit, ended.left_behind), (Exit::Code(0), 1));
    assert_eq!(run.alive(), NOBODY);
    // It is reaped already, as a run's orphans are where this process is a container's init.
    let _ = other.wait();
}

/// A process that has nothing to do with any run, in a session of its own.
struct Stranger(Child);

impl Stranger {
    fn new() -> Self {
        Self(Command::new("setsid").args(["sleep", "60"]).spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }

    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let rest = stat.rsplit_once(')').unwrap().1;
        rest.split_whitespace().nth(19).unwrap().parse().unwrap()
    }

    fn assert_alive(&mut self) {
        assert_eq!(self.0.try_wait().unwrap(), None, "the stranger was ended");
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_number_that_is_used_again_is_nobody_of_ours() {
    let run = Run::new();
    let mut stranger = Stranger::new();
    let (pid, ticks) = (stranger.pid(), stranger.ticks());
    let records = [
        json!({"started": {"by": {"launcher": {"pid": pid, "ticks": ticks - 1}, "boot_id": run.birthplace.boot_id}}}),
        json!({"child": {"pid": pid, "ticks": ticks + 1}}),
    ];
    fs::create_dir_all(run.control().parent().unwrap()).unwrap();
    fs::write(run.control(), records.map(|record| record.to_string()).join("\n")).unwrap();
    let process = gone(run.find().await);
    stranger.assert_alive();
    let ended = run.see(process, LIMITS).await;
    assert_eq!(ended.outcome.verdict, Verdict::Lost);
    stranger.assert_alive();
}

#[tokio::test]
async fn nobody_elses_child_is_reaped() {
    let mut other = Command::new("true").spawn().unwrap();
    let stat = format!("/proc/{}/stat", other.id());
    until("it has ended", || fs::read_to_string(&stat).unwrap().contains(") Z ")).await;
    let run = Run::new();
    run.play("detach").await;
    assert!(other.wait().unwrap().success());
}

#[tokio::test]
async fn another_boot_or_namespace_leaves_only_the_file_to_judge() {
    for field in ["boot", "namespace"] {
        let mut elsewhere = Birthplace::here().unwrap();
        match field {
            "boot" => elsewhere.boot_id = "before".to_owned(),
            _ => elsewhere.pid_namespace = "pid:[1]".to_owned(),
        }
        let lost = Run::new();
        let process = gone(find(lost.files(), lost.marker, &elsewhere).await.unwrap());
        assert_eq!(lost.see(process, LIMITS).await.outcome.verdict, Verdict::Lost);

        let done = Run::new();
        done.play("succeed").await;
        let process = gone(find(done.files(), done.marker, &elsewhere).await.unwrap());
        assert_eq!(summary(&done.see(process, LIMITS).await), "All done.");
    }
}

#[tokio::test]
async fn a_run_is_judged_the_same_however_often() {
    let mut run = Run::new();
    run.command = vec!["claude-of-nowhere".to_owned()];
    let first = run.play("succeed").await;
    let log = run.log();
    for _ in 0..3 {
        let again = run.see(gone(run.find().await), LIMITS).await;
        assert_eq!(again.outcome, first.outcome);
        assert_eq!(run.log(), log);
    }
}

/// A run of another boot, of which only the raw output is there.
fn remains_of(raw: &[u8]) -> (Run, Birthplace) {
    let run = Run::new();
    fs::create_dir_all(run.control().parent().unwrap()).unwrap();
    fs::write(run.files().raw(), raw).unwrap();
    let elsewhere = Birthplace { boot_id: "before".to_owned(), ..run.birthplace.clone() };
    (run, elsewhere)
}

#[tokio::test]
async fn a_log_that_broke_off_anywhere_is_completed_without_a_seam() {
    let raw = fs::read(format!("{}/tests/samples/denied.ndjson", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (run, elsewhere) = remains_of(&raw);
    let again = async || {
        let process = gone(find(run.files(), run.marker, &elsewhere).await.unwrap());
        run.see(process, LIMITS).await;
        run.log()
    };
    let whole = again().await;
    insta::assert_snapshot!(whole);
    for length in 0..whole.len() {
        fs::write(run.files().log(), &whole.as_bytes()[..length]).unwrap();
        assert_eq!(again().await, whole);
    }
}

#[tokio::test]
async fn output_that_broke_off_anywhere_is_success_only_with_its_result() {
    let raw = fs::read(format!("{}/tests/samples/success.ndjson", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for length in (0..raw.len()).step_by(97).chain([raw.len() - 2, raw.len() - 1]) {
        let (run, elsewhere) = remains_of(&raw[..length]);
        let process = gone(find(run.files(), run.marker, &elsewhere).await.unwrap());
        let ended = run.see(process, LIMITS).await;
        let complete = raw[..length].ends_with(b"}") && length > raw.len() - 2;
        assert_eq!(matches!(ended.outcome.verdict, Verdict::Completed { .. }), complete, "{length}");
    }
}
