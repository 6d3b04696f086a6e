//! Telegram's own rules for `parse_mode: HTML`, as its Bot API server applies them before it takes a message.
//!
//! After `do_parse_html` and `clean_input_string` of <https://github.com/tdlib/td> (`MessageEntity.cpp`, `misc.cpp`): the
//! same tags, the same entities, the same complaints at the same byte offsets.

/// The longest message, in UTF-16 units, after its entities are read.
pub const LONGEST: usize = 4096;

/// A message as it reaches a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What is shown.
    pub text: String,
    /// How parts of it are shown, in their order.
    pub entities: Vec<Entity>,
}

/// A part of a text that is shown in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// As the Bot API names it: `bold`, `pre`, `text_link`.
    pub kind: &'static str,
    /// In UTF-16 units.
    pub offset: usize,
    /// In UTF-16 units.
    pub length: usize,
    /// The link, the language or the emoji, if it has one.
    pub argument: Option<String>,
}

/// Reads a message as Telegram does; the error is Telegram's, behind its `Bad Request: `.
pub fn parse(html: &str) -> Result<Parsed, String> {
    let (text, entities) =
        Reader::new(html).read().map_err(|error| format!("can't parse entities: {error}"))?;
    accepted(&text, entities)
}

/// What Telegram makes of a text without any markup.
pub fn plain(text: &str) -> Result<Parsed, String> {
    accepted(text, Vec::new())
}

/// The length of a text as Telegram counts it.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A text as it is sent: cleaned, trimmed, neither empty nor too long.
fn accepted(text: &str, entities: Vec<Entity>) -> Result<Parsed, String> {
    let (cleaned, removed) = cleaned(text);
    let trimmed = cleaned.trim();
    if trimmed.is_empty() {
        return Err("message text is empty".to_owned());
    }
    let length = units(trimmed);
    if length > LONGEST {
        return Err("message is too long".to_owned());
    }
    let lead = units(&cleaned[..cleaned.len() - cleaned.trim_start().len()]);
    let moved = |offset: usize| {
        let before = removed.iter().filter(|at| **at < offset).count();
        (offset - before).saturating_sub(lead).min(length)
    };
    let kept = |entity: Entity| {
        let (begin, end) = (moved(entity.offset), moved(entity.offset + entity.length));
        (begin < end).then(|| Entity { offset: begin, length: end - begin, ..entity })
    };
    let entities = entities.into_iter().filter_map(kept).collect();
    Ok(Parsed { text: trimmed.to_owned(), entities })
}

/// Control characters become spaces; what breaks lines or turns their direction for good is removed, and where it was is
/// told in UTF-16 units.
fn cleaned(text: &str) -> (String, Vec<usize>) {
    let (mut cleaned, mut removed, mut offset) = (String::new(), Vec::new(), 0);
    for character in text.chars() {
        match character {
            '\r' | '\u{2028}'..='\u{202e}' => removed.push(offset),
            '\n' => cleaned.push('\n'),
            '\0'..' ' => cleaned.push(' '),
            _ => cleaned.push(character),
        }
        offset += character.len_utf16();
    }
    (cleaned, removed)
}

struct Reader<'a> {
    bytes: &'a [u8],
    html: &'a str,
    at: usize,
    text: String,
    offset: usize,
    open: Vec<Open>,
    entities: Vec<Entity>,
}

struct Open {
    tag: String,
    argument: Option<String>,
    offset: usize,
    begin: usize,
}

const SURROGATE: &str = "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched \
                         surrogate code units";

const TAGS: [&str; 16] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "span",
    "pre",
    "code",
    "blockquote",
];

impl<'a> Reader<'a> {
    fn new(html: &'a str) -> Self {
        let (bytes, text) = (html.as_bytes(), String::new());
        Self { bytes, html, at: 0, text, offset: 0, open: Vec::new(), entities: Vec::new() }
    }

    fn read(mut self) -> Result<(String, Vec<Entity>), String> {
        while self.at < self.bytes.len() {
            match self.byte() {
                b'&' => {
                    let character = self.reference()?.unwrap_or('&');
                    self.show(character);
                }
                b'<' => self.tag()?,
                _ => {
                    let character = self.html[self.at..].chars().next().unwrap();
                    self.at += character.len_utf8();
                    self.show(character);
                }
            }
        }
        if let Some(open) = self.open.last() {
            return Err(format!("Can't find end tag corresponding to start tag \"{}\"", open.tag));
        }
        Ok((self.text, without_nesting_in_code(self.entities)))
    }

    /// The byte that is next; 0 at the end, as in the original.
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn show(&mut self, character: char) {
        self.offset += character.len_utf16();
        self.text.push(character);
    }

    /// A character reference: four names, or a number. Anything else is text; without one, the ampersand is passed.
    fn reference(&mut self) -> Result<Option<char>, String> {
        let begin = self.at;
        self.at += 1;
        let character = if self.byte() == b'#' {
            self.at += 1;
            let hexadecimal = self.byte() == b'x';
            self.at += usize::from(hexadecimal);
            let digits =
                self.take(|byte| if hexadecimal { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() });
            let number = u32::from_str_radix(digits, if hexadecimal { 16 } else { 10 }).ok();
            let number =
                number.filter(|number| *number != 0 && *number < 0x0010_ffff && self.at - begin < 10);
            number.map(|number| char::from_u32(number).ok_or(SURROGATE)).transpose()?
        } else {
            match self.take(|byte| byte.is_ascii_alphabetic()) {
                "lt" => Some('<'),
                "gt" => Some('>'),
                "amp" => Some('&'),
                "quot" => Some('"'),
                _ => None,
            }
        };
        match character {
            Some(_) => self.at += usize::from(self.byte() == b';'),
            None => self.at = begin + 1,
        }
        Ok(character)
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let begin = self.at;
        while self.at < self.bytes.len() && wanted(self.byte()) {
            self.at += 1;
        }
        &self.html[begin..self.at]
    }

    fn skip_space(&mut self) {
        self.take(is_space);
    }

    fn tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        self.at += 1;
        if self.byte() == b'/' { self.end_tag(begin) } else { self.start_tag(begin) }
    }

    fn start_tag(&mut self, begin: usize) -> Result<(), String> {
        let tag = self.take(|byte| !is_space(byte) && byte != b'>').to_lowercase();
        if self.byte() == 0 {
            return Err(format!("Unclosed start tag at byte offset {begin}"));
        }
        if !TAGS.contains(&tag.as_str()) {
            return Err(format!("Unsupported start tag \"{tag}\" at byte offset {begin}"));
        }
        let mut argument = None;
        loop {
            self.skip_space();
            match self.byte() {
                b'>' => break,
                0 => return Err(format!("Unclosed start tag \"{tag}\" at byte offset {begin}")),
                _ => {}
            }
            let (name, value) = self.attribute(&tag, begin)?;
            match (tag.as_str(), name, value) {
                ("a", "href", Some(value)) | ("tg-emoji", "emoji-id", Some(value)) => argument = Some(value),
                ("code", "class", Some(value)) => {
                    argument = value.strip_prefix("language-").map(str::to_owned);
                }
                ("span", "class", Some(value)) if value.starts_with("tg-") => {
                    argument = value.strip_prefix("tg-").map(str::to_owned);
                }
                ("blockquote", "expandable", _) => argument = Some("expandable".to_owned()),
                _ => {}
            }
        }
        self.at += 1;
        if tag == "span" && argument.as_deref() != Some("spoiler") {
            return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"));
        }
        self.open.push(Open { tag, argument, offset: self.offset, begin: self.text.len() });
        Ok(())
    }

    fn attribute(&mut self, tag: &str, begin: usize) -> Result<(&'a str, Option<String>), String> {
        let name = self.take(|byte| !is_space(byte) && !matches!(byte, b'=' | b'>' | b'/' | b'"' | b'\''));
        if name.is_empty() {
            return Err(format!("Empty attribute name in the tag \"{tag}\" at byte offset {begin}"));
        }
        self.skip_space();
        if self.byte() != b'=' {
            if tag == "blockquote" && name == "expandable" {
                return Ok((name, None));
            }
            return Err(format!(
                "Expected equal sign in declaration of an attribute of the tag \"{tag}\" at byte offset {begin}"
            ));
        }
        self.at += 1;
        self.skip_space();
        let value = match self.byte() {
            0 => return Err(format!("Unclosed start tag \"{tag}\" at byte offset {begin}")),
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                self.literal(quote)?
            }
            _ => {
                let from = self.at;
                let token = self.take(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
                if !is_space(self.byte()) && self.byte() != b'>' {
                    return Err(format!("Unexpected end of name token at byte offset {from}"));
                }
                token.to_lowercase()
            }
        };
        if self.byte() == 0 {
            return Err(format!("Unclosed start tag at byte offset {begin}"));
        }
        Ok((name, Some(value)))
    }

    fn literal(&mut self, quote: u8) -> Result<String, String> {
        let mut value = String::new();
        while self.at < self.bytes.len() && self.byte() != quote {
            if self.byte() == b'&' {
                value.push(self.reference()?.unwrap_or('&'));
            } else {
                let character = self.html[self.at..].chars().next().unwrap();
                self.at += character.len_utf8();
                value.push(character);
            }
        }
        self.at += usize::from(self.byte() == quote);
        Ok(value)
    }

    fn end_tag(&mut self, begin: usize) -> Result<(), String> {
        self.at += 1;
        let Some(open) = self.open.pop() else {
            return Err(format!("Unexpected end tag at byte offset {begin}"));
        };
        let tag = self.take(|byte| !is_space(byte) && byte != b'>');
        self.skip_space();
        if self.byte() != b'>' {
            return Err(format!("Unclosed end tag at byte offset {begin}"));
        }
        self.at += 1;
        if !tag.is_empty() && tag != open.tag {
            let expected = open.tag;
            return Err(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{expected}>\", found \"</{tag}>\""
            ));
        }
        self.close(open);
        Ok(())
    }

    fn close(&mut self, open: Open) {
        let length = self.offset - open.offset;
        if length == 0 {
            return;
        }
        let kind = match open.tag.as_str() {
            "b" | "strong" => "bold",
            "i" | "em" => "italic",
            "u" | "ins" => "underline",
            "s" | "strike" | "del" => "strikethrough",
            "tg-spoiler" | "span" => "spoiler",
            "tg-emoji" => "custom_emoji",
            "pre" => "pre",
            "code" => "code",
            "blockquote" if open.argument.is_some() => "expandable_blockquote",
            "blockquote" => "blockquote",
            _ => "text_link",
        };
        let mut argument = open.argument.filter(|_| !matches!(kind, "spoiler" | "expandable_blockquote"));
        if kind == "text_link" {
            let url = argument.filter(|url| !url.is_empty());
            let url = url.unwrap_or_else(|| self.text[open.begin..].to_owned());
            if !url.contains("://") && !url.contains('.') {
                return;
            }
            argument = Some(url);
        }
        // `<pre><code class="language-…">` is one block with a language.
        if kind == "pre"
            && let Some(code) = self.entities.last_mut()
            && (code.kind, code.offset, code.length) == ("code", open.offset, length)
        {
            code.kind = "pre";
            return;
        }
        self.entities.push(Entity { kind, offset: open.offset, length, argument });
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | 11)
}

/// Nothing else can be had where there is code, and an outer one comes first.
fn without_nesting_in_code(mut entities: Vec<Entity>) -> Vec<Entity> {
    let is_code = |entity: &Entity| matches!(entity.kind, "pre" | "code");
    let blocks: Vec<_> = entities.iter().filter(|entity| is_code(entity)).cloned().collect();
    let inside = |entity: &Entity, block: &Entity| {
        block != entity
            && block.offset <= entity.offset
            && entity.offset + entity.length <= block.offset + block.length
    };
    entities.retain(|entity| !blocks.iter().any(|block| inside(entity, block)));
    for entity in entities.iter_mut().filter(|entity| entity.kind == "code") {
        entity.argument = None;
    }
    entities.sort_by_key(|entity| (entity.offset, usize::MAX - entity.length));
    entities
}
