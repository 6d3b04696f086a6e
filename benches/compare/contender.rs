//! A server under measurement, whosever it is: started, awaited, watched, ended.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::connection::{Connection, get};
use crate::watched::Watched;

/// Of files, in bytes.
const LARGE: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_mins(1);
const BETWEEN_LOOKS: Duration = Duration::from_micros(500);

/// A process of ours that is gone when it is dropped.
pub struct Running(Child);

impl Running {
    /// Starts a program whose words go to a file.
    pub fn start(command: &mut Command, says: &Path) -> io::Result<Self> {
        let says = File::options().create(true).append(true).open(says)?;
        let child = command.stdin(Stdio::null()).stdout(says.try_clone()?).stderr(says).spawn()?;
        Ok(Self(child))
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it to end, and waits.
    pub fn terminate(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let patience = Instant::now() + Duration::from_secs(10);
        while !self.has_ended() && Instant::now() < patience {
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.terminate();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server on loopback.
pub struct Server {
    pub port: u16,
    pub running: Running,
    /// From its start to its first answer.
    pub cold_start: Duration,
}

impl Server {
    /// Starts it and waits until it answers; what it said meanwhile is told when it doesn't.
    pub fn start(command: &mut Command, port: u16, path: &str, says: &Path) -> Self {
        let began = Instant::now();
        let mut running = Running::start(command, says).unwrap();
        let mut connection = Connection::new(port);
        while connection.ask(&get(path)).is_err() {
            let said = || fs::read_to_string(says).unwrap_or_default();
            assert!(
                !running.has_ended() && began.elapsed() < PATIENCE,
                "no answer from {command:?}\n{}",
                said()
            );
            sleep(BETWEEN_LOOKS);
        }
        Self { port, running, cold_start: began.elapsed() }
    }

    /// It and its workers.
    pub fn watched(&self) -> Watched {
        Watched::tree(self.running.pid())
    }

    pub fn connection(&self) -> Connection {
        Connection::new(self.port)
    }
}

/// A folder to work in: on a disk, as `/tmp` may be memory, where nothing has to be synced; and in no git repository, whose
/// status a project in it would have.
pub fn folder(name: &str) -> Folder {
    let prefix = format!("{}-{name}-", std::process::id());
    fs::create_dir_all(workshop()).unwrap();
    Folder(tempfile::Builder::new().prefix(&prefix).tempdir_in(workshop()).unwrap().keep())
}

/// One of them. What is small in it stays until the end: a file system may take far longer to make files for a while after
/// many were removed, which whoever is measured next would be charged with.
pub struct Folder(PathBuf);

impl Folder {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove_large(&self.0);
    }
}

fn remove_large(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            remove_large(&entry.path());
        } else if metadata.len() > LARGE {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Removes what this call made, or one left that was killed.
pub fn clean_up() {
    let own = std::process::id().to_string();
    for entry in fs::read_dir(workshop()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.split_once('-')).map(|(pid, _)| pid.to_owned());
        if owner.is_some_and(|pid| pid == own || !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn workshop() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    cache.unwrap_or_else(std::env::temp_dir).join("orchestrator-bench/work")
}

/// A port on which nothing listens.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until something is there.
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < patience, "{what}: not after {patience:?}");
        sleep(BETWEEN_LOOKS);
    }
}

/// The bytes that a folder holds, files and folders below it included: as long as they say, and as much as they take.
pub fn size_of(folder: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    let mut sum = (0, 0);
    let mut left = vec![PathBuf::from(folder)];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let Ok(file) = entry.metadata() else { continue };
            sum.1 += file.blocks() * 512;
            if file.is_dir() {
                left.push(entry.path());
            } else {
                sum.0 += file.len();
            }
        }
    }
    sum
}
