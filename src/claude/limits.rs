//! What the CLI's own words say about a usage limit: that there is one, and when it resets. Pure.
//!
//! A fallback for when the structured notice is missing. Looks only at the CLI's own errors: a task *about* limits, whose
//! prose mentions them, once held up a whole queue.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

const PHRASES: [&str; 8] = [
    "you've hit your",
    "limit reached",
    "usage limit",
    "spend limit",
    "credit balance is too low",
    "out of usage",
    "out of extra usage",
    "requires usage credits",
];
/// What the API says when it has too much to do.
const NOT_A_LIMIT: &str = "not your usage limit";
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Whether an error of the CLI is about a usage limit.
pub(super) fn tells_of_limit(complaint: &str) -> bool {
    let complaint = complaint.to_lowercase().replace('\u{2019}', "'");
    !complaint.contains(NOT_A_LIMIT) && PHRASES.iter().any(|phrase| complaint.contains(phrase))
}

/// When the limit resets, such as `resets 10:20pm (America/Edmonton)`, `resets Sep 14 at 8pm (America/Chicago)` or
/// `resets Nov 24, 2:20am (UTC)`; `said_at` is when it was said, and its zone goes for texts without one.
pub(super) fn reset_time(complaint: &str, said_at: &Zoned) -> Option<Timestamp> {
    if let Some((_, epoch)) = complaint.split_once("limit reached|") {
        return Timestamp::from_second(epoch.trim().parse().ok()?).ok();
    }
    let (_, when) = complaint.split_once("resets ")?;
    let (when, zone) = match when.split_once('(') {
        Some((when, rest)) => (when, TimeZone::get(rest.split(')').next()?).ok()?),
        None => (when, said_at.time_zone().clone()),
    };
    let here = said_at.with_time_zone(zone.clone());
    let words: Vec<&str> = when.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let reset = match words[..] {
        [month, day, "at", time, ..] | [month, day, time, ..] if month_number(month).is_some() => {
            let date = next_date(here.date(), month_number(month)?, day.parse().ok()?)?;
            date.to_datetime(clock_time(time)?).to_zoned(zone).ok()?
        }
        [time, ..] => {
            let time = clock_time(time)?;
            let today = here.date().to_datetime(time).to_zoned(zone.clone()).ok()?;
            if today > here {
                today
            } else {
                let tomorrow = here.date().tomorrow().ok()?;
                tomorrow.to_datetime(time).to_zoned(zone).ok()?
            }
        }
        [] => return None,
    };
    Some(reset.timestamp())
}

fn next_date(today: Date, month: i8, day: i8) -> Option<Date> {
    let this_year = Date::new(today.year(), month, day).ok()?;
    if this_year < today.checked_sub(1.day()).ok()? {
        return Date::new(today.year() + 1, month, day).ok();
    }
    Some(this_year)
}

fn month_number(name: &str) -> Option<i8> {
    let name = name.to_lowercase();
    let at = MONTHS.iter().position(|month| name.starts_with(month))?;
    i8::try_from(at + 1).ok()
}

/// `8pm`, `10:20pm`, `2am`.
fn clock_time(text: &str) -> Option<Time> {
    let text = text.to_lowercase();
    let (digits, noon) = match text.strip_suffix("pm") {
        Some(digits) => (digits, 12),
        None => (text.strip_suffix("am")?, 0),
    };
    let (hour, minute) = digits.split_once(':').unwrap_or((digits, "0"));
    let hour: i8 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    Time::new(hour % 12 + noon, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_when_a_limit_resets() {
        let said_at: Zoned = "2026-09-12T03:00:00[UTC]".parse().unwrap();
        let table = [
            (
                "You've hit your session limit · resets 10:20pm (America/Edmonton)",
                Some("2026-09-12T04:20:00Z"),
            ),
            (
                "You've hit your weekly limit · resets Sep 14 at 8pm (America/Chicago)",
                Some("2026-09-15T01:00:00Z"),
            ),
            ("5-hour limit reached ∙ resets 2am", Some("2026-09-13T02:00:00Z")),
            ("You've hit your weekly limit · resets Nov 24, 2:20am (UTC)", Some("2026-11-24T02:20:00Z")),
            ("limit · resets Jan 2 at 12am (UTC)", Some("2027-01-02T00:00:00Z")),
            ("Claude AI usage limit reached|1789257600", Some("2026-09-13T00:00:00Z")),
            ("You've hit your monthly spend limit · raise it at example.com", None),
            ("limit · resets soon", None),
            ("limit · resets 99pm (Mars/Olympus)", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|time| time.parse::<Timestamp>().unwrap());
            assert_eq!(reset_time(text, &said_at), expected, "{text}");
            assert!(tells_of_limit(text) || text.starts_with("limit"), "{text}");
        }
        assert!(!tells_of_limit("API Error: Request rejected (429) · rate limited"));
        let busy = "API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited";
        assert!(!tells_of_limit(busy));
    }
}
