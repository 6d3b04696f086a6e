//! `orchestrator serve`

use tokio::runtime::Builder;

use super::{Arguments, Error, Exit};
use crate::app::{self, Console};
use crate::store;

/// Enough for two cores: the work is waiting for files, sockets and one database.
const THREADS: usize = 2;

/// Under a service manager, what a restart can't change has an exit code of its own, by which the manager lets it be.
pub(super) fn serve(arguments: &Arguments) -> Result<Exit, Error> {
    match work(arguments) {
        Err(error) if is_supervised() && stays(&error) => {
            error.say();
            Ok(Exit::NotUntilChanged)
        }
        result => result,
    }
}

fn work(arguments: &Arguments) -> Result<Exit, Error> {
    let config = arguments.load()?;
    let secret = config.require_secret()?.clone();
    app::require_user(&config)?;
    let _logging = app::start_logging(&config, Console::Everything)?;
    let runtime =
        Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().map_err(Error::Runtime)?;
    let served = runtime.block_on(app::serve(config, secret))?;
    tracing::info!("ended: {}", served.ended.why);
    Ok(match (served.broken, served.ended.clean) {
        (true, _) => Exit::DatabaseFailed,
        (false, true) => Exit::Ok,
        (false, false) => Exit::Failed,
    })
}

fn is_supervised() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// Whether the next start will meet the same, until a person has changed something.
fn stays(error: &Error) -> bool {
    matches!(
        error,
        Error::Config(_) | Error::App(app::Error::User(_) | app::Error::Store(store::Error::Newer { .. }))
    )
}
