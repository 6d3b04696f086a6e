//! The Bot API as the double serves it: which calls Telegram takes, what it answers, and in which words it refuses.
//!
//! After <https://core.telegram.org/bots/api> and the sources of the Bot API server. Where Telegram would bend a call into
//! shape silently, this refuses: what is accepted here is accepted there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use super::telegram_content::Content;

/// The double's only bot.
pub const BOT: &str = "rig_bot";

/// A call that Telegram took.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub parameters: Map<String, Value>,
    /// The message that was sent or edited.
    pub message: Option<Value>,
}

/// Where updates go.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub url: String,
    pub secret: String,
    pub allowed: Vec<String>,
}

/// An update on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub update: Value,
    /// How many times at once: Telegram repeats what it isn't sure of.
    pub copies: usize,
}

/// Everything Telegram knows.
#[derive(Default)]
pub struct Books {
    pub chats: BTreeSet<i64>,
    pub webhook: Option<Webhook>,
    /// By chat and number.
    pub messages: BTreeMap<(i64, i64), Value>,
    /// What was taken, in its order.
    pub calls: Vec<Call>,
    /// What was refused, and why.
    pub refusals: Vec<String>,
    /// Presses that nobody has answered yet.
    pub open_presses: BTreeSet<String>,
    pub waiting: VecDeque<Delivery>,
    pub last_error: Option<String>,
    numbers: i64,
}

/// What Telegram says no with.
pub struct Refusal {
    pub code: u16,
    pub description: String,
}

type Answer = Result<Value, Refusal>;

pub(super) fn bad(description: impl Into<String>) -> Refusal {
    Refusal { code: 400, description: format!("Bad Request: {}", description.into()) }
}

impl Books {
    /// A number that was never given before.
    pub fn number(&mut self) -> i64 {
        self.numbers += 1;
        self.numbers
    }

    /// Carries a call out, or says why not.
    pub fn call(&mut self, method: &str, parameters: &Map<String, Value>, now: i64) -> Answer {
        let answer = match method {
            "getMe" => Ok(me()),
            "getWebhookInfo" => Ok(self.webhook_info()),
            "setWebhook" => self.set_webhook(parameters),
            "deleteWebhook" => {
                if parameters.get("drop_pending_updates") == Some(&json!(true)) {
                    self.waiting.clear();
                }
                self.webhook = None;
                Ok(json!(true))
            }
            "sendMessage" => self.send(parameters, now),
            "editMessageText" => self.edit(parameters, true),
            "editMessageReplyMarkup" => self.edit(parameters, false),
            "answerCallbackQuery" => self.answer(parameters),
            _ => Err(Refusal { code: 404, description: "Not Found".into() }),
        };
        match &answer {
            Ok(result) => {
                let message = result.get("message_id").map(|_| result.clone());
                let parameters = parameters.clone();
                self.calls.push(Call { method: method.into(), parameters, message });
            }
            Err(refusal) => self.refusals.push(format!("{method}: {}", refusal.description)),
        }
        answer
    }

    fn webhook_info(&self) -> Value {
        let url = self.webhook.as_ref().map_or("", |webhook| &webhook.url);
        let mut info = json!({
            "url": url, "has_custom_certificate": false, "pending_update_count": self.waiting.len(),
        });
        if let Some(error) = &self.last_error {
            info["last_error_message"] = json!(error);
        }
        info
    }

    fn set_webhook(&mut self, parameters: &Map<String, Value>) -> Answer {
        let url = text(parameters, "url").unwrap_or_default();
        if !url.starts_with("http://127.0.0.1:") {
            return Err(bad("bad webhook: this double delivers to loopback only"));
        }
        let secret = text(parameters, "secret_token").unwrap_or_default();
        let fits = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
        if secret.len() > 256 || !secret.chars().all(fits) {
            return Err(bad("secret token contains unallowed characters"));
        }
        let allowed = match parameters.get("allowed_updates").map(decoded) {
            Some(Value::Array(kinds)) => {
                kinds.iter().map(|kind| kind.as_str().unwrap_or_default().to_owned()).collect()
            }
            _ => Vec::new(),
        };
        if parameters.get("drop_pending_updates") == Some(&json!(true)) {
            self.waiting.clear();
        }
        self.webhook = Some(Webhook { url, secret, allowed });
        Ok(json!(true))
    }

    fn send(&mut self, parameters: &Map<String, Value>, now: i64) -> Answer {
        let chat = self.chat(parameters)?;
        let content = Content::given(parameters)?;
        let number = self.number();
        let mut message = json!({
            "message_id": number,
            "from": {"id": 666, "is_bot": true, "first_name": "Rig", "username": BOT},
            "chat": {"id": chat, "type": kind_of(chat)},
            "date": now,
        });
        content.write_into(&mut message);
        self.messages.insert((chat, number), message.clone());
        Ok(message)
    }

    fn edit(&mut self, parameters: &Map<String, Value>, with_text: bool) -> Answer {
        let chat = self.chat(parameters)?;
        let number = parameters.get("message_id").and_then(integer);
        let key = number.map(|number| (chat, number));
        let Some(before) = key.and_then(|key| self.messages.get(&key)) else {
            return Err(bad("message to edit not found"));
        };
        if before["from"]["is_bot"] != json!(true) {
            return Err(bad("message can't be edited"));
        }
        let content = if with_text {
            Content::given(parameters)?
        } else {
            Content::of(before).with_keyboard(parameters)?
        };
        let mut after = before.clone();
        content.write_into(&mut after);
        if &after == before {
            return Err(bad(
                "message is not modified: specified new message content and reply markup are exactly the same as a \
                 current content and reply markup of the message",
            ));
        }
        self.messages.insert((chat, after["message_id"].as_i64().unwrap()), after.clone());
        Ok(after)
    }

    fn answer(&mut self, parameters: &Map<String, Value>) -> Answer {
        let id = text(parameters, "callback_query_id").unwrap_or_default();
        if text(parameters, "text").is_some_and(|text| text.chars().count() > 200) {
            return Err(bad("MESSAGE_TOO_LONG"));
        }
        if !self.open_presses.remove(&id) {
            return Err(bad("query is too old and response timeout expired or query ID is invalid"));
        }
        Ok(json!(true))
    }

    fn chat(&self, parameters: &Map<String, Value>) -> Result<i64, Refusal> {
        let given = parameters.get("chat_id").filter(|given| !given.is_null() && *given != "");
        let given = given.ok_or_else(|| bad("chat_id is empty"))?;
        let known = integer(given).filter(|chat| self.chats.contains(chat));
        known.ok_or_else(|| bad("chat not found"))
    }
}

fn me() -> Value {
    json!({"id": 666, "is_bot": true, "first_name": "Rig", "username": BOT})
}

/// Groups have negative ids.
pub fn kind_of(chat: i64) -> &'static str {
    if chat < 0 { "group" } else { "private" }
}

pub(super) fn text(parameters: &Map<String, Value>, name: &str) -> Option<String> {
    match parameters.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Objects may come as JSON in a text, as forms send them.
pub(super) fn decoded(value: &Value) -> Value {
    match value {
        Value::String(json) => serde_json::from_str(json).unwrap_or_default(),
        other => other.clone(),
    }
}
