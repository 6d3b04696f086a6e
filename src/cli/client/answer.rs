//! What came back, and what it means for the exit code.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cli::Exit;

/// An answer of the daemon, or of the same engine in this process.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// As it came.
    pub(super) body: String,
    /// Its sentence for a person.
    pub(super) message: String,
}

impl Answer {
    /// Reads an answer; what has no message is none of ours.
    pub(super) fn read(status: u16, body: String) -> Option<Self> {
        #[derive(Deserialize)]
        struct Fields {
            status: String,
            message: String,
        }
        let Fields { message, status: word } = serde_json::from_str(&body).ok()?;
        (!word.is_empty()).then_some(Self { status, body, message })
    }

    /// An answer that was made in this process.
    pub(super) fn of_ours(status: u16, body: String) -> Self {
        Self::read(status, body.clone()).unwrap_or(Self { status, message: body.clone(), body })
    }

    /// The body as something that this program knows; `None` if the daemon is of another mind about it.
    pub(super) fn view<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    pub(super) fn exit(&self) -> Exit {
        match self.status {
            200..=299 => Exit::Ok,
            409 => Exit::Waiting,
            _ => Exit::Failed,
        }
    }
}
