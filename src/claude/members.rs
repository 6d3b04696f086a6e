//! Members of a JSON object, where what is missing or of another type counts as not there.

use serde_json::Value;

pub(super) fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value[key].as_str()
}

pub(super) fn owned(value: &Value, key: &str) -> Option<String> {
    text_of(value, key).map(str::to_owned)
}

pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}
