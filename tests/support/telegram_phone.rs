//! Somebody's phone: what they write and press, and what they get to see.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::eventually::eventually;
use super::telegram::{THROUGH_N8N, Telegram};
use super::telegram_api::kind_of;

/// Somebody's Telegram app, open in one chat.
pub struct Phone<'a> {
    telegram: &'a Telegram,
    pub chat: i64,
    user: i64,
    name: String,
    heard: RefCell<BTreeSet<i64>>,
}

impl<'a> Phone<'a> {
    pub(super) fn new(telegram: &'a Telegram, chat: i64, user: i64, name: &str) -> Self {
        Self { telegram, chat, user, name: name.into(), heard: RefCell::default() }
    }

    /// Sends a message.
    pub fn says(&self, text: &str) -> i64 {
        self.says_repeatedly(text, 1)
    }

    /// Sends a message that Telegram delivers several times at once.
    pub fn says_repeatedly(&self, text: &str, copies: usize) -> i64 {
        self.says_at(text, SystemTime::now(), copies)
    }

    /// Sends a message that was written at another time.
    pub fn says_at(&self, text: &str, when: SystemTime, copies: usize) -> i64 {
        let number = self.telegram.shared.books().number();
        let mut message = json!({
            "message_id": number, "from": self.person(), "chat": self.chat(), "date": seconds(when), "text": text,
        });
        if text.starts_with('/') {
            let length = text.split_whitespace().next().unwrap().encode_utf16().count();
            message["entities"] = json!([{"type": "bot_command", "offset": 0, "length": length}]);
        }
        self.telegram.enqueue("message", &message, copies)
    }

    /// Presses the button for `choice` (`approve`, `skip` …) of a message as it was seen, whether or not it still has it;
    /// answers with what is written on it.
    #[track_caller]
    pub fn presses(&self, seen: &Value, choice: &str) -> String {
        let buttons = buttons(seen);
        let chosen = |button: &&Value| {
            let data = button["callback_data"].as_str().unwrap_or_default();
            data.strip_prefix(choice).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ' ']))
        };
        let Some(button) = buttons.iter().find(chosen) else {
            panic!("no button for {choice:?} among {buttons:#?} of {seen:#}")
        };
        let mut books = self.telegram.shared.books();
        let id = format!("press-{}", books.number());
        books.open_presses.insert(id.clone());
        let message = books.messages[&(self.chat, seen["message_id"].as_i64().unwrap())].clone();
        drop(books);
        let press = json!({
            "id": id, "from": self.person(), "message": message, "chat_instance": "1",
            "data": button["callback_data"],
        });
        self.telegram.enqueue("callback_query", &press, 1);
        button["text"].as_str().unwrap().to_owned()
    }

    /// What appears over the chat when a press is acknowledged, in the order of the presses.
    pub fn acknowledged(&self) -> Vec<Acknowledged> {
        let calls = self.telegram.calls();
        let answers = calls.into_iter().filter(|call| call.method == "answerCallbackQuery");
        answers
            .map(|call| Acknowledged {
                text: call.parameters["text"].as_str().unwrap().to_owned(),
                is_alert: call.parameters["show_alert"] == true,
            })
            .collect()
    }

    /// The first message not heard before that says this; from now on it is heard.
    #[track_caller]
    pub fn hears(&self, what: &str) -> Value {
        eventually(THROUGH_N8N, &format!("{} to hear {what:?}", self.name), || {
            let unheard = self.unheard();
            let found = unheard.iter().find(|message| message["text"].as_str().unwrap().contains(what));
            match found {
                Some(message) => {
                    self.heard.borrow_mut().insert(message["message_id"].as_i64().unwrap());
                    Ok(message.clone())
                }
                None => Err((unheard, self.telegram.refusals())),
            }
        })
    }

    /// What was sent to this chat and not heard yet, as it was sent.
    pub fn unheard(&self) -> Vec<Value> {
        let heard = self.heard.borrow();
        let is_new = |message: &Value| !heard.contains(&message["message_id"].as_i64().unwrap());
        self.sent().into_iter().filter(is_new).collect()
    }

    /// Every message that the bot sent to this chat, as it was sent.
    pub fn sent(&self) -> Vec<Value> {
        let books = self.telegram.shared.books();
        let sent = books.calls.iter().filter(|call| call.method == "sendMessage");
        let messages = sent.filter_map(|call| call.message.clone());
        messages.filter(|message| message["chat"]["id"] == self.chat).collect()
    }

    /// A message as it looks now.
    pub fn looks_at(&self, message: &Value) -> Value {
        let number = message["message_id"].as_i64().unwrap();
        self.telegram.shared.books().messages[&(self.chat, number)].clone()
    }

    /// Waits until a message says this, and gives it.
    #[track_caller]
    pub fn sees(&self, message: &Value, what: &str) -> Value {
        eventually(THROUGH_N8N, &format!("the message to say {what:?}"), || {
            let now = self.looks_at(message);
            if now["text"].as_str().unwrap().contains(what) {
                Ok(now)
            } else {
                Err((now, self.telegram.refusals()))
            }
        })
    }

    fn person(&self) -> Value {
        json!({"id": self.user, "is_bot": false, "first_name": self.name, "language_code": "en"})
    }

    fn chat(&self) -> Value {
        json!({"id": self.chat, "type": kind_of(self.chat), "first_name": self.name})
    }
}

/// What a press is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub text: String,
    /// It has to be tapped away.
    pub is_alert: bool,
}

/// The buttons under a message.
pub fn buttons(message: &Value) -> Vec<Value> {
    let rows = message["reply_markup"]["inline_keyboard"].as_array().cloned().unwrap_or_default();
    rows.iter().flat_map(|row| row.as_array().cloned().unwrap_or_default()).collect()
}

fn seconds(when: SystemTime) -> u64 {
    when.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
