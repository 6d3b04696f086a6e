//! What helps those who type: completions in the real shells, the manual in the real `man`, examples in every help.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::process::{Command, Output};

use support::newcomer::Newcomer;

#[test]
fn completions_work_in_the_real_shells() {
    let newcomer = Newcomer::new();
    let script = |shell: &str, name: &str| {
        let said = newcomer.call(&["completions", shell]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
        fs::write(newcomer.project(name), said.out).unwrap();
    };
    script("bash", "orchestrator.bash");
    let completed = within(
        &newcomer,
        &["bash", "--noprofile", "--norc", "-uc"],
        "source orchestrator.bash; complete -p orchestrator >/dev/null
         COMP_WORDS=(orchestrator doc) COMP_CWORD=1; _orchestrator orchestrator doc orchestrator
         echo ${COMPREPLY[@]}",
    );
    assert_eq!(completed.trim(), "doctor");

    script("zsh", "_orchestrator");
    let completed = within(
        &newcomer,
        &["zsh", "-f", "-c"],
        "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D
         autoload +X -Uz _orchestrator; echo $_comps[orchestrator]",
    );
    assert_eq!(completed.trim(), "_orchestrator");

    script("fish", "orchestrator.fish");
    let completed = within(
        &newcomer,
        &["fish", "--no-config", "-c"],
        "source orchestrator.fish; complete --do-complete 'orchestrator doc'",
    );
    assert!(completed.starts_with("doctor\t"), "{completed}");
}

#[test]
fn the_manual_is_one() {
    let newcomer = Newcomer::new();
    fs::write(newcomer.project("page"), newcomer.call(&["man"]).out).unwrap();
    let listed = newcomer.call(&["man", "--dir", "pages"]);
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    let pages: Vec<&str> = listed.out.lines().collect();
    assert!(
        pages.contains(&"pages/orchestrator.1") && pages.contains(&"pages/orchestrator-run.1"),
        "{pages:?}"
    );
    for page in pages.into_iter().chain(["page"]) {
        let shown = within(&newcomer, &["man", "--warnings", "--local-file"], page);
        assert!(shown.contains("NAME") && shown.contains("SYNOPSIS"), "{page}:\n{shown}");
    }
    let shown = within(&newcomer, &["man", "--local-file"], "pages/orchestrator-run.1");
    assert!(shown.contains("orchestrator run tasks.md --rehearse   only say"), "{shown}");
}

#[test]
fn every_help_teaches_by_example() {
    let newcomer = Newcomer::new();
    for command in ["init", "doctor", "health", "completions", "man"] {
        let help = newcomer.call(&[command, "--help"]).out;
        let example = if command == "health" {
            "\"orchestrator\", \"health\"".to_owned()
        } else {
            format!("\n  orchestrator {command}")
        };
        assert!(help.contains("Example") && help.contains(&example), "{help}");
    }
}

/// What a program that comes with the system says, which must be there, content, and silent on stderr.
#[track_caller]
fn within(newcomer: &Newcomer, program: &[&str], script: &str) -> String {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(script).current_dir(newcomer.project("")).env_clear();
    let path = std::env::var("PATH").unwrap();
    let home = newcomer.path("home");
    command.envs([("PATH", path.as_str()), ("LANG", "C.UTF-8"), ("MANWIDTH", "100"), ("MANPAGER", "cat")]);
    let Ok(Output { status, stdout, stderr }) = command.env("HOME", home).output() else {
        panic!("{} is missing: apt-get install zsh fish man-db", program[0]);
    };
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success() && stderr.is_empty(), "{status}: {stderr}");
    String::from_utf8(stdout).unwrap()
}
