//! From the outbox to n8n: at least once, in the order of each session and chat, until it has arrived or is given up.
//!
//! Level-triggered like the worker: it looks at what is committed and sends what is next, so a ring that is missed, a
//! restart and a crash cost nothing. A row leaves the outbox only after the receiver has said that it has it; a
//! repetition carries the same id. Knows nothing of sessions but what the rows say.

mod patience;
mod post;
mod progress;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::patience::Patience;
use self::post::Post;
pub use self::post::{Receiver, Unusable};
use self::progress::Progress;
use crate::claude::Activity;
use crate::engine::{self, Engine};
use crate::store::outbox::{self, Notification, Settled};

/// How long to sleep at most while something is expected: the system's clock may jump.
const TICK: Duration = Duration::from_mins(1);
/// How long to wait before something is tried again that failed inside.
const PAUSE: Duration = Duration::from_secs(5);

/// The one that delivers notifications.
#[derive(Debug)]
pub struct Notifier {
    engine: Arc<Engine>,
    post: Arc<Post>,
    patience: Patience,
    activity: watch::Receiver<Option<Activity>>,
}

/// The lanes whose first notification is being delivered.
#[derive(Default)]
struct UnderWay {
    deliveries: JoinSet<String>,
    lanes: HashSet<String>,
}

impl Notifier {
    /// A notifier that has not begun; `activity` is what the live run is doing.
    pub fn new(
        engine: Arc<Engine>,
        receiver: Receiver,
        activity: watch::Receiver<Option<Activity>>,
    ) -> Result<Self, Unusable> {
        let patience = Patience::since(engine.now());
        let post = Arc::new(Post::new(receiver, engine.settings().timezone.clone())?);
        Ok(Self { engine, post, patience, activity })
    }

    /// Delivers until `stop`; what is being delivered then is seen to its end.
    pub async fn work(self, stop: CancellationToken) {
        let progress = Progress::new(Arc::clone(&self.engine), Arc::clone(&self.post), self.activity.clone());
        tokio::join!(self.deliver(&stop), progress.show(&stop));
    }

    async fn deliver(&self, stop: &CancellationToken) {
        let mut bell = self.engine.doorbell();
        let mut under_way = UnderWay::default();
        while !stop.is_cancelled() {
            bell.borrow_and_update();
            let nap = match self.turn(&mut under_way).await {
                Ok(nap) => nap,
                Err(trouble) => {
                    error!("failed to see to the notifications, which is tried again: {trouble}");
                    Some(PAUSE)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = bell.changed() => {}
                Some(lane) = under_way.next() => drop(under_way.lanes.remove(&lane)),
                () = sleep(nap) => {}
            }
        }
        while under_way.next().await.is_some() {}
    }

    /// Sends what is next and due; answers with when to look again, unless the bell rings before.
    async fn turn(&self, under_way: &mut UnderWay) -> Result<Option<Duration>, engine::Error> {
        let mut next = self.engine.remind().await?;
        if self.engine.snapshot().notifications.pending > 0 {
            let now = self.engine.now();
            for notification in outbox::heads(self.engine.store().readers()).await? {
                if under_way.lanes.contains(&notification.lane) {
                    continue;
                }
                if notification.next_at <= now {
                    self.send(notification, under_way);
                } else {
                    next = Some(next.map_or(notification.next_at, |next| next.min(notification.next_at)));
                }
            }
        }
        Ok(next.map(|next| self.until(next)))
    }

    fn until(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.engine.now())).unwrap_or_default().min(TICK)
    }

    fn send(&self, notification: Notification, under_way: &mut UnderWay) {
        let (engine, post, patience) = (Arc::clone(&self.engine), Arc::clone(&self.post), self.patience);
        under_way.lanes.insert(notification.lane.clone());
        under_way.deliveries.spawn(async move {
            let heard = post.send(&notification, engine.now()).await;
            let settled = patience.judge(&notification, heard, engine.now());
            tell(&notification, &settled, engine.now());
            if let Err(error) = engine.settle(&notification, &settled).await {
                error!("failed to write down that notification {} was sent: {error}", notification.id);
                tokio::time::sleep(PAUSE).await;
            }
            notification.lane
        });
    }
}

impl UnderWay {
    /// The lane that is free again; `None` at once if nothing is under way.
    async fn next(&mut self) -> Option<String> {
        let lane = self.deliveries.join_next().await?;
        lane.inspect_err(|error| error!("a delivery ended early: {error}")).ok()
    }
}

async fn sleep(nap: Option<Duration>) {
    match nap {
        Some(nap) => tokio::time::sleep(nap).await,
        None => std::future::pending().await,
    }
}

fn tell(notification: &Notification, settled: &Settled, now: Timestamp) {
    let Notification { id, event, .. } = notification;
    match settled {
        Settled::Delivered { .. } if notification.attempts > 0 => {
            info!(
                "notification {id} ({event}) was delivered after {} attempts in vain",
                notification.attempts
            );
        }
        Settled::Delivered { .. } => {}
        Settled::Later { next_at, error, .. } => {
            let wait = Duration::try_from(next_at.duration_since(now)).unwrap_or_default().as_secs_f64();
            warn!("notification {id} ({event}) was not delivered, again in {wait:.0} s: {error}");
        }
        Settled::Dead { error } => error!(
            "notification {id} ({event}) is given up: {error}; `orchestrator notifications retry {id}` sends it again"
        ),
    }
}
