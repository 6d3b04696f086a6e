//! Held against `serde_json`.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use super::{Json, Lines};

fn value(json: Json<'_>) -> Value {
    match json.raw()[0] {
        b'{' => json.members().map(|(name, member)| (name.owned().unwrap(), value(member))).collect(),
        b'[' => json.items().map(value).collect(),
        b'"' => json.text().unwrap().into(),
        _ => serde_json::from_slice(json.raw()).unwrap(),
    }
}

fn read(text: &str) -> Option<Value> {
    Lines::default().read(text.as_bytes()).map(value)
}

/// The text with nothing in its strings.
fn hollow(json: Json<'_>) -> String {
    let joined = |parts: Vec<String>| parts.join(",");
    match json.raw()[0] {
        b'{' => {
            let members = json.members().map(|(_, member)| format!("\"\":{}", hollow(member)));
            format!("{{{}}}", joined(members.collect()))
        }
        b'[' => format!("[{}]", joined(json.items().map(hollow).collect())),
        b'"' => "\"\"".to_owned(),
        _ => String::from_utf8(json.raw().to_vec()).unwrap(),
    }
}

fn document() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[\\\\\"\n\t a-c/é😀]{0,60}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(text.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What is put into a document, where, and how much it takes the place of.
type Damage = (String, prop::sample::Index, usize);

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    vec(("[\\\\\"{}\\[\\],:0-9eE.+ utrnalsf-]{0,3}", any::<prop::sample::Index>(), 0_usize..4), 1..4)
}

fn damaged(document: &Value, damage: Vec<Damage>) -> String {
    let mut text: Vec<char> = document.to_string().chars().collect();
    for (with, at, of) in damage {
        let at = at.index(text.len() + 1);
        text.splice(at..(at + of).min(text.len()), with.chars());
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_is_read_as_it_was_meant(document in document()) {
        prop_assert_eq!(read(&document.to_string()), Some(document.clone()));
        let spaced = serde_json::to_string_pretty(&document).unwrap().replace('\n', "\r\n\t");
        prop_assert_eq!(read(&spaced), Some(document));
    }

    #[test]
    fn what_is_no_json_is_none_but_for_its_strings(document in document(), damage in damage()) {
        let text = damaged(&document, damage);
        match (serde_json::from_str::<Value>(&text), Lines::default().read(text.as_bytes())) {
            (Ok(right), ours) => prop_assert_eq!(ours.map(value), Some(right), "{}", text),
            (Err(_), Some(ours)) => {
                let hollow = hollow(ours);
                let is_json = serde_json::from_str::<&serde_json::value::RawValue>(&hollow).is_ok();
                prop_assert!(is_json, "{} in {}", hollow, text);
            }
            (Err(_), None) => {}
        }
    }
}

#[test]
fn what_is_no_text_is_replaced() {
    let table: [(&[u8], &str); 7] = [
        (br#""\ud83d\ude00 \u00e9\/\b\f""#, "😀 é/\u{8}\u{c}"),
        (br#""\ud83d, \ude00\ud83d""#, "\u{fffd}, \u{fffd}\u{fffd}"),
        (br#""\ud83d\u0041""#, "\u{fffd}A"),
        (br#""\u12 \uxyz""#, "\u{fffd}12 \u{fffd}xyz"),
        (br#""a\qb""#, "a\u{fffd}b"),
        (b"\"a\xff\x00b\"", "a\u{fffd}\0b"),
        (b"\"\\\xc3\xa9\"", "\u{fffd}"),
    ];
    for (line, text) in table {
        assert_eq!(Lines::default().read(line).unwrap().text().unwrap(), text);
    }
}

#[test]
fn no_depth_is_too_deep() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(Lines::default().read(deep.as_bytes()).is_some());
    assert!(Lines::default().read(&deep.as_bytes()[1..]).is_none());
}
