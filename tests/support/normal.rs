//! What may differ from one day to the next in what is printed: times, lengths of time and ids.

use serde_json::Value;

/// A text in which all of it is replaced by what it is.
pub fn normal(text: &str) -> String {
    let belongs = |c: char| c.is_ascii_alphanumeric() || "_:.+-".contains(c);
    let mut normal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        if end == 0 {
            normal.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(end);
        let kept = word.trim_end_matches(['.', ':', '-', '+']);
        normal.push_str(&kind(kept));
        normal.push_str(&word[kept.len()..]);
        rest = after;
    }
    // `1m 2s` and `2s` are the same.
    normal.replace("LENGTH LENGTH", "LENGTH")
}

fn kind(word: &str) -> String {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let is_length = |unit: &str| {
        let number = word.strip_suffix(unit).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    match shape.as_str() {
        "00:00:00" => "TIME".to_owned(),
        "00000000-000000" => "SESSION".to_owned(),
        "0000-00-00" if word.starts_with("20") && !word.starts_with("2025-11-2") => "DATE".to_owned(),
        "+00:00" | "-00:00" => "OFFSET".to_owned(),
        _ if word.starts_with("g7_") && word.len() == "g7_k3qd".len() => "GATE".to_owned(),
        _ if shape.starts_with("0000-00-00T00:00:00") => "INSTANT".to_owned(),
        _ if ["s", "m", "h"].into_iter().any(is_length) => "LENGTH".to_owned(),
        _ => named_by_session(word),
    }
}

/// `20251120-093015.log` and the like.
fn named_by_session(word: &str) -> String {
    let is_session = |part: &str| {
        part.len() == "20251120-093015".len()
            && part.char_indices().all(|(at, c)| if at == 8 { c == '-' } else { c.is_ascii_digit() })
    };
    let is_day =
        |part: &str| part.len() == "2025-11-20".len() && part.starts_with("20") && !part.starts_with("2025");
    match word.split_once('.') {
        Some((name, ending)) if is_session(name) => format!("SESSION.{ending}"),
        Some((name, ending)) if is_day(name) && name.split('-').count() == 3 => format!("DATE.{ending}"),
        Some(_) | None => word.to_owned(),
    }
}

/// Whether two answers have the same fields, and the same values but for numbers and what [`normal`] replaces.
pub fn alike(shown: &Value, real: &Value) -> bool {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => {
            shown.len() == real.len()
                && shown.iter().all(|(name, value)| real.get(name).is_some_and(|real| alike(value, real)))
        }
        (Value::Array(shown), Value::Array(real)) => {
            shown.len() == real.len() && shown.iter().zip(real).all(|(shown, real)| alike(shown, real))
        }
        (Value::String(shown), Value::String(real)) => normal(shown) == normal(real),
        (Value::Number(_), Value::Number(_)) => true,
        (shown, real) => shown == real,
    }
}
