//! Why a request was not carried out.

use crate::domain::refused::Offer;
use crate::files::task_folder;
use crate::store;

/// Why a request was not carried out, by what its sender can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be understood, or asks for what is never allowed.
    #[error("{0}")]
    Bad(String),
    /// It names something that doesn't exist.
    #[error("{0}")]
    NotFound(String),
    /// Legal, but not now.
    #[error("{0}")]
    Refused(String),
    /// It means something that doesn't exist, where others do.
    #[error("{message}")]
    Missing {
        /// What there is not, in words.
        message: String,
        /// What would work.
        offer: Offer,
    },
    /// Legal, but not now, unless more is said.
    #[error("{message}")]
    Instead {
        /// Why, in words.
        message: String,
        /// What would work.
        offer: Offer,
    },
    /// The task file it names has errors, all of which are listed.
    #[error("{0}")]
    Invalid(String),
    /// Its key was used for something else.
    #[error("the key {0} was already used for another request: use a new one")]
    KeyReused(String),
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The task that carried it out is gone.
    #[error("the command was interrupted")]
    Interrupted,
}

impl From<task_folder::Error> for Error {
    fn from(error: task_folder::Error) -> Self {
        let message = error.to_string();
        match error {
            task_folder::Error::Outside { .. } => Self::Bad(message),
            task_folder::Error::Missing { .. } => Self::NotFound(message),
            task_folder::Error::NoneToday { newest, .. } => {
                Self::Missing { message, offer: Offer::Start { files: newest } }
            }
            task_folder::Error::NotAFile { .. } | task_folder::Error::Unreadable { .. } => {
                Self::Invalid(message)
            }
        }
    }
}
