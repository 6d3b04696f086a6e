//! A daemon that is started on a full disk: it says so at its door, and begins by itself when there is room. To end, only to
//! be started again and again, would help nobody, and in the end keep it from coming back.

use std::io;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Core, Error, audience, bind, clock, secrets};
use crate::config::Config;
use crate::files::{holds_no_more_files, is_full, room};
use crate::http::{self, Vestibule};
use crate::lifecycle::{Lifecycle, Why};
use crate::store::LockError;
use crate::supervisor::Supervisor;

/// How often to look whether there is room.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What a daemon begins with.
pub(super) struct Begun {
    pub(super) core: Core,
    pub(super) listener: TcpListener,
}

/// Builds everything as soon as there is room for it, or says what made it end before.
pub(super) async fn begin(
    config: &Config,
    secret: &SecretString,
    supervisor: &Supervisor,
    lifecycle: &mut Lifecycle,
) -> Result<Result<Begun, Why>, Error> {
    let mut vigil: Option<Vigil> = None;
    loop {
        let building = Core::build(config, config.claude.rehearse, audience(config));
        match supervisor.patient("opening the database", building).await {
            Ok(core) => {
                let listener = match vigil {
                    Some(vigil) => vigil.end().await?,
                    None => bind(config).await?,
                };
                return Ok(Ok(Begun { core, listener }));
            }
            Err(Error::NoRoom { path, left }) => {
                if vigil.is_none() {
                    let shortage = Error::NoRoom { path: path.clone(), left };
                    vigil = Some(Vigil::begin(config, secret, supervisor, &shortage).await?);
                }
                tokio::select! {
                    () = room_at(&path, supervisor) => {}
                    why = lifecycle.asked() => {
                        supervisor.stopping("ending: there was no room to begin");
                        return Ok(Err(why));
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
}

async fn room_at(path: &Path, supervisor: &Supervisor) {
    loop {
        sleep(LOOK_AGAIN).await;
        supervisor.alive();
        if !is_full(path) {
            return;
        }
    }
}

/// The error itself, or that there is no room, where that is what it comes of.
pub(super) fn or_for_want_of_room(error: Error, database: &Path) -> Error {
    let says_so = |source: &io::Error| source.kind() == io::ErrorKind::StorageFull;
    let path = match &error {
        Error::Folder { path, source, .. } | Error::Lock(LockError::Io { path, source }) => {
            Some(path.as_path()).filter(|_| says_so(source))
        }
        Error::Store(failed) => Some(database).filter(|_| failed.wants_room(is_full(database))),
        Error::Lock(LockError::Held { .. })
        | Error::NoRoom { .. }
        | Error::Listen { .. }
        | Error::Socket(_)
        | Error::Proc(_)
        | Error::Signals(_)
        | Error::Notifier(_)
        | Error::Telemetry(_)
        | Error::User(_) => None,
    };
    let Some(path) = path.map(Path::to_owned) else { return error };
    Error::NoRoom { left: left(&path), path }
}

fn left(path: &Path) -> String {
    if holds_no_more_files(path) {
        return "its file system can hold no more files".to_owned();
    }
    format!("{} are free on its disk", room(path).unwrap_or_default())
}

/// The door while there is nothing behind it. A second hold on the socket keeps whoever calls in between from being turned
/// away.
struct Vigil {
    socket: std::net::TcpListener,
    over: CancellationToken,
    answering: JoinHandle<()>,
}

impl Vigil {
    async fn begin(
        config: &Config,
        secret: &SecretString,
        supervisor: &Supervisor,
        shortage: &Error,
    ) -> Result<Self, Error> {
        let reason = format!("{shortage}, and the daemon begins by itself");
        let socket = bind(config).await?.into_std().map_err(Error::Socket)?;
        let listener = socket.try_clone().and_then(TcpListener::from_std).map_err(Error::Socket)?;
        error!("{reason}");
        // A service that were not ready in time would be ended, and begun again.
        supervisor.ready();
        supervisor.status(&reason);
        let vestibule = Vestibule {
            secrets: secrets(config, secret),
            require_signature: config.webhooks.require_signature,
            reason,
            clock,
        };
        let over = CancellationToken::new();
        let answering = tokio::spawn(http::wait(listener, vestibule, over.clone()));
        Ok(Self { socket, over, answering })
    }

    async fn end(self) -> Result<TcpListener, Error> {
        info!("there is room again");
        self.over.cancel();
        if let Err(failure) = self.answering.await {
            error!("failed to answer while there was no room: {failure}");
        }
        TcpListener::from_std(self.socket).map_err(Error::Socket)
    }
}
