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
    let cleaned = cleaned(text);
    for line in cleaned.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_some_and(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    isolated(&lines.join("\n"), limit)
}

/// The last lines of what a program printed, and how many those are; whole lines if one of them fits.
pub(super) fn last_lines(text: &str, limit: usize) -> (String, usize) {
    let cleaned = cleaned(text).replace('\t', "    ");
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
