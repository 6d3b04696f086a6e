//! Shortens a line of JSON while it streams by, so that a line of any length costs little memory.
//!
//! Long strings are cut; when the rest is still too long, a member of the outermost object becomes `null`. What comes
//! out is valid JSON if what went in was, and the scalars by which a result is judged survive wherever they stand.

use super::scan::{Ends, end_of_string};

const LONGEST_STRING: usize = 16 * 1024;
const LONGEST_LINE: usize = 512 * 1024;
/// As long as an escape is at most, which may be one half of a character.
const ESCAPE: usize = r"\uFFFF".len();

/// The filter for one line.
#[derive(Debug, Default)]
pub(super) struct Skimmer {
    kept: Vec<u8>,
    depth: usize,
    member: usize,
    dropping: bool,
    string: Text,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside {
        length: usize,
        escaped: bool,
    },
    Cut {
        escaped: bool,
    },
}

impl Skimmer {
    /// Takes the next piece of the line.
    pub(super) fn push(&mut self, mut piece: &[u8]) {
        while let Some((&byte, rest)) = piece.split_first() {
            piece = match self.string {
                Text::Outside => {
                    self.structure(byte);
                    rest
                }
                Text::Inside { length, escaped } => self.inside(piece, length, escaped),
                Text::Cut { escaped } => self.cut(piece, escaped),
            };
        }
    }

    /// The shortened line.
    pub(super) fn finish(self) -> Vec<u8> {
        self.kept
    }

    fn structure(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.string = Text::Inside { length: 0, escaped: false };
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.dropping && self.depth == 1 {
                    self.dropping = false;
                    return;
                }
            }
            b' ' | b'\t' | b'\r' => return,
            _ => {}
        }
        self.keep(&[byte]);
        if self.depth == 1 && byte == b':' {
            self.member = self.kept.len();
        }
    }

    /// Copies a string's bytes up to its end or to where it gets too long.
    fn inside<'a>(&mut self, piece: &'a [u8], length: usize, escaped: bool) -> &'a [u8] {
        if length >= LONGEST_STRING && !escaped && self.may_cut_before(piece[0]) {
            self.keep("…\"".as_bytes());
            self.string = Text::Cut { escaped: false };
            return piece;
        }
        let room = LONGEST_STRING.saturating_sub(length).max(1);
        let window = &piece[..piece.len().min(room)];
        let (taken, string) = match end_of_string(window, escaped) {
            Ends::At(at) => (at + 1, Text::Outside),
            Ends::Later { escaped } => {
                (window.len(), Text::Inside { length: length + window.len(), escaped })
            }
        };
        self.keep(&piece[..taken]);
        self.string = string;
        &piece[taken..]
    }

    /// Passes over the rest of a string.
    fn cut<'a>(&mut self, piece: &'a [u8], escaped: bool) -> &'a [u8] {
        match end_of_string(piece, escaped) {
            Ends::At(at) => {
                self.string = Text::Outside;
                &piece[at + 1..]
            }
            Ends::Later { escaped } => {
                self.string = Text::Cut { escaped };
                &[]
            }
        }
    }

    /// Whether a string may be cut before a byte that isn't escaped: not inside a character, however it is written.
    fn may_cut_before(&self, byte: u8) -> bool {
        if matches!(byte, b'"' | 0x80..=0xBF) {
            return false;
        }
        let last = &self.kept[self.kept.len().saturating_sub(ESCAPE)..];
        match last.iter().rposition(|byte| *byte == b'\\').map(|at| &last[at..]) {
            Some([_, b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..]) => false,
            Some([_, b'u', digits @ ..]) => digits.len() == 4,
            Some(_) | None => true,
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.dropping || self.kept.len() > 2 * LONGEST_LINE {
            return;
        }
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > LONGEST_LINE && self.depth > 1 {
            self.kept.truncate(self.member);
            self.kept.extend_from_slice(b"null");
            self.dropping = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn skimmed(line: &Value, step: usize) -> Value {
        let mut skimmer = Skimmer::default();
        for piece in line.to_string().as_bytes().chunks(step) {
            skimmer.push(piece);
        }
        serde_json::from_slice(&skimmer.finish()).unwrap()
    }

    #[test]
    fn leaves_short_things_alone() {
        let line = json!({"type": "result", "a b": [1, {"x": "\\\"\u{1}…\n"}], "ok": true, "n": null});
        for step in [1, 2, 7, 4096] {
            assert_eq!(skimmed(&line, step), line);
        }
    }

    #[test]
    fn cuts_long_strings_between_characters() {
        for text in ["ä😀\"\\\n".repeat(10_000), "x".repeat(5_000_000)] {
            let out = skimmed(&json!({"content": [{"text": text}], "type": "user"}), 1000);
            let kept = out["content"][0]["text"].as_str().unwrap();
            assert!(text.starts_with(kept.trim_end_matches('…')));
            assert!(kept.len() < 3 * LONGEST_STRING);
            assert_eq!(out["type"], "user");
        }
    }

    #[test]
    fn cuts_no_escape_apart() {
        for escape in [r"\u001b", r"\ud83d\ude00", r"\n", r"\\u12", "x"] {
            for before in 0..ESCAPE * 2 {
                let (before, rest) = ("x".repeat(before), escape.repeat(20_000));
                let line = format!(r#"{{"text":"{before}{rest}","type":"user"}}"#);
                let mut skimmer = Skimmer::default();
                line.as_bytes().chunks(977).for_each(|piece| skimmer.push(piece));
                let out: Value = serde_json::from_slice(&skimmer.finish()).unwrap();
                let kept = out["text"].as_str().unwrap();
                let whole: Value = serde_json::from_str(&line).unwrap();
                assert!(
                    whole["text"].as_str().unwrap().starts_with(kept.strip_suffix('…').unwrap()),
                    "{escape}"
                );
                assert!(kept.len() <= LONGEST_STRING + 2 * ESCAPE, "{escape}");
                assert_eq!(out["type"], "user");
            }
        }
    }

    #[test]
    fn drops_a_member_that_is_long_in_pieces() {
        let line = json!({"a": vec![vec!["abc"; 10]; 100_000], "is_error": false, "type": "result"});
        let out = skimmed(&line, 4096);
        assert_eq!(out, json!({"a": null, "is_error": false, "type": "result"}));
    }

    #[test]
    fn binary_stays_bounded() {
        let mut skimmer = Skimmer::default();
        for _ in 0..100 {
            skimmer.push(&[b'{', b'[', 0xff, b'"', b'\\'].repeat(50_000));
        }
        assert!(skimmer.finish().len() <= 3 * LONGEST_LINE);
    }
}
