//! Runs that are a user of their own: what they can't reach, and that they end as all others do. The daemon isn't root
//! here, and has the three capabilities that its unit gives it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::{Value, json};
use support::SOON;
use support::claude::{Claude, fails, resists, runs, succeeds};
use support::daemon::{A_RUN, Builder, Daemon};
use support::eventually::{eventually, until};
use support::executable::write_executable;
use support::model::{Model, Script, Turn};
use support::processes::{self, Identity, Process};
use support::taskfile::Task;
use support::users::{ControlGroup, DAEMON, RUNS, Users};

/// What a hostile task tries, each with the name by which it is reported.
const ATTEMPTS: &str = r#"
try 'read the configuration'       cat $F/config.toml
try 'read the .env'                cat $F/.env
try 'read the database'            cat $F/orchestrator.db
try 'list the logs'                ls $F/logs
try 'read the access log'          cat $F/logs/webhook-access.log
try 'read what a run printed'      cat $L/task-1-run-1.ndjson
try 'read the control file'        cat $L/.task-1-run-1.control
try 'forge how the run ended'      sh -c "echo >> $L/.task-1-run-1.control"
try 'forge who was started'        touch $L/.task-1-run-1.control.forged
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
try 'become the daemon'            setpriv --reuid daemon true
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
    let record = daemon.folder().join("logs").join(session(started)).join(format!(".{run}.control"));
    let pid = eventually(SOON, "the launcher to publish itself", || {
        let records = fs::read_to_string(&record).unwrap_or_default();
        let mut records = records.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let pid = records.find_map(|record| record["started"]["by"]["launcher"]["pid"].as_i64());
        pid.ok_or("it has not")
    });
    Process::read(i32::try_from(pid).unwrap()).expect("the launcher is there").identity
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
    let outcome = fs::read_to_string(daemon.project().join("outcome")).unwrap();
    assert!(outcome.lines().count() > 20, "{outcome}");
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

/// What a process is, by its own account: `$$` is the program that was started, not a shell of this script's.
const ACCOUNT: &str = r#"
{ echo "ids $(id -u) $(id -g) $(id -G)"; echo "umask $(umask), in $PWD"
  grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/$$/status
  tr '\0' '\n' </proc/$$/environ | sort; } >account
"#;

/// What a run and a check are and see, all of it; a variable that is added here is one more that project code gets.
#[test]
fn a_run_is_its_user_and_no_more() {
    let capable = Users { capable: true, ..Users::ONE };
    for (name, users) in
        [("two_users", Users::TWO), ("one_user", Users::ONE), ("one_user_with_rights", capable)]
    {
        let mut daemon = auto(users).prepare();
        let check = daemon.project().join("check.sh");
        let script = ACCOUNT.replace(">account", ">account-of-the-check");
        write_executable(&check, &format!("#!/bin/sh\n{script}"));
        let config = daemon.folder().join("config.toml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{text}[checks]\nlook = \"{}\"\n", check.display())).unwrap();
        daemon.restart();
        let started = daemon.start(&[hostile(&daemon, ACCOUNT).with("Check", "look")]);
        disclose(&daemon, &started);
        daemon.await_status("completed");

        assert_rights(&daemon, if users.runs.is_some() { "00000000000000e0" } else { "0000000000000000" });
        let (user, group) = users.runs.unwrap_or(DAEMON).ids();
        let ids = format!("ids {user} {group} {group}");
        let of = |name: &str| masked(&daemon, &fs::read_to_string(daemon.project().join(name)).unwrap());
        assert_eq!(of("account"), of("account-of-the-check"), "{name}: run and check differ");
        assert_snapshot!(name, of("account").strip_prefix(&ids).expect(&ids).trim_start());
    }
}

/// The daemon has these capabilities and no others, and leaves no core dump.
#[track_caller]
fn assert_rights(daemon: &Daemon, rights: &str) {
    let of = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", daemon.pid())).unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert!(of("status").contains(&format!("{set}:\t{rights}\n")), "{}", of("status"));
    }
    let limits = of("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

fn masked(daemon: &Daemon, text: &str) -> String {
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let text = text.replace(daemon.folder().to_str().unwrap(), "<folder>").replace(&path, "PATH=<ours>");
    let hidden = |line: &str| match line.split_once('=') {
        Some((name @ ("RIG_MARKER" | "ORCHESTRATOR_RUN"), _)) => format!("{name}=<id>"),
        _ => line.to_owned(),
    };
    text.lines().map(hidden).collect::<Vec<_>>().join("\n")
}

/// A run that has left processes behind and waits: one that carries its marker and doesn't end when it is asked to, and
/// two that carry nothing.
struct Detached {
    daemon: Daemon,
    started: Value,
    token: String,
}

fn detached(builder: Builder, timeout: &str) -> Detached {
    let daemon = builder.start();
    let token = format!("98{}", daemon.port());
    let script = daemon.project().join("hostile.sh");
    let text = format!(
        "setsid nohup sh -c 'trap \"\" TERM; while :; do sleep {token}1; done' >/dev/null 2>&1 &\n\
         (env -i setsid sh -c 'sleep {token}2 & sleep {token}3' >/dev/null 2>&1 &)\n\
         touch ready\nuntil [ -e go ]; do sleep 0.02; done\n"
    );
    fs::write(&script, text).unwrap();
    let instruction = resists() + &runs(&script) + &succeeds(0.01);
    let started = daemon.start(&[Task::new("Detach", &instruction).with("Timeout", timeout)]);
    let detached = Detached { daemon, started, token };
    until(A_RUN, "the run to have detached its processes", || detached.sleeping() == 3);
    until(A_RUN, "the run to wait", || detached.daemon.project().join("ready").exists());
    detached
}

impl Detached {
    fn sleeping(&self) -> usize {
        let all = processes::with_argument(&self.token);
        all.iter().filter(|process| process.arguments[0] == "sleep").count()
    }

    fn launcher(&self) -> Identity {
        launcher(&self.daemon, &self.started, "task-1-run-1")
    }

    fn let_go(&self) {
        fs::write(self.daemon.project().join("go"), "").unwrap();
    }

    fn await_end(&self) {
        let ended = |status: &Value| status["status"] == "completed" || status["status"] == "stopped";
        self.daemon.await_that(A_RUN, "the session to end", ended);
    }

    #[track_caller]
    fn assert_gone(&self) {
        self.daemon.assert_no_run_alive();
        processes::assert_no_process_running(&self.token);
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        processes::kill_all(|| processes::with_argument(&self.token));
    }
}

fn stopping(users: Users) -> Builder {
    let builder = auto(users).set("claude", "grace", "1s").set("orchestrator", "on_failure", "stop");
    builder.set("orchestrator", "on_interrupted", "stop")
}

/// However a run ends, nothing of it is left, though none of it is the daemon's user.
mod nothing_of_it_outlives_it {
    use super::*;

    #[test]
    fn after_success_skip_and_stop() {
        for command in ["", "/skip", "/stop"] {
            let run = detached(stopping(Users::TWO), "5m");
            if command.is_empty() {
                run.let_go();
            } else {
                run.daemon.ok(command, json!({}));
            }
            run.await_end();
            run.assert_gone();
        }
    }

    #[test]
    fn after_a_timeout() {
        let run = detached(stopping(Users::TWO), "3s");
        run.await_end();
        assert!(run.daemon.logs().contains("timed out after 3s"), "{}", run.daemon.logs());
        run.assert_gone();
    }

    #[test]
    fn after_the_daemon_was_killed_and_has_adopted_it() {
        let mut run = detached(stopping(Users::TWO), "5m");
        let cli = run.daemon.await_claude();
        run.daemon.kill9();
        run.daemon.restart();
        assert_eq!(run.daemon.await_claude().identity, cli.identity, "adopted, not repeated");
        run.let_go();
        run.await_end();
        assert_eq!(run.daemon.status()["completed"], 1);
        run.assert_gone();
    }

    /// Nobody of the run could kill the launcher, but an administrator can: then the marker finds them, and what has thrown
    /// that away as well is found in a control group only.
    #[test]
    fn after_the_daemon_and_the_launcher_were_killed() {
        let group = ControlGroup::delegated_to(DAEMON);
        for group in [None, Some(group.name())] {
            let mut run = detached(stopping(Users { group, ..Users::TWO }), "5m");
            run.daemon.kill9();
            run.launcher().signal(Signal::KILL);
            run.daemon.restart();
            run.await_end();
            run.daemon.assert_no_run_alive();
            assert_eq!(run.sleeping(), if group.is_none() { 2 } else { 0 });
        }
    }
}

/// In a group that is ours to divide, each run has one of its own, of which the launcher is no member.
#[test]
fn a_run_has_a_control_group_of_its_own() {
    let above = ControlGroup::delegated_to(DAEMON);
    for users in [Users::TWO, Users::ONE] {
        let mut run = detached(stopping(Users { group: Some(above.name()), ..users }), "5m");
        let groups = above.below();
        let [group] = groups.as_slice() else { panic!("not one group: {groups:?}") };
        let members = |group: &Path| {
            let pids = fs::read_to_string(group.join("cgroup.procs")).unwrap();
            pids.lines().map(|pid| pid.parse::<i32>().unwrap()).collect::<Vec<_>>()
        };
        let (inside, outside) = (members(group), members(above.path()));
        let cli = run.daemon.await_claude().identity.pid;
        assert!(inside.contains(&cli) && inside.len() >= 5, "{inside:?}");
        assert!(outside.contains(&run.launcher().pid) && outside.contains(&run.daemon.pid()), "{outside:?}");

        run.daemon.kill9();
        run.daemon.restart();
        run.daemon.ok("/stop", json!({}));
        run.await_end();
        run.assert_gone();
        assert_eq!(above.below(), [] as [PathBuf; 0]);
    }
}

/// Git is asked as the user who owns the repository: what a failed run has changed is known.
#[test]
fn what_a_run_changed_is_known_though_the_repository_is_not_the_daemons() {
    let daemon = auto(Users::TWO).start();
    let script = daemon.project().join("hostile.sh");
    fs::write(&script, "echo x >novel.txt\n").unwrap();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"];
        let mut git = Command::new("setpriv");
        git.args([&format!("--reuid={}", RUNS.ids().0), "--clear-groups", "git"])
            .args(identity)
            .args(arguments);
        let output = git.current_dir(daemon.project()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "The beginning"]);
    daemon.start(&[Task::new("Fail", &(runs(&script) + &fails(0.01)))]);
    daemon.await_gate("failed", 1);
    let status = daemon.status();
    assert!(status.to_string().contains("not in git: novel.txt"), "{status:#}");
}

/// The real CLI may do anything here without being told that it is in a sandbox, for it isn't root.
#[test]
fn the_real_cli_reaches_nothing_either() {
    let files = ["config.toml", ".env", "orchestrator.db", "logs/webhook-access.log"];
    let look = files.map(|name| format!("cat $FOLDER/{name} >>read 2>>refused; ")).concat();
    let model = Model::start(&Script::new().on(
        "look around",
        [Turn::says("I look.").runs(&format!("id -un >who; {look} true")), Turn::says("Nothing to see.")],
    ));
    let mut claude = Claude::real(&model);
    claude.environment.retain(|(name, _)| *name != "IS_SANDBOX");
    let mut daemon = Daemon::with(claude).under_users(Users::TWO).approval_mode("auto").prepare_with(
        |environment, folder| {
            environment.insert("CLAUDE_CONFIG_DIR", folder.join("home/.claude").to_str().unwrap().into());
            environment.insert("FOLDER", folder.to_str().unwrap().into());
        },
    );
    daemon.restart();
    daemon.start(&[Task::new("Look", "Please look around.")]);
    daemon.await_status("completed");
    let of = |name: &str| fs::read_to_string(daemon.project().join(name)).unwrap();
    assert_eq!((of("who").as_str(), of("read").as_str()), ("nobody\n", ""));
    assert_eq!(of("refused").matches("Permission denied").count(), files.len(), "{}", of("refused"));
    daemon.assert_no_run_alive();
}

/// Rather than run as somebody else, nothing starts.
#[test]
fn nothing_starts_where_runs_could_not_be_whom_they_are_to_be() {
    let named = |name: &str| auto(Users::TWO).set("claude", "user", name).prepare();
    let powerless = auto(Users { capable: false, ..Users::TWO }).prepare();
    let mut said = String::new();
    for daemon in [powerless, named(DAEMON.0), named("root"), named("nobodyy")] {
        let (code, text) = daemon.serve_in_vain();
        let run = daemon.call(&["run", "--yes", "tasks/none.md"]);
        assert_eq!((run.code, run.err.as_str()), (code, text.as_str()), "run says the same");
        said += &text;
    }
    assert_snapshot!(said);
}

/// `doctor` as the daemon would be called, and what it says of each thing that is wrong.
#[test]
fn doctor_tells_what_is_wrong_with_it() {
    let isolation = |daemon: &Daemon| {
        let said = daemon.call(&["doctor", "--json"]);
        let report: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err));
        let told = report["findings"].as_array().unwrap().iter().filter_map(|finding| {
            let [check, level, message, remedy] =
                ["check", "level", "message", "remedy"].map(|key| finding[key].as_str().unwrap_or("-"));
            let is_ours = ["isolation", "login", "claude"].contains(&check);
            is_ours.then(|| format!("{level} {check}: {message} → {remedy}\n"))
        });
        told.collect::<String>().replace(daemon.folder().to_str().unwrap(), "<folder>")
    };
    let mut said = Vec::new();
    let mut tell = |what: &str, daemon: &Daemon| said.push(format!("# {what}\n{}\n", isolation(daemon)));
    tell("one user", &auto(Users::ONE).prepare());
    tell("no right", &auto(Users { capable: false, ..Users::TWO }).prepare());
    tell("no home", &auto(Users::TWO).prepare());
    let daemon = auto(Users::TWO).prepare_with(|environment, folder| {
        environment.insert("CLAUDE_CONFIG_DIR", folder.join("home").to_str().unwrap().into());
    });
    tell("set up, but nobody logged in", &daemon);
    fs::write(daemon.folder().join("home/.credentials.json"), "{}").unwrap();
    tell("logged in", &daemon);
    DAEMON.give(&daemon.project(), 0o755);
    DAEMON.give(&daemon.folder().join("config.toml"), 0o644);
    DAEMON.give(&daemon.folder().join("tasks"), 0o777);
    tell("the project closed, everything else open", &daemon);
    assert_snapshot!(said.concat());
}
