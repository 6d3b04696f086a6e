//! What a request may carry: one JSON object, read with forgiveness for what isn't ours and none for what is wrong.

use std::fmt;

use jiff::Timestamp;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::error::ApiError;

/// A JSON object in which no key is given twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Object(pub(super) Map<String, Value>);

impl Object {
    /// Reads a body; an empty one is an empty object.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        // What isn't one is not quoted: it may be a secret in the wrong place.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(ApiError::bad_request("the body is not a JSON object: it doesn't begin with {"));
        }
        serde_json::from_slice(bytes)
            .map_err(|error| ApiError::bad_request(format!("the body is not a JSON object: {error}")))
    }

    /// Reads the fields that an endpoint knows; the error names the field that is wrong.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_path_to_error::deserialize(&self.0).map_err(|error| {
            let (field, why) = (error.path(), error.inner().to_string());
            ApiError::bad_request(if field.iter().next().is_none() {
                why.replace('`', "\"")
            } else {
                format!("field \"{field}\": {}", why.replace('`', ""))
            })
        })
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if fields.contains_key(&key) {
                        return Err(de::Error::custom(format!("field \"{key}\" is given twice")));
                    }
                    fields.insert(key, value);
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// Who sends a command, and when; every endpoint takes these.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(super) struct Sender {
    /// The chat it comes from; one that isn't listed in `telegram.chat_id` is a 403.
    pub(super) chat_id: Option<Loose>,
    /// Whoever commands; one who isn't listed in `telegram.user_id` is a 403.
    pub(super) user_id: Option<Loose>,
    /// The name by which the story tells of them.
    pub(super) user: Option<String>,
    /// A key by which this request is executed once, for those who can't set the header `Idempotency-Key`.
    pub(super) request_id: Option<Loose>,
    /// When it was meant: an answer without a gate's id doesn't meet a gate that opened later.
    pub(super) sent_at: Option<SentAt>,
    /// The secret, for those who can't set a header.
    #[expect(dead_code, reason = "the gatekeeper has read it; here it only has to be a text")]
    #[schema(value_type = Option<String>, format = Password)]
    secret: Option<Unread>,
}

/// A text that is not kept.
#[derive(Clone, Debug)]
struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self)
    }
}

/// A string or an integer, as n8n and people mix them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Loose(pub(super) String);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Value::deserialize(deserializer)?;
        if let Some(whole) = whole(&given) {
            return Ok(Self(whole.to_string()));
        }
        match given {
            Value::String(text) => Ok(Self(text)),
            other => {
                Err(de::Error::custom(format!("expected a string or an integer, not {}", named(&other))))
            }
        }
    }
}

/// A number of things to tell, from 1 to [`Count::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) i64);

impl Count {
    /// The most that can be asked for.
    pub(super) const MOST: i64 = 1000;

    /// A number as it was given, if it is in bounds.
    pub(super) fn new(number: i64) -> Option<Self> {
        (1..=Self::MOST).contains(&number).then_some(Self(number))
    }

    /// What it should have been.
    pub(super) fn expected(given: impl fmt::Display) -> String {
        format!("expected a whole number from 1 to {}, not {given}", Self::MOST)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Value::deserialize(deserializer)?;
        whole(&given).and_then(Self::new).ok_or_else(|| match given {
            Value::Number(number) => de::Error::custom(Self::expected(number)),
            other => de::Error::custom(Self::expected(named(&other))),
        })
    }
}

/// An instant: RFC 3339, or seconds since 1970 as Telegram gives them.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentAt(pub(super) Timestamp);

impl<'de> Deserialize<'de> for SentAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Loose(text) = Loose::deserialize(deserializer)?;
        let instant = match text.parse::<i64>() {
            Ok(seconds) => Timestamp::from_second(seconds),
            Err(_) => text.parse(),
        };
        instant.map(Self).map_err(|_| {
            de::Error::custom(format!("\"{text}\" is not a time: give RFC 3339 or seconds since 1970"))
        })
    }
}

/// A whole number; JSON doesn't tell `20` from `20.0`, and some senders only know the latter.
#[expect(clippy::cast_possible_truncation, reason = "whole and exact below the bound")]
fn whole(value: &Value) -> Option<i64> {
    /// Beyond it a double leaves numbers out.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let exact = |number: &f64| number.fract() == 0.0 && number.abs() < EXACT;
    value.as_i64().or_else(|| value.as_f64().filter(exact).map(|number| number as i64))
}

fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a fraction or so large a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
