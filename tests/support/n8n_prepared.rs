//! A folder with n8n's database, filled with the workflows as they are shipped and with credentials for them.
//!
//! Filling a fresh database takes far longer than starting: it is done once, and copied. So everything that the workflows
//! and credentials are told has the same address in every test of a process, and one test at a time has it ([`Addresses`]).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{MutexGuard, OnceLock};

use serde_json::{Value, json};

use super::daemon::SECRET;
use super::free_port;
use super::n8n::{N8n, NOTIFY_KEY, NOTIFY_SECRET};
use super::rig::Rig;
use super::telegram::Telegram;

/// Who and where is filled into the workflows.
pub struct Addresses {
    pub n8n: u16,
    pub broker: u16,
    pub daemon: u16,
    pub telegram: u16,
    /// A folder with a database that knows them.
    pub(super) prepared: PathBuf,
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

    pub(super) fn command(&self, folder: &Path, broker: u16, arguments: &[&str]) -> Command {
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

    pub(super) fn run(&self, folder: &Path, arguments: &[&str]) -> (ExitStatus, String) {
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
