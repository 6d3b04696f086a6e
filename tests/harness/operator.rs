//! Someone who gives commands all the while: sensible ones mostly, the same ones twice at times, and wrong ones.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::arena::{Arena, PATIENCE};
use crate::record::Asked;
use crate::support::processes::Process;
use crate::support::taskfile::{Task, task_file};

const A_MOMENT: Duration = Duration::from_micros(500);

pub struct Operator<'a> {
    arena: &'a Arena,
    dice: fastrand::Rng,
    sessions: u32,
}

impl<'a> Operator<'a> {
    pub fn new(arena: &'a Arena, seed: u64) -> Self {
        Self { arena, dice: fastrand::Rng::with_seed(seed), sessions: 0 }
    }

    /// Works until it is told to come to an end, and then until the session has.
    pub fn work(mut self) {
        let mut draining_since = None;
        while !self.arena.is_condemned() {
            if self.arena.is_draining() {
                let since = *draining_since.get_or_insert_with(Instant::now);
                if since.elapsed() > PATIENCE {
                    let status = self.arena.read("/status", &json!({}));
                    self.arena.complain(format!("stuck: nothing leads to the session's end: {status:#?}"));
                }
            }
            let Some(status) = self.arena.read("/status", &json!({})) else {
                std::thread::sleep(A_MOMENT);
                continue;
            };
            if matches!(status["status"].as_str(), Some("idle" | "completed" | "stopped")) {
                self.look_for_leftovers();
                if self.arena.is_draining() {
                    return;
                }
                self.begin();
            } else {
                self.go_on(&status);
            }
        }
    }

    /// Where every session has ended, every run has, and nothing of it is alive.
    fn look_for_leftovers(&mut self) {
        if !self.arena.is_draining() && self.dice.u8(..100) >= 30 {
            return;
        }
        let is_daemon = |process: &Process| process.arguments.get(1).is_some_and(|word| word == "serve");
        let left: Vec<Process> =
            self.arena.runs(None).into_iter().filter(|process| !is_daemon(process)).collect();
        if !left.is_empty() {
            self.arena.complain(format!("leftover: {left:#?}"));
        }
    }

    /// Writes a task file and starts it.
    fn begin(&mut self) {
        self.sessions += 1;
        let name = format!("tasks-{}.md", self.sessions);
        let tasks: Vec<Task> = (0..self.dice.usize(1..=4)).map(|_| self.task()).collect();
        // A full disk may keep it from being written; then the next one is tried.
        if fs::write(self.arena.root().join("tasks").join(&name), task_file(&tasks)).is_ok() {
            self.say("/start", &json!({"task_file": name}), &Value::Null, None);
        }
    }

    fn task(&mut self) -> Task {
        let mut instruction = String::new();
        if self.dice.u8(..100) < 60 {
            writeln!(instruction, "harness naps 0.{:03}", self.dice.u8(1..=120)).unwrap();
        }
        if self.dice.u8(..100) < 15 {
            instruction += "harness leaves 100\n";
        }
        let cost = f64::from(self.dice.u16(1..64)) / 64.0;
        match self.dice.u8(..100) {
            ..12 => writeln!(instruction, "harness fails {cost}").unwrap(),
            12..16 => instruction += "harness vanishes 3\n",
            _ => writeln!(instruction, "harness succeeds {cost}").unwrap(),
        }
        let mut task = Task::new("Round", &instruction);
        if self.dice.u8(..100) < 15 {
            task = task.with("Type", "watched");
        }
        match self.dice.u8(..100) {
            ..40 => task.with("Requires Approval", "false"),
            40..60 => task.with("Requires Approval", "true"),
            _ => task,
        }
    }

    fn go_on(&mut self, status: &Value) {
        if !self.arena.is_draining() && self.dice.u8(..100) < 6 {
            return self.interfere(status);
        }
        match status["status"].as_str() {
            Some("waiting_approval") => self.answer(status),
            Some("paused" | "held") => self.say("/resume", &json!({}), status, None),
            _ => std::thread::sleep(A_MOMENT),
        }
        if self.dice.u8(..100) < 10
            && let Some(asked) = self.arena.record.lately_answered(|many| self.dice.usize(..many))
        {
            self.arena.repeat(&asked);
        }
    }

    /// Answers the gate, with one of the choices that it offers.
    fn answer(&mut self, status: &Value) {
        let gate = &status["gate"];
        let offers = |choice: &str| {
            gate["choices"].as_array().is_some_and(|choices| choices.iter().any(|one| one == choice))
        };
        let usual = if offers("approve") { "/approve" } else { "/retry" };
        let path = match self.dice.u8(..100) {
            _ if self.arena.is_draining() && offers("approve") => usual,
            _ if self.arena.is_draining() => "/skip",
            ..8 if offers("reject") => "/reject",
            8..22 if offers("skip") => "/skip",
            22..25 => "/stop",
            _ => usual,
        };
        let body = json!({"gate": gate["id"]});
        self.say(path, &body, status, gate["task"].as_u64());
    }

    /// Does what nobody asked for.
    fn interfere(&mut self, status: &Value) {
        let task = self.dice.u64(1..=4);
        match self.dice.u8(..8) {
            0 => self.say("/pause", &json!({"now": true}), status, status["task"].as_u64()),
            1 => self.say("/pause", &json!({}), status, None),
            2 => self.say("/stop", &json!({}), status, None),
            3 => self.say("/skip", &json!({"task": task}), status, Some(task)),
            4 | 5 => self.say("/retry", &json!({"task": task}), status, Some(task)),
            6 => self.say("/approve", &json!({"gate": "g7_none"}), status, None),
            _ => self.say("/start", &json!({"task_file": "nothing.md"}), status, None),
        }
    }

    /// Gives a command, at times over two connections at once.
    fn say(&mut self, path: &'static str, body: &Value, status: &Value, task: Option<u64>) {
        let session = status["session"].as_str().map(str::to_owned);
        let asked = Asked { session, task, ..order(path, body) };
        let twice = self.dice.u8(..100) < 5;
        let arena = self.arena;
        if let Some(answer) = arena.ask(asked) {
            self.judge_refusal(body, &answer.json(), answer.status);
        }
        if twice && let Some(asked) = arena.record.lately_answered(|_| 0) {
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| arena.repeat(&asked));
                }
            });
        }
    }

    /// A gate that refuses an answer must be closed by then.
    fn judge_refusal(&self, body: &Value, answer: &Value, status: u16) {
        let open = &answer["gate"]["id"];
        if status != 200 && open.is_string() && *open == body["gate"] {
            self.arena.complain(format!("unanswerable: {body} is refused though it is open: {answer}"));
        }
    }
}

/// A command, about no session or task yet.
pub fn order(path: &'static str, body: &Value) -> Asked {
    Asked {
        key: String::new(),
        path,
        body: body.to_string(),
        session: None,
        gate: body["gate"].as_str().map(str::to_owned),
        task: None,
        answer: None,
    }
}
