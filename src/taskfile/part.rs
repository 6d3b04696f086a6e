//! The text between two cuts: what is wrong in it, and what of it a task keeps.

use super::criteria;
use super::diagnostic::quoted;
use super::heading::{self, Reading};
use super::key::{Key, Place};
use super::outline::{Outline, line_start};
use super::parse::Reader;
use super::section::blanks;
use super::source::lines;

/// The text between two cuts, and where it stands in the file.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    from: usize,
    outline: &'a Outline,
    place: Place,
}

impl Reader<'_> {
    /// Judges and keeps the text between two cuts.
    pub(super) fn part(&mut self, place: Place, from: usize, end: usize) {
        if self.drafts.last().is_some_and(|draft| draft.derailed) {
            return;
        }
        let text = &self.text[from..end];
        let outline = &Outline::of(text);
        let part = Part { text, from, outline, place };
        let before = self.report.count();
        self.judge_blocks(part);
        self.judge_lines(part);
        let sound = self.report.count() == before;
        match place {
            Place::Intro => self.take_title(part),
            Place::Header if sound => self.refuse_text(part),
            Place::Header | Place::Misnamed => {}
            Place::Description | Place::Instruction => self.take_text(part),
            Place::Criteria => self.take_criteria(part),
        }
    }

    fn judge_blocks(&mut self, part: Part<'_>) {
        if let Some(unclosed) = &part.outline.unclosed {
            let help = format!("close it with {}", unclosed.closer);
            let message = "this block is never closed, so it takes in the rest of the file";
            self.report.mistake(part.from + unclosed.at, message, Some(help));
        }
        if part.place == Place::Instruction {
            return;
        }
        let headings = part.outline.headings.iter();
        for heading in headings.filter(|heading| heading.hashes && heading.level == 2) {
            let message = "a second-level heading that is not a task";
            let help = heading::SHAPE.to_owned();
            self.report.mistake(part.from + heading.line, message, Some(help));
        }
    }

    /// Finds lines that were meant as keys but aren't written as such.
    fn judge_lines(&mut self, part: Part<'_>) {
        if part.place == Place::Criteria {
            return;
        }
        for (at, line) in lines(part.text, 0..part.text.len()) {
            let content = at + blanks(line);
            let meant = Key::meant_by(line, part.place);
            if let Some(key) = meant.filter(|_| !part.outline.is_opaque(content)) {
                self.meant_as_key(part.from + content, key);
            }
        }
    }

    fn meant_as_key(&mut self, at: usize, key: Key) {
        let name = key.name();
        let message = format!("this looks like the key {}", quoted(name));
        let help = format!("write \"**{name}:** …\" at the start of a line above the instruction");
        self.report.mistake(at, message, Some(help));
        if let Some(draft) = self.drafts.last_mut() {
            draft.garbled = true;
        }
    }

    fn take_title(&mut self, part: Part<'_>) {
        let first = part.outline.headings.iter().find(|heading| heading.level == 1);
        let Some(heading) = first else {
            return;
        };
        let source = &part.text[heading.line..heading.end];
        let title = if heading.hashes {
            heading::content(source).to_owned()
        } else {
            let underline = line_start(source, source.len());
            let words: Vec<&str> = source[..underline].split_whitespace().collect();
            words.join(" ")
        };
        if let Reading::Mistaken { message, help, .. } = heading::read(&title, heading.level) {
            self.report.mistake(part.from + heading.line, message, Some(help));
        } else if let Some(key) = Key::meant_by(&title, Place::Intro) {
            self.meant_as_key(part.from + heading.line, key);
        }
        self.title = (!title.is_empty()).then_some(title);
    }

    /// Refuses text where only keys may stand; comments are no text.
    fn refuse_text(&mut self, part: Part<'_>) {
        let mut texts = lines(part.text, 0..part.outline.content_end(part.text));
        let stray = texts.find(|(at, line)| {
            !line.trim().is_empty()
                && !part.outline.is_rule(*at)
                && !part.outline.is_comment(at + blanks(line))
        });
        if let Some((at, line)) = stray {
            if let Some(draft) = self.drafts.last_mut() {
                draft.garbled = true;
            }
            let help = "put it below **Description:** or **Claude Instruction:**".to_owned();
            let message = "this text belongs to no key";
            self.report.mistake(part.from + at + blanks(line), message, Some(help));
        }
    }

    fn take_text(&mut self, part: Part<'_>) {
        let kept = &part.text[..part.outline.content_end(part.text)];
        let Some(draft) = self.drafts.last_mut() else {
            return;
        };
        if kept.trim().is_empty() {
            self.report.mistake(draft.last_key_at(), "there is no text below this key", None);
        } else if part.place == Place::Description {
            draft.spec.description = Some(kept.to_owned());
        } else {
            draft.spec.instruction = Some(kept.to_owned());
        }
    }

    fn take_criteria(&mut self, part: Part<'_>) {
        let Some(draft) = self.drafts.last_mut() else {
            return;
        };
        let help = "write a list: each criterion on a line of its own that begins with \"- \"";
        let criteria = match criteria::read(part.text, part.outline) {
            Ok(criteria) => criteria,
            Err(at) => {
                let message = "this text is not part of the list of acceptance criteria";
                self.report.mistake(part.from + at, message, Some(help.to_owned()));
                return;
            }
        };
        if criteria.is_empty() {
            let message = "there is no list below this key";
            self.report.mistake(draft.last_key_at(), message, Some(help.to_owned()));
        }
        for criterion in criteria {
            self.take_criterion(part.from + criterion.at, criterion.text);
        }
    }

    fn take_criterion(&mut self, at: usize, text: String) {
        if text.is_empty() {
            self.report.mistake(at, "this acceptance criterion is empty", None);
        }
        let item = criteria::write(&text);
        let meant = item.lines().find_map(|line| Key::meant_by(line, Place::Criteria));
        if let Some(key) = meant {
            self.meant_as_key(at, key);
        }
        if let Some(draft) = self.drafts.last_mut() {
            draft.spec.acceptance_criteria.push(text);
        }
    }
}
