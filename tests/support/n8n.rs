//! The real n8n with the three workflows as they are shipped, in a folder of its own.
//!
//! Its database is a copy of one that was filled once (`n8n_prepared.rs`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::database::Database;
use super::eventually::eventually;
pub use super::n8n_prepared::Addresses;
use super::processes::{self, Identity};
use super::{SOON, free_port};

/// What the daemon signs its notifications with.
pub const NOTIFY_SECRET: &str = "notify-secret-0123456789abcdef";
/// The value of the header by which n8n knows the daemon.
pub const NOTIFY_KEY: &str = "notify-key-0123456789abcdef";

/// What it says with a 200 to whatever comes while it opens its database, and then forgets.
pub const STARTING_UP: &str = "n8n is starting up. Please wait";

/// How long n8n may take to start.
const UP: Duration = Duration::from_mins(3);
/// What it prints when it can be connected to.
const LISTENS: &str = "Editor is now accessible";

/// A running n8n. Dropped, it and everything it started is gone.
pub struct N8n {
    addresses: &'static Addresses,
    folder: TempDir,
    process: Option<Child>,
}

impl N8n {
    /// The turn of whoever starts one: two at a time are too much for a small machine.
    pub fn turn() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::new(());
        // A test that failed has left nothing behind that the next could meet.
        TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts one at the addresses, where Telegram already is.
    pub fn start(addresses: &'static Addresses) -> Self {
        let folder = tempfile::Builder::new().prefix("orchestrator-n8n-").tempdir().unwrap();
        let copied =
            Command::new("cp").arg("-a").arg(addresses.prepared.join(".n8n")).arg(folder.path()).status();
        assert!(copied.unwrap().success(), "the prepared n8n can be copied");
        let mut n8n = Self { addresses, folder, process: None };
        n8n.restart();
        n8n
    }

    /// Starts one that nobody has used yet, with addresses of its own.
    pub fn untouched() -> Self {
        let [n8n, broker, daemon, telegram] = [(); 4].map(|()| free_port());
        let addresses =
            Box::leak(Box::new(Addresses { n8n, broker, daemon, telegram, prepared: PathBuf::new() }));
        let folder = tempfile::Builder::new().prefix("orchestrator-n8n-").tempdir().unwrap();
        let mut n8n = Self { addresses, folder, process: None };
        n8n.spawn();
        n8n.await_door("healthz/readiness", 200);
        n8n
    }

    /// Starts it again in the same folder and waits until both of its doors are open.
    #[track_caller]
    pub fn restart(&mut self) {
        self.spawn();
        for door in ["webhook/orchestrator-notify", "webhook/rig-trigger/webhook"] {
            // Without the header or the secret token it lets nobody in, but it is there.
            self.await_door(door, 403);
        }
    }

    #[track_caller]
    fn spawn(&mut self) {
        assert!(self.process.is_none(), "n8n still runs");
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let said_before = self.said().matches(LISTENS).count();
        let mut command = self.addresses.command(self.folder.path(), self.addresses.broker, &["start"]);
        self.process = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        // Knocking costs it time that it needs to start.
        self.await_start("listen", |n8n| n8n.said().matches(LISTENS).count() > said_before);
    }

    #[track_caller]
    fn await_door(&mut self, door: &str, status: u16) {
        let url = format!("{}/{door}", self.url());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = orchestrator::outward::client("http:").timeout(SOON).build().unwrap();
        let request = || {
            if door.starts_with("webhook/") { client.post(&url).json(&json!({})) } else { client.get(&url) }
        };
        let knock =
            || runtime.block_on(async { Ok::<_, reqwest::Error>(request().send().await?.status().as_u16()) });
        self.await_start(&format!("answer at {door}"), |_| knock().is_ok_and(|answered| answered == status));
    }

    #[track_caller]
    fn await_start(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        eventually(UP, &format!("n8n to {what}"), || {
            if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
                self.process = None;
                panic!("n8n ended with {status}\n{}", self.said());
            }
            if is_so(self) { Ok(()) } else { Err("not yet") }
        });
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.addresses.n8n)
    }

    /// Where the daemon posts its notifications.
    pub fn notify_url(&self) -> String {
        format!("{}/webhook/orchestrator-notify", self.url())
    }

    pub fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// Kills it as a power cut would.
    pub fn kill9(&mut self) {
        let mut process = self.process.take().expect("n8n runs");
        let children = children(&process);
        process.kill().unwrap();
        let status = process.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "n8n had ended by itself: {status}\n{}", self.said());
        end(&children);
    }

    /// Fires the schedule now.
    pub fn start_the_day(&self) {
        let (status, said) = self.addresses.run(self.folder.path(), &["execute", "--id=rigDailyStartup"]);
        // Its sandbox sometimes crashes when the process is about to end.
        assert!(said.contains("Execution was successful"), "{status}\n{said}");
    }

    /// Everything that it keeps of executions: of each its number, its status and what it holds.
    pub fn executions(&self) -> BTreeMap<String, String> {
        let database = Database::at(&self.folder.path().join(".n8n/database.sqlite"));
        let rows = database.texts(
            "SELECT json_array(e.id || ' ' || e.workflowId || ' ' || e.status, d.data || d.workflowData)
             FROM execution_entity e JOIN execution_data d ON d.executionId = e.id",
        );
        rows.iter().map(|row| serde_json::from_str::<(String, String)>(row).unwrap()).collect()
    }

    /// Everything it has written to its terminal.
    pub fn said(&self) -> String {
        let said = fs::read_to_string(self.log_path()).unwrap_or_default();
        format!("--- n8n said:\n{said}---")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("n8n.log")
    }
}

impl Drop for N8n {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let children = children(&process);
            process.kill().unwrap();
            process.wait().unwrap();
            end(&children);
        }
        if std::thread::panicking() {
            eprintln!("{}", self.said());
        }
    }
}

/// The runners of its code nodes, which carry nothing of its environment.
fn children(process: &Child) -> Vec<Identity> {
    let pid = process.id().try_into().unwrap();
    processes::descendants(pid).into_iter().map(|process| process.identity).collect()
}

fn end(children: &[Identity]) {
    eventually(SOON, "n8n's children to be gone", || {
        let left: Vec<&Identity> = children.iter().filter(|child| child.is_alive()).collect();
        for child in &left {
            child.signal(rustix::process::Signal::KILL);
        }
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
}
