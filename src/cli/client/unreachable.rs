//! Why the daemon can't be reached, each with what to look at.

use std::path::PathBuf;

/// No answer was had from the daemon, nor could one be had without it.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Unreachable {
    #[error(
        "an orchestrator is using {database}, but nothing answers at {url}: it is `orchestrator run` in a terminal, or \
         a daemon that was started with another server.host or server.port, or one that is just ending; look for it \
         with `ps`, or name its configuration with --config", database = database.display()
    )]
    Held { url: String, database: PathBuf },
    #[error("{url} can't be reached: {why}; check server.host and server.port")]
    Silent { url: String, why: String },
    #[error(
        "the daemon at {url} took the command but gave no answer ({why}): see with `orchestrator status` whether it was \
         carried out, and in the daemon's log why"
    )]
    BrokenOff { url: String, why: String },
    #[error(
        "what answers at {url} is no orchestrator (HTTP {status}): check server.port, and what else uses it"
    )]
    Stranger { url: String, status: u16 },
}
