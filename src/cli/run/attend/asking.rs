//! A gate in front of a person: its card, the prompt, and what the answer means. Without a person: how to answer.

use super::Terminal;
use crate::cli::Error;
use crate::cli::run::opening::operator;
use crate::cli::run::prompt::{Answer, offer, understand};
use crate::cli::run::screen::Screen;
use crate::cli::run::{card, closing};
use crate::cli::say::harmless;
use crate::domain::gate::Gate;
use crate::domain::sentence::waiting_sentence;
use crate::engine::Snapshot;

impl Terminal<'_> {
    pub(super) fn say_how_to_answer(&mut self, snapshot: &Snapshot, gate: &Gate) {
        if !self.heard.is_opened(gate)
            && let Some(session) = snapshot.session(&self.session)
        {
            let subject = gate.task().map(|task| card::subject(session, task));
            self.screen.say(&harmless(&waiting_sentence(gate, subject.as_ref())));
        }
        self.screen.say(&closing::waiting(gate, self.call));
    }

    pub(super) fn ask_once(&mut self, snapshot: &Snapshot, gate: &Gate) {
        if !self.heard.ask(gate) {
            self.show_card(snapshot, gate);
        }
    }

    /// Shows the prompt once more to someone who comes back to it.
    pub(super) fn ask_again(&mut self, snapshot: &Snapshot) {
        match (&self.keyboard, snapshot.session(&self.session).and_then(|session| session.gate())) {
            (Some(_), Some(gate)) => self.ask(gate),
            (Some(keyboard), None) => keyboard.silence(),
            (None, _) => {}
        }
    }

    fn show_card(&mut self, snapshot: &Snapshot, gate: &Gate) {
        if let Some(session) = snapshot.session(&self.session) {
            let is_told = self.heard.is_failure(gate);
            let logs_dir = &self.config.paths.logs_dir;
            self.screen.say(&card::card(session, gate, is_told, logs_dir, Screen::page()));
        }
        self.ask(gate);
    }

    fn ask(&mut self, gate: &Gate) {
        self.screen.say(&Screen::page().fill(&offer(gate), "  ", "  "));
        if let Some(keyboard) = &mut self.keyboard {
            keyboard.listen();
        }
        self.screen.ask("> ");
    }

    pub(super) async fn answer(&mut self, snapshot: &Snapshot, line: Option<String>) -> Result<(), Error> {
        let Some(line) = line else {
            self.keyboard = None;
            return Ok(());
        };
        let gate = snapshot.session(&self.session).and_then(|session| session.gate());
        let Some(gate) = gate.filter(|gate| self.heard.is_asked(&gate.id)) else { return Ok(()) };
        self.screen.answered();
        match understand(&line, gate) {
            Answer::Give(command) => {
                if let Some(keyboard) = &self.keyboard {
                    keyboard.silence();
                }
                if !self.command(command, operator()).await? {
                    self.ask(gate);
                }
            }
            Answer::Again => self.show_card(snapshot, gate),
            Answer::Unclear(problem) => {
                self.screen.say(&format!("  {}.", harmless(&problem)));
                self.ask(gate);
            }
        }
        Ok(())
    }
}
