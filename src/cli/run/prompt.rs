//! The answers to a gate, as a prompt offers and understands them.

use crate::domain::command::{Command, Target};
use crate::domain::gate::{About, Choice, Gate};
use crate::domain::id::GateId;

/// What an answer means.
#[derive(Debug)]
pub(super) enum Answer {
    /// Do this.
    Give(Command),
    /// Show once more what is asked.
    Again,
    /// Nothing, for this reason.
    Unclear(String),
}

/// The answers that a gate takes: `approve [note] · reject [why] · skip · stop`.
pub(super) fn offer(gate: &Gate) -> String {
    let offered: Vec<&str> = gate
        .choices()
        .into_iter()
        .map(|choice| match choice {
            Choice::Approve => "approve [note]",
            Choice::Reject => "reject [why]",
            Choice::Retry => "retry [what to do differently]",
            Choice::Skip => "skip",
            Choice::Stop => "stop",
        })
        .collect();
    offered.join(" · ")
}

/// Understands an answer: a choice's word or the beginning of one, `y` and `n`, and what follows as words for Claude.
pub(super) fn understand(answer: &str, gate: &Gate) -> Answer {
    let (typed, rest) = answer.trim().split_once(char::is_whitespace).unwrap_or((answer.trim(), ""));
    let word = match typed.to_ascii_lowercase().trim_start_matches('/') {
        "" => return Answer::Unclear("Nothing was typed".to_owned()),
        "?" | "help" => return Answer::Again,
        "y" | "yes" => "approve".to_owned(),
        "n" | "no" => "reject".to_owned(),
        word => word.to_owned(),
    };
    if word == "continue" && matches!(gate.about, About::Failed { .. } | About::Interrupted { .. }) {
        let target = Target::Gate(gate.id.clone());
        return match words(rest, gate) {
            Ok(feedback) => Answer::Give(Command::Continue { target, feedback }),
            Err(problem) => Answer::Unclear(problem),
        };
    }
    let choices = gate.choices();
    let meant: Vec<Choice> =
        choices.iter().copied().filter(|choice| choice.as_str().starts_with(&word)).collect();
    match (meant.as_slice(), words(rest, gate)) {
        (_, Err(problem)) => Answer::Unclear(problem),
        ([choice], Ok(words)) => command(*choice, gate, words),
        ([], Ok(_)) => Answer::Unclear(unknown(typed, &word, &choices)),
        (several, Ok(_)) => {
            let several: Vec<&str> = several.iter().map(|choice| choice.as_str()).collect();
            Answer::Unclear(format!("\"{typed}\" could mean {}", several.join(" or ")))
        }
    }
}

/// The words after the choice. The gate's own id may stand before them, as it does in a chat.
fn words(rest: &str, gate: &Gate) -> Result<Option<String>, String> {
    let (first, others) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    let words = match GateId::parse(first) {
        Some(named) if named == gate.id => others.trim(),
        Some(named) => return Err(format!("Gate {named} isn't the one that is open ({})", gate.id)),
        None => rest.trim(),
    };
    Ok(Some(words.to_owned()).filter(|words| !words.is_empty()))
}

fn command(choice: Choice, gate: &Gate, words: Option<String>) -> Answer {
    let id = Some(gate.id.clone());
    let target = Target::Gate(gate.id.clone());
    Answer::Give(match (choice, words) {
        (Choice::Approve, note) => Command::Approve { gate: id, note },
        (Choice::Reject, feedback) => Command::Reject { gate: id, feedback },
        (Choice::Retry, feedback) => Command::Retry { target, feedback },
        (Choice::Skip, None) => Command::Skip { target },
        (Choice::Stop, None) => Command::Stop { gate: id },
        (Choice::Skip | Choice::Stop, Some(words)) => {
            let word = choice.as_str();
            return Answer::Unclear(format!("\"{word}\" takes no words, so \"{words}\" would be lost"));
        }
    })
}

fn unknown(typed: &str, word: &str, choices: &[Choice]) -> String {
    let nearest = choices
        .iter()
        .map(|choice| (strsim::damerau_levenshtein(word, choice.as_str()), choice.as_str()))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match nearest {
        Some((_, nearest)) => format!("\"{typed}\" is no answer to this: did you mean {nearest}?"),
        None => format!("\"{typed}\" is no answer to this"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, understand};
    use crate::domain::gate::{About, Gate, Next, Reason};
    use crate::domain::id::{GateId, TaskNumber};

    fn before() -> Gate {
        let about = About::Before { next: Next::Task(TaskNumber(1)), reasons: vec![Reason::Start] };
        Gate { id: GateId::from_random(0), about, opened_at: jiff::Timestamp::UNIX_EPOCH }
    }

    fn meaning(answer: &str, gate: &Gate) -> String {
        match understand(answer, gate) {
            Answer::Give(command) => format!("{command:?}").split(" { ").next().unwrap().to_owned(),
            Answer::Again => "again".to_owned(),
            Answer::Unclear(problem) => problem,
        }
    }

    #[test]
    fn answers_may_be_short_and_are_never_guessed() {
        let gate = before();
        for (answer, expected) in [
            ("y", "Approve"),
            (" YES, please", "\"YES,\" is no answer to this"),
            ("a be brief", "Approve"),
            ("/approve G7_AAAA be brief", "Approve"),
            ("approve g7_bbbb", "Gate g7_bbbb isn't the one that is open (g7_aaaa)"),
            ("n", "Reject"),
            ("rej smaller", "Reject"),
            ("sk", "Skip"),
            ("s", "\"s\" could mean skip or stop"),
            ("stop now", "\"stop\" takes no words, so \"now\" would be lost"),
            ("aprove", "\"aprove\" is no answer to this: did you mean approve?"),
            ("retry", "\"retry\" is no answer to this"),
            ("", "Nothing was typed"),
            ("?", "again"),
        ] {
            assert_eq!(meaning(answer, &gate), expected, "{answer}");
        }
        let failed = Gate { about: About::Failed { task: TaskNumber(1) }, ..gate };
        assert_eq!(meaning("r try the other table", &failed), "Retry");
        assert_eq!(meaning("y", &failed), "\"y\" is no answer to this");
    }
}
