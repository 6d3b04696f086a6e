//! The real n8n with the three workflows as they are shipped, in a folder of its own.
//!
//! Filling a fresh database takes far longer than starting: it is done once, and copied. So everything that the workflows
//! and credentials are told has the same address in every test of a process, and one test at a time has it ([`Addresses`]).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::daemon::SECRET;
use super::database::Database;
use super::eventually::eventually;
use super::processes::{self, Identity};
use super::rig::Rig;
use super::telegram::Telegram;
use super::{SOON, free_port};

/// What the daemon signs its notifications with.
pub const NOTIFY_SECRET: &str = "notify-secret-0123456789abcdef";
/// The value of the header by which n8n knows the daemon.
pub const NOTIFY_KEY: &str = "notify-key-0123456789abcdef";

/// How long n8n may take to start.
const UP: Duration = Duration::from_mins(3);
/// What it prints when it can be connected to.
const LISTENS: &str = "Editor is now accessible";

/// Who and where is filled into the workflows.
pub struct Addresses {
    pub n8n: u16,
    pub broker: u16,
    pub daemon: u16,
    pub telegram: u16,
    /// A folder with a database that knows them.
    prepared: PathBuf,
}

/// Who may command by the workflows' own settings.
pub const CHATS: &str = "1001, 1002, -5005";
/// The same for people.
pub const USERS: &str = "1001, 1002";
/// The chat of whatever names none.
pub const DEFAULT_CHAT: &str = "1001";

impl Addresses {
    /// The addresses, for as long as the guard lives; the first caller waits for n8n's database to be filled.
    pub fn take() -> (&'static Self, MutexGuard<'static, ()>) {
        static ADDRESSES: OnceLock<Addresses> = OnceLock::new();
        let turn = N8n::turn();
        (ADDRESSES.get_or_init(Self::prepare), turn)
    }

    fn prepare() -> Self {
        let prepared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("n8n-prepared");
        drop(fs::remove_dir_all(&prepared));
        fs::create_dir_all(prepared.join("workflows")).unwrap();
        let [n8n, broker, daemon, telegram] = [(); 4].map(|()| free_port());
        let addresses = Self { n8n, broker, daemon, telegram, prepared };
        let folder = &addresses.prepared;
        fs::write(folder.join("credentials.json"), addresses.credentials().to_string()).unwrap();
        for (id, file) in WORKFLOWS {
            let workflow = addresses.workflow(id, file).to_string();
            fs::write(folder.join("workflows").join(format!("{id}.json")), workflow).unwrap();
        }
        let input = |name: &str| format!("--input={}", folder.join(name).display());
        addresses.call(folder, &["import:credentials", &input("credentials.json")]);
        addresses.call(folder, &["import:workflow", "--separate", &input("workflows")]);
        for (id, _) in WORKFLOWS {
            addresses.call(folder, &["publish:workflow", &format!("--id={id}")]);
        }
        // What was imported lies in the database now.
        fs::remove_file(folder.join("credentials.json")).unwrap();
        addresses
    }

    fn credentials(&self) -> Value {
        let telegram = format!("http://127.0.0.1:{}", self.telegram);
        let token = Telegram::TOKEN;
        let credential =
            |id: &str, kind: &str, data: Value| json!({"id": id, "name": id, "type": kind, "data": data});
        let bearer = format!("Bearer {SECRET}");
        json!([
            credential(
                "orchestratorTelegramBot",
                "telegramApi",
                json!({"accessToken": token, "baseUrl": telegram})
            ),
            credential(
                "orchestratorTelegramAddress",
                "httpBasicAuth",
                json!({"user": format!("{telegram}/bot{token}"), "password": "-"})
            ),
            credential(
                "orchestratorSecret",
                "httpHeaderAuth",
                json!({"name": "Authorization", "value": bearer})
            ),
            credential(
                "orchestratorNotifyHeader",
                "httpHeaderAuth",
                json!({"name": "X-Orchestrator-Key", "value": NOTIFY_KEY})
            ),
            credential("orchestratorSignature", "crypto", json!({"hmacSecret": NOTIFY_SECRET})),
        ])
    }

    /// A workflow as it is shipped, with an id and its settings filled in.
    fn workflow(&self, id: &str, file: &str) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("n8n_workflows").join(file);
        let mut workflow: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        workflow["id"] = json!(id);
        workflow["active"] = json!(false);
        for node in workflow["nodes"].as_array_mut().unwrap() {
            // Credentials are named in the files; the editor finds their ids by the names, the import here doesn't.
            for used in node["credentials"].as_object_mut().into_iter().flatten().map(|(_, used)| used) {
                used["id"] = used["name"].as_str().map(credential_id).into();
            }
            if node["type"] == "n8n-nodes-base.telegramTrigger" {
                node["webhookId"] = json!("rig-trigger");
            }
            if node["name"] != "Settings" {
                continue;
            }
            for field in node["parameters"]["assignments"]["assignments"].as_array_mut().unwrap() {
                field["value"] = match field["name"].as_str().unwrap() {
                    "daemonUrl" => json!(format!("http://127.0.0.1:{}", self.daemon)),
                    "allowedChats" => json!(CHATS),
                    "allowedUsers" => json!(USERS),
                    "defaultChat" | "chat" => json!(DEFAULT_CHAT),
                    other => panic!("the workflow has a setting {other:?} that the tests don't know"),
                };
            }
        }
        workflow
    }

    fn command(&self, folder: &Path, broker: u16, arguments: &[&str]) -> Command {
        let mut command = Command::new(&Rig::get().node);
        let path =
            format!("{}:{}", Rig::get().node.parent().unwrap().display(), std::env::var("PATH").unwrap());
        command.arg(Rig::n8n()).args(arguments).env_clear().current_dir(folder).stdin(Stdio::null());
        command.env("PATH", path).env("HOME", folder).env("LANG", "C.UTF-8").env("NO_COLOR", "1");
        command.envs([
            ("N8N_USER_FOLDER", folder.to_str().unwrap()),
            ("N8N_ENCRYPTION_KEY", "rig-encryption-key"),
            ("N8N_LISTEN_ADDRESS", "127.0.0.1"),
            ("N8N_SECURE_COOKIE", "false"),
            ("N8N_DIAGNOSTICS_ENABLED", "false"),
            ("N8N_VERSION_NOTIFICATIONS_ENABLED", "false"),
            ("N8N_TEMPLATES_ENABLED", "false"),
            ("N8N_DISABLED_MODULES", "mcp-registry"),
            // What isn't to be kept is gone from the disk at once, not within a quarter of an hour.
            ("EXECUTIONS_DATA_PRUNE_HARD_DELETE_INTERVAL", "0.01"),
        ]);
        command.env("N8N_PORT", self.n8n.to_string()).env("N8N_RUNNERS_BROKER_PORT", broker.to_string());
        command.env("N8N_WEBHOOK_URL", format!("http://127.0.0.1:{}/", self.n8n));
        command
    }

    /// Runs one of n8n's commands to its end, which must be a good one.
    #[track_caller]
    fn call(&self, folder: &Path, arguments: &[&str]) {
        let (status, said) = self.run(folder, arguments);
        assert!(status.success(), "n8n {arguments:?}: {status}\n{said}");
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> (ExitStatus, String) {
        let output = self.command(folder, free_port(), arguments).output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (output.status, said.concat())
    }
}

/// The id in the tests' n8n of a credential that has this name.
fn credential_id(name: &str) -> String {
    let words = name.split(' ').enumerate().map(|(index, word)| {
        let (first, rest) = word.split_at(1);
        if index == 0 { first.to_lowercase() + rest } else { first.to_uppercase() + rest }
    });
    words.collect()
}

/// Their ids in the tests' n8n, and their files.
const WORKFLOWS: [(&str, &str); 3] = [
    ("rigToOrchestrator", "telegram-to-orchestrator.json"),
    ("rigToTelegram", "orchestrator-to-telegram.json"),
    ("rigDailyStartup", "daily-startup.json"),
];

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
