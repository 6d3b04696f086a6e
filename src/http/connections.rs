//! The connections that are open: bounded in number, so that strangers can't take the descriptors which the daemon needs
//! for its files and runs, and shared out fairly, so that they can't take the operator's.
//!
//! A new connection is always taken. When there are too many, whoever has the most gives up their oldest; those over
//! which the secret was proven are the last to go. A stranger's ends after a while, whether or not they read the answers.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::origin::origin;

/// The most connections, wherever the system allows for as many.
const MOST: u64 = 2048;
/// How few they may be where it allows for little.
const FEWEST: u64 = 64;
/// How many descriptors are left for everything else.
const RESERVE: u64 = 256;
/// How long a connection may be used over which nobody has proven to know the secret.
const STRANGERS: Duration = Duration::from_mins(1);
/// How long after that what was asked in time may be answered.
const LAST_ANSWER: Duration = Duration::from_secs(15);

/// All that are open.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// In the order in which they came.
    peers: BTreeMap<u64, Arc<Peer>>,
    next: u64,
    /// Whether it was said that there are too many, so that it is said once.
    told: bool,
}

/// Who is at the other end of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    origin: IpAddr,
    since: Instant,
    is_proven: AtomicBool,
    given_up: CancellationToken,
}

/// A connection's place among the others, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    pub(super) peer: Arc<Peer>,
    connections: Arc<Connections>,
}

impl Connections {
    /// As many as this process may have.
    pub(super) fn new() -> Arc<Self> {
        let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self::at_most(allowed.saturating_sub(RESERVE).clamp(FEWEST, MOST))
    }

    fn at_most(most: u64) -> Arc<Self> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Arc::new(Self { most, open: Mutex::default() })
    }

    /// Takes one more, for which another may have to go.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Place {
        let given_up = CancellationToken::new();
        let is_proven = AtomicBool::new(false);
        let peer = Arc::new(Peer { origin: origin(from), since: Instant::now(), is_proven, given_up });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.peers.len() >= self.most {
            open.give_one_up();
        }
        let number = open.next;
        open.next += 1;
        open.peers.insert(number, Arc::clone(&peer));
        Place { number, peer, connections: Arc::clone(self) }
    }
}

impl Open {
    fn give_one_up(&mut self) {
        let mut strangers: HashMap<IpAddr, (usize, u64)> = HashMap::new();
        for (number, peer) in &self.peers {
            if !peer.is_proven() {
                strangers.entry(peer.origin).or_insert((0, *number)).0 += 1;
            }
        }
        let greediest = strangers.into_iter().max_by_key(|(_, (count, _))| *count);
        let oldest = greediest.map(|(_, (_, oldest))| oldest).or(self.peers.keys().next().copied());
        let Some(peer) = oldest.and_then(|oldest| self.peers.remove(&oldest)) else { return };
        if let Some((origin, (count, _))) = greediest
            && !self.told
        {
            self.told = true;
            warn!(
                "too many connections ({}): the oldest of whoever has the most is closed for each new one, now of {origin} with {count}",
                self.peers.len() + 1
            );
        }
        peer.given_up.cancel();
    }
}

impl Peer {
    /// Notes that whoever is there knows the secret.
    pub(super) fn prove(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }

    fn is_proven(&self) -> bool {
        self.is_proven.load(Ordering::Relaxed)
    }

    /// Whether an answer should be the last one over this connection.
    pub(super) fn has_stayed_long(&self) -> bool {
        !self.is_proven() && self.since.elapsed() >= STRANGERS
    }

    /// Waits until the connection is to be closed, whatever goes on there.
    pub(super) async fn must_go(&self) {
        tokio::select! {
            () = self.given_up.cancelled() => return,
            () = sleep_until(self.since + STRANGERS + LAST_ANSWER) => {}
        }
        if self.is_proven() {
            self.given_up.cancelled().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.peers.remove(&self.number);
        open.told &= open.peers.len() >= self.connections.most / 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: &str = "192.0.2.1";
    const ONE: &str = "192.0.2.2";

    fn is_given_up(place: &Place) -> bool {
        place.peer.given_up.is_cancelled()
    }

    #[test]
    fn whoever_has_the_most_connections_gives_up_the_oldest_and_who_knows_the_secret_none() {
        let connections = Connections::at_most(5);
        let take = |from: &str| connections.take(from.parse().unwrap());
        let operator = take(MANY);
        operator.peer.prove();
        let other = take(ONE);
        let many: Vec<_> = (0..3).map(|_| take(MANY)).collect();
        assert!(!many.iter().any(is_given_up));
        let more: Vec<_> = (0..4).map(|_| take(MANY)).collect();
        assert!(many.iter().all(is_given_up) && is_given_up(&more[0]));
        assert!(![&operator, &other, &more[1], &more[2], &more[3]].into_iter().any(is_given_up));
        drop(more);
        let _again: Vec<_> = (0..3).map(|_| take(ONE)).collect();
        assert!(!is_given_up(&operator) && !is_given_up(&other), "there is room again");
    }

    #[test]
    fn where_all_know_the_secret_the_oldest_goes() {
        let connections = Connections::at_most(2);
        let places = [MANY, ONE, ONE].map(|from| {
            let place = connections.take(from.parse().unwrap());
            place.peer.prove();
            place
        });
        assert_eq!(places.each_ref().map(is_given_up), [true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_strangers_connection_ends_and_that_of_one_who_knows_the_secret_does_not() {
        let connections = Connections::at_most(5);
        let [stranger, insider] = [MANY, MANY].map(|from| connections.take(from.parse().unwrap()));
        insider.peer.prove();
        let began = Instant::now();
        assert!(!stranger.peer.has_stayed_long());
        stranger.peer.must_go().await;
        assert_eq!(began.elapsed(), STRANGERS + LAST_ANSWER);
        assert!(stranger.peer.has_stayed_long() && !insider.peer.has_stayed_long());
        let stays = tokio::time::timeout(Duration::from_hours(24), insider.peer.must_go()).await;
        assert!(stays.is_err());
    }
}
