//! What the workflow does with what is posted to it, whoever posts it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::herald::{Herald, Letter};
use crate::stage::Stage;
use crate::support::eventually::eventually;
use crate::support::n8n::STARTING_UP;
use crate::support::telegram::Failure;

#[test]
fn a_notification_is_sent_once_and_only_if_the_daemon_signed_it_just_now() {
    let stage = Stage::idle();
    let (ana, ben) = (stage.ana(), stage.ben());
    let herald = Herald::of(&stage.n8n);

    let forged = Letter { secret: "another-secret-0123456789abcdef", ..Letter::new("n-1", "forged") };
    let old = Letter { age_seconds: 301, ..Letter::new("n-2", "old") };
    let early = Letter { age_seconds: -310, ..Letter::new("n-3", "early") };
    for letter in [forged, old, early] {
        assert_eq!(herald.posts(&letter).status, 401, "{}", letter.body);
    }
    let keyless = Letter { key: "another-key-0123456789abcdef", ..Letter::new("n-4", "keyless") };
    assert_eq!(herald.posts(&keyless).status, 403);

    let keyboard = json!({"inline_keyboard": [[{"text": "✅ Approve", "callback_data": "approve:g7_aaaa"}]]});
    let telegram = json!({"text": "<b>Grüße</b> &amp; 🎉", "parse_mode": "HTML", "reply_markup": keyboard});
    let letter = Letter::new("n-5", "Grüße & 🎉").with("telegram", telegram);
    let reply = herald.posts(&letter);
    let heard = ana.hears("Grüße & 🎉");
    assert_eq!((reply.status, &reply.body), (200, &json!({"message_id": heard["message_id"]})));
    assert_eq!(heard["entities"], json!([{"type": "bold", "offset": 0, "length": 5}]));
    assert_eq!(heard["reply_markup"], keyboard, "the daemon's buttons as they are");
    let again = herald.posts(&letter);
    let duplicate = json!({"message_id": heard["message_id"], "duplicate": true});
    assert_eq!((again.status, again.body), (200, duplicate));

    let [one, other] = herald.posts_twice(&Letter::new("n-6", "at the same time"));
    let number = ana.hears("at the same time")["message_id"].clone();
    for reply in [one, other] {
        match reply.status {
            200 => assert_eq!(reply.body["message_id"], number),
            _ => assert_eq!((reply.status, reply.retry_after.as_deref()), (503, Some("2"))),
        }
    }

    herald.posts(&Letter::new("n-7", "for Ben").with("chat_id", "1002"));
    ben.hears("for Ben");
    assert_eq!((ana.unheard(), ben.unheard()), (vec![], vec![]), "nothing else was sent");
    assert_eq!(stage.telegram.refusals(), Vec::<String>::new());
    stage.assert_no_secret_kept();
}

#[test]
fn what_telegram_says_is_handed_back() {
    let stage = Stage::idle();
    let (ana, herald, telegram) = (stage.ana(), Herald::of(&stage.n8n), &stage.telegram);

    telegram.fail("sendMessage", Failure::Busy(7), 1);
    let letter = Letter::new("n-1", "busy");
    let reply = herald.posts(&letter);
    assert_eq!((reply.status, reply.retry_after.as_deref()), (429, Some("7")), "{reply:?}");
    assert_eq!(herald.posts(&letter).status, 200, "a try that failed doesn't count as sent");
    ana.hears("busy");

    telegram.fail("sendMessage", Failure::Error(502, "Bad Gateway"), 1);
    let letter = Letter::new("n-2", "bad gateway");
    assert_eq!(herald.posts(&letter).status, 502);
    telegram.go_down();
    let reply = herald.posts(&letter);
    assert_eq!((reply.status, reply.retry_after), (502, None), "{:?}", reply.body);
    telegram.come_back();
    assert_eq!(herald.posts(&letter).status, 200);
    ana.hears("bad gateway");

    telegram.fail("sendMessage", Failure::Silence(Duration::from_secs(6)), 1);
    assert_eq!(herald.posts(&Letter::new("n-3", "silence")).status, 502, "before the daemon's patience ends");

    let reply = herald.posts(&Letter::new("n-4", "nobody").with("chat_id", "4711"));
    assert_eq!((reply.status, &reply.body["error"]), (400, &json!("Bad Request: chat not found")));
    telegram.fail("sendMessage", Failure::Error(403, "Forbidden: bot was blocked by the user"), 1);
    let reply = herald.posts(&Letter::new("n-5", "blocked"));
    assert_eq!((reply.status, &reply.body["error"]), (400, &json!("Forbidden: bot was blocked by the user")));

    let markup = json!({"inline_keyboard": [[{"text": "⏭ Skip", "callback_data": "skip:g7_aaaa"}]]});
    let broken = json!({"text": "a <b>broken & unclosed", "parse_mode": "HTML", "reply_markup": markup});
    let letter = Letter::new("n-6", "a broken & unclosed").with("telegram", broken);
    assert_eq!(herald.posts(&letter).status, 200);
    let heard = ana.hears("a broken & unclosed");
    assert_eq!((&heard["entities"], &heard["reply_markup"]), (&Value::Null, &markup), "as plain text");
    let long = "🎉".repeat(2100);
    let letter = Letter::new("n-7", &long)
        .with("telegram", json!({"text": format!("<i>{long}</i>"), "parse_mode": "HTML"}));
    assert_eq!(herald.posts(&letter).status, 200, "cut rather than lost");
    assert_eq!(ana.hears("🎉")["text"].as_str().unwrap().encode_utf16().count(), 4096);

    let number = herald.posts(&Letter::new("n-8", "running")).body["message_id"].clone();
    let message = ana.hears("running");
    let progress =
        |text| Letter::new("n-9", text).with("event", "task_progress").with("message_id", number.clone());
    for _ in 0..2 {
        let reply = herald.posts(&progress("running, <i>3 files</i>"));
        assert_eq!((reply.status, &reply.body["message_id"]), (200, &number), "also when nothing changes");
    }
    assert_eq!(ana.looks_at(&message)["text"], "running, 3 files");
    telegram.fail("editMessageText", Failure::Busy(3), 1);
    let reply = herald.posts(&progress("running, 4 files"));
    assert_eq!((reply.status, reply.retry_after.as_deref()), (429, Some("3")));

    assert_eq!(ana.unheard(), Vec::<Value>::new(), "nothing was sent twice");
    stage.assert_no_secret_kept();
}

#[test]
fn a_round_trip_tells_each_leg() {
    let mut stage = Stage::idle();
    let herald = Herald::of(&stage.n8n);
    let round_trip = |id| Letter::new(id, "Round trip").with("event", "round_trip");

    let reply = herald.posts(&round_trip("n-1"));
    let number = stage.ana().hears("Round trip")["message_id"].clone();
    assert_eq!((reply.status, &reply.body["message_id"]), (200, &number));
    let legs = &reply.body["round_trip"];
    let base = stage.n8n.url();
    assert_eq!(legs["expected_base"], base.as_str());
    assert_eq!(legs["webhook_url"], format!("{base}/webhook/rig-trigger/webhook"));
    assert_eq!((&legs["pending_updates"], &legs["last_error"]), (&json!(0), &Value::Null));
    assert_eq!(legs["daemon"]["status"], 200);

    stage.daemon.sigterm();
    let legs = herald.posts(&round_trip("n-2")).body["round_trip"].clone();
    assert_eq!(legs["daemon"]["status"], 0, "{legs:#}");
    stage.daemon.restart();
}

#[test]
fn n8n_killed_while_it_sends_loses_nothing_and_sends_nothing_twice() {
    let mut stage = Stage::idle();
    let herald = Herald::of(&stage.n8n);

    // Killed with the claim made and nothing sent.
    stage.telegram.fail("sendMessage", Failure::Silence(Duration::from_secs(3)), 1);
    let letter = Letter::new("n-1", "in between");
    let cut = herald.starts_posting(&letter);
    eventually(crate::support::SOON, "n8n to ask Telegram", || {
        if stage.telegram.is_free_of_trouble() { Ok(()) } else { Err("not yet") }
    });
    stage.n8n.kill9();
    stage.n8n.restart();
    drop(cut);
    eventually(Duration::from_secs(30), "the dead claim to lapse", || match herald.posts(&letter) {
        reply if reply.status == 200 => Ok(()),
        reply => Err(reply),
    });
    let heard = stage.ana().hears("in between");

    // Killed after it was marked as sent.
    stage.n8n.kill9();
    stage.n8n.restart();
    let again = herald.posts(&letter);
    assert_eq!(again.body, json!({"message_id": heard["message_id"], "duplicate": true}));
    assert_eq!(stage.ana().sent().len(), 1);
    stage.assert_no_secret_kept();
}

/// n8n says 200 to whatever comes while it opens its database, and keeps nothing of it. The daemon knows by these words.
#[test]
fn what_n8n_says_while_it_starts_is_no_delivery() {
    let mut stage = Stage::idle();
    let herald = Herald::of(&stage.n8n);
    stage.n8n.kill9();
    let posting = herald.keeps_posting(&Letter::new("n-1", "at the door"));
    stage.n8n.restart();
    let mut said = herald.awaits(posting);
    let heard = stage.ana().hears("at the door");
    assert_eq!(said.pop().unwrap()["message_id"], heard["message_id"]);
    assert!(said.iter().all(|other| other == STARTING_UP), "{said:?}");
    println!("{} times before it was sent: {STARTING_UP:?}", said.len());
    assert_eq!(stage.ana().sent().len(), 1);
    stage.assert_no_secret_kept();
}
