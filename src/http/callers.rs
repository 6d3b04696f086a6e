//! Which chats and users may command, and which commands a chat may give.

use super::body::{Loose, Sender};
use super::error::{ApiError, Code};

/// The lists of the configuration; an empty one allows all.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    /// Chats.
    pub chats: Vec<String>,
    /// Users.
    pub users: Vec<String>,
    /// Commands that chats may give.
    pub commands: Vec<String>,
}

impl Callers {
    /// Refuses a chat or a user that isn't listed.
    pub(super) fn admit(&self, sender: &Sender) -> Result<(), ApiError> {
        let stranger = |id: &Option<Loose>, listed: &[String]| {
            id.as_ref().is_some_and(|id| !listed.is_empty() && !listed.contains(&id.0))
        };
        if stranger(&sender.chat_id, &self.chats) {
            return Err(ApiError::new(Code::Forbidden, "this chat may not give commands (telegram.chat_id)"));
        }
        if stranger(&sender.user_id, &self.users) {
            return Err(ApiError::new(Code::Forbidden, "this user may not give commands (telegram.user_id)"));
        }
        Ok(())
    }

    /// Refuses a command that chats may not give.
    pub(super) fn may_say(&self, sender: &Sender, word: &str) -> Result<(), ApiError> {
        let listed = self.commands.is_empty() || self.commands.iter().any(|command| command == word);
        if sender.chat_id.is_some() && !listed {
            return Err(ApiError::new(
                Code::Forbidden,
                format!("/{word} is switched off for chats (telegram.commands)"),
            ));
        }
        Ok(())
    }
}
