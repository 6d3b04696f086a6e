//! Telegram on loopback: a bot's API, its webhook, and the phones of those who write to it.
//!
//! Updates are delivered one after the other, and again until they are taken, as Telegram does it. What the bot sends is
//! judged as Telegram judges it (`telegram_api.rs`); nothing is accepted that Telegram would refuse.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::eventually::eventually;
use super::telegram_api::{Books, Call, Delivery, kind_of};
use super::telegram_server::{Door, deliver};
use super::{SOON, free_port};

/// How long anything may take that goes through n8n.
pub const THROUGH_N8N: Duration = Duration::from_mins(1);

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Failure {
    /// 429, with so many seconds to wait.
    Busy(u64),
    /// Any other answer with an error.
    Error(u16, &'static str),
    /// HTML isn't taken, plain text is.
    NoHtml,
    /// No answer for so long; then nothing has happened.
    Silence(Duration),
}

/// What goes wrong next.
pub(super) struct Trouble {
    pub(super) method: String,
    pub(super) failure: Failure,
    pub(super) times: usize,
}

/// What the threads share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) books: Mutex<Books>,
    pub(super) changed: Condvar,
    pub(super) troubles: Mutex<Vec<Trouble>>,
    pub(super) ended: Mutex<bool>,
}

impl Shared {
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

/// A running Telegram with one bot.
pub struct Telegram {
    shared: Arc<Shared>,
    address: SocketAddr,
    door: RefCell<Option<Door>>,
    postman: Option<JoinHandle<()>>,
}

impl Telegram {
    /// The token of the only bot.
    pub const TOKEN: &'static str = "777000:rig-bot-token-0123456789abcdef";

    pub fn start() -> Self {
        Self::at(free_port())
    }

    /// Starts it where others have been told that it is.
    pub fn at(port: u16) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let shared = Arc::new(Shared::default());
        let door = RefCell::new(Some(Door::open(address, Arc::clone(&shared))));
        let for_postman = Arc::clone(&shared);
        let postman = Some(std::thread::spawn(move || deliver(&for_postman)));
        Self { shared, address, door, postman }
    }

    /// What others call the base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Can't be reached any more, until [`Self::come_back`].
    pub fn go_down(&self) {
        drop(self.door.borrow_mut().take());
    }

    pub fn come_back(&self) {
        let free = || TcpListener::bind(self.address).map(drop);
        eventually(SOON, "Telegram's port to be free", free);
        *self.door.borrow_mut() = Some(Door::open(self.address, Arc::clone(&self.shared)));
    }

    /// The next `times` calls of a method fail.
    pub fn fail(&self, method: &str, failure: Failure, times: usize) {
        self.shared.troubles.lock().unwrap().push(Trouble { method: method.into(), failure, times });
    }

    /// Whether everything that was to go wrong has begun to.
    pub fn is_free_of_trouble(&self) -> bool {
        self.shared.troubles.lock().unwrap().iter().all(|trouble| trouble.times == 0)
    }

    /// Nothing goes wrong any more.
    pub fn recover(&self) {
        self.shared.troubles.lock().unwrap().clear();
    }

    /// Somebody who writes to the bot, from a chat with it or from a group.
    pub fn phone(&self, chat: i64, user: i64, name: &str) -> Phone<'_> {
        self.knows(chat);
        Phone { telegram: self, chat, user, name: name.into(), heard: RefCell::default() }
    }

    /// From now on the bot may write to this chat.
    pub fn knows(&self, chat: i64) {
        self.shared.books().chats.insert(chat);
    }

    /// The address to which updates go, once a bot's owner has said so.
    pub fn await_webhook(&self, deadline: Duration) -> String {
        eventually(deadline, "the bot's webhook", || {
            self.shared.books().webhook.as_ref().map(|webhook| webhook.url.clone()).ok_or("not set")
        })
    }

    /// Everything that was accepted so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.books().calls.clone()
    }

    /// Everything that was refused so far.
    pub fn refusals(&self) -> Vec<String> {
        self.shared.books().refusals.clone()
    }

    /// Waits until every update was taken.
    #[track_caller]
    pub fn await_delivery(&self) {
        eventually(THROUGH_N8N, "every update to be taken", || {
            let books = self.shared.books();
            if books.waiting.is_empty() {
                Ok(())
            } else {
                Err((books.waiting.clone(), books.last_error.clone()))
            }
        });
    }

    fn enqueue(&self, kind: &str, content: &Value, copies: usize) -> i64 {
        let mut books = self.shared.books();
        let id = books.number();
        books.waiting.push_back(Delivery { update: json!({"update_id": id, kind: content}), copies });
        self.shared.changed.notify_all();
        id
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        // Under the lock that the postman waits with: it can't miss the bell.
        let books = self.shared.books();
        *self.shared.ended.lock().unwrap() = true;
        self.shared.changed.notify_all();
        drop(books);
        self.go_down();
        self.postman.take().unwrap().join().unwrap();
    }
}

/// Somebody's Telegram app, open in one chat.
pub struct Phone<'a> {
    telegram: &'a Telegram,
    pub chat: i64,
    user: i64,
    name: String,
    heard: RefCell<BTreeSet<i64>>,
}

impl Phone<'_> {
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

/// How long something takes.
pub fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    (what(), begun.elapsed())
}
