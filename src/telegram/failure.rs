//! What was not done, and what would work.

use super::card::{self, Card};
use super::keyboard::{Button, Keyboard};
use super::text::Text;
use super::{Message, Scene, outlook, quoted, words};
use crate::domain::refused::Offer;
use crate::domain::session::Session;
use crate::domain::words::{Said, understand};

/// How much of a reason is told.
const REASON: usize = 1500;
/// How much of a list of mistakes is told.
const MISTAKES: usize = 3000;
/// A file's name on a button.
const FILE: usize = 40;
/// How many files are offered.
const FILES: usize = 5;

/// Whose a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request's: another one would work.
    Request,
    /// A task file's: its mistakes are listed, one a line.
    TaskFile,
    /// Ours.
    Inside,
}

/// Why a request was not carried out.
pub fn failure(message: &str, fault: Fault) -> Message {
    let text = match fault {
        Fault::Request => Text::plain("⚠️ ").and(words::sentence(message, REASON)),
        Fault::TaskFile => Text::lines([
            Text::bold("❌ The task file can't be used"),
            Text::output(quoted::passage(message, MISTAKES)),
        ]),
        Fault::Inside => Text::plain("❌ ").and(words::sentence(message, REASON)),
    };
    Message::new(text, None)
}

/// Why a request was not carried out, with what would work instead, and what is asked now.
pub fn refusal(message: &str, offer: Option<&Offer>, scene: &Scene<'_>) -> Message {
    let why = Text::plain("⚠️ ").and(words::sentence(message, REASON));
    let buttons = offer.and_then(|offer| offered(offer, scene));
    let about = about(offer, scene);
    let (about, keyboard) = about.map_or((None, None), |card| (Some(card.text), card.keyboard));
    let divider =
        if about.as_ref().is_some_and(|text| !text.is_empty()) { words::divider() } else { Text::default() };
    Message::new(Text::paragraphs([why, divider, about.into()]), Keyboard::joined(keyboard, buttons))
}

/// What is asked, or, for one who wants another session, what the open one is at.
fn about(offer: Option<&Offer>, scene: &Scene<'_>) -> Option<Card> {
    let session = scene.session?;
    match (session.gate(), offer) {
        (Some(gate), _) => Some(card::whole(gate, scene)),
        (None, Some(Offer::Replace { .. })) => {
            let at = outlook::outlook(scene);
            let text = at.map_or_else(Text::default, |card| card.text);
            Some(Card::new(Text::lines([headed(session), text, words::progress(session)]), None))
        }
        (None, Some(Offer::Again { .. } | Offer::Start { .. }) | None) => None,
    }
}

fn headed(session: &Session) -> Text {
    Text::bold(format!("Session {}{}", session.id, words::rehearsal(session.rehearsal)))
}

/// Buttons that say what would work. One that couldn't carry it, or would be misunderstood, isn't there.
fn offered(offer: &Offer, scene: &Scene<'_>) -> Option<Keyboard> {
    match offer {
        Offer::Replace { file, session } => {
            let command = format!("start:{file} replace={session}");
            let label = "⏹ Stop it and start this one";
            Keyboard::of([vec![button(label.to_owned(), command, file, scene)]])
        }
        Offer::Again { file } => {
            let label = format!("🔁 Start {} again", quoted::line(file, FILE));
            Keyboard::of([vec![button(label, format!("start:{file} again"), file, scene)]])
        }
        Offer::Start { files } => {
            let row = |file: &String| {
                let label = format!("▶️ Start {}", quoted::line(file, FILE));
                vec![button(label, format!("start:{file}"), file, scene)]
            };
            Keyboard::of(files.iter().take(FILES).map(row))
        }
    }
}

fn button(label: String, command: String, file: &str, scene: &Scene<'_>) -> Option<Button> {
    let meant = |said| matches!(said, Said::Start { file: Some(understood), .. } if understood == file);
    understand(&command).is_ok_and(meant).then(|| Button::new(scene, label, command))?
}
