//! A document of the project as its blocks of code, and what is written into them when they are brought up to date.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::follower::TREE;

/// Brings documents up to date instead of failing: `UPDATE_DOCS=1 cargo test --test docs`.
const UPDATE: &str = "UPDATE_DOCS";

/// A markdown file of the project.
pub struct Document {
    path: PathBuf,
    pub text: String,
    changes: Vec<(Range<usize>, String)>,
}

/// A block of code between fences.
#[derive(Clone, Debug)]
pub struct Block {
    pub language: String,
    /// What follows the language, such as `file=config.toml`.
    pub info: Vec<String>,
    pub text: String,
    /// The line of its fence, from 1.
    pub line: usize,
    range: Range<usize>,
}

impl Block {
    /// The value of `name=value` behind the language.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.info.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    pub fn is(&self, word: &str) -> bool {
        self.info.iter().any(|other| other == word)
    }
}

impl Document {
    pub fn read(name: &str) -> Self {
        let path = Path::new(TREE).join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { path, text, changes: Vec::new() }
    }

    /// Its blocks, in order.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open: Option<(String, Block)> = None;
        let mut at = 0;
        for (number, line) in (1..).zip(self.text.split_inclusive('\n')) {
            let marks: String = line.chars().take_while(|c| *c == '`').collect();
            match &mut open {
                None if marks.len() >= 3 => {
                    let mut words = line[marks.len()..].split_whitespace().map(str::to_owned);
                    let language = words.next().unwrap_or_default();
                    let from = at + line.len();
                    let block = Block {
                        language,
                        info: words.collect(),
                        text: String::new(),
                        line: number,
                        range: from..from,
                    };
                    open = Some((marks, block));
                }
                Some((fence, _)) if line.trim_end() == fence => {
                    blocks.extend(open.take().map(|(_, block)| block));
                }
                Some((_, block)) => {
                    block.text.push_str(line);
                    block.range.end = at + line.len();
                }
                None => {}
            }
            at += line.len();
        }
        assert!(open.is_none(), "{}: a block is never closed", self.path.display());
        blocks
    }

    /// The blocks in one language.
    pub fn texts(&self, language: &str) -> Vec<String> {
        let blocks = self.blocks().into_iter().filter(|block| block.language == language);
        blocks.map(|block| block.text).collect()
    }

    /// The block of text that has a name.
    #[track_caller]
    pub fn shown(&self, name: &str) -> String {
        let mut blocks = self.blocks().into_iter().filter(|block| block.language == "text" && block.is(name));
        blocks.next().unwrap_or_else(|| panic!("no text is named {name}")).text
    }

    /// The first shell block that holds a text.
    #[track_caller]
    pub fn script_with(&self, text: &str) -> String {
        let mut scripts = self.texts("sh").into_iter();
        scripts.find(|script| script.contains(text)).unwrap_or_else(|| panic!("no block with {text}"))
    }

    /// A block turned out to be otherwise: the document is brought up to date, or the test fails.
    #[track_caller]
    pub fn differs(&mut self, block: &Block, really: &str, why: &str) {
        if std::env::var_os(UPDATE).is_some() {
            self.changes.push((block.range.clone(), format!("{}\n", really.trim_end())));
            return;
        }
        let (name, line, shown) = (self.path.display(), block.line, &block.text);
        panic!(
            "{name}:{line}: {why}\n--- in the document:\n{shown}--- really:\n{really}\n--- ({UPDATE}=1 takes it over)"
        );
    }

    /// Writes what was brought up to date.
    pub fn save(mut self) {
        for (range, text) in std::mem::take(&mut self.changes).into_iter().rev() {
            self.text.replace_range(range, &text);
        }
        if fs::read_to_string(&self.path).unwrap() != self.text {
            fs::write(&self.path, &self.text).unwrap();
        }
    }

    /// Gives the whole document another text, or fails the test.
    #[track_caller]
    pub fn must_be(mut self, text: &str) {
        if self.text != text {
            assert!(
                std::env::var_os(UPDATE).is_some(),
                "{} is not up to date: {UPDATE}=1",
                self.path.display()
            );
            text.clone_into(&mut self.text);
        }
        self.save();
    }
}
