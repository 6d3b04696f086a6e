//! What matters of all the messages of a run: enough to judge it, and no more.

use super::result::RunResult;
use super::stream::{Complaint, Message, RateLimit};

const MOST_DENIALS: usize = 50;

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
            Message::Said { model: Some(model), .. } => {
                self.model = Some(model.clone());
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
