//! One line of the CLI's stream-json output as messages. Pure.
//!
//! Anything may stand in a line: unknown types, wrong types, broken JSON and binary garbage yield no message, never an
//! error. Whether a text is the model's or the CLI's own is kept apart here, because only the latter is evidence.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::members::{number, owned, text_of};
use super::result::{RunResult, result, tokens};
use super::text::about_tool;
use crate::domain::usage::Tokens;

const SYNTHETIC: &str = "<synthetic>";
const LONGEST_ID: usize = 200;

/// Something that the CLI said.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The run's beginning.
    Began {
        /// The CLI's own session id.
        conversation: Option<String>,
        /// The model it means to use.
        model: Option<String>,
        /// Its working folder.
        cwd: Option<String>,
    },
    /// What an answer of the model has used up so far. Each of its parts is a line that says so again.
    Used {
        /// The answer.
        id: String,
        /// What it used.
        tokens: Tokens,
    },
    /// The model's prose.
    Said {
        /// What it said.
        text: String,
        /// Which model.
        model: Option<String>,
    },
    /// A tool was called.
    Called {
        /// The tool.
        name: String,
        /// What it is called for, such as a path or a command; may be empty.
        about: String,
    },
    /// A tool answered.
    Answered {
        /// The answer.
        text: String,
        /// Whether it is an error.
        is_error: bool,
    },
    /// The API failed, and the CLI will try again.
    Retrying {
        /// Which attempt comes next.
        attempt: u64,
        /// The last attempt.
        of: u64,
        /// What went wrong.
        error: String,
    },
    /// A tool call was not allowed.
    Denied {
        /// What was to be done.
        what: String,
        /// The CLI's words.
        message: String,
    },
    /// Something else that the CLI tells people.
    Noted {
        /// Its words.
        text: String,
    },
    /// The state of the account's usage limits.
    RateLimit(RateLimit),
    /// The CLI's own error, in the place of an answer.
    Complained(Complaint),
    /// The run's result.
    Result(Box<RunResult>),
}

/// An error of the CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Its words.
    pub text: String,
    /// What sort of error it is, such as `server_error`.
    pub sort: Option<String>,
}

/// The state of the account's usage limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Whether requests are refused.
    pub rejected: bool,
    /// When the limit resets.
    pub resets_at: Option<Timestamp>,
}

/// The outermost members by which a line is sorted; the rest is passed over unread, which is most of the bytes.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    is_api_error_message: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// Reads a line.
pub fn parse(line: &[u8]) -> Vec<Message> {
    let line = line.trim_ascii();
    if !line.starts_with(b"{") {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(line);
    let Ok(outer) = serde_json::from_str::<Line<'_>>(&text) else {
        return Vec::new();
    };
    let whole = || serde_json::from_str::<Value>(&text).unwrap_or_default();
    match outer.kind.map(RawValue::get) {
        Some(r#""assistant""#) => assistant(&outer),
        Some(r#""user""#) => user(&outer),
        Some(r#""system""#) => system(&whole()).into_iter().collect(),
        Some(r#""rate_limit_event""#) => vec![Message::RateLimit(rate_limit(&whole()["rate_limit_info"]))],
        Some(r#""result""#) => vec![Message::Result(Box::new(result(&whole())))],
        _ => Vec::new(),
    }
}

fn system(value: &Value) -> Option<Message> {
    match text_of(value, "subtype")? {
        "init" => Some(Message::Began {
            conversation: owned(value, "session_id"),
            model: owned(value, "model"),
            cwd: owned(value, "cwd"),
        }),
        "api_retry" => Some(Message::Retrying {
            attempt: number(&value["attempt"]),
            of: number(&value["max_retries"]),
            error: retry_reason(value),
        }),
        "permission_denied" => Some(Message::Denied {
            what: owned(value, "tool_name").unwrap_or_default(),
            message: owned(value, "message").unwrap_or_default(),
        }),
        "model_fallback" => Some(Message::Noted { text: owned(value, "content")? }),
        _ => None,
    }
}

fn retry_reason(value: &Value) -> String {
    let error = text_of(value, "error").unwrap_or("no answer");
    match value["error_status"].as_u64() {
        Some(status) => format!("{error} ({status})"),
        None => error.to_owned(),
    }
}

fn assistant(line: &Line<'_>) -> Vec<Message> {
    let body = body(line);
    let model = value(body.model).as_str().filter(|model| *model != SYNTHETIC).map(str::to_owned);
    let complains = line.is_api_error_message.is_some_and(|flag| flag.get() == "true");
    let content = value(body.content);
    let said = blocks(&content).filter_map(|block| match text_of(block, "type")? {
        "text" if complains => {
            let sort = value(line.error).as_str().map(str::to_owned);
            Some(Message::Complained(Complaint { text: owned(block, "text")?, sort }))
        }
        "text" => Some(Message::Said { text: owned(block, "text")?, model: model.clone() }),
        "tool_use" => {
            Some(Message::Called { name: owned(block, "name")?, about: about_tool(&block["input"]) })
        }
        _ => None,
    });
    used(&body).into_iter().chain(said).collect()
}

fn used(body: &Body<'_>) -> Option<Message> {
    let id = value(body.id).as_str().filter(|id| id.len() <= LONGEST_ID)?.to_owned();
    let tokens = tokens(&value(body.usage));
    (tokens != Tokens::default()).then_some(Message::Used { id, tokens })
}

fn user(line: &Line<'_>) -> Vec<Message> {
    blocks(&value(body(line).content))
        .filter(|block| text_of(block, "type") == Some("tool_result"))
        .map(|block| Message::Answered {
            text: answer(&block["content"]),
            is_error: block["is_error"].as_bool() == Some(true),
        })
        .collect()
}

fn body<'a>(line: &Line<'a>) -> Body<'a> {
    line.message.and_then(|message| serde_json::from_str(message.get()).ok()).unwrap_or_default()
}

fn value(raw: Option<&RawValue>) -> Value {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

fn answer(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    let parts = content.as_array().into_iter().flatten();
    let texts: Vec<&str> = parts.filter_map(|part| text_of(part, "text")).collect();
    texts.join("\n")
}

fn rate_limit(info: &Value) -> RateLimit {
    RateLimit {
        rejected: text_of(info, "status") == Some("rejected"),
        resets_at: info["resetsAt"].as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok()),
    }
}

fn blocks(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_no_message() {
        let lines: [&[u8]; 9] = [
            b"",
            b"Warning: no stdin",
            b"{",
            b"[1]",
            b"{\"type\":5}",
            b"{\"type\":\"assistant\",\"message\":{\"content\":\"text\"}}",
            b"{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":7},null,3]}}",
            b"{\"type\":\"system\",\"subtype\":[]}",
            b"\xff\xfe{\"type\"",
        ];
        for line in lines {
            assert_eq!(parse(line), []);
        }
    }

    #[test]
    fn wrong_types_in_a_result_are_not_success() {
        for line in [
            r#"{"type":"result","subtype":"success","is_error":"false","result":9}"#,
            r#"{"type":"result","subtype":"success","modelUsage":[],"usage":7,"permission_denials":{"a":1}}"#,
        ] {
            let [Message::Result(result)] = &parse(line.as_bytes())[..] else {
                panic!("no result in {line}");
            };
            assert!(!result.is_success());
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_cost_only_themselves() {
        let line =
            b"{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\xffb\"}]}}";
        let said = Message::Said { text: "a\u{fffd}b".to_owned(), model: None };
        assert_eq!(parse(line), [said]);
    }
}
