//! `orchestrator man`

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{Arguments as Global, Error, Exit, say};

pub(super) const EXAMPLES: &str = "Examples:
  orchestrator man | man -l -                    read it now
  orchestrator man --dir ~/.local/share/man/man1   for `man orchestrator` and `man orchestrator-run`";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Write one page for each command into this folder, made if there is none
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn man(arguments: &Arguments) -> Result<Exit, Error> {
    let mut command = Global::command();
    command.build();
    let written = match &arguments.dir {
        None => page(&command).map(|page| say::document(&page)),
        Some(folder) => fs::create_dir_all(folder).and_then(|()| write_all(&command, folder)),
    };
    written.map_err(|source| Error::Manual { folder: arguments.dir.clone().unwrap_or_default(), source })?;
    Ok(Exit::Ok)
}

fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        write_all(subcommand, folder)?;
    }
    let path = folder.join(Man::new(command.clone()).get_filename());
    fs::write(&path, page(command)?)?;
    say::out(path.display());
    Ok(())
}

/// The page of one command, whose examples keep their lines.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man =
        Man::new(command.clone()).source(concat!("orchestrator ", env!("CARGO_PKG_VERSION"))).manual("");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(notes) = command.get_after_help() {
        let mut section = Roff::new();
        section.control("SH", ["NOTES"]).control("nf", []);
        section.text([roman(notes.to_string())]).control("fi", []);
        section.to_writer(&mut page)?;
    }
    Ok(page)
}
