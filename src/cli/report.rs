//! `orchestrator report [session]`: a session's story as one page of markdown.
//!
//! Reads the database beside a running daemon and without one; changes nothing.

mod account;
mod markdown;
mod render;
#[cfg(test)]
mod tests;

use clap::Args;
use sqlx::SqliteConnection;
use tokio::runtime::Builder;

use self::account::Account;
use self::render::Frame;
use super::{Arguments as Global, Error, Exit, say, shown};
use crate::app;
use crate::config::Config;
use crate::domain::id::SessionId;
use crate::store::{self, sessions};

pub(super) const EXAMPLES: &str = "Examples:
  orchestrator report                      the newest session
  orchestrator report 20251120-093015      a session by its id
  orchestrator report > orchestrator.md    for a pull request, say";

/// How many sessions are named when the one asked for isn't there.
const SUGGESTIONS: i64 = 5;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The session's id [default: the newest one's]
    #[arg(value_name = "SESSION")]
    session: Option<String>,
}

pub(super) fn report(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    let config = global.load()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    say::out(runtime.block_on(tell(&config, arguments.session.as_deref()))?.trim_end());
    Ok(Exit::Ok)
}

async fn tell(config: &Config, id: Option<&str>) -> Result<String, Error> {
    let mut conn = store::look(&config.paths.database).await?;
    let session = match id {
        Some(id) => sessions::load(&mut conn, &SessionId::new(id)).await?,
        None => sessions::newest(&mut conn).await?,
    };
    let Some(session) = session else { return Err(Error::NoSession(missing(&mut conn, id).await?)) };
    let account = Account::read(&mut conn, session).await?;
    let logs = config.paths.logs_dir.join(account.session.id.as_str());
    Ok(render::report(
        &account,
        &Frame { logs: &shown(&logs), zone: &config.orchestrator.timezone, now: app::clock() },
    ))
}

async fn missing(conn: &mut SqliteConnection, id: Option<&str>) -> Result<String, store::Error> {
    let Some(id) = id else { return Ok("there is no session yet".to_owned()) };
    let newest: Vec<_> = sessions::list(conn, SUGGESTIONS).await?;
    let newest: Vec<_> = newest.iter().map(|session| session.id.as_str()).collect();
    let those = match newest.as_slice() {
        [] => "there is none yet".to_owned(),
        newest => format!("the newest are {}", newest.join(", ")),
    };
    Ok(format!("there is no session {id}: {those}"))
}
