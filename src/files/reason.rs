//! What the system says against something, in words that fit into a sentence.

use std::io;

/// An error of the system without its number, and in lower case.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error ").next().unwrap_or_default();
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::reason;
    use std::io::Error;

    #[test]
    fn a_reason_has_no_number() {
        assert_eq!(reason(&Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(reason(&Error::other("a disk that hums")), "a disk that hums");
    }
}
