//! What matters of all the messages of a run: enough to judge it, and no more.

use std::collections::VecDeque;

use super::result::RunResult;
use super::stream::{Complaint, Message, RateLimit};
use crate::domain::usage::Tokens;

const MOST_DENIALS: usize = 50;
const MOST_AT_A_TIME: usize = 64;

/// A run's messages, condensed. Equal messages make an equal transcript, so it is rebuilt rather than stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// The CLI's own session id.
    pub conversation: Option<String>,
    /// The folder it works in.
    pub folder: Option<String>,
    /// The model that answered last, or that the CLI meant to use.
    pub model: Option<String>,
    /// The result that counts: a success stays one; otherwise the last.
    pub result: Option<RunResult>,
    /// The last word on the account's usage limits.
    pub rate_limit: Option<RateLimit>,
    /// The CLI's own last error.
    pub complaint: Option<Complaint>,
    /// What was not allowed, as far as the notices tell.
    pub denials: Vec<String>,
    /// Whether the model said or did anything.
    pub spoke: bool,
    /// What its answers have used up.
    pub used: Used,
}

/// What answers have used up: each counts once, with what was said of it last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Used {
    /// Answers of which nothing more is heard.
    done: Tokens,
    /// Those that may be gone on with: several models answer at a time.
    recent: VecDeque<(String, Tokens)>,
}

impl Used {
    /// Takes in what is said of an answer.
    fn note(&mut self, id: &str, tokens: Tokens) {
        if let Some((_, known)) = self.recent.iter_mut().rev().find(|(known, _)| known == id) {
            *known = tokens;
            return;
        }
        self.recent.push_back((id.to_owned(), tokens));
        if self.recent.len() > MOST_AT_A_TIME
            && let Some((_, tokens)) = self.recent.pop_front()
        {
            self.done = self.done.and(tokens);
        }
    }

    /// All of it.
    pub fn total(&self) -> Tokens {
        self.recent.iter().fold(self.done, |total, (_, tokens)| total.and(*tokens))
    }
}

impl Transcript {
    /// Takes in the next message.
    pub fn note(&mut self, message: &Message) {
        match message {
            Message::Began { conversation, model, cwd } => {
                self.folder.clone_from(cwd);
                self.conversation.clone_from(conversation);
                self.model.clone_from(model);
            }
            Message::Used { id, tokens } => self.used.note(id, *tokens),
            Message::Said { model: model @ Some(_), .. } => {
                self.model.clone_from(model);
                self.spoke = true;
            }
            Message::Called { .. } => self.spoke = true,
            Message::Denied { what, .. } => {
                if self.denials.len() < MOST_DENIALS {
                    self.denials.push(what.clone());
                }
            }
            Message::RateLimit(limit) => self.rate_limit = Some(limit.clone()),
            Message::Complained(complaint) => self.complaint = Some(complaint.clone()),
            Message::Result(result) => self.conclude(result),
            Message::Said { model: None, .. }
            | Message::Answered { .. }
            | Message::Retrying { .. }
            | Message::Noted { .. } => {}
        }
    }

    /// A CLI that is told to end after a success may print another result, an error; what it cost counts all the same.
    fn conclude(&mut self, next: &RunResult) {
        match &mut self.result {
            Some(standing) if standing.is_success() && !next.is_success() => {
                standing.cost = standing.cost.max(next.cost);
            }
            standing => *standing = Some(next.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(lines: impl IntoIterator<Item = (String, u64, u64)>) -> Tokens {
        let mut transcript = Transcript::default();
        for (id, input, output) in lines {
            transcript.note(&Message::Used { id, tokens: Tokens { input, output } });
        }
        transcript.used.total()
    }

    #[test]
    fn each_answer_counts_once_with_what_was_said_of_it_last() {
        let lines = [("a", 1000, 1), ("b", 500, 20), ("a", 1000, 300), ("b", 500, 20), ("c", 7, 7)];
        let lines = lines.map(|(id, input, output)| (id.to_owned(), input, output));
        assert_eq!(used(lines), Tokens { input: 1507, output: 327 });
    }

    #[test]
    fn no_number_of_answers_is_too_many() {
        let lines = (0..10_000).flat_map(|id| [(format!("m{id}"), 9, 1), (format!("m{id}"), 10, 2)]);
        assert_eq!(used(lines), Tokens { input: 100_000, output: 20_000 });
    }
}
