//! `n8n push` where it can't go well: what it says, and that it has changed nothing by then. What n8n and Telegram answer
//! here was recorded from n8n 2.41.1 and the Bot API; that it works is for `tests/e2e/push.rs` to show, with the real n8n.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::json;
use support::document::Document;
use support::eventually::eventually;
use support::loopback::{Asked, Loopback, Reply, reply};
use support::newcomer::{Newcomer, tree};
use support::{SOON, free_port, processes};

const API_KEY: &str = "hush-api-key";
const TOKEN: &str = "123456789:hush-hush";

/// Somebody who has come as far as to call it, and an n8n and a Telegram that answer.
struct Attempt {
    newcomer: Newcomer,
    n8n: Loopback,
    telegram: Loopback,
}

impl Attempt {
    fn new() -> Self {
        Self::with(empty, open_bot)
    }

    fn with(
        n8n: impl Fn(&Asked) -> Reply + Send + 'static,
        telegram: impl Fn(&Asked) -> Reply + Send + 'static,
    ) -> Self {
        let mut newcomer = Newcomer::after_init();
        newcomer.set("N8N_API_KEY", API_KEY).set("TELEGRAM_BOT_TOKEN", TOKEN).set("TELEGRAM_CHAT_ID", "1001");
        Self { newcomer, n8n: Loopback::new(n8n), telegram: Loopback::new(telegram) }
    }

    fn set(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.newcomer.set(name, value);
        self
    }

    /// Calls it; gives what is said on stderr after it was seen to fail without a trace, and to keep its secrets.
    #[track_caller]
    fn fails(&self, more: &[&str]) -> String {
        let before = tree(&self.newcomer.project(""));
        let said = self.push(&self.n8n.url(), more);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert_eq!(self.n8n.changes(), [] as [&str; 0]);
        assert!(tree(&self.newcomer.project("")) == before, "it has changed something");
        self.newcomer.masked(&said.err)
    }

    #[track_caller]
    fn push(&self, url: &str, more: &[&str]) -> support::terminal::Said {
        let telegram = self.telegram.url();
        let arguments = [&["n8n", "push", "--url", url, "--telegram-url", telegram.as_str()], more].concat();
        let said = self.newcomer.call(&arguments);
        assert!(!format!("{}{}", said.out, said.err).contains("hush"), "{said:?}");
        said
    }
}

/// An n8n in which nothing is yet.
fn empty(asked: &Asked) -> Reply {
    assert_eq!(asked.header("x-n8n-api-key"), Some(API_KEY));
    reply(200, json!({ "data": [], "nextCursor": null }))
}

/// A bot whose messages nobody receives.
fn open_bot(asked: &Asked) -> Reply {
    let method = asked.path.strip_prefix(&format!("/bot{TOKEN}/")).expect("the bot's own path");
    let result = match method {
        "getMe" => json!({ "id": 123_456_789, "is_bot": true, "first_name": "Shop", "username": "shop_bot" }),
        "getWebhookInfo" => json!({ "url": "", "has_custom_certificate": false, "pending_update_count": 0 }),
        "getUpdates" => json!([]),
        "deleteWebhook" => json!(asked.json()["drop_pending_updates"] == true),
        other => panic!("asked for {other}"),
    };
    reply(200, json!({ "ok": true, "result": result }))
}

fn refused(status: u16, message: &'static str) -> impl Fn(&Asked) -> Reply + Send {
    move |_| reply(status, json!({ "message": message }))
}

#[test]
fn what_it_needs_from_the_environment() {
    let mut attempt = Attempt::new();
    attempt.set("N8N_API_KEY", "");
    assert_snapshot!(attempt.fails(&[]), @r"error: N8N_API_KEY is not set: make a key in n8n under Settings > n8n API; then `read -rs N8N_API_KEY && export N8N_API_KEY` keeps it out of the shell's history");
    attempt.set("N8N_API_KEY", API_KEY).set("TELEGRAM_BOT_TOKEN", "");
    assert_snapshot!(attempt.fails(&[]), @r"error: TELEGRAM_BOT_TOKEN is not set: @BotFather makes a bot, and names its token; then `read -rs TELEGRAM_BOT_TOKEN && export TELEGRAM_BOT_TOKEN` keeps it out of the shell's history");
    for wrong in ["hush", "hush:hush", "1:hush/../hush", "1:", "1:hush?x"] {
        attempt.set("TELEGRAM_BOT_TOKEN", wrong);
        insta::allow_duplicates! {
            assert_snapshot!(attempt.fails(&[]), @r"error: TELEGRAM_BOT_TOKEN is no token of a bot: @BotFather's look like #:AAE…");
        }
    }
    assert!(attempt.n8n.asked().is_empty() && attempt.telegram.asked().is_empty());
}

#[test]
fn what_it_needs_from_the_configuration() {
    let mut attempt = Attempt::new();
    attempt.set("ORCHESTRATOR__WEBHOOKS__REQUIRE_SIGNATURE", "true");
    assert_snapshot!(attempt.fails(&[]), @r"error: webhooks.require_signature is set, but n8n's workflows send the secret itself: set it to false");
    attempt.set("ORCHESTRATOR__WEBHOOKS__REQUIRE_SIGNATURE", "false");
    attempt.set("ORCHESTRATOR__WEBHOOKS__NOTIFY_SECRET", "whsec_/////////////////////w==");
    assert_snapshot!(attempt.fails(&[]), @r"error: webhooks.notify_secret begins with whsec_ and holds bytes that are no text, which n8n's Crypto credential can't keep: take a secret such as `openssl rand -hex #` makes");
    attempt.set("ORCHESTRATOR__WEBHOOKS__NOTIFY_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==");
    attempt.set("ORCHESTRATOR__SERVER__PORT", "0");
    assert_snapshot!(attempt.fails(&[]), @r"error: server.port is #, so that the daemon's port is another one each time: set it, or use --daemon-url");
    attempt.set("ORCHESTRATOR__SERVER__PORT", "5000").set("WEBHOOK_SECRET", "short");
    assert_snapshot!(attempt.fails(&[]), @r"error: variable WEBHOOK_SECRET: webhooks.secret has # characters, but must be a text of at least # characters (`openssl rand -hex #` makes a good one)");
    assert!(attempt.n8n.asked().is_empty() && attempt.telegram.asked().is_empty());
}

#[test]
fn an_n8n_elsewhere_needs_an_address_that_it_can_reach() {
    let attempt = Attempt::new();
    let said = attempt.push("https://n8n.example.com", &[]);
    assert_snapshot!(attempt.newcomer.masked(&said.err), @r"error: n8n at n8n.example.com can't reach the daemon at http://#.#.#.#:#, which only this machine can: name with --daemon-url an address that n8n reaches (docs/n8n.md tells how to make one)");
    let mut choosy = Attempt::new();
    choosy.set("ORCHESTRATOR__SERVER__ALLOWED_HOSTS", "127.0.0.1,orchestrator.example.com");
    assert_snapshot!(choosy.fails(&["--daemon-url", "https://other.example.com"]), @r"error: n8n would call the daemon other.example.com, a name that it doesn't answer to: add it to server.allowed_hosts, or name another one with --daemon-url");
    let said =
        choosy.push(&choosy.n8n.url(), &["--daemon-url", "https://orchestrator.example.com", "--dry-run"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = attempt.push("http://n8n.invalid", &["--daemon-url", "https://orchestrator.example.com"]);
    assert_snapshot!(attempt.newcomer.masked(&said.err), @r"error: n8n at n8n.invalid can't be reached: failed to lookup address information: Name or service not known; see whether it runs, and --url is right");
}

#[test]
fn addresses_that_are_none() {
    let attempt = Attempt::new();
    for (url, because) in [
        ("n8n.example.com", "begins with http:// or https://"),
        ("ftp://n8n.example.com", "begins with http:// or https://"),
        ("https://ann:hello@n8n.example.com", "must not hold a password"),
        ("https://n8n.example.com/?x=1", "must end before the first ?"),
    ] {
        let said = attempt.push(url, &[]);
        assert!(said.code == Some(2) && said.err.contains(because), "{url}: {said:?}");
    }
    assert_eq!(attempt.newcomer.call(&["n8n", "push"]).code, Some(2));
}

#[test]
fn without_a_chat_nobody_is_let_in() {
    let mut attempt = Attempt::new();
    attempt.set("TELEGRAM_CHAT_ID", "");
    assert_snapshot!(attempt.fails(&[]), @r"error: telegram.chat_id is not set, and without it anyone who finds the bot could give commands. Write anything to @shop_bot in Telegram, and call this again: it will tell your chat's number");

    let wrote = |id: i64, name: &str| {
        json!({ "update_id": 1, "message": { "message_id": 1, "date": 1, "text": "Hi",
        "from": { "id": 7, "is_bot": false, "first_name": name }, "chat": { "id": id, "type": "private", "first_name": name } } })
    };
    let chats = json!({ "ok": true, "result": [wrote(1001, "Ann"), wrote(1001, "Ann"), wrote(-100_200, "Bob\u{1b}[2J")] });
    let mut attempt = Attempt::with(empty, move |asked| {
        if asked.path.ends_with("/getUpdates") { reply(200, chats.clone()) } else { open_bot(asked) }
    });
    attempt.set("TELEGRAM_CHAT_ID", "");
    let said = attempt.fails(&[]);
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert_snapshot!(said, @r"
    error: telegram.chat_id is not set, and without it anyone who finds the bot could give commands. These have written to the bot; if one is yours:
      echo TELEGRAM_CHAT_ID=-# >> .env   # Bob�[#J
      echo TELEGRAM_CHAT_ID=# >> .env   # Ann
    ");
}

#[test]
fn the_guide_shows_how_to_find_the_chat() {
    let wrote = json!({ "message": { "chat": { "id": 1001, "type": "private", "first_name": "Ann" } } });
    let chats = json!({ "ok": true, "result": [wrote] });
    let mut attempt = Attempt::with(empty, move |asked| {
        if asked.path.ends_with("/getUpdates") { reply(200, chats.clone()) } else { open_bot(asked) }
    });
    attempt.set("TELEGRAM_CHAT_ID", "");
    let said = attempt.push(&attempt.n8n.url(), &[]);
    assert_eq!(said.err, Document::read("docs/n8n.md").shown("refused"));
}

#[test]
fn a_bot_that_isnt_there_or_serves_another() {
    let unknown =
        |_: &Asked| reply(401, json!({ "ok": false, "error_code": 401, "description": "Unauthorized" }));
    assert_snapshot!(Attempt::with(empty, unknown).fails(&[]), @r"error: Telegram doesn't know this bot (HTTP #: Unauthorized): is TELEGRAM_BOT_TOKEN right?");
    assert_snapshot!(Attempt::with(empty, |_| reply(200, "<html>Hello</html>")).fails(&[]), @r"error: what answers at http://#.#.#.#:# is no Bot API server (HTTP #): is --telegram-url right?");

    let (tell, told) = std::sync::mpsc::channel();
    let mine = Attempt::with(empty, move |asked| {
        if asked.path.ends_with("/getWebhookInfo") {
            let url: String = told.recv().unwrap();
            reply(200, json!({ "ok": true, "result": { "url": url } }))
        } else {
            open_bot(asked)
        }
    });
    tell.send(format!("{}/webhook/of-another/webhook", mine.n8n.url())).unwrap();
    let said = mine.push(&mine.n8n.url(), &["--dry-run"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_snapshot!(said.err, @r"note: another workflow of this n8n receives the bot's messages until now, and no longer will");

    let webhook = json!({ "url": "https://other.example.com/hook", "pending_update_count": 0 });
    let taken = move |asked: &Asked| {
        if asked.path.ends_with("/getWebhookInfo") {
            reply(200, json!({ "ok": true, "result": webhook }))
        } else {
            open_bot(asked)
        }
    };
    let attempt = Attempt::with(empty, taken);
    assert_snapshot!(attempt.fails(&[]), @r"error: @shop_bot's messages go to other.example.com, and a bot serves one receiver: make another bot with @BotFather, or take this one with --take-bot");
    let said = attempt.push(&attempt.n8n.url(), &["--take-bot", "--dry-run"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn an_n8n_that_isnt_there_or_isnt_one() {
    let attempt = Attempt::new();
    let said = attempt.push(&format!("http://127.0.0.1:{}", free_port()), &[]);
    assert_eq!(said.code, Some(1));
    assert_snapshot!(attempt.newcomer.masked(&said.err), @r"error: n8n at #.#.#.#:# can't be reached: connection refused; see whether it runs, and --url is right");
    let said = attempt.push(&attempt.n8n.url().replace("http:", "https:"), &[]);
    assert_snapshot!(attempt.newcomer.masked(&said.err), @r"error: n8n at #.#.#.#:# can't be reached: tls handshake eof; see whether it runs, and --url is right");

    let answering = |answer: Reply| Attempt::with(move |_| answer.clone(), open_bot).fails(&[]);
    assert_snapshot!(answering(reply(404, "<html>Not Found</html>")), @r"error: what answers at http://#.#.#.#:# is not n8n's public API (HTTP #): is --url right, and without what n8n's pages add to it, such as /home/workflows? Is N8N_PUBLIC_API_DISABLED set?");
    assert_snapshot!(answering(reply(200, "<html>Hello</html>")), @r"error: what answers at http://#.#.#.#:# is not n8n's public API (HTTP #): is --url right, and without what n8n's pages add to it, such as /home/workflows? Is N8N_PUBLIC_API_DISABLED set?");
    assert_snapshot!(answering(reply(404, json!({ "message": "not found" }))), @r"error: what answers at http://#.#.#.#:# is not n8n's public API (HTTP #): is --url right, and without what n8n's pages add to it, such as /home/workflows? Is N8N_PUBLIC_API_DISABLED set?");
    let moved = ("Location", "https://n8n.example.com/api/v1/workflows?limit=100".to_owned());
    let moved = Reply { headers: vec![moved], ..reply(308, "") };
    assert_snapshot!(answering(moved), @r"error: http://#.#.#.#:# sends callers on to https://n8n.example.com: use that as --url");
}

#[test]
fn certificates_are_judged_by_the_systems_roots() {
    let mut attempt = Attempt::new();
    let (certificate, key) = (attempt.newcomer.path("certificate.pem"), attempt.newcomer.path("key.pem"));
    let openssl = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let names = ["-subj", "/CN=n8n", "-addext", "subjectAltName=IP:127.0.0.1"];
    let own = ["-addext", "basicConstraints=critical,CA:FALSE", "-days", "2"];
    let files = ["-out", certificate.to_str().unwrap(), "-keyout", key.to_str().unwrap()];
    let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    assert!(openssl(&[&new[..], &names, &own, &files].concat()).status().unwrap().success());
    let port = free_port().to_string();
    let files = ["-cert", files[1], "-key", files[3]];
    let mut server =
        openssl(&[&["s_server", "-quiet", "-www", "-accept", &port], &files[..]].concat()).spawn().unwrap();
    eventually(SOON, "the server to listen", || TcpStream::connect(format!("127.0.0.1:{port}")).map(drop));

    let refused = attempt.push(&format!("https://127.0.0.1:{port}"), &[]);
    attempt.set("SSL_CERT_FILE", certificate.to_str().unwrap());
    let accepted = attempt.push(&format!("https://127.0.0.1:{port}"), &[]);

    server.kill().unwrap();
    server.wait().unwrap();
    assert_snapshot!(attempt.newcomer.masked(&refused.err), @r"error: n8n at #.#.#.#:# can't be reached: invalid peer certificate: UnknownIssuer; its certificate must come from an authority that this system knows (on Debian the package ca-certificates), or from one in the file that SSL_CERT_FILE names");
    assert_snapshot!(attempt.newcomer.masked(&accepted.err), @r"error: what answers at https://#.#.#.#:# is not n8n's public API (HTTP #): is --url right, and without what n8n's pages add to it, such as /home/workflows? Is N8N_PUBLIC_API_DISABLED set?");
}

#[test]
fn an_n8n_that_refuses() {
    assert_snapshot!(Attempt::with(refused(401, "Unauthorized"), open_bot).fails(&[]), @r"error: n8n doesn't accept the key in N8N_API_KEY: make one in n8n under Settings > n8n API");
    assert_snapshot!(Attempt::with(refused(403, "Forbidden"), open_bot).fails(&[]), @r"error: the key in N8N_API_KEY may not list workflows: in n8n under Settings > n8n API, give it the scopes for credentials (create, list, update) and workflows (activate, create, deactivate, list, read, update)");
    assert_snapshot!(Attempt::with(refused(500, "Internal server error"), open_bot).fails(&[]), @r"error: n8n failed to list workflows (Internal server error): its log says why");
    let old = |asked: &Asked| {
        if asked.path.starts_with("/api/v1/credentials") {
            reply(405, json!({ "message": "GET method not allowed" }))
        } else {
            empty(asked)
        }
    };
    assert_snapshot!(Attempt::with(old, open_bot).fails(&[]), @r"error: this n8n is too old: its API can't list credentials, and n8n #.# is the first that could. Update it");
}

#[test]
fn things_that_cant_be_told_apart() {
    let having = |what: &'static str, things: serde_json::Value| {
        let n8n = move |asked: &Asked| {
            if asked.path.starts_with(&format!("/api/v1/{what}")) {
                reply(200, json!({ "data": things, "nextCursor": null }))
            } else {
                empty(asked)
            }
        };
        Attempt::with(n8n, open_bot).fails(&[])
    };
    let workflow = |id: &str| json!({ "id": id, "name": "Daily startup", "active": true, "isArchived": false, "nodes": [] });
    assert_snapshot!(having("workflows", json!([workflow("aaa"), workflow("bbb")])), @r#"error: n8n has # workflows named "Daily startup" (aaa, bbb): delete or rename all but one"#);
    let credential = |id: &str, kind: &str| json!({ "id": id, "name": "Orchestrator secret", "type": kind });
    let two = json!([credential("aaa", "httpHeaderAuth"), credential("bbb", "httpHeaderAuth")]);
    assert_snapshot!(having("credentials", two), @r#"error: n8n has # credentials named "Orchestrator secret" (aaa, bbb): delete or rename all but one"#);
    assert_snapshot!(having("credentials", json!([credential("aaa", "httpBasicAuth")])), @r#"error: the credential "Orchestrator secret" in n8n is a httpBasicAuth, not a httpHeaderAuth: rename or delete it"#);
}

#[test]
fn a_rehearsal_reads_every_page_and_changes_nothing() {
    let n8n = |asked: &Asked| {
        let thing = |id: &str, name: &str, more: serde_json::Value| {
            let mut thing = json!({ "id": id, "name": name });
            thing.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            thing
        };
        let (data, next) = match asked.path.as_str() {
            "/api/v1/workflows?limit=100" => {
                (thing("1", "Daily startup", json!({ "active": false, "isArchived": true })), Some("a+b="))
            }
            "/api/v1/workflows?limit=100&cursor=a%2Bb%3D" => {
                (thing("2", "Telegram → Orchestrator", json!({ "active": true, "isArchived": false })), None)
            }
            "/api/v1/credentials?limit=100" => {
                (thing("3", "Orchestrator signature", json!({ "type": "crypto" })), None)
            }
            other => panic!("asked for {other}"),
        };
        reply(200, json!({ "data": [data], "nextCursor": next }))
    };
    let attempt = Attempt::with(n8n, open_bot);
    let before = tree(&attempt.newcomer.project(""));

    let said = attempt.push(&attempt.n8n.url(), &["--dry-run"]);

    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_snapshot!(said.out, @r"
    The bot is @shop_bot.
    would add     .env (where n8n takes notifications)
    would add     .env (the key that n8n asks for)
    would make    credential Orchestrator Telegram bot
    would make    credential Orchestrator Telegram address
    would make    credential Orchestrator secret
    would make    credential Orchestrator notify header
    would update  credential Orchestrator signature
    would make    workflow Orchestrator → Telegram
    would make    workflow Daily startup
    would update  workflow Telegram → Orchestrator

    Nothing was changed.
    ");
    assert_eq!(attempt.n8n.changes(), [] as [&str; 0]);
    assert!(tree(&attempt.newcomer.project("")) == before, "it has changed something");
}

#[test]
fn keys_are_kept_before_n8n_learns_them() {
    let n8n = |asked: &Asked| {
        if asked.method == "GET" { empty(asked) } else { reply(500, json!({ "message": "No" })) }
    };
    let attempt = Attempt::with(n8n, open_bot);
    let dotenv = attempt.newcomer.project(".env");
    fs::write(&dotenv, "WEBHOOK_SECRET=0123456789abcdef0123456789abcdef").unwrap();
    fs::set_permissions(&dotenv, fs::Permissions::from_mode(0o644)).unwrap();

    let said = attempt.push(&attempt.n8n.url(), &[]);

    assert_snapshot!(attempt.newcomer.masked(&format!("{}{}", said.out, said.err)), @r#"
    The bot is @shop_bot.
    added     .env (where n8n takes notifications)
    added     .env (the key that n8n asks for)
    cleared   what was written to the bot so far
    error: n8n failed to make the credential "Orchestrator Telegram bot" (No): its log says why
    "#);
    let text = fs::read_to_string(&dotenv).unwrap();
    assert_eq!(fs::metadata(&dotenv).unwrap().permissions().mode() & 0o777, 0o600);
    let key = text.split('"').nth(3).unwrap();
    assert!(key.len() == 64 && !said.out.contains(key) && !said.err.contains(key), "{said:?}");
    let shown = text.replace(key, "KEY").replace(&attempt.n8n.url(), "N8N");
    assert_snapshot!(shown, @r#"
    WEBHOOK_SECRET=0123456789abcdef0123456789abcdef
    # For n8n, by `orchestrator n8n push`.
    N8N_NOTIFY_URL=N8N/webhook/orchestrator-notify
    ORCHESTRATOR__WEBHOOKS__NOTIFY_HEADERS='{ "X-Orchestrator-Key" = "KEY" }'
    "#);

    attempt.push(&attempt.n8n.url(), &[]);
    assert_eq!(fs::read_to_string(&dotenv).unwrap(), text, "the second call has made another key");
    assert_eq!(attempt.n8n.changes(), ["POST /api/v1/credentials", "POST /api/v1/credentials"]);
}

#[test]
fn what_is_configured_otherwise_is_left_alone() {
    let mut attempt = Attempt::new();
    attempt.set("ORCHESTRATOR__WEBHOOKS__NOTIFY_HEADERS", r#"{ "X-Own" = "hush" }"#);
    assert_snapshot!(attempt.fails(&[]), @r#"
    error: webhooks.notify_headers is set, but holds no X-Orchestrator-Key: add "X-Orchestrator-Key" = "${N8N_NOTIFY_KEY}" to it, and a key to .env:
      echo "N8N_NOTIFY_KEY=$(openssl rand -hex #)" >> .env
    "#);
    attempt.set("ORCHESTRATOR__WEBHOOKS__NOTIFY_HEADERS", r#"{ "x-orchestrator-key" = "hush" }"#);
    attempt.set("N8N_NOTIFY_URL", "https://elsewhere.example.com/hook");
    let said = attempt.push(&attempt.n8n.url(), &["--dry-run"]);
    assert_snapshot!(attempt.newcomer.masked(&said.out), @r"
    The bot is @shop_bot.
    would make    credential Orchestrator Telegram bot
    would make    credential Orchestrator Telegram address
    would make    credential Orchestrator secret
    would make    credential Orchestrator notify header
    would make    credential Orchestrator signature
    would make    workflow Orchestrator → Telegram
    would make    workflow Daily startup
    would make    workflow Telegram → Orchestrator

    Nothing was changed.

    To do: webhooks.n8n_notify_url leads elsewhere: for notifications by these workflows, set it to http://#.#.#.#:#/webhook/orchestrator-notify.
    ");
}

/// Before July 2026, n8n's API knew only how to activate.
#[test]
fn an_older_n8n_is_asked_in_its_own_words() {
    let n8n = |asked: &Asked| match (asked.method.as_str(), asked.path.rsplit('/').next().unwrap()) {
        ("GET", _) => empty(asked),
        ("POST", "credentials") => {
            let made = asked.json();
            reply(200, json!({ "id": made["name"], "name": made["name"], "type": made["type"] }))
        }
        ("POST", "workflows") => {
            let mut made = asked.json();
            made["id"] = json!("old");
            for node in made["nodes"].as_array_mut().unwrap() {
                node["webhookId"] = json!("of-the-trigger");
            }
            reply(200, made)
        }
        ("POST", "publish") => reply(404, json!({ "message": "not found" })),
        ("POST", "activate") => {
            let trigger = json!({ "type": "n8n-nodes-base.telegramTrigger", "webhookId": "of-the-trigger" });
            reply(200, json!({ "id": "old", "name": "Any", "active": true, "nodes": [trigger] }))
        }
        ("POST", "orchestrator-notify") => reply(403, "Authorization data is wrong!"),
        other => panic!("asked for {other:?}"),
    };
    let webhook = json!({ "url": "https://n8n.example.com/webhook/of-the-trigger/webhook" });
    let attempt = Attempt::with(n8n, move |asked| {
        let is_info = asked.path.ends_with("/getWebhookInfo");
        if is_info { reply(200, json!({ "ok": true, "result": webhook })) } else { open_bot(asked) }
    });
    let said = attempt.push(&attempt.n8n.url(), &["--take-bot"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let changes = attempt.n8n.changes();
    assert_eq!(changes.iter().filter(|change| change.ends_with("/activate")).count(), 3, "{changes:#?}");
}

#[test]
fn no_secret_gets_into_a_process_list() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let attempt = Attempt::with(
        move |asked| {
            let _ = wait.lock().unwrap().recv();
            empty(asked)
        },
        open_bot,
    );
    let (url, telegram) = (attempt.n8n.url(), attempt.telegram.url());
    let arguments = ["n8n", "push", "--url", &url, "--telegram-url", &telegram, "--dry-run"];
    let mut child = attempt.newcomer.command(&arguments).stdout(Stdio::null()).spawn().unwrap();
    eventually(
        SOON,
        "n8n to be asked",
        || {
            if attempt.n8n.asked().is_empty() { Err("not yet") } else { Ok(()) }
        },
    );
    let line = fs::read_to_string(format!("/proc/{}/cmdline", child.id())).unwrap();
    drop(release);
    assert!(line.contains("push") && !line.contains("hush"), "{line:?}");
    assert!(child.wait().unwrap().success());
    processes::assert_no_process_running(&url);
}
