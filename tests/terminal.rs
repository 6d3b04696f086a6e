//! `run` and `check` as a person meets them: the real binary under a real pseudo-terminal, and without one as cron has it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use support::SOON;
use support::claude::{fails, ignores, succeeds, uses, waits};
use support::eventually::{eventually, until};
use support::taskfile::Task;
use support::terminal::{Place, Terminal};

const RUN: [&str; 2] = ["run", "tasks.md"];
const REHEARSAL: [&str; 3] = ["run", "tasks.md", "--rehearse"];
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

/// A task that nobody is asked about.
fn unasked(title: &str, instruction: &str) -> Task {
    Task::new(title, instruction).with("Requires Approval", "false")
}

/// Two tasks of which the first and, with it, the start are asked about.
fn two_tasks() -> Vec<Task> {
    vec![
        Task::new("Lay the ground", &succeeds(0.25)).with("Description", "The ground is laid"),
        unasked("Build on it", &succeeds(0.5)),
    ]
}

/// One unasked task whose run goes on until it is ended.
fn endless(place: &Path, more: &str) -> Vec<Task> {
    let instruction = format!("{more}{}{}", waits(&place.join("ready"), &place.join("go")), succeeds(0.0));
    vec![unasked("Go on and on", &instruction)]
}

/// A place with [`endless`], in mode auto.
fn endless_place(more: &str) -> Place {
    let place = Place::configured(&[], "[orchestrator]\napproval_mode = \"auto\"");
    let folder = place.path("");
    fs::write(place.path("tasks.md"), support::taskfile::task_file(&endless(&folder, more))).unwrap();
    place
}

fn await_run(place: &Place) {
    until(SOON, "the run to be at work", || place.path("ready").exists());
}

/// The gate that a text names.
#[track_caller]
fn gate_in(text: &str) -> &str {
    let at = text.find("g7_").unwrap_or_else(|| panic!("no gate in:\n{text}"));
    &text[at..at + "g7_xxxx".len()]
}

#[test]
fn a_person_is_asked_and_the_answer_counts() {
    let place = Place::with(&two_tasks());
    let mut terminal = place.terminal(100, &RUN);

    let asked = terminal.await_prompt();
    for shown in ["May this start? Task 1/2, Lay the ground", "the session is new", "The ground is laid"] {
        assert!(asked.contains(shown), "{shown}:\n{asked}");
    }
    assert!(asked.contains("approve [note] · reject [why] · skip · stop"), "{asked}");
    for (typed, answered) in [
        ("aprove", "did you mean approve?"),
        ("", "Nothing was typed."),
        ("s", "\"s\" could mean skip or stop."),
        ("skip it", "\"skip\" takes no words"),
        ("fetch", "\"fetch\" is no answer to this."),
    ] {
        terminal.enter(typed);
        terminal.await_text(answered);
        terminal.await_prompt();
    }
    terminal.enter("reject mind the cellar");
    terminal.await_text("rejected: \"mind the cellar\"");
    terminal.await_prompt();
    terminal.enter("y with care");

    let screen = terminal.ended_with(0);
    assert!(screen.contains("Task 2/2, Build on it: completed"), "{screen}");
    assert!(screen.contains("2 of 2 tasks done"), "{screen}");
    assert!(screen.contains("$0.75"), "{screen}");
    assert!(screen.contains("Logs: logs/"), "{screen}");
    let prompt = fs::read_to_string(place.session_folder().join("task-1-run-1.prompt.md")).unwrap();
    assert!(prompt.contains("with care") && prompt.contains("mind the cellar"), "{prompt}");
}

#[test]
fn a_failure_is_shown_and_asked_about() {
    let place = Place::with(&[unasked("Try", &fails(0.1)), unasked("Go on", &succeeds(0.1))]);
    let mut terminal = place.terminal(100, &RUN);

    terminal.await_prompt();
    terminal.enter("a");
    terminal.await_text("What now? Task 1/2, Try failed");
    let screen = terminal.await_prompt();
    assert!(screen.contains("retry [what to do differently] · skip · stop"), "{screen}");
    assert_eq!(screen.matches("Claude stopped at a limit").count(), 1, "told once:\n{screen}");
    terminal.enter("y");
    terminal.await_text("\"y\" is no answer to this.");
    terminal.await_prompt();
    terminal.enter("retry with more care");
    terminal.await_text("attempt 2");
    terminal.await_prompt();
    terminal.enter("skip");

    let screen = terminal.ended_with(1);
    assert!(screen.contains("skipped: task 1/2, Try"), "{screen}");
}

#[test]
fn what_a_run_does_is_one_line_that_leaves_nothing_behind() {
    let place = endless_place(&(uses("Read", "src/lib.rs") + &uses("Bash", "cargo test")));
    let mut terminal = place.terminal(100, &RUN);
    await_run(&place);

    let screen = terminal.await_text("Bash cargo test");
    assert!(screen.contains("0/1 tasks · $0.00"), "{screen}");
    terminal.enter("nobody has asked");
    terminal.enter("");
    terminal.resize(40);
    let narrow = terminal.await_text("──────── 0/1 · $0.00");
    assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
    fs::write(place.path("go"), "").unwrap();

    let screen = terminal.ended_with(0);
    assert!(!screen.contains("Bash"), "{screen}");
    assert!(!screen.contains("0/1"), "{screen}");
    assert!(!screen.contains("nobody has asked"), "{screen}");
}

#[test]
fn ctrl_c_ends_the_run_to_be_continued() {
    let place = endless_place(&ignores("TERM"));
    let mut terminal = place.terminal(100, &RUN);
    await_run(&place);

    terminal.press(CTRL_C);
    let screen = terminal.ended_with(3);

    assert!(place.alive().is_empty(), "{:#?}", place.alive());
    assert!(
        screen.contains("Paused; nothing is running. Go on with:\n  orchestrator run tasks.md\n"),
        "{screen}"
    );
    let again = place.call(&RUN);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.out.contains("Task 1/1 continued"), "{again:?}");
}

#[test]
fn a_second_ctrl_c_leaves_at_once_and_the_next_call_clears_up() {
    let place = endless_place(&ignores("TERM"));
    fs::write(place.path("config.toml"), config_with_grace(&place, "1h")).unwrap();
    let mut terminal = place.terminal(100, &RUN);
    await_run(&place);

    terminal.press(CTRL_C);
    terminal.await_text("ending its run");
    terminal.press(CTRL_C);
    let screen = terminal.ended_with(130);
    assert!(screen.contains("the next start sees to it:\n  orchestrator run tasks.md"), "{screen}");
    let left = place.alive();
    assert!(!left.is_empty());

    fs::write(place.path("config.toml"), config_with_grace(&place, "1s")).unwrap();
    let mut next = place.terminal(100, &RUN);
    next.await_text("run 1 ended for the pause");
    assert!(left.iter().all(|process| !process.identity.is_alive()), "{left:#?}");
    next.ended_with(0);
}

fn config_with_grace(place: &Place, grace: &str) -> String {
    let config = fs::read_to_string(place.path("config.toml")).unwrap();
    let lines = config.lines().map(|line| {
        if line.starts_with("grace") { format!("grace = \"{grace}\"\n") } else { format!("{line}\n") }
    });
    lines.collect()
}

#[test]
fn sigterm_counts_as_one_ctrl_c() {
    let place = endless_place("");
    let mut process = place.command(&RUN).stdout(Stdio::piped()).spawn().unwrap();
    await_run(&place);

    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    let status = eventually(SOON, "it to end", || process.try_wait().unwrap().ok_or("runs"));

    assert_eq!(status.code(), Some(3));
    assert!(place.alive().is_empty(), "{:#?}", place.alive());
    let mut said = String::new();
    process.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("Paused; nothing is running."), "{said}");
}

#[test]
fn a_closed_terminal_loses_nothing() {
    let place = endless_place("");
    let mut terminal = place.terminal(100, &RUN);
    await_run(&place);

    terminal.close();
    let status = terminal.ended();

    assert_eq!(status.code(), Some(3), "{status}");
    assert!(place.alive().is_empty(), "{:#?}", place.alive());
    let again = place.call(&RUN);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.out.contains("Task 1/1 continued"), "{again:?}");
}

#[test]
fn ctrl_c_and_the_end_of_input_at_a_prompt_leave_the_gate_open() {
    let place = Place::with(&two_tasks());
    let mut first = place.terminal(100, &RUN);
    let gate = gate_in(&first.await_prompt()).to_owned();
    first.press(CTRL_C);
    first.ended_with(3);

    let mut second = place.terminal(100, &RUN);
    assert_eq!(gate_in(&second.await_prompt()), gate);
    second.press(CTRL_D);
    let screen = second.ended_with(3);
    assert!(screen.contains(&format!("Waiting for an answer to gate {gate}")), "{screen}");

    let mut third = place.terminal(100, &RUN);
    third.await_prompt();
    third.enter("stop");
    let screen = third.ended_with(1);
    assert!(screen.contains("Session stopped by the terminal"), "{screen}");
}

#[test]
fn without_a_terminal_it_stops_at_the_gate_and_goes_on_there() {
    let place = Place::with(&two_tasks());

    let first = place.call(&RUN);
    let second = place.call(&RUN);
    let third = place.call(&["run", "tasks.md", "--yes"]);

    assert_eq!((first.code, second.code), (Some(3), Some(3)), "{first:?}{second:?}");
    for said in [&first, &second] {
        assert!(said.out.contains("waiting for approval"), "{said:?}");
        assert!(said.out.contains("\n  orchestrator run tasks.md --yes   approves\n"), "{said:?}");
        assert_eq!(said.err, "");
    }
    assert_eq!(gate_in(&first.out), gate_in(&second.out));
    assert_eq!(third.code, Some(0), "{third:?}");
    assert!(third.out.contains(&format!("Gate {} approved by --yes", gate_in(&first.out))), "{third:?}");
}

#[test]
fn yes_does_not_answer_for_a_failure() {
    let place = Place::with(&[unasked("Try", &fails(0.1))]);

    let said = place.call(&["run", "tasks.md", "--yes"]);

    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.out.contains("retry, skip or stop. Any of these goes on:\n  orchestrator run tasks.md "),
        "{said:?}"
    );
    assert!(!said.out.contains("run tasks.md --yes"), "{said:?}");
}

/// Cron says yes to what was planned, not to more money for what burns it.
#[test]
fn yes_does_not_raise_a_limit() {
    let limited =
        "[orchestrator]\non_failure = \"retry\"\nmax_attempts = 50\n[limits]\ncost_per_session = 0.5";
    let place = Place::configured(&[unasked("Burn", &fails(0.2))], limited);

    for _ in 0..2 {
        let said = place.call(&["run", "tasks.md", "--yes"]);

        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.out.contains("waiting for approval (spent $0.60 of $0.50 in this session)"), "{said:?}");
        assert!(!said.out.contains("raised by --yes"), "{said:?}");
        assert!(!said.out.contains("run tasks.md --yes"), "{said:?}");
    }
}

#[test]
fn yes_does_not_overrule_a_no() {
    let place = Place::with(&two_tasks());
    assert_eq!(place.call(&RUN).code, Some(3));
    assert_eq!(place.call(&["reject", "not before noon"]).code, Some(0));

    let said = place.call(&["run", "tasks.md", "--yes"]);

    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.contains("not before noon") && !said.out.contains("approved by --yes"), "{said:?}");
}

#[test]
fn a_hold_that_does_not_end_says_what_would_help() {
    let place = Place::with(&[unasked("Try", &succeeds(0.1))]);
    let config = fs::read_to_string(place.path("config.toml")).unwrap();
    fs::write(place.path("config.toml"), config.replace("stand_in.sh", "nobody.sh")).unwrap();

    let said = place.call(&["run", "tasks.md", "--yes"]);

    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(said.out.matches("nobody.sh: no such file; install it").count(), 1, "told once: {said:?}");
    assert!(said.out.contains("Nothing can start now (launch)."), "{said:?}");
    fs::write(place.path("config.toml"), config).unwrap();
    assert_eq!(place.call(&["run", "tasks.md", "--yes"]).code, Some(0));
}

#[test]
fn a_rehearsal_goes_all_the_way_and_changes_nothing() {
    let mut place = Place::configured(&two_tasks(), "[server]\nport = 0");
    fs::write(place.path("project/main.rs"), "fn main() {}\n").unwrap();
    place.set("WEBHOOK_SECRET", support::daemon::SECRET);
    let before = place.tree("project");

    let waiting = place.call(&REHEARSAL);
    assert_eq!(waiting.code, Some(3), "{waiting:?}");
    assert!(waiting.out.contains("(rehearsal: nothing will be changed)"), "{waiting:?}");
    let mut terminal = place.terminal(100, &REHEARSAL);
    terminal.await_text("a rehearsal: 0 of 2 tasks done");
    terminal.await_prompt();
    terminal.enter("approve");
    let screen = terminal.ended_with(0);

    assert!(screen.contains("Claude would be told (logs/"), "{screen}");
    assert!(screen.contains("  │ # Task 2: Build on it"), "{screen}");
    assert!(screen.contains("Rehearsal: nothing was changed and nothing was paid."), "{screen}");
    assert!(screen.contains("For real:\n  orchestrator run tasks.md"), "{screen}");
    assert_eq!(place.tree("project"), before);
    let story = place.story();
    assert!(story.contains("Task 1/2 started as a rehearsal"), "{story}");
    let folder = place.session_folder();
    for task in [1, 2] {
        let file = |kind: &str| folder.join(format!("task-{task}-run-1.{kind}"));
        for kind in ["log", "ndjson", "prompt.md"] {
            let path = file(kind);
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600,
                "{}",
                path.display()
            );
        }
        let log = fs::read_to_string(file("log")).unwrap();
        assert!(log.contains("Rehearsal: this is what Claude would be told."), "{log}");
    }
    let status = status_of(&place);
    assert_eq!(status["rehearsal"], true, "{status:#}");
    assert!(status["message"].as_str().unwrap().contains("(rehearsal)"), "{status:#}");
    let real = place.call(&RUN);
    assert_eq!(real.code, Some(3), "a rehearsal does not count as done: {real:?}");
    assert!(real.out.contains("Session started"), "{real:?}");
}

/// What a daemon of the same folder says of the session.
fn status_of(place: &Place) -> serde_json::Value {
    let stderr = place.path("daemon.stderr");
    let log = fs::File::create(&stderr).unwrap();
    let mut daemon = place.command(&["serve"]).stderr(log).spawn().unwrap();
    let address = eventually(SOON, "the daemon to listen", || {
        let said = fs::read_to_string(&stderr).unwrap();
        let address = said.split_once("listens on ").and_then(|(_, rest)| rest.split_once(' '));
        address.map(|(address, _)| address.to_owned()).ok_or(said)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = runtime.block_on(async {
        let client = orchestrator::outward::client("http:").build().unwrap();
        let request = client.post(format!("{address}/status")).bearer_auth(support::daemon::SECRET);
        request.json(&serde_json::json!({})).send().await.unwrap().json().await.unwrap()
    });
    kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
    assert!(daemon.wait().unwrap().success());
    status
}

#[test]
fn claude_rehearse_makes_every_run_a_rehearsal() {
    let place = Place::with(&two_tasks());
    let config = fs::read_to_string(place.path("config.toml")).unwrap();
    fs::write(place.path("config.toml"), config.replace("[claude]", "[claude]\nrehearse = true")).unwrap();

    let said = place.call(&["run", "tasks.md", "--yes"]);

    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("Rehearsal: nothing was changed and nothing was paid."), "{said:?}");
    assert!(!said.out.contains("For real"), "{said:?}");
}

#[test]
fn what_was_completed_is_done_again_only_when_asked() {
    let place = Place::with(&two_tasks());
    assert_eq!(place.call(&["run", "tasks.md", "--yes"]).code, Some(0));

    let refused = place.call(&["run", "tasks.md", "--yes"]);

    assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""), "{refused:?}");
    assert!(refused.err.contains("\n  orchestrator run tasks.md --again\n"), "{refused:?}");
    assert_eq!(place.call(&["run", "tasks.md", "--yes", "--again"]).code, Some(0));
}

#[test]
fn another_open_session_is_not_pushed_aside_unasked() {
    let place = Place::with(&two_tasks());
    fs::write(place.path("other.md"), support::taskfile::task_file(&two_tasks())).unwrap();
    assert_eq!(place.call(&RUN).code, Some(3));

    let other = place.call(&["run", "other.md", "--yes"]);
    let rehearsal = place.call(&REHEARSAL);

    for refused in [&other, &rehearsal] {
        assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""), "{refused:?}");
        assert!(refused.err.contains("add --replace to stop it"), "{refused:?}");
    }
    assert_eq!(place.call(&["run", "other.md", "--yes", "--replace"]).code, Some(0));
}

#[test]
fn nobody_listening_is_no_reason_to_fail() {
    let place = Place::with(&two_tasks());
    for arguments in [&["check", "tasks.md"][..], &["run", "tasks.md", "--yes"], &["run", "--help"]] {
        let mut child =
            place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
    let mut child = place.command(&["run", "nothing.md"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let mut place = Place::with(&two_tasks());
    let colourful = |terminal: &Terminal| {
        let written = terminal.written();
        let is_colour =
            |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m');
        written.split("\u{1b}[").skip(1).any(is_colour)
    };
    let mut first = place.terminal(100, &REHEARSAL);
    first.await_prompt();
    assert!(colourful(&first), "{:?}", first.written());
    first.press(CTRL_C);
    first.ended_with(3);

    place.set("NO_COLOR", "1");
    let mut second = place.terminal(100, &REHEARSAL);
    second.await_prompt();
    second.enter("y");
    second.ended_with(0);
    assert!(!colourful(&second), "{:?}", second.written());

    let piped = place.call(&["run", "nothing.md"]);
    assert_eq!(piped.err, "error: there is no task file nothing.md\n");
}

#[test]
fn narrow_terminals_get_short_lines() {
    let title = "A title that is much longer than any terminal of this kind is wide, and 日本語 too";
    let place = Place::with(&[Task::new(title, &succeeds(0.0))]);
    let mut terminal = place.terminal(40, &RUN);

    let screen = terminal.await_prompt();
    let card = &screen[screen.find('?').unwrap()..];
    insta::assert_snapshot!("card_on_a_narrow_terminal", card.replace(gate_in(card), "g7_xxxx"));
    terminal.enter("y");
    terminal.ended_with(0);
}

#[test]
fn mistakes_are_shown_as_compilers_show_them() {
    let place = Place::with(&two_tasks());
    let broken = "# Tasks\n\n## Task 1: Lay the ground\n**Requires Aproval:** true\n\n**Claude Instruction:**\nLay it.\n\n\
        ## Task 1: Build on it\n**Depends On:** 7\n**Timeout:** soon\n\n**Claude Instruction:**\nBuild.\n\n## Task 3:\n";
    fs::write(place.path("broken.md"), broken).unwrap();

    let checked = place.call(&["check", "broken.md", "tasks.md", "nothing.md"]);
    let run = place.call(&["run", "broken.md", "--rehearse"]);

    assert_eq!((checked.code, checked.out.as_str()), (Some(1), "tasks.md: 2 tasks, no mistakes\n"));
    insta::assert_snapshot!("check_of_a_broken_file", checked.err);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(checked.err.starts_with(run.err.trim_end()), "{}", run.err);
    assert_eq!(place.call(&["check", "tasks.md"]).code, Some(0));
}

#[test]
fn the_help_says_what_there_is() {
    let place = Place::with(&two_tasks());
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help_of_run", &["run", "--help"]),
        ("help_of_check", &["check", "--help"]),
        ("help_of_report", &["report", "--help"]),
        ("help_of_serve", &["serve", "--help"]),
        ("help_of_openapi", &["openapi", "--help"]),
    ] {
        let said = place.call(arguments);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
        insta::assert_snapshot!(name, said.out);
    }
    let wrong = place.call(&["run"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
}

#[test]
fn a_daemon_that_cannot_start_says_why() {
    let mut place = Place::configured(&two_tasks(), "[server]\nport = 0");
    let without_secret = place.call(&["serve"]);
    assert_eq!(without_secret.code, Some(1), "{without_secret:?}");
    assert!(without_secret.err.starts_with("error: webhooks.secret is not set"), "{without_secret:?}");

    fs::write(place.path("wrong.toml"), "[server]\nport = 99999\nprot = 3\n").unwrap();
    let wrong = place.call(&["serve", "--config", "wrong.toml"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), ""), "{wrong:?}");
    insta::assert_snapshot!("wrong_configuration", wrong.err);

    place.set("WEBHOOK_SECRET", support::daemon::SECRET);
    let terminal = place.terminal(100, &RUN);
    terminal.await_prompt();
    let second = place.call(&["serve"]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.err.starts_with("error: another orchestrator is using"), "{second:?}");
}

#[test]
fn what_comes_back_from_the_background_asks_again() {
    let place = Place::with(&two_tasks());
    let mut terminal = place.terminal(100, &RUN);
    terminal.await_prompt();

    terminal.signal(Signal::CONT);
    eventually(SOON, "a second prompt", || {
        let screen = terminal.screen();
        if screen.matches("\n>").count() == 2 { Ok(()) } else { Err(screen) }
    });
    terminal.enter("y");

    terminal.ended_with(0);
}

#[test]
fn nohup_is_respected() {
    let place = endless_place("");
    let quoted = format!("trap '' HUP; exec {} run tasks.md", env!("CARGO_BIN_EXE_orchestrator"));
    let mut process = wrapped(&place.command(&RUN), &quoted).spawn().unwrap();
    await_run(&place);

    kill_process(Pid::from_child(&process), Signal::HUP).unwrap();
    fs::write(place.path("go"), "").unwrap();
    let status = eventually(SOON, "it to end", || process.try_wait().unwrap().ok_or("runs"));

    assert_eq!(status.code(), Some(0));
}

/// The same call through a shell.
fn wrapped(command: &Command, script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(command.get_current_dir().unwrap()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(Stdio::null()).stdout(Stdio::null());
    shell
}
