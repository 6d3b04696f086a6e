//! `doctor --round-trip`, leg by leg. What n8n answers here was recorded from n8n 2.41.1 with the workflows of this
//! repository; that a whole round trip works is for `tests/e2e/push.rs` to show, with the real n8n.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};
use support::free_port;
use support::loopback::{Asked, Loopback, Reply, reply};
use support::newcomer::Newcomer;

/// The checks of a round trip, in its order.
const LEGS: [&str; 7] = ["n8n", "key", "signature", "telegram", "bot", "delivery", "daemon"];
const KEY: &str = "hush-hush-key";

fn newcomer(url: &str) -> Newcomer {
    let mut newcomer = Newcomer::after_init();
    newcomer.set("N8N_NOTIFY_URL", &format!("{url}/webhook/orchestrator-notify"));
    newcomer
        .set("ORCHESTRATOR__WEBHOOKS__NOTIFY_HEADERS", &format!(r#"{{ "X-Orchestrator-Key" = "{KEY}" }}"#));
    newcomer.set("TELEGRAM_CHAT_ID", "1001");
    newcomer
}

/// What the doctor finds about the legs; every failure is one of his own, too.
#[track_caller]
fn legs(newcomer: &Newcomer) -> String {
    let said = newcomer.call(&["doctor", "--round-trip", "--json"]);
    assert!(!said.out.contains("hush"), "{said:?}");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let lines =
        findings.filter(|finding| LEGS.contains(&finding["check"].as_str().unwrap())).map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or_default();
            assert_eq!(text("level") == "ok", finding["remedy"].is_null(), "{finding}");
            let remedy = finding["remedy"].as_str().map_or(String::new(), |remedy| format!(" → {remedy}"));
            format!("{} {}: {}{remedy}\n", text("level"), text("check"), text("message"))
        });
    let lines: String = lines.collect();
    assert_eq!(said.code, Some(i32::from(report["ok"] == false)));
    newcomer.masked(&lines)
}

#[track_caller]
fn answered(status: u16, body: Value) -> String {
    let n8n = Loopback::new(move |_| reply(status, body.clone()));
    legs(&newcomer(&n8n.url()))
}

/// A 200 with what n8n found out, all of it well but for these.
#[track_caller]
fn found(changes: &Value) -> String {
    let mut round_trip = json!({
        "webhook_url": "https://n8n.example.com/webhook/0182637e-6d96-4280-a316-543d5dd63860/webhook",
        "expected_base": "https://n8n.example.com", "pending_updates": 0, "last_error": null,
        "daemon": { "status": 200, "message": "No session yet: /start begins one" },
    });
    round_trip.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let lines = answered(200, json!({ "message_id": 17, "round_trip": round_trip }));
    let (way_there, way_back) = lines.split_at(lines.match_indices('\n').nth(3).unwrap().0 + 1);
    allow_duplicates! {
        assert_snapshot!(way_there, @r"
        ok n8n: the workflow answers at #.#.#.#:#
        ok key: n8n accepts the notify header
        ok signature: n8n accepts the signature
        ok telegram: message # is in chat #
        ");
    }
    way_back.to_owned()
}

#[test]
fn all_is_well() {
    assert_snapshot!(found(&json!({})), @r"
    ok bot: Telegram sends the bot's messages to n8n.example.com
    ok daemon: n8n reaches the daemon, which accepts its secret
    ");
}

#[test]
fn what_is_sent_is_signed_and_names_the_chat() {
    let n8n = Loopback::new(|_| reply(502, json!({ "error": "no" })));
    let mut newcomer = newcomer(&n8n.url());
    newcomer.set("TELEGRAM_CHAT_ID", "1001,-1002").set("WEBHOOK_SECRET", "test-secret-0123456789abcdef");
    legs(&newcomer);
    let asked = n8n.asked();
    assert_eq!(asked.len(), 2);
    for (asked, chat) in asked.iter().zip(["1001", "-1002"]) {
        let (body, header) = (asked.json(), |name| asked.header(name).unwrap());
        assert_eq!((&body["event"], &body["chat_id"]), (&json!("round_trip"), &json!(chat)), "{body}");
        assert_eq!((body["id"].as_str(), header("x-orchestrator-key")), (Some(header("webhook-id")), KEY));
        assert!(body["telegram"]["text"].is_string() && body["message"].is_string(), "{body}");
        let at = header("webhook-timestamp").parse().unwrap();
        let at = jiff::Timestamp::from_second(at).unwrap();
        let secret = "test-secret-0123456789abcdef".into();
        let signature =
            orchestrator::signature::sign(&secret, header("webhook-id"), at, asked.body.as_bytes()).unwrap();
        assert_eq!(header("webhook-signature"), signature);
    }
    newcomer.set("TELEGRAM_CHAT_ID", "");
    legs(&newcomer);
    assert!(n8n.asked()[2].json()["chat_id"].is_null());
}

#[test]
fn nobody_to_send_it_to() {
    assert_snapshot!(legs(&Newcomer::after_init()), @r"fail n8n: no notifications are sent: webhooks.n8n_notify_url or webhooks.secret is not set → orchestrator n8n push");
    assert_snapshot!(legs(&newcomer(&format!("http://127.0.0.1:{}", free_port()))), @r"fail n8n: #.#.#.#:# can't be reached: connection refused → is webhooks.n8n_notify_url right, and does n8n run?");
    let n8n = Loopback::new(|_| reply(404, "<html>Not Found</html>"));
    assert_snapshot!(legs(&newcomer(&n8n.url())), @r"fail n8n: what answers at #.#.#.#:# is not our workflow (HTTP #) → is webhooks.n8n_notify_url right? If so, orchestrator n8n push");
    let n8n = Loopback::new(|_| reply(502, "<html>Bad Gateway</html>"));
    assert_snapshot!(legs(&newcomer(&n8n.url())), @r"fail n8n: what answers at #.#.#.#:# is not our workflow (HTTP #) → is webhooks.n8n_notify_url right? If so, orchestrator n8n push");
    let unknown = r#"The requested webhook "POST orchestrator-notify" is not registered."#;
    assert_snapshot!(answered(404, json!({ "code": 404, "message": unknown })), @r#"fail n8n: #.#.#.#:# answers, but has no webhook /webhook/orchestrator-notify → publish "Orchestrator → Telegram" in n8n, or orchestrator n8n push"#);
    assert_snapshot!(answered(500, json!({ "message": "Error in workflow" })), @r"fail n8n: the workflow failed: Error in workflow → n8n's log says why; orchestrator n8n push brings the workflow up to date");
    assert_snapshot!(answered(200, json!({ "message": "Workflow was started" })), @r"fail n8n: what answers at #.#.#.#:# is not our workflow (HTTP #) → is webhooks.n8n_notify_url right? If so, orchestrator n8n push");
}

#[test]
fn the_key() {
    let n8n = Loopback::new(|_| reply(403, "Authorization data is wrong!"));
    let mut newcomer = newcomer(&n8n.url());
    assert_snapshot!(legs(&newcomer), @r"
    ok n8n: the workflow answers at #.#.#.#:#
    fail key: n8n refuses the X-Orchestrator-Key in webhooks.notify_headers: its credential holds another one → orchestrator n8n push
    ");
    newcomer.set("ORCHESTRATOR__WEBHOOKS__NOTIFY_HEADERS", r#"{ "X-Own" = "hush" }"#);
    assert_snapshot!(legs(&newcomer), @r"
    ok n8n: the workflow answers at #.#.#.#:#
    fail key: n8n asks for a key, and webhooks.notify_headers holds no X-Orchestrator-Key → orchestrator n8n push
    ");
}

#[test]
fn the_signature() {
    let refused = |date: Option<&str>| {
        let headers = date.into_iter().map(|date| ("Date", date.to_owned())).collect();
        let body = json!({ "error": "the signature is missing, wrong or older than 5 minutes" });
        let answer = Reply { headers, ..reply(401, body) };
        let n8n = Loopback::new(move |_: &Asked| answer.clone());
        legs(&newcomer(&n8n.url()))
    };
    assert_snapshot!(refused(None), @r#"
    ok n8n: the workflow answers at #.#.#.#:#
    ok key: n8n accepts the notify header
    fail signature: n8n refuses the signature: its credential "Orchestrator signature" holds another key → orchestrator n8n push
    "#);
    assert_snapshot!(refused(Some("Fri, 20 Nov 2020 07:48:45 GMT")), @r"
    ok n8n: the workflow answers at #.#.#.#:#
    ok key: n8n accepts the notify header
    fail signature: n8n's clock is # minutes behind this one → set both clocks, best by NTP
    ");
    assert_snapshot!(refused(Some("Fri, 20 Nov 2099 07:48:45 GMT")), @r"
    ok n8n: the workflow answers at #.#.#.#:#
    ok key: n8n accepts the notify header
    fail signature: n8n's clock is # minutes ahead of this one → set both clocks, best by NTP
    ");
}

#[test]
fn telegrams_refusals() {
    let refused = |status, because: &str| {
        let lines = answered(status, json!({ "error": because }));
        lines.lines().last().unwrap().to_owned()
    };
    assert_snapshot!(refused(400, "Bad Request: chat not found"), @r"fail telegram: refuses chat #: Bad Request: chat not found → is telegram.chat_id right? Whoever is in that chat must write to the bot first");
    assert_snapshot!(refused(400, "Forbidden: bot was blocked by the user"), @r"fail telegram: refuses chat #: Forbidden: bot was blocked by the user → let the bot into the chat again");
    assert_snapshot!(refused(400, "Unauthorized"), @r"fail telegram: refuses chat #: Unauthorized → the token in n8n's credentials is no bot's: orchestrator n8n push");
    assert_snapshot!(refused(400, "Bad Request: something else"), @r"fail telegram: refuses chat #: Bad Request: something else → those are Telegram's own words");
    assert_snapshot!(refused(429, "Too Many Requests: retry after 7"), @r"fail telegram: too many messages to chat # → wait a minute");
    assert_snapshot!(refused(502, "connect ETIMEDOUT 192.0.2.1:443"), @r"fail telegram: n8n can't reach Telegram: connect ETIMEDOUT #.#.#.#:# → see whether n8n's machine reaches api.telegram.org");
}

#[test]
fn one_chat_of_two() {
    let n8n = Loopback::new(|asked| {
        let well = json!({ "message_id": 17, "round_trip": { "webhook_url": "", "pending_updates": 0 } });
        let is_first = asked.json()["chat_id"] == "1001";
        if is_first {
            reply(400, json!({ "error": "Bad Request: chat not found" }))
        } else {
            reply(200, well)
        }
    });
    let mut newcomer = newcomer(&n8n.url());
    newcomer.set("TELEGRAM_CHAT_ID", "1001,1002");
    assert_snapshot!(legs(&newcomer), @r#"
    ok n8n: the workflow answers at #.#.#.#:#
    ok key: n8n accepts the notify header
    ok signature: n8n accepts the signature
    fail telegram: refuses chat #: Bad Request: chat not found → is telegram.chat_id right? Whoever is in that chat must write to the bot first
    ok telegram: message # is in chat #
    fail bot: Telegram sends the bot's messages nowhere → publish "Telegram → Orchestrator" in n8n, or orchestrator n8n push
    "#);
}

#[test]
fn the_bot_and_its_messages() {
    assert_snapshot!(found(&json!({ "webhook_url": "" })), @r#"
    fail bot: Telegram sends the bot's messages nowhere → publish "Telegram → Orchestrator" in n8n, or orchestrator n8n push
    ok daemon: n8n reaches the daemon, which accepts its secret
    "#);
    assert_snapshot!(found(&json!({ "webhook_url": null, "pending_updates": null })), @r"
    warn bot: n8n can't learn from Telegram where the bot's messages go → call this again in a while
    ok daemon: n8n reaches the daemon, which accepts its secret
    ");
    assert_snapshot!(found(&json!({ "webhook_url": "https://other.example.com/secret-path" })), @r#"
    fail bot: Telegram sends the bot's messages to other.example.com, not to n8n at n8n.example.com → another service uses this bot: give it one of its own, then publish "Telegram → Orchestrator" in n8n, or orchestrator n8n push
    ok daemon: n8n reaches the daemon, which accepts its secret
    "#);
    let late =
        json!({ "pending_updates": 1, "last_error": "SSL error {error:0A000086:certificate verify failed}" });
    assert_snapshot!(found(&late), @r"
    ok bot: Telegram sends the bot's messages to n8n.example.com
    warn delivery: Telegram's last failure: SSL error {error:#A#:certificate verify failed}; # message to the bot still waiting → if nothing arrives: n8n must be reached from outside by https, with a valid certificate
    ok daemon: n8n reaches the daemon, which accepts its secret
    ");
    let failed = "Wrong response from the webhook: 502 Bad Gateway";
    assert_snapshot!(found(&json!({ "last_error": failed })), @r"
    ok bot: Telegram sends the bot's messages to n8n.example.com
    ok delivery: nothing is waiting (Telegram's last failure: Wrong response from the webhook: # Bad Gateway)
    ok daemon: n8n reaches the daemon, which accepts its secret
    ");
    assert_snapshot!(found(&json!({ "pending_updates": 3 })), @r"
    ok bot: Telegram sends the bot's messages to n8n.example.com
    warn delivery: # messages to the bot still waiting → if nothing arrives: n8n must be reached from outside by https, with a valid certificate
    ok daemon: n8n reaches the daemon, which accepts its secret
    ");
}

#[test]
fn the_way_back_to_the_daemon() {
    let daemon = |status: u16, message: &str| {
        let lines = found(&json!({ "daemon": { "status": status, "message": message } }));
        lines.lines().last().unwrap().to_owned()
    };
    assert_snapshot!(daemon(0, "connect ECONNREFUSED 127.0.0.1:5000"), @r"fail daemon: n8n can't reach the daemon, and nothing answers at http://#.#.#.#:# → orchestrator serve");
    assert_snapshot!(daemon(401, "this needs the secret"), @r#"fail daemon: the daemon refuses n8n's secret: its credential "Orchestrator secret" holds another one → orchestrator n8n push"#);
    assert_snapshot!(daemon(404, ""), @r"fail daemon: what n8n takes for the daemon answers HTTP #: no reason given → orchestrator n8n push with the right --daemon-url");
    assert_snapshot!(daemon(503, "the database is busy"), @r"fail daemon: the daemon, or what stands before it, is not well (HTTP #: the database is busy) → its log says why");

    let n8n = Loopback::new(|_| {
        let daemon = json!({ "status": 0, "message": "connect ECONNREFUSED 172.17.0.1:5000" });
        reply(200, json!({ "message_id": 17, "round_trip": { "webhook_url": "", "daemon": daemon } }))
    });
    let newcomer = newcomer(&n8n.url());
    let _daemon = newcomer.serve();
    assert_snapshot!(legs(&newcomer).lines().last().unwrap(), @r"fail daemon: n8n can't reach the daemon, which runs at http://#.#.#.#:#: connect ECONNREFUSED #.#.#.#:# → orchestrator n8n push with the --daemon-url that n8n reaches it by (docs/n8n.md: Docker, cloud)");
}
