//! Stands where systemd would: listens on the socket of `sd_notify(3)`, and remembers what a daemon said there.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::SOON;
use super::daemon::Daemon;

/// How long the daemon may take to prove that it is alive; it proves it twice as often.
pub const WATCHDOG: Duration = Duration::from_secs(1);

/// What listens.
pub struct ServiceManager {
    socket: UnixDatagram,
    folder: PathBuf,
}

impl ServiceManager {
    /// Listens beside a daemon that doesn't run yet, and tells it where.
    pub fn of(daemon: &mut Daemon) -> Self {
        let path = daemon.folder().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        daemon.set_variable("NOTIFY_SOCKET", path.to_str().unwrap());
        daemon.set_variable("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        Self { socket, folder: daemon.folder().to_owned() }
    }

    /// Hands credentials over to the daemon's next life.
    pub fn hand_over(&self, daemon: &mut Daemon, credentials: &[(&str, &str)]) -> PathBuf {
        let folder = self.folder.join("credentials");
        std::fs::create_dir(&folder).unwrap();
        for (name, value) in credentials {
            std::fs::write(folder.join(name), value).unwrap();
        }
        daemon.set_variable("CREDENTIALS_DIRECTORY", folder.to_str().unwrap());
        folder
    }

    /// The next message, whatever it is.
    #[track_caller]
    pub fn next(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("the daemon says something soon");
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    /// Reads until a message has this line; gives what came before it.
    #[track_caller]
    pub fn until(&self, line: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let message = self.next();
            if message.lines().any(|said| said == line) {
                return before;
            }
            before.push(message);
        }
    }

    /// Forgets what was said so far.
    pub fn forget(&self) {
        self.socket.set_nonblocking(true).unwrap();
        while self.socket.recv(&mut [0; 4096]).is_ok() {}
        self.socket.set_nonblocking(false).unwrap();
    }
}

/// What a process has in its environment, as the kernel tells it; `None` if it has ended.
pub fn environment_of(pid: i32) -> Option<String> {
    let path = Path::new("/proc").join(pid.to_string()).join("environ");
    Some(String::from_utf8(std::fs::read(path).ok()?).unwrap().replace('\0', "\n"))
}
