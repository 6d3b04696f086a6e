//! A gate in front of a person: its card, the prompt, and what the answer means. Without a person: how to answer.

use super::super::opening::operator;
use super::super::prompt::{Answer, offer, understand};
use super::super::screen::Screen;
use super::super::{Error, card, closing};
use super::Terminal;
use crate::domain::event::waiting_sentence;
use crate::domain::gate::Gate;
use crate::engine::Snapshot;

impl Terminal<'_> {
    pub(super) fn say_how_to_answer(&mut self, snapshot: &Snapshot, gate: &Gate) {
        if !self.heard.is_opened(gate)
            && let Some(session) = snapshot.session(&self.session)
        {
            let subject = gate.task().map(|task| card::subject(session, task));
            self.screen.say(&waiting_sentence(gate, subject.as_ref()));
        }
        self.screen.say(&closing::waiting(gate, self.call));
    }

    pub(super) fn ask_once(&mut self, snapshot: &Snapshot, gate: &Gate) {
        if !self.heard.ask(gate) {
            self.show_card(snapshot, gate);
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
                self.screen.say(&format!("  {problem}."));
                self.ask(gate);
            }
        }
        Ok(())
    }
}
