//! `logs --follow`: what is there, and then what is said next, until the session ends or somebody has heard enough.
//!
//! It looks again whenever the bell rings. A daemon that is away for a while is waited for: its session is not over.

use super::answer::Answer;
use super::asking::Ask;
use super::bell::Bell;
use super::command::LINES;
use super::desk::Desk;
use super::letter::Letter;
use super::pages::printable;
use super::unreachable::Unreachable;
use super::view::{Logs, Status};
use crate::cli::interrupts::Interrupts;
use crate::cli::{Error, Exit, say};

/// Shows the newest lines, and then what comes.
pub(super) async fn follow(desk: &mut Desk<'_>, ask: Ask, lines: usize) -> Result<Exit, Error> {
    let mut interrupts = Interrupts::listen().map_err(Error::Signals)?;
    tokio::select! {
        _ = interrupts.next() => Ok(Exit::Ok),
        exit = tell_all(desk, ask, lines) => exit,
    }
}

async fn tell_all(desk: &mut Desk<'_>, ask: Ask, lines: usize) -> Result<Exit, Error> {
    // Looks back as far as it can, so that it is known where the next look begins.
    let ask = ask.with("lines", Some(LINES.end()));
    let first = desk.ask(&Letter::new(ask.clone())).await?;
    let Some(Logs { session, logs }) = first.view() else {
        say::error(printable(&first.message));
        return Ok(first.exit());
    };
    let mut bell = if ask.fields.contains_key("task") { Bell::Output } else { Bell::Story(None) };
    let known = split(&logs);
    let mut unsaid = known[known.len().saturating_sub(lines)..].to_vec();
    let mut story = Story { ask: ask.with("session", Some(&session)), known };
    let status = Ask::of("status").with("session", Some(&session));
    let mut standing = Some(desk.ask(&Letter::new(status.clone())).await?);
    loop {
        if let Some(refusal) = standing.as_ref().filter(|answer| (400..500).contains(&answer.status)) {
            say::error(printable(&refusal.message));
            return Ok(refusal.exit());
        }
        unsaid.extend(story.news(desk).await?);
        if !unsaid.drain(..).all(|line| say::out_if_heard(printable(&line))) || has_ended(standing.as_ref()) {
            return Ok(Exit::Ok);
        }
        desk.wait_for_news(&mut bell).await;
        standing = desk.ask_daemon(&Letter::new(status.clone())).await?;
    }
}

fn has_ended(answer: Option<&Answer>) -> bool {
    let status: Option<Status> = answer.and_then(Answer::view);
    status.is_some_and(|status| ["completed", "stopped"].contains(&status.word.as_str()))
}

/// What is followed, and how much of it is known.
#[derive(Debug)]
struct Story {
    ask: Ask,
    known: Vec<String>,
}

impl Story {
    /// The lines that were added since the last look.
    async fn news(&mut self, desk: &Desk<'_>) -> Result<Vec<String>, Unreachable> {
        let answer = desk.ask_daemon(&Letter::new(self.ask.clone())).await?;
        let Some(Logs { logs, .. }) = answer.as_ref().and_then(Answer::view) else { return Ok(Vec::new()) };
        let now = split(&logs);
        let news = now[overlap(&self.known, &now)..].to_vec();
        self.known = now;
        Ok(news)
    }
}

fn split(text: &str) -> Vec<String> {
    text.lines().map(String::from).collect()
}

/// How many of the first lines are known: as much of what was known as there is still to be seen.
fn overlap(known: &[String], now: &[String]) -> usize {
    (0..known.len()).find(|gone| now.starts_with(&known[*gone..])).map_or(0, |gone| known.len() - gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(known: &str, now: &str) -> String {
        let letters = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        letters(now)[overlap(&letters(known), &letters(now))..].concat()
    }

    #[test]
    fn only_what_is_new_is_told_again() {
        for (known, now, new) in [
            ("", "abc", "abc"),
            ("abc", "abc", ""),
            ("abc", "abcd", "d"),
            ("abc", "bcde", "de"),
            ("abc", "cde", "de"),
            ("abc", "xyz", "xyz"),
            ("aab", "aabaab", "aab"),
            ("aaa", "aaa", ""),
            ("abc", "", ""),
        ] {
            assert_eq!(news(known, now), new, "{known} → {now}");
        }
    }
}
