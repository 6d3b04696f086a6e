//! What the tests of runs share: a scratch folder, the stand-in for the CLI, and a look at the process table.
#![allow(dead_code, reason = "each test binary uses a part of this")]

#[path = "../support/executable.rs"]
pub mod executable;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orchestrator::claude::{
    Activity, Birthplace, Conversation, Ended, Found, Invocation, LaunchError, Launcher, Limits, Marker,
    Process, ProcessError, RunFiles, Settings, find, see_through, spawn,
};
use orchestrator::domain::run::{Failure, Verdict};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const LIMITS: Limits = Limits {
    total: Duration::from_mins(2),
    idle: Duration::from_mins(1),
    after_result: Duration::from_millis(300),
    grace: Duration::from_secs(5),
    output: None,
};

pub const NOBODY: [i32; 0] = [];

/// One claimed run.
pub struct Run {
    pub folder: TempDir,
    pub marker: Marker,
    pub birthplace: Birthplace,
    pub stop: CancellationToken,
    pub activities: Arc<Mutex<Vec<String>>>,
    pub command: Vec<String>,
}

impl Run {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        Self {
            folder,
            marker: Marker::new(),
            birthplace: Birthplace::here().unwrap(),
            stop: CancellationToken::new(),
            activities: Arc::default(),
            command: vec![stand_in()],
        }
    }

    pub fn files(&self) -> RunFiles {
        RunFiles::new(self.folder.path().join("logs/session"), "task-1-run-1")
    }

    pub fn control(&self) -> PathBuf {
        self.folder.path().join("logs/session/.task-1-run-1.control")
    }

    /// The first record of a kind in the control file.
    pub fn record(&self, kind: &str) -> Option<serde_json::Value> {
        let records = std::fs::read_to_string(self.control()).ok()?;
        let mut records = records.lines().filter_map(|line| serde_json::from_str(line).ok());
        records.find_map(|record: serde_json::Value| record.get(kind).cloned())
    }

    /// The process in which the launcher published itself.
    pub fn launcher(&self) -> i32 {
        pid_in(&self.record("started").unwrap()["by"]["launcher"])
    }

    /// The program's process.
    pub fn program(&self) -> i32 {
        pid_in(&self.record("child").unwrap())
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn invocation(&self) -> Invocation {
        let settings = Settings { command: self.command.clone(), ..Settings::default() };
        let environment = std::env::vars_os();
        Invocation::of_claude(&settings, Conversation::New(Uuid::nil()), None, self.project(), environment)
    }

    pub fn try_spawn(&self, prompt: &str) -> Result<Process, LaunchError> {
        self.spawn_with(&launcher(), prompt)
    }

    pub fn spawn_with(&self, launcher: &Launcher, prompt: &str) -> Result<Process, LaunchError> {
        spawn(launcher, &self.invocation(), prompt, self.files(), self.marker)
    }

    pub fn spawn(&self, play: &str) -> Process {
        self.try_spawn(&format!("play: {play}\n")).unwrap()
    }

    pub async fn find(&self) -> Found {
        find(self.files(), self.marker, &self.birthplace).await.unwrap()
    }

    pub async fn see(&self, process: Process, limits: Limits) -> Ended {
        self.try_see(process, limits).await.unwrap()
    }

    pub async fn try_see(&self, process: Process, limits: Limits) -> Result<Ended, ProcessError> {
        let activities = Arc::clone(&self.activities);
        let on_activity = move |activity: Activity| activities.lock().unwrap().push(activity.0);
        see_through(process, &limits, false, &self.stop, on_activity).await
    }

    /// Spawns, follows to the end and makes sure that nothing is left.
    pub async fn play(&self, play: &str) -> Ended {
        self.play_within(play, LIMITS).await
    }

    pub async fn play_within(&self, play: &str, limits: Limits) -> Ended {
        let ended = self.see(self.spawn(play), limits).await;
        assert_eq!(self.alive(), NOBODY, "left alive after {play}");
        ended
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.files().log()).unwrap_or_default()
    }

    pub fn raw(&self) -> String {
        let raw = fs::read(self.files().raw()).unwrap_or_default();
        String::from_utf8_lossy(&raw).into_owned()
    }

    /// Processes that carry this run's marker.
    pub fn alive(&self) -> Vec<i32> {
        carriers(self.marker)
    }
}

pub fn launcher() -> Launcher {
    Launcher::new(PathBuf::from(env!("CARGO_BIN_EXE_orchestrator")))
}

pub fn stand_in() -> String {
    format!("{}/tests/stand_in/claude", env!("CARGO_MANIFEST_DIR"))
}

pub fn carriers(marker: Marker) -> Vec<i32> {
    let entry = format!("ORCHESTRATOR_RUN={marker}");
    pids()
        .into_iter()
        .filter(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one == entry.as_bytes())
        })
        .collect()
}

/// Processes that are told to sleep in `folder`, however well they hide.
pub fn working_in(folder: &Path) -> Vec<i32> {
    let folder = folder.canonicalize().unwrap();
    let here = |pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
    pids().into_iter().filter(here).collect()
}

pub fn pids() -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok()).collect()
}

fn pid_in(identity: &serde_json::Value) -> i32 {
    i32::try_from(identity["pid"].as_i64().unwrap()).unwrap()
}

/// Whether there is such a process, other than as a zombie.
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with(['Z', 'X']))
}

/// Waits for a condition that must come true.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain until {what}");
}

pub fn summary(ended: &Ended) -> &str {
    match &ended.outcome.verdict {
        Verdict::Completed { summary } => summary,
        other => panic!("not completed: {other:?}"),
    }
}

pub fn failure(ended: &Ended) -> &Failure {
    match &ended.outcome.verdict {
        Verdict::Failed { failure } => failure,
        other => panic!("not failed: {other:?}"),
    }
}
