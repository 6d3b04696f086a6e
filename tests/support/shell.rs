//! One shell in which a document's commands are given one after the other, as a reader would.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::follower::Follower;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(1);
const MARK: &str = "--- the command has ended with ";

/// A bash that keeps its variables, functions and folder.
pub struct Shell {
    process: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    scripts: usize,
}

impl Shell {
    pub fn of(place: &Follower) -> Self {
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc"])
            .env_remove("BASH_ENV")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        place.settle(&mut command);
        let mut process = command.spawn().unwrap();
        let stdin = process.stdin.take().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut shell = Self { process, stdin, lines, scripts: 0 };
        shell.tell("exec 2>&1");
        shell
    }

    /// Gives commands, of which all must succeed; gives what they print.
    #[track_caller]
    pub fn obeys(&mut self, place: &Follower, script: &str) -> String {
        let (said, code) = self.say(place, &format!("set -eu\n{script}\nset +eu"));
        assert_eq!(code, "0", "{script}\n{said}");
        said
    }

    /// Gives a command; gives what it prints and its exit code.
    #[track_caller]
    pub fn say(&mut self, place: &Follower, script: &str) -> (String, String) {
        self.scripts += 1;
        let file = place.aside(&format!("script-{}", self.scripts));
        fs::write(&file, place.here(script)).unwrap();
        self.tell(&format!(". {} </dev/null; printf '\\n{MARK}%s\\n' $?", file.display()));
        let mut said: Vec<String> = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|why| panic!("{why}: {script}\n{}", said.join("\n")));
            if let Some(code) = line.strip_prefix(MARK) {
                return (place.there(said.join("\n").trim_end_matches('\n')), code.to_owned());
            }
            said.push(line);
        }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
