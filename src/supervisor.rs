//! What a service manager that started the daemon is told, and what it asks for: `sd_notify(3)`.
//!
//! Whoever started the daemon by hand is told nothing. A message that doesn't get through is not worth an end: the manager
//! draws its own conclusions. The protocol is a line in a datagram; the crates for it don't know abstract sockets, which
//! managers of containers use. Knows nothing of why something is said.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

/// How much longer the manager is to wait, counted from each time that it is asked to.
const LONGER: Duration = Duration::from_mins(1);
/// How often it is asked.
const ASK: Duration = Duration::from_secs(20);
/// How often at most: what takes hours is no start.
const MOST: usize = 90;

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that the variables of this process name.
    pub fn named_in(environment: impl IntoIterator<Item = (OsString, OsString)>, own_pid: u32) -> Self {
        let mut said: HashMap<_, _> = environment.into_iter().collect();
        let mut take = |name: &str| said.remove(OsStr::new(name));
        let (socket, interval, pid) = (take("NOTIFY_SOCKET"), take("WATCHDOG_USEC"), take("WATCHDOG_PID"));
        let number = |text: OsString| text.to_str()?.parse::<u64>().ok();
        let is_ours = pid.is_none_or(|pid| number(pid) == Some(own_pid.into()));
        let interval = interval.and_then(number).filter(|_| is_ours).map(Duration::from_micros);
        Self {
            socket: socket.and_then(|name| {
                connect(&name)
                    .inspect_err(|error| debug!("no service manager at {}: {error}", name.display()))
                    .ok()
            }),
            watchdog: interval.filter(|interval| !interval.is_zero()),
        }
    }

    /// Within which time it wants to hear that the daemon is alive, each time anew.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.is_there())
    }

    /// Whether anybody listens.
    pub fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// The daemon answers.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The daemon is alive.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// The daemon has begun to end.
    pub fn stopping(&self, status: &str) {
        self.tell(&format!("STOPPING=1\nSTATUS={}", line(status)));
    }

    /// What the daemon does, in a line.
    pub fn status(&self, status: &str) {
        self.tell(&format!("STATUS={}", line(status)));
    }

    /// Asks the manager to wait for as long as something takes that comes before the daemon is ready.
    pub async fn patient<T>(&self, status: &str, work: impl Future<Output = T>) -> T {
        let mut asked = 0;
        let asking = async {
            let mut ticks = interval(ASK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while asked < MOST {
                ticks.tick().await;
                let longer = LONGER.as_micros();
                self.tell(&format!("EXTEND_TIMEOUT_USEC={longer}\nSTATUS={}", line(status)));
                asked += 1;
            }
            std::future::pending().await
        };
        tokio::select! {
            biased;
            done = work => done,
            never = asking => never,
        }
    }

    fn tell(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            debug!("failed to tell the service manager {message:?}: {error}");
        }
    }
}

/// A path, or an abstract name after an `@`.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // Whoever doesn't read must not hold up the daemon.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// One line, whatever it is made from: another one would be another message.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::Supervisor;
    use std::ffi::OsString;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::time::Duration;

    fn named(pairs: &[(&str, &str)]) -> Supervisor {
        let environment = pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Supervisor::named_in(environment, 7)
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_is_told_on_a_path_and_on_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("orchestrator-test-{}", uuid::Uuid::new_v4());
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        for (socket, named_as) in [
            (UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap().to_owned()),
            (UnixDatagram::bind_addr(&abstract_name).unwrap(), format!("@{name}")),
        ] {
            let supervisor = named(&[("NOTIFY_SOCKET", &named_as)]);
            supervisor.ready();
            assert_eq!(heard(&socket), "READY=1");
            supervisor.status("idle\nWATCHDOG=1");
            assert_eq!(heard(&socket), "STATUS=idle WATCHDOG=1");
        }
    }

    #[test]
    fn the_watchdog_is_meant_for_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _socket = UnixDatagram::bind(&path).unwrap();
        let at = ("NOTIFY_SOCKET", path.to_str().unwrap());
        let interval = ("WATCHDOG_USEC", "3000000");
        assert_eq!(named(&[at, interval]).watchdog(), Some(Duration::from_secs(3)));
        assert_eq!(named(&[at, interval, ("WATCHDOG_PID", "7")]).watchdog(), Some(Duration::from_secs(3)));
        assert_eq!(named(&[at, interval, ("WATCHDOG_PID", "8")]).watchdog(), None);
        assert_eq!(named(&[at, ("WATCHDOG_USEC", "soon")]).watchdog(), None);
        assert_eq!(named(&[interval]).watchdog(), None);
    }

    #[test]
    fn nobody_is_told_nothing() {
        for socket in ["", "@", "/nowhere/at/all", "relative"] {
            assert!(!named(&[("NOTIFY_SOCKET", socket)]).is_there(), "{socket}");
        }
        named(&[]).ready();
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_start_asks_for_patience_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let supervisor = named(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
        socket.set_nonblocking(true).unwrap();
        let mut heard_of = 0;
        let work = async {
            for _ in 0..200 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                let mut buffer = [0; 256];
                while let Ok(length) = socket.recv(&mut buffer) {
                    assert_eq!(&buffer[..length], b"EXTEND_TIMEOUT_USEC=60000000\nSTATUS=opening");
                    heard_of += 1;
                }
            }
        };
        supervisor.patient("opening", work).await;
        assert_eq!(heard_of, 90);
    }
}
