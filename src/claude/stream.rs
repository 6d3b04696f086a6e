//! One line of the CLI's stream-json output as messages. Pure.
//!
//! Anything may stand in a line: unknown types, wrong types, broken JSON and binary garbage yield no message, never an
//! error. Whether a text is the model's or the CLI's own is kept apart here, because only the latter is evidence.

use std::borrow::Cow;

use jiff::Timestamp;

use super::json::{Json, Lines};
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

/// The lines that are understood, by their type.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Assistant,
    User,
    System,
    RateLimitEvent,
    Result,
}

impl Kind {
    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"assistant" => Some(Self::Assistant),
            b"user" => Some(Self::User),
            b"system" => Some(Self::System),
            b"rate_limit_event" => Some(Self::RateLimitEvent),
            b"result" => Some(Self::Result),
            _ => None,
        }
    }
}

/// Reads a line.
pub fn parse(line: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    Parser::default().hear(line, |message| messages.push(message));
    messages
}

/// Reads one line after the other.
#[derive(Debug, Default)]
pub(super) struct Parser {
    lines: Lines,
}

impl Parser {
    /// Passes on what a line says.
    pub(super) fn hear(&mut self, line: &[u8], mut pass_on: impl FnMut(Message)) {
        let line = line.trim_ascii();
        if !line.starts_with(b"{") || is_of_no_interest(line) {
            return;
        }
        let Some(line) = self.lines.read(line) else { return };
        let kind = line.get("type").text().and_then(|name| Kind::of(name.as_bytes()));
        match kind {
            Some(Kind::Assistant) => assistant(line, pass_on),
            Some(Kind::User) => user(line).for_each(pass_on),
            Some(Kind::System) => system(line).into_iter().for_each(pass_on),
            Some(Kind::RateLimitEvent) => {
                pass_on(Message::RateLimit(rate_limit(line.get("rate_limit_info"))));
            }
            Some(Kind::Result) => pass_on(Message::Result(Box::new(result(line)))),
            None => {}
        }
    }
}

/// Whether a line says at its very beginning, where the CLI has it, that it is of another type. It need not be gone through
/// then: where answers are told as they are made, a few words each, such lines are most of what there is.
fn is_of_no_interest(line: &[u8]) -> bool {
    let Some(name) = line.strip_prefix(br#"{"type":""#) else { return false };
    let end = name.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    end.is_some_and(|end| name[end] == b'"' && Kind::of(&name[..end]).is_none())
}

fn system(line: Json<'_>) -> Option<Message> {
    let owned = |key| line.get(key).owned();
    match &*line.get("subtype").text()? {
        "init" => Some(Message::Began {
            conversation: owned("session_id"),
            model: owned("model"),
            cwd: owned("cwd"),
        }),
        "api_retry" => Some(Message::Retrying {
            attempt: line.get("attempt").number(),
            of: line.get("max_retries").number(),
            error: retry_reason(line),
        }),
        "permission_denied" => Some(Message::Denied {
            what: owned("tool_name").unwrap_or_default(),
            message: owned("message").unwrap_or_default(),
        }),
        "model_fallback" => Some(Message::Noted { text: owned("content")? }),
        _ => None,
    }
}

fn retry_reason(line: Json<'_>) -> String {
    let error = line.get("error").text().unwrap_or(Cow::Borrowed("no answer"));
    match line.get("error_status").parsed::<u64>() {
        Some(status) => format!("{error} ({status})"),
        None => error.into_owned(),
    }
}

fn assistant(line: Json<'_>, mut pass_on: impl FnMut(Message)) {
    let message = line.get("message");
    used(message).into_iter().for_each(&mut pass_on);
    let complains = line.get("is_api_error_message").parsed() == Some(true);
    for block in message.get("content").items() {
        said(block, message, complains.then_some(line)).into_iter().for_each(&mut pass_on);
    }
}

/// What a block of an answer says, or of what the CLI has put in an answer's place.
fn said(block: Json<'_>, message: Json<'_>, complaint: Option<Json<'_>>) -> Option<Message> {
    let kind = block.get("type");
    if kind.is("tool_use") {
        let name = block.get("name").owned()?;
        return Some(Message::Called { name, about: about_tool(block.get("input")) });
    }
    let text = block.get("text").owned().filter(|_| kind.is("text"))?;
    if let Some(line) = complaint {
        return Some(Message::Complained(Complaint { text, sort: line.get("error").owned() }));
    }
    let model = message.get("model").owned().filter(|model| model != SYNTHETIC);
    Some(Message::Said { text, model })
}

fn used(message: Json<'_>) -> Option<Message> {
    let id = message.get("id").owned().filter(|id| id.len() <= LONGEST_ID)?;
    let tokens = tokens(message.get("usage"));
    (tokens != Tokens::default()).then_some(Message::Used { id, tokens })
}

fn user(line: Json<'_>) -> impl Iterator<Item = Message> {
    let blocks = line.get("message").get("content").items();
    blocks.filter(|block| block.get("type").is("tool_result")).map(|block| Message::Answered {
        text: answer(block.get("content")),
        is_error: block.get("is_error").parsed() == Some(true),
    })
}

fn answer(content: Json<'_>) -> String {
    content.owned().unwrap_or_else(|| {
        let texts: Vec<_> = content.items().filter_map(|part| part.get("text").text()).collect();
        texts.join("\n")
    })
}

fn rate_limit(info: Json<'_>) -> RateLimit {
    RateLimit {
        rejected: info.get("status").is("rejected"),
        resets_at: info.get("resetsAt").parsed().and_then(|seconds| Timestamp::from_second(seconds).ok()),
    }
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
    fn a_line_is_sorted_by_its_type_wherever_that_stands() {
        let limit = r#""rate_limit_info":{"status":"rejected"}"#;
        for line in [
            format!(r#"{{"type":"rate_limit_event",{limit}}}"#),
            format!(r#"{{"type": "rate_limit_event" ,{limit}}}"#),
            format!(r#"{{"type":"rate\u005flimit_event",{limit}}}"#),
            format!(r#" {{ {limit}, "type":"rate_limit_event"}} "#),
        ] {
            let rejected = Message::RateLimit(RateLimit { rejected: true, resets_at: None });
            assert_eq!(parse(line.as_bytes()), [rejected], "{line}");
        }
        for line in [
            format!(r#"{{"type":"stream_event",{limit}}}"#),
            format!(r#"{{{limit},"type":"stream_event"}}"#),
            format!(r#"{{"type":"rate_limit_event",{limit}"#),
        ] {
            assert_eq!(parse(line.as_bytes()), [], "{line}");
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
