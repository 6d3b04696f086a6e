//! Telegram on loopback: a bot's API, its webhook, and the phones of those who write to it.
//!
//! Updates are delivered one after the other, and again until they are taken, as Telegram does it. What the bot sends is
//! judged as Telegram judges it (`telegram_api.rs`); nothing is accepted that Telegram would refuse.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::eventually::eventually;
use super::free_port;
use super::telegram_api::{Books, Call, Delivery};
pub use super::telegram_phone::Phone;
use super::telegram_server::{Door, deliver};

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
    pub(super) away: Mutex<bool>,
    pub(super) ended: Mutex<bool>,
}

impl Shared {
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Tells the postman whether something is so, under the lock that he waits with: he can't miss the bell.
    fn tell(&self, what: &Mutex<bool>, is_so: bool) {
        let _books = self.books();
        *what.lock().unwrap() = is_so;
        self.changed.notify_all();
    }
}

/// A running Telegram with one bot.
pub struct Telegram {
    pub(super) shared: Arc<Shared>,
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

    /// Can't be reached any more and brings nothing, until [`Self::come_back`].
    pub fn go_down(&self) {
        self.shared.tell(&self.shared.away, true);
        drop(self.door.borrow_mut().take());
    }

    pub fn come_back(&self) {
        *self.door.borrow_mut() = Some(Door::open(self.address, Arc::clone(&self.shared)));
        self.shared.tell(&self.shared.away, false);
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
        Phone::new(self, chat, user, name)
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

    pub(super) fn enqueue(&self, kind: &str, content: &Value, copies: usize) -> i64 {
        let mut books = self.shared.books();
        let id = books.number();
        books.waiting.push_back(Delivery { update: json!({"update_id": id, kind: content}), copies });
        self.shared.changed.notify_all();
        id
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.shared.tell(&self.shared.ended, true);
        self.go_down();
        self.postman.take().unwrap().join().unwrap();
    }
}

/// How long something takes.
pub fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    (what(), begun.elapsed())
}
