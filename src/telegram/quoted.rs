//! Words of other people and programs, made fit to stand among ours: they can't break a line, turn the direction of what
//! follows, or be longer than they may.

use unicode_segmentation::UnicodeSegmentation as _;

/// What stands for the rest of a text that was cut.
const ELLIPSIS: &str = "…";

/// The length of a text as Telegram counts it.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A text on one line, of so many units at most.
pub(super) fn line(text: &str, limit: usize) -> String {
    let words = cleaned(text).split_whitespace().collect::<Vec<_>>().join(" ");
    isolated(&words, limit)
}

/// A text of several lines, without empty ones at its ends and more than one of them in a row.
pub(super) fn passage(text: &str, limit: usize) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let cleaned = with_blanks(&cleaned(text));
    for line in cleaned.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_some_and(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    isolated(&lines.join("\n"), limit)
}

/// The last lines of what a program printed, and how many those are; whole lines if one of them fits.
pub(super) fn last_lines(text: &str, limit: usize) -> (String, usize) {
    let cleaned = with_blanks(&cleaned(text));
    let (mut kept, mut left) = (Vec::new(), limit);
    for line in cleaned.trim_end().lines().rev() {
        let line = isolated(line.trim_end(), limit);
        let length = units(&line) + 1;
        if length > left {
            break;
        }
        left -= length;
        kept.push(line);
    }
    if kept.is_empty() {
        kept.extend(cleaned.trim_end().lines().next_back().map(|line| isolated(line, limit)));
    }
    let count = kept.len();
    kept.reverse();
    (kept.join("\n"), count)
}

/// A text of so many units at most, cut where a person would: at the end of a line or a word if there is one near, and
/// never inside of what is seen as one character.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    if units(text) <= limit {
        return text.to_owned();
    }
    let Some(room) = limit.checked_sub(units(ELLIPSIS)) else { return String::new() };
    let (mut used, mut end) = (0, 0);
    for (at, cluster) in text.grapheme_indices(true) {
        used += units(cluster);
        if used > room {
            break;
        }
        end = at + cluster.len();
    }
    if end == 0 {
        // One character that is longer than the whole: marks upon marks.
        end = fitting_characters(text, room);
    }
    let fitting = &text[..end];
    let near = |at: &usize| *at >= end - end / 4;
    let pause = fitting.rfind('\n').filter(near).or(fitting.rfind(' ').filter(near)).unwrap_or(end);
    format!("{}{ELLIPSIS}", fitting[..pause].trim_end())
}

fn fitting_characters(text: &str, room: usize) -> usize {
    let mut used = 0;
    let fits = |character: &char| {
        used += character.len_utf16();
        used <= room
    };
    text.chars().take_while(fits).map(char::len_utf8).sum()
}

/// Without characters that control something: what is left is seen.
fn cleaned(text: &str) -> String {
    let plain = |character: char| match character {
        '\n' | '\t' => Some(character),
        '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' | '\u{c}' => Some('\n'),
        _ if is_steering(character) => None,
        _ if character.is_control() => (character != '\r').then_some(' '),
        _ => Some(character),
    };
    text.replace("\r\n", "\n").chars().filter_map(plain).collect()
}

/// Telegram shows a tab as one blank.
fn with_blanks(text: &str) -> String {
    text.replace('\t', "    ")
}

/// What turns the direction of a text or is nothing but a mark of an encoding.
fn is_steering(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Cuts a text, and shuts in those of its lines that run from right to left, so that what stands beside them stays there.
fn isolated(text: &str, limit: usize) -> String {
    let isolated = isolate(&shortened(text, limit));
    // A line of one letter grows to twice its length at most, with its end.
    if units(&isolated) <= limit {
        isolated
    } else {
        isolate(&shortened(text, (limit / 2).saturating_sub(1)))
    }
}

fn isolate(text: &str) -> String {
    if !text.contains(runs_from_right_to_left) {
        return text.to_owned();
    }
    let shut_in = |line: &str| {
        if line.contains(runs_from_right_to_left) {
            format!("\u{2068}{line}\u{2069}")
        } else {
            line.to_owned()
        }
    };
    text.split('\n').map(shut_in).collect::<Vec<_>>().join("\n")
}

/// The blocks of Unicode whose letters run from right to left.
fn runs_from_right_to_left(character: char) -> bool {
    matches!(
        character,
        '\u{590}'..='\u{8ff}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefe}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_a_person_would() {
        assert_eq!(shortened("as it is", 8), "as it is");
        assert_eq!(shortened("the first words of many", 16), "the first words…");
        assert_eq!(shortened("one line\nanother line\nthe third", 26), "one line\nanother line…");
        assert_eq!(shortened("onewordwithoutanyend", 10), "onewordwi…");
        assert_eq!(shortened("never", 0), "");
    }

    #[test]
    fn nothing_is_cut_inside_of_what_is_seen_as_one_character() {
        let family = "👩‍👩‍👧‍👦";
        assert_eq!(units(family), 11);
        assert_eq!(shortened(&family.repeat(3), 25), format!("{family}{family}…"));
        assert_eq!(shortened("🇬🇧🇫🇷🇩🇪", 10), "🇬🇧🇫🇷…");
        assert_eq!(shortened("e\u{301}e\u{301}e\u{301}", 4), "e\u{301}…");
        let marks_upon_marks = shortened(&format!("e{}", "\u{301}".repeat(100)), 10);
        assert_eq!(units(&marks_upon_marks), 10);
    }

    #[test]
    fn what_runs_from_right_to_left_is_shut_in_line_by_line() {
        assert_eq!(line("  שלום\n עולם ", 50), "\u{2068}שלום עולם\u{2069}");
        assert_eq!(passage("one\nשתיים\n\n\n\nthree", 50), "one\n\u{2068}שתיים\u{2069}\n\nthree");
        assert_eq!(line("\u{202e}evil\u{2066}", 50), "evil");
        assert!(units(&passage(&"א\n".repeat(500), 100)) <= 100);
    }

    #[test]
    fn the_last_lines_are_whole_if_one_fits() {
        assert_eq!(last_lines("one\ntwo\nthree\n", 9), ("three".to_owned(), 1));
        assert_eq!(last_lines("one\ntwo\nthree\n", 10), ("two\nthree".to_owned(), 2));
        assert_eq!(last_lines("a line that is too long", 10), ("a line th…".to_owned(), 1));
        assert_eq!(last_lines("", 10), (String::new(), 0));
    }
}
