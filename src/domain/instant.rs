//! Points in time as people and programs read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// RFC 3339 with the zone's offset, to the millisecond.
pub fn instant(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}
