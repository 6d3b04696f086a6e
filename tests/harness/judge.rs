//! Holds what was acknowledged against what the runs bear witness of and what the daemon answers in the end.
//!
//! Independent of the daemon: it believes the record of who asked, the witness file and the final answers, each against the
//! others; the database is only asked which sessions and events there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::arena::Arena;
use crate::grants::Grants;
use crate::record::{Asked, Line, Run};

/// Money is compared to a millionth of a dollar.
const A_TRIFLE: f64 = 1e-6;

/// What was held against each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub sessions: usize,
    pub commands: usize,
    pub runs: usize,
    pub gates: usize,
    pub events: usize,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.commands += other.commands;
        self.runs += other.runs;
        self.gates += other.gates;
        self.events += other.events;
    }
}

/// Everything that is known when it is over.
pub struct Judge<'a> {
    arena: &'a Arena,
    asked: Vec<Asked>,
    witnessed: Vec<Line>,
    /// What was told of each session.
    told: BTreeMap<String, Vec<Value>>,
    figures: Figures,
}

impl<'a> Judge<'a> {
    pub fn new(arena: &'a Arena, events: BTreeMap<i64, Value>) -> Self {
        let (asked, witnessed) = (arena.record.all(), arena.record.witnessed());
        let figures = Figures { commands: asked.len(), events: events.len(), ..Figures::default() };
        let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for event in events.into_values() {
            told.entry(event["session"].as_str().unwrap_or_default().to_owned()).or_default().push(event);
        }
        Self { arena, asked, witnessed, told, figures }
    }

    /// Complains of whatever doesn't fit.
    pub fn judge(mut self) -> Figures {
        for asked in &self.asked {
            self.arena.repeat(asked);
        }
        self.judge_starts();
        let sessions = self.arena.database().texts("SELECT id FROM sessions ORDER BY id");
        self.judge_beginnings(&sessions);
        let mut witnessed: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        for line in &self.witnessed {
            if let Some(run) = line.run() {
                witnessed.entry(run.session.clone()).or_default().push(line.clone());
            }
        }
        for session in &sessions {
            self.judge_session(session, witnessed.get(session).map_or(&[], Vec::as_slice));
        }
        let sound = self.arena.database().texts("PRAGMA integrity_check");
        if sound != ["ok"] {
            self.complain(format!("corrupt: {sound:?}"));
        }
        self.figures.sessions = sessions.len();
        self.figures
    }

    fn complain(&self, complaint: String) {
        self.arena.complain(complaint);
    }

    /// Each run started once, alone, and by someone's leave.
    fn judge_starts(&mut self) {
        let mut grants = Grants::new(&self.asked, &self.task_files());
        let mut seen = BTreeSet::new();
        for line in &self.witnessed {
            match line {
                Line::Asked(key) => grants.ask(key),
                Line::Overlap(run) => self.complain(format!("overlap: {run:?} began beside another")),
                Line::Start(run) => {
                    let place = (run.session.clone(), run.task, run.number);
                    if !seen.insert(run.marker.clone()) || grants.has_seen(&place) {
                        self.complain(format!("doubled: {run:?} was started twice"));
                    }
                    if let Err(why) = grants.use_up(place) {
                        self.complain(format!("unapproved: {run:?}: {why}"));
                    }
                    self.figures.runs += 1;
                }
                Line::End(run, _, true) => grants.completed(&run.session, run.task),
                Line::Bill(..) | Line::End(_, _, false) => {}
            }
        }
    }

    /// What each session's file says.
    fn task_files(&self) -> BTreeMap<String, String> {
        let started = self.asked.iter().filter(|asked| asked.path == "/start");
        let files = started.filter_map(|asked| {
            let answer = asked.answer.as_ref().filter(|answer| answer.status == 200)?.json();
            let body: Value = serde_json::from_str(&asked.body).ok()?;
            let path = self.arena.root().join("tasks").join(body["task_file"].as_str()?);
            Some((answer["session"].as_str()?.to_owned(), fs::read_to_string(path).ok()?))
        });
        files.collect()
    }

    /// Each session was begun by one command.
    fn judge_beginnings(&self, sessions: &[String]) {
        let begun = self.task_files();
        for session in sessions.iter().filter(|session| !begun.contains_key(*session)) {
            self.complain(format!("doubled: nobody began session {session}"));
        }
        for session in begun.keys().filter(|session| !sessions.contains(session)) {
            self.complain(format!("lost: session {session} was begun and is gone"));
        }
    }

    fn judge_session(&mut self, session: &str, witnessed: &[Line]) {
        let status = self.arena.insist("/status", &json!({"session": session}));
        if !matches!(status["status"].as_str(), Some("completed" | "stopped")) {
            self.complain(format!("stuck: {status}"));
        }
        let listed = self.arena.insist("/tasks", &json!({"session": session}));
        let runs: BTreeMap<(u64, u64), &Value> = listed["runs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|run| ((run["task"].as_u64().unwrap(), run["number"].as_u64().unwrap()), run))
            .collect();
        self.judge_runs(session, &runs, witnessed);
        self.judge_cost(session, &status, witnessed);
        let started = self.events_of("task_started", session).count();
        if started != runs.len() {
            self.complain(format!("events: {started} starts were told of {} runs in {session}", runs.len()));
        }
        self.judge_gates(session);
    }

    /// Whatever a run has printed is known, and nothing that it hasn't.
    fn judge_runs(&self, session: &str, runs: &BTreeMap<(u64, u64), &Value>, witnessed: &[Line]) {
        let mut ends: BTreeMap<(u64, u64), bool> = BTreeMap::new();
        let mut bills = BTreeSet::new();
        for line in witnessed {
            match line {
                Line::Start(run) if !runs.contains_key(&place(run)) => {
                    self.complain(format!("lost: {run:?} is unknown to the daemon"));
                }
                Line::Bill(run, _) => drop(bills.insert(place(run))),
                Line::End(run, _, success) => drop(ends.insert(place(run), *success)),
                Line::Asked(_) | Line::Overlap(_) | Line::Start(_) => {}
            }
        }
        for (place, run) in runs {
            let fits = match (ends.get(place), run["verdict"].as_str()) {
                (_, None) => false,
                (Some(success), Some(verdict)) => (verdict == "completed") == *success,
                (None, Some("completed")) => bills.contains(place),
                (None, Some(_)) => true,
            };
            if !fits {
                let end = ends.get(place);
                self.complain(format!("verdict: {run} in {session}, which ended with success: {end:?}"));
            }
        }
    }

    /// The session cost what its runs have charged; who was killed while it said so may have charged or not.
    fn judge_cost(&self, session: &str, status: &Value, witnessed: &[Line]) {
        let (mut least, mut most) = (0.0, 0.0);
        for line in witnessed {
            match line {
                Line::Bill(_, cost) => most += cost,
                Line::End(_, cost, _) => least += cost,
                Line::Asked(_) | Line::Overlap(_) | Line::Start(_) => {}
            }
        }
        let cost = status["cost_usd"].as_f64().unwrap_or(f64::NAN);
        if !(least - A_TRIFLE..=most + A_TRIFLE).contains(&cost) {
            self.complain(format!("cost: {session} has {cost}, its runs say {least} to {most}"));
        }
    }

    /// Every gate was closed, once, and by what was acknowledged.
    fn judge_gates(&mut self, session: &str) {
        let listed = self.arena.insist("/gates", &json!({"session": session}));
        let gates: Vec<&Value> = listed["gates"].as_array().into_iter().flatten().collect();
        self.figures.gates += gates.len();
        let mut carried_out: BTreeMap<&str, Vec<&Asked>> = BTreeMap::new();
        for asked in self.asked.iter().filter(|asked| asked.session.as_deref() == Some(session)) {
            if let Some(gate) = asked.gate.as_deref().filter(|_| granted(asked)) {
                carried_out.entry(gate).or_default().push(asked);
            }
        }
        for gate in &gates {
            let id = gate["id"].as_str().unwrap_or_default();
            let answers = carried_out.remove(id).unwrap_or_default();
            let decision = gate["decision"].as_str();
            let fits = match answers[..] {
                [] => decision.is_some(),
                [asked] => decision == decision_of(asked.path),
                _ => false,
            };
            if !fits {
                self.complain(format!("lost: {gate} was answered with {answers:?}"));
            }
            let opened =
                self.events_of("gate_opened", session).filter(|event| event["event"]["gate"]["id"] == id);
            let closed = self.events_of("gate_closed", session).filter(|event| event["event"]["gate"] == id);
            let told = (opened.count(), closed.count());
            if told != (1, 1) {
                self.complain(format!("events: gate {id} was told to open and close {told:?} times"));
            }
        }
        for (gate, asked) in carried_out {
            self.complain(format!("lost: gate {gate} of {asked:?} is gone"));
        }
    }

    fn events_of<'b>(&'b self, kind: &'b str, session: &'b str) -> impl Iterator<Item = &'b Value> {
        self.told.get(session).into_iter().flatten().filter(move |event| event["kind"] == kind)
    }
}

fn place(run: &Run) -> (u64, u64) {
    (run.task, run.number)
}

/// Whether it was carried out.
pub fn granted(asked: &Asked) -> bool {
    asked.answer.as_ref().is_some_and(|answer| answer.status == 200)
}

fn decision_of(path: &str) -> Option<&'static str> {
    match path {
        "/approve" => Some("approved"),
        "/reject" => Some("rejected"),
        "/retry" => Some("retried"),
        "/skip" => Some("skipped"),
        "/stop" => Some("stopped"),
        _ => None,
    }
}
