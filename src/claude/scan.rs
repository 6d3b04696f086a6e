//! The one pass over a line of JSON: whether it is well formed, and where its values stand.
//!
//! Strings are most of a line and are passed over many bytes at a time; all else is a few dozen bytes.

/// How far the end of a string is looked for before a search is called that has to be prepared.
const NEAR: usize = 4;
const ONES: u64 = u64::from_ne_bytes([1; 8]);
const TOPS: u64 = ONES << 7;

/// Where a value stands, its quotes or brackets included. The values in it come next, an object's keys among them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    /// How many nodes it is, this one included.
    pub(super) span: u32,
}

/// A pass over one line.
pub(super) struct Scan<'a> {
    line: &'a [u8],
    at: usize,
    nodes: &'a mut Vec<Node>,
    /// The nodes of the objects and arrays that have not ended.
    open: &'a mut Vec<u32>,
}

impl<'a> Scan<'a> {
    /// None for a line whose places don't fit into a node.
    pub(super) fn new(line: &'a [u8], nodes: &'a mut Vec<Node>, open: &'a mut Vec<u32>) -> Option<Self> {
        u32::try_from(line.len()).ok()?;
        Some(Self { line, at: 0, nodes, open })
    }

    /// Goes to the end of the line, which is to be one value; none where that isn't so.
    pub(super) fn value(&mut self) -> Option<()> {
        loop {
            match self.token()? {
                b'{' => {
                    self.enter();
                    if !self.eat(b'}') {
                        self.key()?;
                        continue;
                    }
                    self.leave()?;
                }
                b'[' => {
                    self.enter();
                    if !self.eat(b']') {
                        continue;
                    }
                    self.leave()?;
                }
                b'"' => self.leaf(Self::string)?,
                b't' => self.leaf(|scan| scan.word(b"true"))?,
                b'f' => self.leaf(|scan| scan.word(b"false"))?,
                b'n' => self.leaf(|scan| scan.word(b"null"))?,
                _ => self.leaf(Self::number)?,
            }
            if self.ended()? {
                return Some(());
            }
        }
    }

    /// After a value: goes on to the next one. Whether there is none, as the line is over.
    fn ended(&mut self) -> Option<bool> {
        while let Some(open) = self.open.last() {
            let in_object = self.line[self.nodes[*open as usize].start as usize] == b'{';
            match self.token()? {
                b',' => {
                    self.at += 1;
                    if in_object {
                        self.key()?;
                    }
                    return Some(false);
                }
                b'}' if in_object => self.at += 1,
                b']' if !in_object => self.at += 1,
                _ => return None,
            }
            self.leave()?;
        }
        self.token().is_none().then_some(true)
    }

    fn key(&mut self) -> Option<()> {
        (self.token()? == b'"').then_some(())?;
        self.leaf(Self::string)?;
        self.eat(b':').then_some(())
    }

    fn enter(&mut self) {
        self.open.push(place(self.nodes.len()));
        self.nodes.push(Node { start: place(self.at), end: 0, span: 0 });
        self.at += 1;
    }

    fn leave(&mut self) -> Option<()> {
        let open = self.open.pop()?;
        let span = place(self.nodes.len()) - open;
        let node = self.nodes.get_mut(open as usize)?;
        (node.end, node.span) = (place(self.at), span);
        Some(())
    }

    fn leaf(&mut self, pass: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let start = place(self.at);
        pass(self)?;
        self.nodes.push(Node { start, end: place(self.at), span: 1 });
        Some(())
    }

    /// The next byte that isn't blank.
    fn token(&mut self) -> Option<u8> {
        loop {
            let byte = *self.line.get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.token() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.line[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.line[self.at] == b'-');
        if self.line.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.line.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.line.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.line.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.line[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        let within = self.line.get(self.at + 1..)?;
        let Ends::At(end) = end_of_string(within, false) else { return None };
        self.at += end + 2;
        Some(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "no line that is gone through is longer")]
fn place(at: usize) -> u32 {
    at as u32
}

/// Where a string ends that is gone through piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// At this quote.
    At(usize),
    /// In a later piece, whose first byte is escaped or isn't.
    Later { escaped: bool },
}

/// Looks for the quote at a string's end, before which there is an even number of backslashes. Only quotes are looked for:
/// other escapes are many, as every line of a text ends with one.
pub(super) fn end_of_string(piece: &[u8], escaped: bool) -> Ends {
    let is_escaped = |at: usize| {
        let backslashes = piece[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        (backslashes + usize::from(escaped && backslashes == at)) % 2 == 1
    };
    let mut from = 0;
    while let Some(at) = quote(&piece[from..]).map(|at| from + at) {
        if !is_escaped(at) {
            return Ends::At(at);
        }
        from = at + 1;
    }
    Ends::Later { escaped: is_escaped(piece.len()) }
}

/// Where the first quote stands. Most strings are so short that they have ended before a search by vectors has begun.
fn quote(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().take(NEAR).enumerate() {
        let found = zero_bytes(u64::from_le_bytes(*word) ^ (ONES * u64::from(b'"')));
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let near = words.len().min(NEAR) * 8;
    memchr::memchr(b'"', &bytes[near..]).map(|at| near + at)
}

/// The highest bit of each byte that is zero; of those behind the first one it may say so, too, wrongly.
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & TOPS
}
