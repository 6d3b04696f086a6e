//! The commands of a chat as subcommands. They are clients of the running daemon; where none runs, the same router
//! answers in this process, under the daemon's lock, so that nothing is answered differently.
//!
//! Knows nothing of sessions but what the answers say.

mod answer;
mod asking;
mod bell;
mod command;
mod daemon;
mod desk;
mod follow;
mod gate;
mod help;
mod inside;
mod letter;
mod pages;
mod status;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod unreachable;
mod view;
mod ways;

use tokio::runtime::Builder;

use self::answer::Answer;
pub(super) use self::command::Command;
use self::desk::Desk;
use self::letter::Letter;
pub(super) use self::letter::address;
use self::pages::Pages;
pub(super) use self::unreachable::Unreachable;
use super::page::Page;
use super::say::harmless;
use super::{Arguments as Global, Error, Exit, say};

pub(super) fn client(global: &Global, command: &Command) -> Result<Exit, Error> {
    let config = global.load()?;
    let program = program(global);
    let pages =
        Pages { page: Page::of(std::io::stdout()), program: &program, logs_dir: &config.paths.logs_dir };
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(async {
        let mut desk = Desk::new(global, &config, &program)?;
        let ask = command.ask(&config.paths.tasks_dir);
        if let Command::Logs(logs) = command
            && logs.follow
        {
            return follow::follow(&mut desk, ask, logs.lines()).await;
        }
        let answer = desk.ask(&Letter::new(ask)).await?;
        tell(command, &answer, &pages);
        Ok(answer.exit())
    })
}

/// Prints an answer where it belongs.
fn tell(command: &Command, answer: &Answer, pages: &Pages<'_>) {
    let went_well = answer.exit() == Exit::Ok;
    if command.shape().json {
        say::out(&answer.body);
    } else if went_well {
        say::out(pages.text(command, answer));
    }
    if !went_well {
        say::error(harmless(&answer.message));
    }
}

/// How this program is called again with the same configuration.
fn program(global: &Global) -> String {
    let config = global.config.as_ref().map(|path| shell_words::quote(&path.to_string_lossy()).into_owned());
    config.map_or("orchestrator".to_owned(), |path| format!("orchestrator --config {path}"))
}
