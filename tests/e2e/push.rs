//! `n8n push` into the real n8n, by somebody who has a bot's token and an n8n that nobody has used yet.

use std::fs;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::SOON;
use crate::support::document::Document;
use crate::support::eventually::eventually;
use crate::support::n8n::N8n;
use crate::support::newcomer::Newcomer;
use crate::support::telegram::{Failure, Telegram};
use crate::support::terminal::Said;

const TO_TELEGRAM: &str = "Orchestrator → Telegram";
const FROM_TELEGRAM: &str = "Telegram → Orchestrator";
const DAILY: &str = "Daily startup";

/// A newcomer's three: a project, an n8n, a bot.
struct Desk {
    newcomer: Newcomer,
    telegram: Telegram,
    owner: Owner,
    n8n: N8n,
}

impl Desk {
    fn new() -> Self {
        let (n8n, telegram) = (N8n::untouched(), Telegram::start());
        let owner = Owner::of(&n8n);
        let mut newcomer = Newcomer::after_init();
        newcomer.set("N8N_API_KEY", &owner.key(json!(null)));
        newcomer.set("TELEGRAM_BOT_TOKEN", Telegram::TOKEN);
        newcomer.set("TELEGRAM_CHAT_ID", "1001");
        Self { newcomer, telegram, owner, n8n }
    }

    fn push(&self, more: &[&str]) -> Said {
        let (n8n, telegram) = (self.n8n.url(), self.telegram.url());
        let arguments = [&["n8n", "push", "--url", &n8n, "--telegram-url", &telegram], more].concat();
        let said = self.newcomer.call(&arguments);
        let dotenv = fs::read_to_string(self.newcomer.project(".env")).unwrap();
        let keys = dotenv.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() == 64);
        for secret in keys.chain([Telegram::TOKEN]) {
            assert!(!said.out.contains(secret) && !said.err.contains(secret), "{said:?}");
        }
        said
    }

    #[track_caller]
    fn pushes(&self, more: &[&str]) -> String {
        let said = self.push(more);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
        said.out
    }

    #[track_caller]
    fn push_fails(&self, more: &[&str]) -> String {
        let said = self.push(more);
        assert_eq!(said.code, Some(1), "{said:?}");
        said.err
    }

    /// What the doctor finds wrong with a round trip.
    fn complaints(&self) -> Vec<String> {
        let said = self.newcomer.call(&["doctor", "--round-trip", "--json"]);
        let report: Value = serde_json::from_str(&said.out).unwrap();
        let legs = ["n8n", "key", "signature", "telegram", "bot", "delivery", "daemon"];
        let findings = report["findings"].as_array().unwrap().iter();
        let found: Vec<_> =
            findings.filter(|finding| legs.contains(&finding["check"].as_str().unwrap())).collect();
        assert!(found.len() >= 3, "{report:#}");
        let complaints = found.into_iter().filter(|finding| finding["level"] != "ok");
        complaints.map(|finding| format!("{}: {}", finding["check"], finding["message"])).collect()
    }
}

/// Whoever has set n8n up, signed in.
struct Owner {
    runtime: Runtime,
    url: String,
    cookie: String,
}

impl Owner {
    fn of(n8n: &N8n) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut owner = Self { runtime, url: n8n.url(), cookie: String::new() };
        let ann = json!({
            "email": "ann@example.com", "firstName": "Ann", "lastName": "Smith", "password": "Passw0rd-long"
        });
        let (cookie, _) = owner.post("/rest/owner/setup", &ann);
        owner.cookie = cookie.expect("a session");
        owner
    }

    /// A key for the public API; without a list of scopes one that may do everything.
    fn key(&self, scopes: Value) -> String {
        let scopes = if scopes.is_null() {
            self.call("GET", "/rest/api-keys/scopes", None).1["data"].take()
        } else {
            scopes
        };
        let wanted = json!({ "label": scopes.as_array().unwrap().len().to_string(), "expiresAt": null, "scopes": scopes });
        self.post("/rest/api-keys", &wanted).1["data"]["rawApiKey"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> (Option<String>, Value) {
        self.call("POST", path, Some(body))
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (Option<String>, Value) {
        self.runtime.block_on(async {
            let client = orchestrator::outward::client("http:").build().unwrap();
            let mut request = client.request(method.parse().unwrap(), format!("{}{path}", self.url));
            // n8n ties a session to the browser that began it.
            request = request.header("browser-id", "rig").header("cookie", &self.cookie);
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status(), response.headers().clone());
            let text = response.text().await.unwrap();
            assert!(status.is_success(), "{method} {path}: {status} {text}");
            let cookie = headers.get("set-cookie").map(|cookie| cookie.to_str().unwrap());
            let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
            (cookie, serde_json::from_str(&text).unwrap_or_default())
        })
    }

    fn list(&self) -> Vec<Value> {
        self.call("GET", "/rest/workflows", None).1["data"].as_array().unwrap().clone()
    }

    /// A workflow, whole.
    #[track_caller]
    fn workflow(&self, name: &str) -> Value {
        let named: Vec<Value> = self.list().into_iter().filter(|workflow| workflow["name"] == name).collect();
        assert_eq!(named.len(), 1, "{named:#?}");
        let path = format!("/rest/workflows/{}", named[0]["id"].as_str().unwrap());
        self.call("GET", &path, None).1["data"].take()
    }

    /// Does to a workflow what somebody does in the editor.
    fn edit(&self, workflow: &Value) {
        let path = format!("/rest/workflows/{}?forceSave=true", workflow["id"].as_str().unwrap());
        let mut edited = json!({ "versionId": workflow["versionId"] });
        for key in ["name", "nodes", "connections", "settings"] {
            edited[key] = workflow[key].clone();
        }
        self.call("PATCH", &path, Some(&edited));
    }

    fn switch(&self, workflow: &Value, word: &str) {
        let path = format!("/rest/workflows/{}/{word}", workflow["id"].as_str().unwrap());
        self.post(&path, &json!({ "versionId": workflow["versionId"] }));
    }
}

/// A text in which numbers and the bot's name don't count.
fn normal(text: &str) -> String {
    let words = text.split_whitespace().map(|word| if word.starts_with('@') { "@bot." } else { word });
    words.collect::<Vec<_>>().join(" ").replace(|c: char| c.is_ascii_digit(), "")
}

/// The versions that are stored and published, which tell whether anything was changed.
fn versions(owner: &Owner) -> Vec<(Value, Value)> {
    let whole = [TO_TELEGRAM, FROM_TELEGRAM, DAILY].map(|name| owner.workflow(name));
    whole.map(|workflow| (workflow["versionId"].clone(), workflow["activeVersionId"].clone())).to_vec()
}

fn node<'a>(workflow: &'a mut Value, name: &str) -> &'a mut Value {
    let nodes = workflow["nodes"].as_array_mut().unwrap();
    nodes.iter_mut().find(|node| node["name"] == name).unwrap_or_else(|| panic!("no node {name}"))
}

/// One n8n for all of it: filling a fresh one's database takes most of a minute.
#[test]
fn with_a_token_and_an_n8n_that_nobody_has_used() {
    let _turn = N8n::turn();
    let mut desk = Desk::new();
    a_rehearsal_changes_nothing(&desk);
    a_phone_approves(&desk);
    what_has_not_changed_stays(&desk);
    what_was_edited_is_ours_again_but_for_the_hour(&desk);
    the_bot_is_taken_and_taken_back(&desk);
    telegram_wants_no_webhook_there(&desk);
    the_path_belongs_to_another(&desk);
    two_of_a_name(&desk);
    keys_that_may_not(&mut desk);
}

fn a_rehearsal_changes_nothing(desk: &Desk) {
    desk.pushes(&["--dry-run"]);
    assert_eq!(desk.owner.list(), [] as [Value; 0]);
}

fn a_phone_approves(desk: &Desk) {
    let ann = desk.telegram.phone(1001, 1001, "Ann");
    // Pressed before anybody listens: it must not begin anything.
    ann.says("/start");
    let guide = Document::read("docs/n8n.md");
    assert_eq!(normal(&desk.pushes(&[])), normal(&guide.shown("pushed")));

    let daemon = desk.newcomer.serve();
    let said = desk.newcomer.call(&["doctor", "--round-trip"]).out;
    for line in guide.shown("doctor").lines().filter(|line| line.starts_with("ok ")) {
        let line = line.replace("n8n.example.com", "localhost:5678");
        let lines = said.replace(&desk.n8n.url().replace("http://", ""), "localhost:5678");
        assert!(lines.lines().any(|other| normal(other) == normal(&line)), "{line}:\n{lines}");
    }
    assert_eq!(desk.complaints(), [] as [&str; 0]);
    ann.hears("A test by");
    ann.says("/start");
    let gate = ann.hears("Write a short tour");
    ann.presses(&gate, "approve");
    ann.sees(&gate, "👉 Ann");
    ann.hears("Session complete");
    for word in ["responding", "open"] {
        let sent = ann.sent();
        assert!(!sent.iter().any(|message| message["text"].as_str().unwrap().contains(word)), "{sent:#?}");
    }
    assert_eq!(desk.telegram.refusals(), [] as [&str; 0]);

    drop(daemon);
    let complaints = desk.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("nothing answers at"), "{complaints:?}");
}

fn what_has_not_changed_stays(desk: &Desk) {
    let said = desk.pushes(&["--no-daily"]);
    assert!(said.contains("kept      workflow Daily startup (not published)"), "{said}");
    assert_eq!(desk.owner.workflow(DAILY)["active"], false);
    desk.pushes(&[]);
    assert_eq!(desk.owner.workflow(DAILY)["active"], true);
    let before = versions(&desk.owner);
    let said = desk.pushes(&[]);
    assert_eq!(said.matches("kept ").count(), 3, "{said}");
    assert_eq!(versions(&desk.owner), before);
}

fn what_was_edited_is_ours_again_but_for_the_hour(desk: &Desk) {
    let webhook = desk.telegram.await_webhook(SOON);
    let mut edited = desk.owner.workflow(DAILY);
    let rule = json!({ "interval": [{ "field": "cronExpression", "expression": "30 7 * * 1-5" }] });
    node(&mut edited, "Every day at 9")["parameters"]["rule"] = rule.clone();
    node(&mut edited, "Settings")["parameters"]["assignments"]["assignments"][0]["value"] =
        json!("http://wrong");
    desk.owner.edit(&edited);

    let said = desk.pushes(&["--daemon-url", "http://127.0.0.1:5999/orchestrator/"]);

    assert_eq!(said.matches("updated   workflow").count(), 3, "{said}");
    let mut pushed = desk.owner.workflow(DAILY);
    assert_eq!(node(&mut pushed, "Every day at 9")["parameters"]["rule"], rule);
    assert_eq!(pushed["settings"]["timezone"], "Europe/Berlin");
    assert_eq!(pushed["versionId"], pushed["activeVersionId"]);
    let settings = &node(&mut pushed, "Settings")["parameters"]["assignments"]["assignments"];
    assert_eq!(settings[0]["value"], "http://127.0.0.1:5999/orchestrator", "{settings:#}");
    assert_eq!(desk.telegram.await_webhook(SOON), webhook);
}

fn the_bot_is_taken_and_taken_back(desk: &Desk) {
    let webhook = desk.telegram.await_webhook(SOON);
    set_webhook(desk, "http://127.0.0.1:9/hook");
    let complaints = desk.complaints();
    assert!(complaints[0].contains("messages to 127.0.0.1:9, not to n8n"), "{complaints:?}");
    let said = desk.push_fails(&[]);
    assert!(said.contains("messages go to 127.0.0.1:9"), "{said}");
    let said = desk.pushes(&["--take-bot"]);
    assert!(said.contains("again, for the bot's messages"), "{said}");
    assert_eq!(desk.telegram.await_webhook(SOON), webhook);
}

fn telegram_wants_no_webhook_there(desk: &Desk) {
    desk.owner.switch(&desk.owner.workflow(FROM_TELEGRAM), "deactivate");
    eventually(SOON, "n8n to give up the bot's messages", || {
        let calls = desk.telegram.calls();
        calls.last().filter(|call| call.method == "deleteWebhook").map(drop).ok_or("not yet")
    });
    let refusal = "Bad Request: bad webhook: An HTTPS URL must be provided for webhook";
    desk.telegram.fail("setWebhook", Failure::Error(400, refusal), 1000);
    let said = desk.push_fails(&[]);
    assert!(said.contains("receives no messages, for Telegram sends them nowhere"), "{said}");
    desk.telegram.recover();
    desk.pushes(&[]);
}

fn the_path_belongs_to_another(desk: &Desk) {
    let mut other = desk.owner.workflow(TO_TELEGRAM);
    desk.owner.switch(&other, "deactivate");
    other["name"] = json!("Mine");
    desk.owner.edit(&other);
    let renamed = desk.owner.workflow("Mine");
    desk.owner.switch(&renamed, "activate");
    let said = desk.push_fails(&[]);
    let conflict = "n8n would not publish the workflow \"Orchestrator → Telegram\": There is a conflict with one of the \
                    webhooks. If another workflow has the same webhook, unpublish it";
    assert!(said.contains(conflict), "{said}");
    desk.owner.switch(&desk.owner.workflow("Mine"), "deactivate");
    desk.pushes(&[]);
}

fn two_of_a_name(desk: &Desk) {
    let mut other = desk.owner.workflow("Mine");
    other["name"] = json!(DAILY);
    desk.owner.edit(&other);
    let said = desk.push_fails(&[]);
    assert!(said.contains("n8n has 2 workflows named \"Daily startup\""), "{said}");
    desk.owner.post(&format!("/rest/workflows/{}/archive", other["id"].as_str().unwrap()), &json!({}));
    desk.pushes(&[]);
}

fn keys_that_may_not(desk: &mut Desk) {
    let small = desk.owner.key(json!(["workflow:list", "credential:list"]));
    desk.newcomer.set("N8N_API_KEY", &small);
    let said = desk.push_fails(&[]);
    assert!(said.contains("the key in N8N_API_KEY may not update the credential"), "{said}");
    desk.newcomer.set("N8N_API_KEY", "no-key");
    let said = desk.push_fails(&[]);
    assert!(said.contains("n8n doesn't accept the key"), "{said}");
}

/// What any other service does that wants the bot's messages.
fn set_webhook(desk: &Desk, url: &str) {
    desk.owner.runtime.block_on(async {
        let client = orchestrator::outward::client("http:").build().unwrap();
        let method = format!("{}/bot{}/setWebhook", desk.telegram.url(), Telegram::TOKEN);
        let answer = client.post(method).json(&json!({ "url": url })).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    });
}
