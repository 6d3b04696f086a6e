//! Does what the documents in `docs/` tell a reader to do, block by block, and compares what they show.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` takes over what is really printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;
use support::document::{Block, Document};
use support::follower::{Follower, Serving, TREE};
use support::normal::{alike, normal};
use support::shell::Shell;
use support::terminal::Terminal;

/// Blocks that can't be run here: whoever marks more of them thinks again. One takes a Telegram account and an n8n;
/// `tests/e2e/push.rs` does what it says, and compares what the guide shows. Two take root, two a systemd: `tests/deploy.sh`.
const NOT_RUN: usize = 8;

#[test]
fn quick_start() {
    follow("docs/quick-start.md");
}

#[test]
fn task_files() {
    follow("docs/task-files.md");
}

#[test]
fn approvals() {
    follow("docs/approvals.md");
}

#[test]
fn http() {
    follow("docs/http.md");
}

#[test]
fn configuration() {
    follow("docs/configuration.md");
}

#[test]
fn terminal() {
    follow("docs/terminal.md");
}

#[test]
fn troubleshooting() {
    follow("docs/troubleshooting.md");
}

#[test]
fn systemd() {
    follow("docs/systemd.md");
}

#[test]
fn backup() {
    follow("docs/backup.md");
}

#[test]
fn isolation() {
    follow("docs/isolation.md");
}

#[test]
fn notifications() {
    follow("docs/notifications.md");
}

#[test]
fn n8n() {
    follow("docs/n8n.md");
}

#[test]
fn newcomer() {
    follow("docs/newcomer.md");
}

#[test]
fn messages() {
    follow("docs/messages.md");
}

#[test]
fn benchmarks() {
    follow("docs/benchmarks.md");
}

#[test]
fn performance() {
    follow("docs/performance.md");
}

#[test]
fn architecture() {
    follow("docs/architecture.md");
}

#[test]
fn security() {
    follow("docs/security.md");
}

/// A line of it is worth what holds it.
#[test]
fn every_test_that_is_named_for_security_exists() {
    let security = Document::read("docs/security.md").text;
    let quoted = Parser::new_ext(&security, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Code(code) => Some(code.into_string()),
        _ => None,
    });
    let mut named = 0;
    for span in quoted.filter(|span| span.contains("::") && span != "file::test") {
        let (file, test) = span.split_once("::").unwrap();
        let file = if file.starts_with("src/") { format!("{file}.rs") } else { format!("tests/{file}.rs") };
        let code =
            fs::read_to_string(Path::new(TREE).join(&file)).unwrap_or_else(|_| panic!("{span}: no {file}"));
        let before =
            code.split_once(&format!("fn {test}(")).unwrap_or_else(|| panic!("{file} has no {test}")).0;
        let above = before.rsplit_once('\n').map_or("", |(above, _)| above);
        let is_mark = |line: &str| line.contains("#[test]") || line.contains("#[tokio::test");
        let is_test = above.lines().rev().take_while(|line| !line.trim().is_empty()).any(is_mark);
        assert!(is_test, "{span} is no test");
        named += 1;
    }
    assert!(named > 50, "{named}");
}

#[test]
fn docker() {
    follow("docs/docker.md");
}

#[test]
fn releases() {
    follow("docs/releases.md");
}

#[test]
fn dependencies() {
    follow("docs/dependencies.md");
}

#[test]
fn every_document_is_followed_here_and_named_in_the_readme() {
    let followed = fs::read_to_string(Path::new(TREE).join("tests/docs.rs")).unwrap();
    let readme = Document::read("README.md").text;
    for name in documents() {
        assert!(followed.contains(&format!("follow(\"{name}\")")), "{name} is followed by no test");
        assert!(readme.contains(&format!("]({name})")), "{name} isn't linked from the README");
    }
}

#[test]
fn hardly_a_block_is_not_run() {
    let blocks = documents().into_iter().flat_map(|name| Document::read(&name).blocks());
    let left_out: Vec<_> = blocks.filter(|block| block.is("not-run")).map(|block| block.text).collect();
    assert!(left_out.len() <= NOT_RUN, "{left_out:#?}");
}

#[test]
fn every_link_leads_somewhere() {
    for name in documents().into_iter().chain(["README.md".to_owned(), "tests/README.md".to_owned()]) {
        let text = Document::read(&name).text;
        for link in links(&text) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = Path::new(TREE).join(&name).parent().unwrap().join(file);
            let target = if file.is_empty() { Path::new(TREE).join(&name) } else { target };
            assert!(target.exists(), "{name}: {link}");
            if !anchor.is_empty() {
                let anchors = anchors(&fs::read_to_string(&target).unwrap());
                assert!(anchors.contains(anchor), "{name}: {link}: {anchors:?}");
            }
        }
    }
}

/// The sentences that troubleshooting explains stand in its headings; `…` is what differs.
#[test]
fn every_sentence_that_is_explained_is_one_of_the_codes() {
    let code = source();
    let text = Document::read("docs/troubleshooting.md").text;
    let sentences: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    assert!(sentences.len() > 10, "{sentences:?}");
    for sentence in sentences {
        for part in sentence.split('…').map(str::trim).filter(|part| part.len() > 3) {
            assert!(code.contains(part), "no sentence of the code has {part:?} ({sentence})");
        }
    }
}

/// All of the code, with its texts as they read: quotes without backslashes, broken lines joined.
fn source() -> String {
    let mut files = Vec::new();
    collect(&Path::new(TREE).join("src"), &mut files);
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut joined = String::new();
    for part in text.split("\\\n") {
        joined.push_str(if joined.is_empty() { part } else { part.trim_start() });
    }
    joined.replace("\\\"", "\"")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn documents() -> Vec<String> {
    let entries = fs::read_dir(Path::new(TREE).join("docs")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let documents = paths.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let mut names: Vec<_> =
        documents.map(|path| format!("docs/{}", path.file_name().unwrap().display())).collect();
    names.sort();
    names
}

/// The links of a document that lead into the project.
fn links(text: &str) -> Vec<String> {
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. }) if !dest_url.contains("://") => Some(dest_url.into_string()),
        _ => None,
    };
    Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(target).collect()
}

/// The names by which a document's headings can be linked to.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take()),
            Event::Text(text) | Event::Code(text) => {
                let Some(heading) = &mut heading else { continue };
                let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
                heading.extend(
                    text.to_lowercase().chars().filter(|c| kept(*c)).map(|c| if c == ' ' { '-' } else { c }),
                );
            }
            _ => {}
        }
    }
    anchors
}

/// Goes through a document as a reader would.
#[track_caller]
fn follow(name: &str) {
    let mut document = Document::read(name);
    let place = Follower::new();
    let mut reader = Reader { shell: Shell::of(&place), place: &place, daemon: None, answer: String::new() };
    for block in document.blocks() {
        if !block.is("not-run") {
            reader.follow(&mut document, &block);
        }
    }
    drop(reader);
    document.save();
}

/// Someone with a document, a shell and perhaps a daemon in another one.
struct Reader<'a> {
    shell: Shell,
    place: &'a Follower,
    daemon: Option<Serving>,
    /// What the last command printed.
    answer: String,
}

impl Reader<'_> {
    fn follow(&mut self, document: &mut Document, block: &Block) {
        match block.language.as_str() {
            "sh" if block.text.trim_end().ends_with("orchestrator serve") => {
                self.daemon = None;
                self.daemon = Some(self.place.serve(&block.text));
                self.settle();
            }
            "sh" => {
                self.answer = self.shell.obeys(self.place, &block.text);
                self.settle();
            }
            "console" if block.is("terminal") => self.type_along(document, block),
            "console" => self.compare_printed(document, block),
            "json" => self.compare_answer(document, block),
            "toml" => self.load(block),
            "markdown" => self.check(block),
            "text" => {}
            other => panic!("line {}: nobody knows how to follow a block of {other:?}", block.line),
        }
    }

    /// A reader is slower than a rehearsal.
    fn settle(&self) {
        if self.daemon.is_some() {
            self.place.await_rest();
        }
    }

    /// Gives the commands behind `$`, and compares what they print with what is shown below them.
    fn compare_printed(&mut self, document: &mut Document, block: &Block) {
        let mut really = Vec::new();
        for command in block.text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            really.push(format!("$ {command}"));
            let (said, _) = self.shell.say(self.place, command);
            really.extend(said.lines().map(|line| line.trim_end().to_owned()));
            self.settle();
            self.answer = said;
        }
        let really = really.join("\n") + "\n";
        if normal(&really) != normal(&block.text) {
            document.differs(block, &really, "other than shown");
        }
    }

    /// Runs a command in a terminal, and types what is shown behind its prompt.
    fn type_along(&mut self, document: &mut Document, block: &Block) {
        let (command_line, shown) = block.text.split_once('\n').unwrap();
        let script = self.place.here(command_line.strip_prefix("$ ").expect("a command"));
        let command = pty_process::blocking::Command::new("bash")
            .args(["-c", &format!("exec {script}")])
            .current_dir(self.place.path(""))
            .envs(self.place.environment())
            .env("TERM", "xterm-256color");
        let mut terminal = Terminal::open(command, 90);
        for typed in shown.lines().filter_map(|line| line.strip_prefix("> ")) {
            terminal.await_prompt();
            terminal.enter(typed);
        }
        terminal.ended();
        let screen = terminal.screen();
        let screen: Vec<_> = screen.trim_end().lines().map(str::trim_end).collect();
        let really = self.place.there(&format!("{}\n{}\n", command_line, screen.join("\n")));
        // Where its lines break depends on the names of folders.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        if normal(&words(&really)) != normal(&words(&block.text)) {
            document.differs(block, &really, "the screen shows something else");
        }
    }

    /// Compares an answer with the one that the last command got.
    fn compare_answer(&mut self, document: &mut Document, block: &Block) {
        let last = self.answer.lines().rev().find(|line| line.starts_with('{')).unwrap_or_default();
        let real: Value = serde_json::from_str(last)
            .unwrap_or_else(|error| panic!("line {}: {error}: {}", block.line, self.answer));
        let shown: Value = serde_json::from_str(&block.text).unwrap_or_default();
        if !alike(&shown, &real) {
            document.differs(block, &serde_json::to_string_pretty(&real).unwrap(), "another answer");
        }
    }

    /// Loads a configuration, from where its file is to be.
    fn load(&mut self, block: &Block) {
        let file = block.value("file").unwrap_or("shown.toml");
        fs::write(self.place.path(file), &block.text).unwrap();
        self.shell.obeys(self.place, &format!("orchestrator --config {file} check examples/first-tasks.md"));
    }

    /// Writes a task file to where it is to be; one that is named nowhere must be without mistakes.
    fn check(&mut self, block: &Block) {
        let file = block.value("file").unwrap_or("shown.md");
        let path = self.place.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &block.text).unwrap();
        if block.value("file").is_none() {
            self.shell.obeys(self.place, &format!("orchestrator check {file}"));
        }
    }
}
