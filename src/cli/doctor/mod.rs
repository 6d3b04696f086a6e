//! `orchestrator doctor`: looks at everything that a day can fail for, changes nothing, and asks nobody who costs money.
//!
//! Of secrets and logins it only learns whether they are there; no value of one is printed or handed on.

mod claude;
mod isolation;
mod network;
mod payer;
mod program;
mod project;
mod report;
mod round_trip;
mod secrets;
mod state;

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::runtime::Builder;

use self::report::{Finding, Report};
use super::{Arguments as Global, Error, Exit, shown};
use crate::config::{Config, DEFAULT_FILE};

pub(super) const EXAMPLES: &str = "Examples:
  orchestrator doctor
  orchestrator doctor --round-trip
  orchestrator doctor --json | jq '.findings[] | select(.level != \"ok\")'

It sees the environment it is called in: call it as the user, and with the variables, that the daemon has.

Exit codes:
  0  nothing fails
  1  something does";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Look through the whole database for damage, which takes a while where it is large
    #[arg(long)]
    check_database: bool,
    /// Send a test message to your chat through n8n, and check each leg of its way and of the way back
    #[arg(long)]
    round_trip: bool,
}

pub(super) fn doctor(global: &Global, arguments: &Arguments) -> Result<Exit, Error> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let mut report = Report::new(arguments.json);
    let files = Files::of(global)?;
    match global.load() {
        Ok(config) => {
            report.add(files.found());
            runtime.block_on(look(&config, &files, arguments, &mut report));
        }
        Err(Error::Config(errors)) => {
            for sentence in errors.sentences() {
                report.add(Finding::fail("configuration", sentence, "correct it, and call this again"));
            }
        }
        Err(other) => return Err(other),
    }
    Ok(if report.close() { Exit::Ok } else { Exit::Failed })
}

async fn look(config: &Config, files: &Files, arguments: &Arguments, report: &mut Report) {
    for finding in secrets::look(config, files) {
        report.add(finding);
    }
    report.add(time(config));
    match isolation::look_as_runs(config, files) {
        Ok(findings) => {
            for finding in findings {
                report.add(finding);
            }
            for finding in claude::look(config, files).await {
                report.add(finding);
            }
            report.add(project::look(config).await);
        }
        Err(finding) => report.add(finding),
    }
    report.add(project::tasks(config));
    for finding in state::look(config).await {
        report.add(finding);
    }
    if arguments.check_database {
        report.add(state::look_through(&config.paths.database).await);
    }
    for finding in network::look(config, arguments.round_trip).await {
        report.add(finding);
    }
}

/// The files that configure the daemon, which need not be there.
#[derive(Debug)]
struct Files {
    config: PathBuf,
    dotenv: PathBuf,
}

impl Files {
    fn of(global: &Global) -> Result<Self, Error> {
        let dotenv = global.dotenv()?;
        let name = global.config.as_deref().and_then(Path::file_name).unwrap_or(DEFAULT_FILE.as_ref());
        Ok(Self { config: dotenv.with_file_name(name), dotenv })
    }

    fn found(&self) -> Finding {
        if self.config.exists() {
            return Finding::ok("configuration", format!("{} has no mistakes", shown(&self.config)));
        }
        Finding::ok("configuration", format!("the defaults, for there is no {}", shown(&self.config)))
    }
}

fn time(config: &Config) -> Finding {
    let zone = &config.orchestrator.timezone;
    let now = crate::app::clock().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
    match zone.iana_name() {
        _ if zone.is_unknown() => Finding::warn(
            "time",
            format!("the system doesn't say which time zone it is in, so that it is {now} in UTC"),
            "set orchestrator.timezone, such as \"Europe/Berlin\"",
        ),
        Some(name) => Finding::ok("time", format!("{now} in {name}")),
        None => Finding::ok("time", format!("{now} in the system's time zone")),
    }
}
