//! Runs that are a user of their own: what they can't reach, and that they end as all others do. The daemon isn't root
//! here, and has the three capabilities that its unit gives it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::{Value, json};
use support::claude::{Claude, fails, ignores, resists, runs, succeeds, waits};
use support::daemon::{A_RUN, Builder, Daemon};
use support::eventually::{eventually, until};
use support::model::{Model, Script, Turn};
use support::processes::{self, Identity, Process, with_argument};
use support::taskfile::Task;
use support::users::{DAEMON, RUNS, Users};
use support::{SOON, eventually};

/// What a hostile task tries, each with the name by which it is reported.
const ATTEMPTS: &str = r#"
try 'read the configuration'       cat $F/config.toml
try 'read the .env'                cat $F/.env
try 'read the database'            cat $F/orchestrator.db
try 'list the logs'                ls $F/logs
try 'read the access log'          cat $F/logs/webhook-access.log
try 'read what a run printed'      cat $L/task-1-run-1.ndjson
try 'read the control folder'      cat $L/.task-1-run-1/started
try 'forge how the run ended'      sh -c "echo code 0 > $L/.task-1-run-1/exit.forged"
try 'forge who was started'        ln $0 $L/.task-1-run-1/child.forged
try 'forge what the run printed'   sh -c "true >> $L/task-1-run-1.ndjson"
try 'open its own output again'    sh -c 'true >> /proc/self/fd/3'
try 'replace the database'         touch $F/orchestrator.db-journal.forged
try 'replace the configuration'    touch $F/config.toml.forged
try 'write a task file'            touch $F/tasks/forged.md
try "read the daemon's environment" cat /proc/$DAEMON/environ
try "read the daemon's memory"     cat /proc/$DAEMON/maps
try "list the daemon's files"      ls /proc/$DAEMON/fd/
try "read the launcher's memory"   cat /proc/$LAUNCHER/maps
try 'signal the daemon'            kill -0 $DAEMON
try 'signal the launcher'          kill -0 $LAUNCHER
try 'give a command over HTTP'     curl -fsS -H 'Content-Type: application/json' -d '{}' http://127.0.0.1:$PORT/status
try 'give a command by its client' $F/bin/orchestrator --config $F/config.toml status
try 'become the daemon'            setpriv --reuid 1 true
"#;

/// A task whose run does what `script` says, once it knows what an attacker might find out.
fn hostile(daemon: &Daemon, script: &str) -> Task {
    let path = daemon.project().join("hostile.sh");
    let folder = daemon.folder().display();
    let text = format!(
        "F={folder}\nuntil [ -e known ]; do sleep 0.02; done\n. ./known\nexec 3>&1\n\
         try() {{ what=$1; shift; if \"$@\" >>said 2>&1 3>&3; then echo \"$what: yes\"; else echo \"$what: no\"; fi >>outcome; }}\n\
         {script}\n"
    );
    fs::write(&path, text).unwrap();
    Task::new("Hostile", &(runs(&path) + &succeeds(0.01)))
}

/// Tells the hostile task what it waits for.
fn disclose(daemon: &Daemon, started: &Value) {
    let logs = daemon.folder().join("logs").join(session(started));
    let launcher = launcher(daemon, started, "task-1-run-1");
    let known = format!(
        "DAEMON={} LAUNCHER={} PORT={} L={}\n",
        daemon.pid(),
        launcher.pid,
        daemon.port(),
        logs.display()
    );
    let draft = daemon.project().join("draft");
    fs::write(&draft, known).unwrap();
    fs::rename(draft, daemon.project().join("known")).unwrap();
}

fn session(started: &Value) -> String {
    started["session"].as_str().unwrap_or_else(|| panic!("no session in {started:#}")).to_owned()
}

fn launcher(daemon: &Daemon, started: &Value, run: &str) -> Identity {
    let record = daemon.folder().join("logs").join(session(started)).join(format!(".{run}/started"));
    let text = eventually(SOON, "the launcher to publish itself", || fs::read_to_string(&record));
    let pid = text.split(' ').next().unwrap().parse().unwrap();
    Process::read(pid).expect("the launcher is there").identity
}

fn auto(users: Users) -> Builder {
    Daemon::with(Claude::stand_in()).under_users(users).approval_mode("auto")
}

fn outcome_of(users: Users) -> String {
    let daemon = auto(users).start();
    let started = daemon.start(&[hostile(&daemon, ATTEMPTS)]);
    disclose(&daemon, &started);
    daemon.await_status("completed");
    daemon.assert_no_run_alive();
    let said = fs::read_to_string(daemon.project().join("said")).unwrap();
    let outcome = fs::read_to_string(daemon.project().join("outcome")).unwrap();
    assert!(outcome.lines().count() > 20, "{outcome}\n{said}");
    outcome
}

#[test]
fn a_run_of_its_own_user_reaches_nothing_that_is_the_daemons() {
    let apart = outcome_of(Users::TWO);
    let reached: Vec<&str> = apart.lines().filter(|line| !line.ends_with(": no")).collect();
    assert!(reached.is_empty(), "{reached:#?}");
}

/// Shows that what is tried above is worth trying, and what not being dumpable is good for.
#[test]
fn a_run_of_the_same_user_reaches_nearly_everything() {
    let together = outcome_of(Users::ONE);
    let refused: Vec<&str> = together.lines().filter(|line| line.ends_with(": no")).collect();
    assert_snapshot!(refused.join("\n"));
}
