//! `orchestrator serve`

use tokio::runtime::Builder;

use super::{Arguments, Error, Exit};
use crate::app::{self, Console};

/// Enough for two cores: the work is waiting for files, sockets and one database.
const THREADS: usize = 2;

pub(super) fn serve(arguments: &Arguments) -> Result<Exit, Error> {
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
