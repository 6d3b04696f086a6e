//! The values of the keys that take one line: what each may be, and how it is written again.

use std::time::Duration;

use crate::domain::duration;
use crate::domain::id::TaskNumber;

use super::diagnostic::quoted;

/// The longest time limit; anything beyond is a slip of the pen.
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// Why a value can't be used: what is wrong, and what to write.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadValue {
    /// A lowercase fragment.
    pub(super) message: String,
    /// What to write instead.
    pub(super) help: String,
}

/// Reads `true` or `false`.
pub(super) fn boolean(text: &str) -> Result<bool, BadValue> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ => bad(format!("{} is neither true nor false", quoted(text)), "write true or false"),
    }
}

/// Reads a time limit: `10m`, `1h 30m`, or whole seconds.
pub(super) fn time_limit(text: &str) -> Result<Duration, BadValue> {
    let help = "write it like 10m, 1h 30m or 600 (seconds)";
    match duration::parse(text) {
        Err(_) => bad(format!("{} is not a duration", quoted(text)), help),
        Ok(Duration::ZERO) => bad("a time limit of zero allows nothing".to_owned(), help),
        Ok(limit) if limit > LONGEST => bad("a time limit is at most 30 days".to_owned(), help),
        Ok(limit) => Ok(limit),
    }
}

/// Writes a time limit so that [`time_limit`] reads it.
pub(super) fn write_duration(limit: Duration) -> String {
    let seconds = limit.as_secs();
    let parts = [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let written: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    written.join(" ")
}

/// Reads the name of a model, which ends up as an argument of the CLI.
pub(super) fn model(text: &str) -> Result<String, BadValue> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_.:/@[]".contains(character);
    if text.starts_with('-') || !text.chars().all(allowed) {
        return bad(
            format!("{} is not the name of a model", quoted(text)),
            "write an alias or a full name, such as opus or claude-sonnet-4-5",
        );
    }
    Ok(text.to_owned())
}

/// Reads the name of a check that the configuration defines.
pub(super) fn check(text: &str, known: &[String]) -> Result<String, BadValue> {
    if known.iter().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let nearest = known
        .iter()
        .map(|name| (strsim::osa_distance(&name.to_lowercase(), &text.to_lowercase()), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= 2.max(name.chars().count() / 3));
    let help = match nearest {
        Some((_, name)) => format!("did you mean {}?", quoted(name)),
        None if known.is_empty() => "the configuration has no [checks]".to_owned(),
        None => format!("the configuration has {}", known.join(", ")),
    };
    bad(format!("unknown check {}", quoted(text)), &help)
}

/// Reads one of the numbers in a list of dependencies.
pub(super) fn dependency(text: &str) -> Result<TaskNumber, BadValue> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && number > 0 => Ok(TaskNumber(number)),
        _ => bad(
            format!("{} is not a task number", quoted(text)),
            "write the numbers of earlier tasks, such as 1, 2",
        ),
    }
}

fn bad<T>(message: String, help: &str) -> Result<T, BadValue> {
    Err(BadValue { message, help: help.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, seconds, written) in [
            ("10m", 600, "10m"),
            ("1h 30m", 5400, "1h 30m"),
            ("1h30m", 5400, "1h 30m"),
            ("90", 90, "1m 30s"),
            ("3601s", 3601, "1h 1s"),
            ("90 minutes", 5400, "1h 30m"),
        ] {
            let limit = time_limit(text).unwrap();
            assert_eq!(limit, Duration::from_secs(seconds), "{text}");
            assert_eq!(write_duration(limit), written);
            assert_eq!(time_limit(written), Ok(limit));
        }
    }

    #[test]
    fn slips_of_the_pen_are_no_durations() {
        for text in ["soon", "0", "0m", "-10m", "1.5", "500ms", "99999999999999999999", "31days", "721h", "m"]
        {
            assert!(time_limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_model_is_one_argument_and_no_flag() {
        for name in ["opus", "opus[1m]", "claude-sonnet-4-5", "us.anthropic.claude:0"] {
            assert_eq!(model(name).as_deref(), Ok(name));
        }
        for name in ["--help", "two words", "$(x)", "opüs"] {
            assert!(model(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_unknown_check_names_the_nearest() {
        let help = |text: &str, known: &[&str]| {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            check(text, &known).unwrap_err().help
        };
        assert_eq!(help("test", &["lint", "tests"]), "did you mean \"tests\"?");
        assert_eq!(help("deploy", &["lint", "tests"]), "the configuration has lint, tests");
        assert_eq!(help("tests", &[]), "the configuration has no [checks]");
    }
}
