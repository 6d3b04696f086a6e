//! The block structure of a markdown text, as far as a task file needs it.
//!
//! The one place that talks to the markdown parser (`CommonMark`). Setext headings underlined with `---` are taken for what people
//! mean who end a text with a line of dashes: a paragraph and a thematic break.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

/// The blocks of one text; every offset is into that text.
#[derive(Default)]
pub(super) struct Outline {
    /// Headings outside of lists and quotes.
    pub(super) headings: Vec<Heading>,
    /// Starts of the lines that are thematic breaks outside of lists and quotes.
    rules: Vec<usize>,
    /// The lists that stand in no other block.
    lists: Vec<Range<usize>>,
    /// The items of those lists, without the items of lists within.
    pub(super) items: Vec<Range<usize>>,
    /// A code block or comment that runs to the end of the text because nothing closes it.
    pub(super) unclosed: Option<Unclosed>,
    /// HTML comments with no text behind them, at any depth.
    comments: Vec<Range<usize>>,
    /// Code blocks, and HTML blocks that have an end of their own, such as comments, at any depth.
    opaque: Vec<Range<usize>>,
}

/// A heading outside of lists and quotes.
pub(super) struct Heading {
    /// 1 for the largest.
    pub(super) level: u8,
    /// Where its line (for a setext heading: its first line) begins.
    pub(super) line: usize,
    /// Where its last line ends.
    pub(super) end: usize,
    /// Whether it is written with `#`, not by an underline.
    pub(super) hashes: bool,
}

/// A block that nothing closes.
pub(super) struct Unclosed {
    /// Where it begins.
    pub(super) at: usize,
    /// What would close it, in words.
    pub(super) closer: String,
}

impl Outline {
    /// Reads a text.
    pub(super) fn of(text: &str) -> Self {
        let mut outline = Self::default();
        let mut depth = 0_usize;
        for (event, range) in Parser::new_ext(text, Options::empty()).into_offset_iter() {
            match event {
                Event::Start(tag) => {
                    outline.enter(text, &tag, range, depth);
                    depth += 1;
                }
                Event::End(_) => depth -= 1,
                Event::Rule if depth == 0 => outline.rules.push(line_start(text, range.start)),
                _ => {}
            }
        }
        outline
    }

    /// Whether a line (given by the offset of its first character that isn't blank) is code or part of a comment.
    pub(super) fn is_opaque(&self, offset: usize) -> bool {
        holds(&self.opaque, offset)
    }

    /// Whether an offset is in a comment.
    pub(super) fn is_comment(&self, offset: usize) -> bool {
        holds(&self.comments, offset)
    }

    /// Whether the line that begins at an offset is a thematic break.
    pub(super) fn is_rule(&self, line: usize) -> bool {
        self.rules.binary_search(&line).is_ok()
    }

    /// Whether an offset is in a list.
    pub(super) fn in_list(&self, offset: usize) -> bool {
        holds(&self.lists, offset)
    }

    /// Where a text ends once blank lines and thematic breaks at its end are left out.
    pub(super) fn content_end(&self, text: &str) -> usize {
        let blank = [' ', '\t', '\n'];
        let mut end = text.trim_end_matches(blank).len();
        for rule in self.rules.iter().rev() {
            if line_start(text, end) != *rule {
                break;
            }
            end = text[..*rule].trim_end_matches(blank).len();
        }
        end
    }

    fn enter(&mut self, text: &str, tag: &Tag<'_>, range: Range<usize>, depth: usize) {
        match tag {
            Tag::Heading { level, .. } if depth == 0 => self.heading(text, *level as u8, &range),
            Tag::List(_) if depth == 0 => self.lists.push(range),
            Tag::Item if depth == 1 => self.items.push(range),
            Tag::CodeBlock(_) => {
                if depth == 0 && range.end == text.len() {
                    self.unclosed = unclosed_fence(text, range.start);
                }
                self.opaque.push(range);
            }
            Tag::HtmlBlock => self.html(text, range, depth),
            _ => {}
        }
    }

    fn heading(&mut self, text: &str, level: u8, range: &Range<usize>) {
        let block = text[range.clone()].trim_end_matches('\n');
        let end = range.start + block.len();
        let line = line_start(text, range.start);
        let hashes = block.trim_start_matches(' ').starts_with('#') && !block.contains('\n');
        if !hashes && level == 2 {
            let underline = line_start(text, end);
            if text[underline..end].trim().len() >= 3 {
                self.rules.push(underline);
            }
        }
        self.headings.push(Heading { level, line, end, hashes });
    }

    fn html(&mut self, text: &str, range: Range<usize>, depth: usize) {
        let block = &text[range.clone()];
        let Some(closers) = html_closers(block) else {
            return;
        };
        let lower = block.to_ascii_lowercase();
        if depth == 0 && range.end == text.len() && !closers.iter().any(|closer| lower.contains(closer)) {
            self.unclosed = Some(Unclosed { at: range.start, closer: closers.join(" or ") });
        }
        let is_comment = block.trim_start_matches(' ').starts_with("<!--");
        if is_comment && block.find("-->") == block.trim_end().len().checked_sub(3) {
            self.comments.push(range.clone());
        }
        self.opaque.push(range);
    }
}

/// Whether one of the ranges, which are in order and apart, holds an offset.
fn holds(ranges: &[Range<usize>], offset: usize) -> bool {
    let next = ranges.partition_point(|range| range.start <= offset);
    next > 0 && ranges[next - 1].end > offset
}

/// Where the line that holds an offset begins.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The fence at an offset, if the code block that it opens has no closing one up to the end of the text.
fn unclosed_fence(text: &str, at: usize) -> Option<Unclosed> {
    let block = text[at..].trim_start_matches(' ');
    let mark = block.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = block.len() - block.trim_start_matches(mark).len();
    let indented = text[line_start(text, at)..].starts_with("    ");
    if length < 3 || indented {
        return None;
    }
    let is_closed = block.lines().skip(1).any(|line| {
        let inner = line.trim_start_matches(' ');
        let rest = inner.trim_start_matches(mark);
        line.len() - inner.len() < 4 && inner.len() - rest.len() >= length && rest.trim().is_empty()
    });
    let closer = mark.to_string().repeat(length);
    (!is_closed).then_some(Unclosed { at, closer })
}

/// What ends an HTML block of the kinds that blank lines don't end (kinds 1 to 5 of `CommonMark` 0.31, section 4.6).
fn html_closers(block: &str) -> Option<&'static [&'static str]> {
    const RAW: &[&str] = &["</pre>", "</script>", "</style>", "</textarea>"];
    let block = block.trim_start_matches(' ').to_ascii_lowercase();
    if block.starts_with("<!--") {
        Some(&["-->"])
    } else if block.starts_with("<?") {
        Some(&["?>"])
    } else if block.starts_with("<![cdata[") {
        Some(&["]]>"])
    } else if block.starts_with("<!") {
        Some(&[">"])
    } else {
        let opens = |closer: &&str| {
            let name = &closer[2..closer.len() - 1];
            let rest = block[1..].strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-'))
        };
        RAW.iter().any(opens).then_some(RAW)
    }
}
