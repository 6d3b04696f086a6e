//! The composition root: builds everything from the configuration, runs it, drains it.

mod leftovers;
mod room;
mod succession;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::room::Begun;
use crate::claude::{self, Birthplace};
use crate::config::{Config, LogFormat};
use crate::engine::{self, Audience, Engine};
use crate::files::{private, reason};
use crate::http::{self, Callers, Door};
use crate::lifecycle::{Ended, Lifecycle, Why};
use crate::notifier::{self, Notifier, Receiver};
use crate::store::{self, Lock, LockError};
use crate::supervisor::Supervisor;
use crate::telemetry;
use crate::upkeep::{self, Upkeep, watchdog};
use crate::user::{self, CannotBecome};
use crate::worker::{self, Worker};

/// How long requests and the notifier may take to finish once the daemon is to end.
const DRAIN: Duration = Duration::from_secs(20);

/// Why the daemon can't start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the database.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The disk is full. Nothing is lost, and it works as soon as there is room.
    #[error("there is no room for {path}: {left}; make some there", path = path.display())]
    NoRoom {
        /// What was to be written.
        path: PathBuf,
        /// How much there is.
        left: String,
    },
    /// A folder isn't there or can't be made.
    #[error(
        "{what} {path} can't be used: {}; make it a folder for this user, or name another one",
        reason(source),
        path = path.display()
    )]
    Folder {
        /// What it is for.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The port can't be had.
    #[error("can't listen on {address}: {}{}", reason(source), remedy(source))]
    Listen {
        /// Which address.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The socket that was bound can't be used.
    #[error("can't listen: {0}")]
    Socket(io::Error),
    /// The system does not say what every Linux says.
    #[error("can't read /proc, which is needed to tell processes apart: {0}")]
    Proc(io::Error),
    /// Signals can't be listened for.
    #[error("can't listen for signals: {0}")]
    Signals(io::Error),
    /// Runs can't be the user that they are to be.
    #[error(transparent)]
    User(#[from] CannotBecome),
    /// Notifications can't be sent as it is configured.
    #[error(transparent)]
    Notifier(#[from] notifier::Unusable),
    /// Logging can't be set up.
    #[error(transparent)]
    Telemetry(#[from] telemetry::TelemetryError),
}

/// The parts that `serve` and `run` share.
#[derive(Debug)]
pub struct Core {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The worker, not yet working.
    pub worker: Worker,
    /// Keeps other processes out.
    pub lock: Lock,
}

/// What is logged on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// What the configured level lets through.
    Everything,
    /// The same but for the story, which is told elsewhere.
    WithoutStory,
    /// Errors only.
    Errors,
}

/// How a daemon ended.
#[derive(Debug)]
pub struct Served {
    /// How its parts ended.
    pub ended: Ended,
    /// Whether the database failed for good.
    pub broken: bool,
}

impl Served {
    fn before_it_began(why: Why) -> Self {
        let clean = matches!(why, Why::Signal(_) | Why::Asked);
        Self { ended: Ended { clean, why, unfinished: Vec::new() }, broken: false }
    }
}

/// Tells the time, the one place that asks the system.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
pub fn clock() -> Timestamp {
    Timestamp::now()
}

impl Core {
    /// Takes the lock, opens the database and makes what works on it.
    pub async fn build(config: &Config, rehearse: bool, audience: Option<Audience>) -> Result<Self, Error> {
        let built = Self::build_at_once(config, rehearse, audience).await;
        built.map_err(|error| room::or_for_want_of_room(error, &config.paths.database))
    }

    async fn build_at_once(
        config: &Config,
        rehearse: bool,
        audience: Option<Audience>,
    ) -> Result<Self, Error> {
        let paths = &config.paths;
        must_be_folder("the project folder (paths.project_dir)", &paths.project_dir)?;
        for (what, path) in [
            ("the task folder (paths.tasks_dir)", &paths.tasks_dir),
            ("the log folder (paths.logs_dir)", &paths.logs_dir),
        ] {
            private::create_dir(path).map_err(|source| Error::Folder { what, path: path.clone(), source })?;
        }
        let lock = Lock::take(&paths.database)?;
        let birthplace = Birthplace::here().map_err(Error::Proc)?;
        let settings = engine_settings(config, rehearse, audience, birthplace);
        let engine = succession::open(&paths.database, &lock, settings).await?;
        let worker = Worker::new(Arc::clone(&engine), worker_settings(config));
        Ok(Self { engine, worker, lock })
    }
}

/// Sets up logging. What is logged last is written when the guard is dropped.
pub fn start_logging(
    config: &Config,
    console: Console,
) -> Result<telemetry::Guard, telemetry::TelemetryError> {
    telemetry::init(&telemetry::Settings {
        level: match console {
            Console::Errors => tracing::Level::ERROR,
            Console::Everything | Console::WithoutStory => config.logging.level,
        },
        tells_story: matches!(console, Console::Everything),
        format: match config.logging.format {
            LogFormat::Text => telemetry::Format::Text,
            LogFormat::Json => telemetry::Format::Json,
        },
        files: telemetry::Files::In {
            logs_dir: config.paths.logs_dir.clone(),
            timezone: config.orchestrator.timezone.clone(),
        },
        clock,
    })
}

/// Makes sure that runs are whom they are to be, or does not let anything start that could run them.
pub fn require_user(config: &Config) -> Result<(), Error> {
    Ok(config.claude.user.as_ref().map_or(Ok(()), user::require)?)
}

/// Runs the daemon until it is told to end.
pub async fn serve(config: Config, secret: SecretString) -> Result<Served, Error> {
    if let Some(user) = &config.claude.user {
        info!("runs are user {}, the daemon is user {}", user.name, user::own_name());
    }
    let supervisor = Supervisor::named_in(environment(), std::process::id());
    let mut lifecycle = Lifecycle::new().map_err(Error::Signals)?;
    let Begun { core, listener } = match room::begin(&config, &secret, &supervisor, &mut lifecycle).await? {
        Ok(begun) => begun,
        Err(why) => return Ok(Served::before_it_began(why)),
    };
    let listening = listener.local_addr().map_or_else(|_| config.server.host.clone(), |at| at.to_string());
    info!(
        "orchestrator {} listens on http://{listening} for {}",
        env!("CARGO_PKG_VERSION"),
        config.paths.project_dir.display()
    );
    let Core { engine, worker, lock } = core;
    let broken = engine.broken().clone();
    let (soft, stop) = (lifecycle.soft(), lifecycle.soft());
    if let Some(receiver) = receiver(&config, &secret) {
        let notifier = Notifier::new(Arc::clone(&engine), receiver, worker.activity())?;
        lifecycle.spawn("the notifier", notifier.work(lifecycle.soft()));
    }
    let lock = Arc::new(lock);
    let upkeep = Upkeep::new(Arc::clone(&engine), Arc::clone(&lock), upkeep_settings(&config));
    let door = door(config, &secret, Arc::clone(&engine), &worker, lifecycle.soft());
    lifecycle.spawn("the worker", worker.work(lifecycle.soft()));
    lifecycle.spawn("the HTTP server", http::serve(listener, door, stop));
    lifecycle.spawn("the upkeep", upkeep.work(lifecycle.soft()));
    let failed = broken.clone();
    lifecycle.spawn("the database", async move {
        tokio::select! {
            () = failed.cancelled() => tracing::error!("the database failed: ending, so that nothing is done twice"),
            () = soft.cancelled() => {}
        }
    });
    let telling = watchdog::report(Arc::clone(&engine), supervisor, lifecycle.soft());
    lifecycle.spawn("the report to the service manager", telling);
    let ended = lifecycle.run_until_drained(DRAIN).await;
    let broken = broken.is_cancelled();
    succession::leave(&engine, &lock, broken).await;
    drop(lock);
    Ok(Served { ended, broken })
}

/// Answers one request where no daemon runs: under its lock, by the same engine, through the same door.
pub async fn answer(config: Config, secret: SecretString, request: Request) -> Result<Response, Error> {
    let Core { engine, worker, lock } =
        Core::build(&config, config.claude.rehearse, audience(&config)).await?;
    let response =
        http::inside(door(config, &secret, Arc::clone(&engine), &worker, CancellationToken::new()), request)
            .await;
    succession::leave(&engine, &lock, engine.broken().is_cancelled()).await;
    drop(lock);
    Ok(response)
}

fn door(
    config: Config,
    secret: &SecretString,
    engine: Arc<Engine>,
    worker: &Worker,
    stop: CancellationToken,
) -> Door {
    Door {
        engine,
        secrets: secrets(&config, secret),
        require_signature: config.webhooks.require_signature,
        callers: Callers {
            chats: config.telegram.chat_id,
            users: config.telegram.user_id,
            commands: config.telegram.commands,
        },
        allowed_hosts: config.server.allowed_hosts,
        logs_dir: config.paths.logs_dir,
        worker: worker.health(),
        stop,
    }
}

/// What callers may know.
fn secrets(config: &Config, secret: &SecretString) -> Vec<SecretString> {
    [Some(secret), config.webhooks.previous_secret.as_ref()].into_iter().flatten().cloned().collect()
}

async fn bind(config: &Config) -> Result<TcpListener, Error> {
    let address = format!("{}:{}", config.server.host, config.server.port);
    TcpListener::bind(&address).await.map_err(|source| Error::Listen { address, source })
}

/// Where notifications go, if they go anywhere.
fn receiver(config: &Config, secret: &SecretString) -> Option<Receiver> {
    let webhooks = &config.webhooks;
    Some(Receiver {
        url: webhooks.n8n_notify_url.clone()?,
        secret: webhooks.notify_secret.clone().unwrap_or_else(|| secret.clone()),
        headers: webhooks.notify_headers.clone(),
    })
}

/// The chats, if there is a way to them.
fn audience(config: &Config) -> Option<Audience> {
    config.webhooks.n8n_notify_url.as_ref().map(|_| Audience {
        chats: config.telegram.chat_id.clone(),
        commands: config.telegram.commands.clone(),
        remind_after: config.orchestrator.remind_after,
    })
}

fn engine_settings(
    config: &Config,
    rehearse: bool,
    audience: Option<Audience>,
    birthplace: Birthplace,
) -> engine::Settings {
    engine::Settings {
        policy: config.orchestrator.policy.clone(),
        checks: config.checks.keys().cloned().collect(),
        tasks_dir: config.paths.tasks_dir.clone(),
        daily_dir: config.paths.daily_dir.clone(),
        logs_dir: config.paths.logs_dir.clone(),
        timezone: config.orchestrator.timezone.clone(),
        rehearse,
        audience,
        birthplace: (birthplace.boot_id, birthplace.pid_namespace),
        clock,
    }
}

/// How the CLI is called.
pub fn claude_settings(config: &Config) -> claude::Settings {
    let claude = &config.claude;
    claude::Settings {
        command: claude.command.clone(),
        flags: claude.flags.clone(),
        model: claude.model.clone(),
        env: claude.env.clone(),
        user: claude.user.clone(),
    }
}

/// Where there must be room for a run.
fn disks(config: &Config) -> Vec<PathBuf> {
    let database = config.paths.database.parent().map(PathBuf::from);
    [Some(config.paths.logs_dir.clone()), database, Some(config.paths.project_dir.clone())]
        .into_iter()
        .flatten()
        .collect()
}

fn worker_settings(config: &Config) -> worker::Settings {
    let (claude, output) = (&config.claude, config.disk.output_per_run);
    worker::Settings {
        claude: claude_settings(config),
        limits: worker::Settings::limits(claude.timeout, claude.idle_timeout, claude.grace, output),
        room: worker::Room { folders: disks(config), min_free: config.disk.min_free },
        checks: config
            .checks
            .iter()
            .map(|(name, check)| (name.clone(), check.command.clone(), check.timeout))
            .collect(),
        project_dir: config.paths.project_dir.clone(),
        environment: environment(),
    }
}

/// What is kept, and how long.
pub fn upkeep_settings(config: &Config) -> upkeep::Settings {
    upkeep::Settings {
        logs_dir: config.paths.logs_dir.clone(),
        keep: config.logging.keep,
        timezone: config.orchestrator.timezone.clone(),
    }
}

/// What this process was given; runs see the configured part of it.
pub fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

fn must_be_folder(what: &'static str, path: &PathBuf) -> Result<(), Error> {
    let failed = |source| Error::Folder { what, path: path.clone(), source };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() { Ok(()) } else { Err(failed(io::ErrorKind::NotADirectory.into())) }
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => "; end what uses it, or choose another server.port",
        io::ErrorKind::PermissionDenied => "; ports below 1024 are for root: choose a higher server.port",
        _ => "; is server.host an address of this machine, such as 127.0.0.1 or 0.0.0.0?",
    }
}
