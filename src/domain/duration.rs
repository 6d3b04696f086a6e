//! Durations as people write them: `5m`, `1h 30m`, `90d`, or a bare number of seconds.

use std::time::Duration;

/// What may be written, for messages that say so.
pub const EXPECTED: &str = "a duration such as \"5m\", \"1h 30m\" or a whole number of seconds";

/// The longest duration anyone may ask for; added to a time of this century, it is still a time.
const LONGEST: Duration = Duration::from_hours(24 * 3650);

/// Reads a duration; the error is a fragment that says what is wrong with it.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the duration is empty".to_owned());
    }
    if let Ok(seconds) = text.parse() {
        return limited(Some(seconds));
    }
    let mut seconds = Some(0_u64);
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = next_part(rest)?;
        seconds = seconds.zip(part).and_then(|(sum, part)| sum.checked_add(part));
        rest = after;
    }
    limited(seconds)
}

/// Takes one number and its unit off the front; the seconds are `None` when there are too many to count.
fn next_part(text: &str) -> Result<(Option<u64>, &str), String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    if number.is_empty() {
        return Err("a number is missing".to_owned());
    }
    let rest = rest.trim_start();
    let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(letters);
    let unit_seconds: u64 = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 60 * 60,
        "d" | "day" | "days" => 24 * 60 * 60,
        "" => return Err("a unit is missing: s, m, h or d".to_owned()),
        _ => return Err("the units are s, m, h and d".to_owned()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_seconds));
    Ok((seconds, rest.trim_start()))
}

/// A duration as a person reads it: `1h 30m`, `10m`, `27s`, `0.4s`.
pub fn human(duration: &Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) if duration.is_zero() => "0s".to_owned(),
        (0, 0, 0) => format!("{:.1}s", duration.as_secs_f64()),
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m {s}s"),
        (h, 0, _) => format!("{h}h"),
        (h, m, _) => format!("{h}h {m}m"),
    }
}

/// In JSON, a duration is a number of seconds.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// In JSON, a duration that may be missing is a whole number of seconds.
pub(super) mod whole_seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "the form that serde asks for")]
    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(|duration| duration.as_secs()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
    }
}

fn limited(seconds: Option<u64>) -> Result<Duration, String> {
    seconds
        .map(Duration::from_secs)
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| "the longest is 3650d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [
            ("300", 300),
            ("0", 0),
            ("10s", 10),
            ("5m", 300),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            (" 90d ", 90 * 86_400),
            ("2 Hours", 7200),
            ("1d 1h 1m 1s", 90_061),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, wrong) in [
            ("", "the duration is empty"),
            ("m", "a number is missing"),
            ("-5m", "a number is missing"),
            ("1.5h", "a unit is missing: s, m, h or d"),
            ("1h 30", "a unit is missing: s, m, h or d"),
            ("5 parsecs", "the units are s, m, h and d"),
            ("99999999999999999999", "a unit is missing: s, m, h or d"),
            ("99999999999999999999d", "the longest is 3650d"),
            ("18446744073709551615", "the longest is 3650d"),
            ("3651d", "the longest is 3650d"),
        ] {
            assert_eq!(parse(text), Err(wrong.to_owned()), "{text}");
        }
    }
}
