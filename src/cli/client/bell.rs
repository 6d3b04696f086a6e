//! What rings when there may be news: the daemon's event stream, of which not a word is read.
//!
//! Whoever hears it looks again at what they follow, so a ring that is missed, or one too many, costs nothing.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::daemon::Daemon;

/// How often to look where nothing rings.
const INTERVAL: Duration = Duration::from_millis(500);

/// A bell, or a clock where there is none.
#[derive(Debug)]
pub(super) enum Bell {
    /// The story: every line of it is an event.
    Story(Option<reqwest::Response>),
    /// What a run prints, which are no events.
    Output,
}

impl Bell {
    /// Waits until there may be news.
    pub(super) async fn rung(&mut self, daemon: &Daemon<'_>) {
        match self {
            Self::Output => sleep(INTERVAL).await,
            // A stream that has just been opened rings by itself: it is listened to before the next look.
            Self::Story(stream @ None) => {
                *stream = daemon.listen().await;
                if stream.is_none() {
                    sleep(INTERVAL).await;
                }
            }
            Self::Story(Some(stream)) => {
                let Ok(Some(_)) = stream.chunk().await else {
                    *self = Self::Story(None);
                    return sleep(INTERVAL).await;
                };
                // What was committed together is looked at together.
                while let Ok(Ok(Some(_))) = timeout(Duration::ZERO, stream.chunk()).await {}
            }
        }
    }
}
