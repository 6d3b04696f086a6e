//! Time zones out of the system's own files.
//!
//! Whoever asks `jiff` for a zone has it list all six hundred names first, and keep them. The one file is enough where it is
//! there under exactly the name; `jiff` is asked for everything else.

use std::fs;
use std::path::Path;

use jiff::Error;
use jiff::tz::TimeZone;

/// Where zones are on every distribution.
const ZONES: &str = "/usr/share/zoneinfo";
/// A link to the system's zone.
const LOCAL: &str = "/etc/localtime";

/// The zone that has a name.
pub fn named(name: &str) -> Result<TimeZone, Error> {
    if std::env::var_os("TZDIR").is_none()
        && let Some(zone) = read(Path::new(ZONES), name)
    {
        return Ok(zone);
    }
    TimeZone::get(name)
}

/// The system's zone, or the one that `TZ` names.
pub fn of_the_system() -> TimeZone {
    let untold = ["TZ", "TZDIR"].iter().all(|variable| std::env::var_os(variable).is_none());
    let zone = || {
        let target = fs::read_link(LOCAL).ok()?;
        let (_, name) = target.to_str()?.rsplit_once("zoneinfo/")?;
        read(Path::new(ZONES), name)
    };
    untold.then(zone).flatten().unwrap_or_else(TimeZone::system)
}

/// The zone that a file holds; none if there is none with this name, in exactly these letters.
fn read(zones: &Path, name: &str) -> Option<TimeZone> {
    let is_plain =
        |part: &str| part.starts_with(|first: char| first.is_ascii_alphabetic()) && !part.contains('.');
    // As `jiff` has it: there are no zones with these names, but the whole collection again, with other seconds.
    let is_copy = ["posix", "right"].iter().any(|copy| name.split('/').next() == Some(copy));
    if is_copy || !name.split('/').all(is_plain) {
        return None;
    }
    TimeZone::tzif(name, &fs::read(zones.join(name)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// A version-1 file without a change: always one hour ahead.
    fn an_hour_ahead() -> Vec<u8> {
        let mut file = b"TZif".to_vec();
        file.extend([0; 16]);
        for count in [0_u32, 0, 0, 0, 1, 4] {
            file.extend(count.to_be_bytes());
        }
        file.extend(3600_i32.to_be_bytes());
        file.extend([0, 0]);
        file.extend(b"AHD\0");
        file
    }

    #[test]
    fn a_zone_is_read_by_its_exact_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("posix")).unwrap();
        fs::create_dir_all(folder.path().join("Far")).unwrap();
        for place in ["Far/Ahead", "posix/Ahead", "version.tab"] {
            fs::write(folder.path().join(place), an_hour_ahead()).unwrap();
        }
        fs::write(folder.path().join("Note"), "not a zone").unwrap();
        let zone = read(folder.path(), "Far/Ahead").unwrap();
        assert_eq!(zone.iana_name(), Some("Far/Ahead"));
        assert_eq!(zone.to_offset(Timestamp::UNIX_EPOCH).seconds(), 3600);
        for other in
            ["", "Far", "far/ahead", "Far/../Far/Ahead", "/Far/Ahead", "posix/Ahead", "version.tab", "Note"]
        {
            assert_eq!(read(folder.path(), other), None, "{other}");
        }
    }

    #[test]
    fn any_zone_is_the_same_as_from_the_database() {
        for name in ["Europe/Berlin", "europe/berlin", "UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires"] {
            let (zone, known) = (named(name).unwrap(), TimeZone::get(name).unwrap());
            assert_eq!(zone.iana_name(), known.iana_name());
            for second in [0, 1_000_000_000, 1_783_000_000, 4_000_000_000] {
                let at = Timestamp::from_second(second).unwrap();
                assert_eq!(zone.to_offset(at), known.to_offset(at), "{name} at {at}");
            }
        }
        assert!(named("Europe/Nowhere").is_err());
    }
}
