//! A gate as a prompt: what is asked, and what the answer means.

use std::io::{self, BufRead as _};
use std::thread;

use tokio::sync::mpsc;

use crate::domain::command::{Command, Target};
use crate::domain::gate::{Choice, Gate};

/// The lines that are typed, read by a thread of their own; it ends with the process.
#[derive(Debug)]
pub(super) struct Keyboard {
    lines: mpsc::Receiver<String>,
}

impl Keyboard {
    pub(super) fn open() -> Self {
        let (sender, lines) = mpsc::channel(16);
        thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines }
    }

    /// The next line; `None` when there will be no more.
    pub(super) async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// Forgets what was typed before the question was asked.
    pub(super) fn flush(&mut self) {
        while self.lines.try_recv().is_ok() {}
    }
}

/// The answers that a gate takes, as a prompt offers them: `approve [note] · reject <why> · skip · stop`.
pub(super) fn offer(gate: &Gate) -> String {
    let offered: Vec<&str> = gate
        .choices()
        .into_iter()
        .map(|choice| match choice {
            Choice::Approve => "approve [note]",
            Choice::Reject => "reject <why>",
            Choice::Retry => "retry [what to do differently]",
            Choice::Skip => "skip",
            Choice::Stop => "stop",
        })
        .collect();
    offered.join(" · ")
}

/// Understands an answer: a choice's word or the beginning of one, `y` for approve, and what follows as words for Claude.
pub(super) fn understand(answer: &str, gate: &Gate) -> Result<Command, String> {
    let (word, rest) = answer.trim().split_once(char::is_whitespace).unwrap_or((answer.trim(), ""));
    let word = match word.to_ascii_lowercase().trim_start_matches('/') {
        "" => return Err("Nothing was answered".to_owned()),
        "y" | "yes" => "approve".to_owned(),
        word => word.to_owned(),
    };
    let words = Some(rest.trim().to_owned()).filter(|words| !words.is_empty());
    let choices = gate.choices();
    let mut meant = choices.iter().filter(|choice| choice.as_str().starts_with(&word));
    match (meant.next(), meant.next()) {
        (Some(choice), None) => Ok(command(*choice, gate, words)),
        (Some(_), Some(_)) => Err(format!("\"{word}\" could mean more than one answer")),
        (None, _) => Err(format!("\"{word}\" is not an answer to this")),
    }
}

fn command(choice: Choice, gate: &Gate, words: Option<String>) -> Command {
    let id = Some(gate.id.clone());
    let target = Target::Gate(gate.id.clone());
    match choice {
        Choice::Approve => Command::Approve { gate: id, note: words },
        Choice::Reject => Command::Reject { gate: id, feedback: words },
        Choice::Retry => Command::Retry { target, feedback: words },
        Choice::Skip => Command::Skip { target },
        Choice::Stop => Command::Stop { gate: id },
    }
}
